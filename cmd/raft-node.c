/* raft-node.c - run one member of a cluster. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define SETTINGS_MOST 40
#define OWN_OPTIONS   16

enum {
	OPTION_ID = 0x2000,
	OPTION_MEMBERS,
	OPTION_JOIN,
	OPTION_DEV,
	OPTION_INSECURE,
	OPTION_READY_FD,
	OPTION_CONFIG,
	OPTION_PRINT_CONFIG,
	OPTION_RECORD,
	OPTION_SETTING, /* And the rest: the i-th setting. */
};

static const struct option own_options[] = {
	{"data-dir", required_argument, NULL, 'D'},
	{"id", required_argument, NULL, OPTION_ID},
	{"listen", required_argument, NULL, 'l'},
	{"cluster", required_argument, NULL, OPTION_MEMBERS},
	{"join", required_argument, NULL, OPTION_JOIN},
	{"dev", no_argument, NULL, OPTION_DEV},
	{"insecure", no_argument, NULL, OPTION_INSECURE},
	{"ready-fd", required_argument, NULL, OPTION_READY_FD},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
	{"record", required_argument, NULL, OPTION_RECORD},
};

static const char help_head[] =
	"Usage: raft-node serve -D DIR --id=N [-l HOST:PORT] [--cluster=LIST]\n"
	"       raft-node serve -D DIR --id=N -l HOST:PORT --join=URL\n"
	"       raft-node serve --dev [-l HOST:PORT]\n"
	"Run one member of a cluster until SIGTERM; kill -9 is fine, too.\n"
	"\n"
	"  -D, --data-dir=DIR   where this member keeps everything\n"
	"      --id=N           which member this is\n"
	"  -l, --listen=ADDR    HOST:PORT; port 0 picks one\n"
	"      --cluster=LIST   the members: 1=HOST:PORT,2=HOST:PORT,...\n"
	"      --join=URL       become a member of that member's cluster\n"
	"      --dev            one member, in a temporary directory\n"
	"      --insecure       allow an address that is not loopback\n"
	"      --ready-fd=N     write `ready URL' there when it serves\n"
	"      --config=FILE    `key = value' lines, keys as options\n"
	"      --print-config   print each value and its origin; then end\n"
	"      --record=FILE    append every event, to be replayed\n"
	"  -q -v -h -V          quiet, verbose, this help, version\n"
	"\nSettings (and defaults):\n";

static const char help_tail[] =
	"\nExamples:\n"
	"  raft-node serve --dev\n"
	"  raft-node serve -D data/1 --id=1 \\\n"
	"    --cluster=1=127.0.0.1:7401,2=127.0.0.1:7402,3=127.0.0.1:7403\n"
	"  raft-node serve --print-config --heartbeat-interval=50ms\n";

/* What the command line, the environment and a file come to. */
struct config {
	struct cmd cmd;
	struct rk_settings *settings;
	const char *dir;
	const char *id;
	const char *listen;
	const char *cluster;
	const char *join;
	const char *file;
	const char *record;
	int ready_fd;
	bool insecure;
	bool dev;
	bool print;
};

/* Options that are text; `name` where a file may have them, too. */
static const struct text_option {
	const char *name;
	int option;
	size_t offset;
} texts[] = {
	{"data-dir", 'D', offsetof(struct config, dir)},
	{"id", OPTION_ID, offsetof(struct config, id)},
	{"listen", 'l', offsetof(struct config, listen)},
	{"cluster", OPTION_MEMBERS, offsetof(struct config, cluster)},
	{"join", OPTION_JOIN, offsetof(struct config, join)},
	{NULL, OPTION_CONFIG, offsetof(struct config, file)},
	{NULL, OPTION_RECORD, offsetof(struct config, record)},
};

static const char **
text_place(struct config *c, size_t i)
{
	return (const char **)((char *)c + texts[i].offset);
}

static void
set(struct config *c, const char *name, const char *value, const char *origin)
{
	struct rk_error err;

	if (rk_settings_set(c->settings, name, value, origin, &err))
		cmd_usage(&c->cmd, "%s: %s", origin, err.text);
}

/* An option of a file that is no setting. The command line's wins. */
static bool
set_other(void *user, const char *name, const char *value)
{
	struct config *c = user;
	const char **place = NULL;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].name && strcmp(name, texts[i].name) == 0)
			place = text_place(c, i);
	}
	if (place == NULL)
		return false;
	if (*place == NULL)
		*place = strdup(value); /* For as long as the program runs. */
	return true;
}

static void
take_option(struct config *c, int option)
{
	struct rk_setting s;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].option == option) {
			*text_place(c, i) = optarg;
			return;
		}
	}
	switch (option) {
	case OPTION_DEV:
		c->dev = true;
		break;
	case OPTION_INSECURE:
		c->insecure = true;
		break;
	case OPTION_READY_FD:
		c->ready_fd = (int)cmd_number(&c->cmd, "--ready-fd", optarg, 3,
					      65535);
		break;
	case OPTION_PRINT_CONFIG:
		c->print = true;
		break;
	default:
		rk_settings_get(c->settings, (size_t)(option - OPTION_SETTING),
				&s);
		set(c, s.name, optarg, "option");
	}
}

static void
print_config(const struct config *c)
{
	struct rk_setting s;
	size_t i;

	printf("data-dir = %s\nid = %s\nlisten = %s\ncluster = %s\njoin = "
	       "%s\n",
	       c->dir ? c->dir : "", c->id ? c->id : "",
	       c->listen ? c->listen : "", c->cluster ? c->cluster : "",
	       c->join ? c->join : "");
	for (i = 0; rk_settings_get(c->settings, i, &s); i++)
		printf("%s = %s  # %s\n", s.name, s.value, s.origin);
}

static int
serve(struct config *c)
{
	char temporary[] = "/tmp/raft-node.XXXXXX";
	struct rk_member member = {.dir = c->dir,
				   .listen = c->listen,
				   .cluster = c->cluster,
				   .join = c->join,
				   .insecure = c->insecure,
				   .verbose = c->cmd.verbose,
				   .ready_fd = c->ready_fd,
				   .program = "raft-node",
				   .settings = c->settings,
				   .record = c->record};
	struct rk_error err;
	enum rk_code rc;

	if (c->join && (c->cluster || c->dev))
		cmd_usage(&c->cmd, "--join is for a member that no --cluster "
				   "names, and not for --dev");
	if (c->dev && (member.dir = mkdtemp(temporary)) == NULL)
		cmd_usage(&c->cmd, "%s: %s", temporary, strerror(errno));
	if (member.dir == NULL)
		cmd_usage(&c->cmd, "-D DIR is missing (or use --dev)");
	if (c->id == NULL && !c->dev)
		cmd_usage(&c->cmd, "--id=N is missing");
	member.id = cmd_number(&c->cmd, "--id", c->id ? c->id : "1", 1,
			       (UINT64_C(1) << 53) - 1);
	rc = rk_serve(&member, &err);
	if (c->dev)
		cmd_remove_tree(temporary);
	return rc ? cmd_fail(&c->cmd, &err) : RK_OK;
}

int
main(int argc, char **argv)
{
	struct option longs[SETTINGS_MOST + OWN_OPTIONS] = {{0}};
	struct cmd_spec spec = {
		.name = "raft-node", .letters = "D:l:", .longs = longs};
	struct config c = {.ready_fd = -1};
	struct rk_setting s;
	struct rk_error err;
	size_t own = sizeof own_options / sizeof own_options[0], i;
	int option, status = RK_OK;

	c.settings = rk_settings_new();
	memcpy(longs, own_options, sizeof own_options);
	for (i = 0; rk_settings_get(c.settings, i, &s); i++)
		longs[own + i] = (struct option){s.name, required_argument,
						 NULL, OPTION_SETTING + (int)i};
	spec.help = cmd_settings_help(help_head, c.settings, help_tail);
	cmd_begin(&c.cmd, &spec);
	while ((option = cmd_option(&c.cmd, argc, argv)) >= 0)
		take_option(&c, option);
	if (argc - optind != 1 || strcmp(argv[optind], "serve") != 0)
		cmd_usage(&c.cmd, "what to do is missing: raft-node serve");
	if (c.dir == NULL)
		c.dir = getenv("RAFT_DATA_DIR");
	if (c.file && rk_settings_load(c.settings, c.file, set_other, &c, &err))
		return cmd_fail(&c.cmd, &err);
	if (c.print)
		print_config(&c);
	else
		status = serve(&c);
	rk_settings_free(c.settings);
	free((void *)(uintptr_t)spec.help);
	return cmd_finish(&c.cmd, status);
}
