/* raft-member.c - the members of a cluster, and who leads them. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_VOTER = 0x2000,
	OPTION_LEARNER,
};

static const char help[] =
	"Usage: raft-member list\n"
	"       raft-member add [-n] [--voter|--learner] ID HOST:PORT\n"
	"       raft-member promote|remove [-n] ID\n"
	"       raft-member set [-n] ID=HOST:PORT...\n"
	"       raft-member transfer [-n] [ID]\n"
	"Show and change the members of a cluster; hand leadership over.\n"
	"\n"
	"  list                   a row a member, and the quorum\n"
	"  add                    as a learner, which gets its vote when it "
	"has caught up\n"
	"  promote                give a learner its vote\n"
	"  remove                 also one that is down, or the leader\n"
	"  set                    these are the members, all voters\n"
	"  transfer               make ID the leader, or whoever is furthest\n"
	"\n"
	"  -n, --dry-run          say what would be done\n"
	"      --voter            add it with a vote at once\n"
	"      --learner          add it without, until it is promoted\n"
	"  -e, --endpoints=LIST   members to ask; default $RAFT_ENDPOINTS\n"
	"  -t, --timeout=DUR      how long it may take; default 10s\n"
	"  -J, --json             JSON Lines\n"
	"  -q -v -h -V            quiet, verbose, this help, version\n"
	"\n"
	"  raft-member add 4 127.0.0.1:7404\n"
	"  raft-member remove 3 && raft-member add 3 127.0.0.1:7403\n"
	"  raft-member transfer 2\n";

static const struct option longs[] = {
	{"dry-run", no_argument, NULL, 'n'},
	{"voter", no_argument, NULL, OPTION_VOTER},
	{"learner", no_argument, NULL, OPTION_LEARNER},
	{NULL, 0, NULL, 0},
};

static const struct cmd_spec spec = {
	.name = "raft-member",
	.help = help,
	.groups = CMD_CLIENT | CMD_JSON,
	.letters = "n",
	.longs = longs,
};

struct member_cmd {
	struct cmd cmd;
	struct rk_client *client;
	enum rk_member_kind kind;
	bool dry_run;
	char **args; /* Behind the verb. */
	int count;
};

static rk_id
id_of(const struct member_cmd *m, const char *text)
{
	return cmd_number(&m->cmd, "ID", text, 1, (UINT64_C(1) << 53) - 1);
}

/* ---- list ---- */

static enum rk_code
list(struct member_cmd *m, struct rk_error *err)
{
	struct rk_cluster_status *s;
	enum rk_code rc;

	rc = rk_client_status(m->client, &s, err);
	if (rc != RK_OK)
		return rc;
	cmd_print_member_rows(s, m->cmd.json);
	rk_cluster_status_free(s);
	return RK_OK;
}

/* ---- changes ---- */

static enum rk_code
add(struct member_cmd *m, struct rk_error *err)
{
	struct rk_member_change change;
	enum rk_code rc;

	rc = rk_client_member_add(m->client, id_of(m, m->args[0]), m->args[1],
				  m->kind, m->dry_run, &change, err);
	if (rc != RK_OK)
		return rc;
	cmd_print_change(&m->cmd, &change, m->dry_run);
	if (change.changed && !m->dry_run && m->kind == RK_MEMBER_JOINING)
		cmd_note(&m->cmd,
			 "member %s is a learner and gets its vote by itself "
			 "when it has caught up; see: raft-member list",
			 m->args[0]);
	return RK_OK;
}

static enum rk_code
promote(struct member_cmd *m, struct rk_error *err)
{
	struct rk_member_change change;
	enum rk_code rc;

	rc = rk_client_member_promote(m->client, id_of(m, m->args[0]),
				      m->dry_run, &change, err);
	if (rc == RK_OK)
		cmd_print_change(&m->cmd, &change, m->dry_run);
	return rc;
}

static enum rk_code
remove_member(struct member_cmd *m, struct rk_error *err)
{
	struct rk_member_change change;
	enum rk_code rc;

	rc = rk_client_member_remove(m->client, id_of(m, m->args[0]),
				     m->dry_run, &change, err);
	if (rc == RK_OK)
		cmd_print_change(&m->cmd, &change, m->dry_run);
	return rc;
}

static enum rk_code
set(struct member_cmd *m, struct rk_error *err)
{
	struct rk_member_change change;
	char *text = NULL;
	enum rk_code rc;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int i;

	if (out == NULL)
		abort();
	for (i = 0; i < m->count; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", m->args[i]);
	fclose(out);
	rc = rk_client_member_set(m->client, text, m->dry_run, &change, err);
	free(text);
	if (rc == RK_OK)
		cmd_print_change(&m->cmd, &change, m->dry_run);
	return rc;
}

static enum rk_code
transfer(struct member_cmd *m, struct rk_error *err)
{
	rk_id to = m->count > 0 ? id_of(m, m->args[0]) : 0;
	rk_id from, leader;
	enum rk_code rc;

	rc = rk_client_transfer(m->client, to, m->dry_run, &from, &leader, err);
	if (rc != RK_OK)
		return rc;
	if (m->cmd.json)
		printf("{\"from\":%" PRIu64 ",\"leader\":%" PRIu64
		       ",\"dry_run\":%s}\n",
		       from, leader, m->dry_run ? "true" : "false");
	else if (leader == 0)
		printf("leader %" PRIu64 " -> another (nothing was done)\n",
		       from);
	else
		printf("leader %" PRIu64 " -> %" PRIu64 "%s\n", from, leader,
		       m->dry_run ? " (nothing was done)" : "");
	return RK_OK;
}

struct verb {
	const char *name;
	int min; /* Arguments. */
	int max;
	enum rk_code (*run)(struct member_cmd *m, struct rk_error *err);
};

static const struct verb verbs[] = {
	{"list", 0, 0, list},       {"add", 2, 2, add},
	{"promote", 1, 1, promote}, {"remove", 1, 1, remove_member},
	{"set", 1, 64, set},        {"transfer", 0, 1, transfer},
};

static const struct verb *
find_verb(const struct member_cmd *m, const char *name)
{
	const struct verb *v = NULL;
	size_t i;

	if (name == NULL)
		cmd_usage(&m->cmd, "what is to be done?");
	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			v = &verbs[i];
	}
	if (v == NULL)
		cmd_usage(&m->cmd, "unknown command '%s'", name);
	if (m->count < v->min)
		cmd_usage(&m->cmd, "%s: which member%s?", name,
			  v->min > 1 ? ", and where" : "");
	if (m->count > v->max)
		cmd_usage(&m->cmd, "%s: too much: %s", name, m->args[v->max]);
	return v;
}

int
main(int argc, char **argv)
{
	struct member_cmd m = {.kind = RK_MEMBER_JOINING};
	const struct verb *verb;
	struct rk_error err;
	int option, status;

	cmd_begin(&m.cmd, &spec);
	while ((option = cmd_option(&m.cmd, argc, argv)) != -1) {
		if (option == 'n')
			m.dry_run = true;
		else
			m.kind = option == OPTION_VOTER ? RK_MEMBER_VOTER
							: RK_MEMBER_LEARNER;
	}
	m.args = argv + optind + (optind < argc);
	m.count = argc - optind - (optind < argc);
	verb = find_verb(&m, argv[optind]);
	m.client = cmd_client(&m.cmd);
	status = (int)verb->run(&m, &err);
	rk_client_close(m.client);
	if (status != RK_OK)
		status = cmd_fail(&m.cmd, &err);
	return cmd_finish(&m.cmd, status);
}
