/* raft-snapshot.c - take, keep and restore snapshots of a replicated log. */

#include "cmd.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPTION_VERIFY = 0x2000,
	OPTION_ID,
	OPTION_MEMBERS,
	OPTION_CLUSTER_NAME,
};

static const char help[] =
	"Usage: raft-snapshot take | list | save [-o FILE|-]\n"
	"       raft-snapshot inspect [--verify] FILE|-\n"
	"       raft-snapshot extract FILE|-\n"
	"       raft-snapshot restore FILE|- -D DIR --id=N --cluster=LIST\n"
	"Keep snapshots of a replicated log.\n"
	"\n"
	"  take                   have a member take one, print its id\n"
	"  list                   those of the member that answers\n"
	"  save                   copy the newest to a file, and check it\n"
	"  inspect                what a saved snapshot covers\n"
	"  extract                its payload: the entries, as JSON Lines\n"
	"  restore                make a member's directory of a new\n"
	"                         cluster that begins with it\n"
	"\n"
	"  -o, --output=FILE      where to save (INDEX-TERM.snap)\n"
	"      --verify           read all of it and check it\n"
	"  -D, --data-dir=DIR     the directory to make\n"
	"      --id=N             the member that it is for\n"
	"      --cluster=LIST     all members of the new cluster: "
	"1=HOST:PORT,2=...\n"
	"      --cluster-name=S   as raft-node will be told\n"
	"  -e, --endpoints=LIST   the cluster ($RAFT_ENDPOINTS)\n"
	"  -t, --timeout=DUR      until a member answers (10s)\n"
	"  -J, --json             JSON Lines\n"
	"  -q, --quiet   -v, --verbose   -h, --help   -V, --version\n"
	"\n"
	"Examples:\n"
	"  raft-snapshot save -o - | gzip >backup.snap.gz\n"
	"  raft-snapshot extract x.snap | jq -c .data | tail -n 3\n"
	"  raft-snapshot restore x.snap -D data/1 --id=1 "
	"--cluster=1=127.0.0.1:7401\n";

static const struct option longs[] = {
	{"output", required_argument, NULL, 'o'},
	{"verify", no_argument, NULL, OPTION_VERIFY},
	{"data-dir", required_argument, NULL, 'D'},
	{"id", required_argument, NULL, OPTION_ID},
	{"cluster", required_argument, NULL, OPTION_MEMBERS},
	{"cluster-name", required_argument, NULL, OPTION_CLUSTER_NAME},
	{NULL, 0, NULL, 0},
};

static const struct cmd_spec spec = {
	.name = "raft-snapshot",
	.help = help,
	.groups = CMD_CLIENT | CMD_JSON,
	.letters = "D:o:",
	.longs = longs,
};

struct snapshot_cmd {
	struct cmd cmd;
	struct rk_restore restore;
	bool verify;
	const char *file;
	const char *output;
};

static enum rk_code
take(struct snapshot_cmd *s, struct rk_error *err)
{
	return cmd_take(&s->cmd, err);
}

static enum rk_code
list(struct snapshot_cmd *s, struct rk_error *err)
{
	return cmd_list(&s->cmd, err);
}

static enum rk_code
save(struct snapshot_cmd *s, struct rk_error *err)
{
	return cmd_save(&s->cmd, s->output, err);
}

static enum rk_code
inspect(struct snapshot_cmd *s, struct rk_error *err)
{
	return cmd_inspect(&s->cmd, s->file, s->verify, err);
}

static enum rk_code
extract(struct snapshot_cmd *s, struct rk_error *err)
{
	return cmd_extract(&s->cmd, s->file, err);
}

static enum rk_code
restore(struct snapshot_cmd *s, struct rk_error *err)
{
	if (s->restore.dir == NULL || s->restore.id == 0 ||
	    s->restore.cluster == NULL)
		cmd_usage(&s->cmd, "restore: -D, --id and --cluster say what "
				   "to make");
	return cmd_restore(&s->cmd, s->file, &s->restore, err);
}

struct verb {
	const char *name;
	bool takes_file;
	enum rk_code (*run)(struct snapshot_cmd *s, struct rk_error *err);
};

static const struct verb verbs[] = {
	{"take", false, take},      {"list", false, list},
	{"save", false, save},      {"inspect", true, inspect},
	{"extract", true, extract}, {"restore", true, restore},
};

static const struct verb *
find_verb(const struct cmd *c, const char *name)
{
	size_t i;

	if (name == NULL)
		cmd_usage(c, "what is to be done?");
	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	cmd_usage(c, "unknown command '%s'", name);
}

static void
parse_options(struct snapshot_cmd *s, int argc, char **argv)
{
	int option;

	while ((option = cmd_option(&s->cmd, argc, argv)) != -1) {
		switch (option) {
		case 'D':
			s->restore.dir = optarg;
			break;
		case 'o':
			s->output = optarg;
			break;
		case OPTION_VERIFY:
			s->verify = true;
			break;
		case OPTION_ID:
			s->restore.id = cmd_number(&s->cmd, "--id", optarg, 1,
						   (UINT64_C(1) << 53) - 1);
			break;
		case OPTION_MEMBERS:
			s->restore.cluster = optarg;
			break;
		case OPTION_CLUSTER_NAME:
			s->restore.cluster_name = optarg;
			break;
		}
	}
}

int
main(int argc, char **argv)
{
	struct snapshot_cmd s = {.file = NULL};
	const struct verb *verb;
	struct rk_error err;
	int status;

	cmd_begin(&s.cmd, &spec);
	parse_options(&s, argc, argv);
	verb = find_verb(&s.cmd, argv[optind]);
	if (verb->takes_file) {
		s.file = argv[++optind];
		if (s.file == NULL)
			cmd_usage(&s.cmd, "%s: which file?", verb->name);
	}
	if (argv[++optind] != NULL)
		cmd_usage(&s.cmd, "%s: too much: %s", verb->name, argv[optind]);
	/* For a cluster that runs it is the id that it must have. */
	if (!verb->takes_file && s.restore.cluster != NULL)
		s.cmd.client.cluster = s.restore.cluster;
	status = (int)verb->run(&s, &err);
	if (status != RK_OK)
		status = cmd_fail(&s.cmd, &err);
	return cmd_finish(&s.cmd, status);
}
