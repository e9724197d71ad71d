/* raft-dump.c - print a replicated log, of a cluster or from files. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDOUT_BYTES (1U << 20)

enum { OPTION_ALL = 0x2000, OPTION_RAW, OPTION_STALE, OPTION_CHECK };

static const char help[] =
	"Usage: raft-dump [-f] [-i RANGE] [-n N] [-y TYPES] [--all]\n"
	"                 [-J|-0|--raw|--format=STR] [--stale] "
	"[DIR|FILE|URL]\n"
	"       raft-dump --check DIR\n"
	"Print the entries of a log: of a cluster, or from a member's data\n"
	"directory, a segment, or a saved snapshot, which are only read.\n"
	"\n"
	"  -f, --follow          go on as entries are committed\n"
	"  -i, --index=RANGE     7, 7:20, 7:, :20, or -100: for the last 100\n"
	"  -n N                  only the last N of what is selected\n"
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
	{"check", no_argument, NULL, OPTION_CHECK},
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
	bool raw;
	bool check;
	bool single; /* One entry is asked for. */
	size_t width;
	uint64_t printed;
	rk_index uncommitted; /* The first such one printed; 0: none. */
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
			d->what.types = 1U << RK_ENTRY_DATA |
					1U << RK_ENTRY_NOOP |
					1U << RK_ENTRY_CONFIGURATION;
			d->what.repeats = true;
			break;
		case OPTION_RAW:
			d->raw = true;
			break;
		case OPTION_STALE:
			d->what.level = RK_STALE;
			break;
		case OPTION_CHECK:
			d->check = true;
			break;
		}
	}
	if (argc - optind > 1)
		cmd_usage(&d->cmd, "one source at a time: %s",
			  argv[optind + 1]);
	if (d->cmd.json + d->cmd.null + d->raw + (d->cmd.format != NULL) > 1)
		cmd_usage(&d->cmd, "only one of -J, -0, --raw and --format");
}

static void
print_json(const struct rk_entry *entry)
{
	if (entry->committed) {
		fwrite(entry->line, 1, entry->line_len, stdout);
		return;
	}
	fwrite(entry->line, 1, entry->line_len - 2, stdout);
	fputs(",\"committed\":false}\n", stdout);
}

static bool
print(void *user, const struct rk_entry *entry)
{
	struct dump *d = user;
	bool bare = d->raw || d->cmd.null;

	if (!entry->committed && d->uncommitted == 0)
		d->uncommitted = entry->index;
	if (d->cmd.json) {
		print_json(entry);
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
dump_files(struct dump *d, const char *path, struct rk_error *err)
{
	struct rk_reader_info info;
	struct rk_reader *r;
	enum rk_code rc;

	if (d->what.follow)
		cmd_usage(&d->cmd, "-f follows a cluster, not files");
	rc = rk_reader_open(path, &r, err);
	if (rc)
		return rc;
	rk_reader_info(r, &info);
	rc = rk_reader_read(r, &d->what, print, d, err);
	if (info.torn_bytes != 0)
		cmd_note(&d->cmd,
			 "%s: the last %" PRIu64
			 " bytes were only half written; left out",
			 path, info.torn_bytes);
	if (d->uncommitted != 0)
		cmd_note(&d->cmd,
			 "%s: from index %" PRIu64
			 " on not known to be committed",
			 path, d->uncommitted);
	rk_reader_close(r);
	return rc;
}

static enum rk_code
dump_cluster(struct dump *d, struct rk_error *err)
{
	struct rk_client *client = cmd_client(&d->cmd);
	enum rk_code rc;

	if (d->what.follow)
		cmd_watch_reader(client);
	rc = rk_client_read(client, &d->what, print, d, err);
	rk_client_close(client);
	return rc;
}

static enum rk_code
run(struct dump *d, const char *source, struct rk_error *err)
{
	enum rk_code rc;

	if (d->check)
		return cmd_check(&d->cmd, source, err);
	if (source == NULL) {
		rc = dump_cluster(d, err);
	} else if (strstr(source, "://") != NULL) {
		d->cmd.client.endpoints = source;
		rc = dump_cluster(d, err);
	} else {
		rc = dump_files(d, source, err);
	}
	if (rc == RK_OK && d->single && d->printed == 0 && d->what.from != 0)
		return cmd_error(err, RK_ABSENT,
				 "--all also shows no-ops, configurations and "
				 "repeats",
				 "no such entry at index %" PRId64,
				 d->what.from);
	return rc;
}

int
main(int argc, char **argv)
{
	struct dump d = {.printed = 0};
	struct rk_error err;
	int status;

	cmd_begin(&d.cmd, &spec);
	parse_options(&d, argc, argv);
	setvbuf(stdout, NULL, _IOFBF, STDOUT_BYTES);
	d.width = cmd_terminal_width();
	if (d.what.follow)
		d.single = false;
	else if (d.what.last == 1)
		d.single = true;
	status = (int)run(&d, argv[optind], &err);
	if (status != RK_OK)
		status = cmd_fail(&d.cmd, &err);
	return cmd_finish(&d.cmd, status);
}
