/* raft-dump.c - print a replicated log, of a cluster or from files. */

#include "cmd_dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDOUT_BYTES (1U << 20)

enum {
	OPTION_ALL = 0x2000,
	OPTION_RAW,
	OPTION_STALE,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_CHECK, /* The rest are verbs. */
	OPTION_DIFF,
	OPTION_META,
	OPTION_STATS,
};

static const char help[] =
	"Usage: raft-dump [-f] [-i RANGE] [-n N] [-y TYPES] [--all]\n"
	"                 [-J|-0|--raw|--format=STR] [--stale] "
	"[DIR|FILE|URL]\n"
	"       raft-dump --check DIR | --diff DIR DIR | --meta DIR|FILE\n"
	"       raft-dump --stats [DIR|FILE|URL]\n"
	"Print the entries of a log: of a cluster, or from a member's data\n"
	"directory, a segment, or a saved snapshot, which are only read.\n"
	"\n"
	"  -f, --follow          go on as entries are committed\n"
	"  -i, --index=RANGE     7, 7:20, 7:, :20, or -100: for the last 100\n"
	"  -n N                  only the last N of what is selected\n"
	"      --since=T, --until=T  taken in then or later, then or before:\n"
	"                        2026-11-23T07:12:13Z, or 10m for so long ago\n"
	"  -y TYPES              data, noop, configuration, separated by "
	"commas\n"
	"      --all             all types, and repeats, too, marked as such\n"
	"  -J, --json            JSON Lines\n"
	"  -0, --null            bare data, each ended by NUL\n"
	"      --raw             bare data, each ended by a newline; a single\n"
	"                        entry (-n 1, -i 7) is exactly its bytes\n"
	"      --format=STR      %i index %t term %y type %T time %s size\n"
	"                        %d data %x hex %b base64; \\n \\t \\0 \\\\ "
	"\\xNN\n"
	"      --stale           what one member has, without a leader\n"
	"      --check           verify every byte of a data directory\n"
	"      --diff            where two members' committed logs differ\n"
	"      --meta            term, vote, commit, snapshot, members, "
	"format\n"
	"      --stats           entries and bytes, and how many a second\n"
	"  -e, --endpoints=LIST  members to try in order "
	"(env RAFT_ENDPOINTS)\n"
	"  -t, --timeout=DUR     500ms, 10s, 2m; default 10s, 0 is for ever\n"
	"      --cluster=ID      insist on this cluster (env RAFT_CLUSTER)\n"
	"  -q, -v                say less, say more\n"
	"  -h, --help, -V, --version\n"
	"\n"
	"Without a form asked for: the columns INDEX TERM TYPE TIME SIZE "
	"DATA.\n"
	"\n"
	"  raft-dump -J -i -10: | jq -r '[.index,.data]|@tsv'\n"
	"  raft-dump -f --raw | while IFS= read -r job; do sh -c \"$job\"; "
	"done\n"
	"  raft-dump --check /var/lib/raft\n";

static const struct option longs[] = {
	{"follow", no_argument, NULL, 'f'},
	{"index", required_argument, NULL, 'i'},
	{"all", no_argument, NULL, OPTION_ALL},
	{"raw", no_argument, NULL, OPTION_RAW},
	{"stale", no_argument, NULL, OPTION_STALE},
	{"since", required_argument, NULL, OPTION_SINCE},
	{"until", required_argument, NULL, OPTION_UNTIL},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"diff", no_argument, NULL, OPTION_DIFF},
	{"meta", no_argument, NULL, OPTION_META},
	{"stats", no_argument, NULL, OPTION_STATS},
	{NULL, 0, NULL, 0},
};

static const struct cmd_spec spec = {
	.name = "raft-dump",
	.help = help,
	.groups = CMD_CLIENT | CMD_JSON | CMD_NULL | CMD_FORMAT,
	.letters = "fi:n:y:",
	.longs = longs,
};

struct dump {
	struct cmd cmd;
	struct rk_read what;
	struct cmd_stats stats;
	bool raw;
	int verb;    /* OPTION_CHECK or behind; 0: print entries. */
	bool single; /* One entry is asked for. */
	size_t width;
	uint64_t printed;
};

static void
parse_options(struct dump *d, int argc, char **argv)
{
	int option;

	while ((option = cmd_option(&d->cmd, argc, argv)) != -1) {
		switch (option) {
		case 'f':
			d->what.follow = true;
			break;
		case 'i':
			d->single = cmd_read_range(&d->cmd, optarg, &d->what);
			break;
		case 'n':
			d->what.last = cmd_number(&d->cmd, "-n", optarg, 1,
						  UINT64_C(1) << 53);
			break;
		case 'y':
			d->what.types |= cmd_read_types(&d->cmd, optarg);
			break;
		case OPTION_ALL:
			d->what.types = CMD_ALL_TYPES;
			d->what.repeats = true;
			break;
		case OPTION_RAW:
			d->raw = true;
			break;
		case OPTION_STALE:
			d->what.level = RK_STALE;
			break;
		case OPTION_SINCE:
			d->what.since_ms =
				cmd_time_ms(&d->cmd, "--since", optarg);
			break;
		case OPTION_UNTIL:
			d->what.until_ms =
				cmd_time_ms(&d->cmd, "--until", optarg);
			break;
		default:
			if (d->verb != 0 && d->verb != option)
				cmd_usage(&d->cmd, "one of --check, --diff, "
						   "--meta and --stats");
			d->verb = option;
		}
	}
}

static void
check_options(struct dump *d, int sources, char **argv)
{
	int most = d->verb == OPTION_DIFF ? 2 : 1;

	if (sources > most)
		cmd_usage(&d->cmd, "one source at a time: %s", argv[most]);
	if (d->verb == OPTION_DIFF && sources < 2)
		cmd_usage(&d->cmd, "--diff: which two?");
	if (d->verb == OPTION_META && sources < 1)
		cmd_usage(&d->cmd, "--meta: of which files?");
	if (d->what.follow && (d->verb != 0 || d->what.until_ms != 0))
		cmd_usage(&d->cmd, "-f has no end, as this needs");
	if (d->cmd.json + d->cmd.null + d->raw + (d->cmd.format != NULL) > 1)
		cmd_usage(&d->cmd, "only one of -J, -0, --raw and --format");
}

static bool
print(void *user, const struct rk_entry *entry)
{
	struct dump *d = user;
	bool bare = d->raw || d->cmd.null;

	if (d->verb == OPTION_STATS) {
		cmd_stats_add(&d->stats, entry);
	} else if (d->cmd.json) {
		cmd_print_line(stdout, entry);
	} else if (d->cmd.format != NULL) {
		cmd_print_format(stdout, d->cmd.format, entry, NULL, 0);
	} else if (bare) {
		fwrite(entry->data, 1, entry->len, stdout);
		if (d->cmd.null || !d->single)
			putc(d->cmd.null ? '\0' : '\n', stdout);
	} else {
		if (d->printed == 0)
			cmd_print_row_names(stdout);
		cmd_print_row(stdout, entry, d->width);
	}
	d->printed++;
	if (d->what.follow)
		fflush(stdout);
	return ferror(stdout) == 0;
}

static enum rk_code
dump(struct dump *d, const char *source, struct rk_error *err)
{
	enum rk_code rc;

	rc = cmd_source_read(&d->cmd, source, &d->what, print, d, err);
	if (rc == RK_OK && d->single && d->printed == 0 && d->what.from != 0)
		return cmd_error(err, RK_ABSENT,
				 "--all also shows no-ops, configurations and "
				 "repeats",
				 "no such entry at index %" PRId64,
				 d->what.from);
	return rc;
}

static enum rk_code
stats(struct dump *d, const char *source, struct rk_error *err)
{
	enum rk_code rc;

	if (d->what.types == 0)
		d->what.types = CMD_ALL_TYPES;
	d->single = false;
	rc = dump(d, source, err);
	if (rc == RK_OK)
		cmd_stats_print(&d->cmd, &d->stats);
	return rc;
}

static enum rk_code
run(struct dump *d, char **sources, struct rk_error *err)
{
	switch (d->verb) {
	case OPTION_CHECK:
		return cmd_check(&d->cmd, sources[0], err);
	case OPTION_DIFF:
		return cmd_diff(&d->cmd, sources[0], sources[1], err);
	case OPTION_META:
		return cmd_meta(&d->cmd, sources[0], err);
	case OPTION_STATS:
		return stats(d, sources[0], err);
	}
	return dump(d, sources[0], err);
}

int
main(int argc, char **argv)
{
	struct dump d = {.printed = 0};
	struct rk_error err;
	int status;

	cmd_begin(&d.cmd, &spec);
	parse_options(&d, argc, argv);
	check_options(&d, argc - optind, argv + optind);
	setvbuf(stdout, NULL, _IOFBF, STDOUT_BYTES);
	d.width = cmd_terminal_width();
	if (d.what.follow)
		d.single = false;
	else if (d.what.last == 1)
		d.single = true;
	status = (int)run(&d, argv + optind, &err);
	if (status != RK_OK)
		status = cmd_fail(&d.cmd, &err);
	return cmd_finish(&d.cmd, status);
}
