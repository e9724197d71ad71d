/* raft-status.c - say how a cluster does, or wait until it does well. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_PAUSE_MS 50

enum { OPTION_WAIT = 0x2000, OPTION_LEADER, OPTION_IS_LEADER, OPTION_CHECK };

enum wait { WAIT_NOT, WAIT_LEADER, WAIT_HEALTHY, WAIT_MEMBERS, WAIT_APPLIED };

static const struct option longs[] = {
	{"watch", optional_argument, NULL, 'w'},
	{"wait", required_argument, NULL, OPTION_WAIT},
	{"leader", no_argument, NULL, OPTION_LEADER},
	{"is-leader", no_argument, NULL, OPTION_IS_LEADER},
	{"check", no_argument, NULL, OPTION_CHECK},
	{NULL, 0, NULL, 0},
};

static const struct cmd_spec spec = {
	.name = "raft-status",
	.groups = CMD_CLIENT | CMD_JSON,
	.letters = "w::",
	.longs = longs,
	.help = "Usage: raft-status [OPTION]...\n"
		"Print a row for every member and a verdict.\n"
		"Exits 0 if healthy, 1 if degraded, 5 without a quorum.\n\n"
		"  -w, --watch[=SEC]     again every SEC seconds (1)\n"
		"  -J, --json            a JSON object a member\n"
		"      --wait=WHAT       until there is a leader, all is\n"
		"                        healthy, members=N or applied=N\n"
		"      --leader          print the leader's URL\n"
		"      --is-leader       exit 0 if the first endpoint leads\n"
		"      --check           exit as monitoring plugins do\n"
		"  -e, --endpoints=LIST  the cluster ($RAFT_ENDPOINTS)\n"
		"      --cluster=ID      talk to this cluster only\n"
		"  -t, --timeout=DUR     for --wait and --leader (10s)\n"
		"  -v, --verbose         also INFLIGHT and FAILED requests\n"
		"  -q, --quiet   -h, --help   -V, --version\n\n"
		"Examples:\n"
		"  raft-status --wait=healthy -t 60s\n"
		"  curl \"$(raft-status --leader)/v1/status\"\n"
		"  raft-status -w2\n",
};

struct status {
	struct cmd cmd;
	struct rk_client *client;
	enum wait wait;
	uint64_t wait_for; /* N of members=N or applied=N. */
	uint64_t watch_ms; /* 0: once. */
	int verb;          /* One of the options, or 0. */
	struct cmd_rates rates;
};

static int
exit_status(const struct rk_cluster_status *s)
{
	switch (s->verdict) {
	case RK_HEALTHY:
		return RK_OK;
	case RK_DEGRADED:
		return RK_FAILED;
	case RK_NO_QUORUM:
		break;
	}
	return RK_NO_LEADER;
}

static int
show(struct status *st)
{
	struct rk_cluster_status *s;
	struct rk_error err;
	int status;

	if (rk_client_status(st->client, &s, &err) != RK_OK)
		return cmd_fail(&st->cmd, &err);
	if (st->watch_ms > 0 && isatty(STDOUT_FILENO))
		printf("\033[H\033[J");
	if (st->cmd.json) {
		cmd_print_members(s);
	} else {
		cmd_print_table(s, st->cmd.verbose);
		cmd_print_verdict(s);
	}
	if (st->watch_ms > 0 && !st->cmd.json)
		cmd_print_rates(&st->rates, s);
	status = exit_status(s);
	rk_cluster_status_free(s);
	return status;
}

static int
check(struct status *st)
{
	static const char *const word[] = {"OK", "WARNING", "CRITICAL"};
	struct rk_cluster_status *s;
	struct rk_error err;
	int status;

	if (rk_client_status(st->client, &s, &err) != RK_OK) {
		printf("RAFT UNKNOWN - %s\n", err.text);
		return 3;
	}
	status = (int)s->verdict;
	printf("RAFT %s - ", word[status]);
	cmd_print_verdict(s);
	rk_cluster_status_free(s);
	return status;
}

static bool
is_there(const struct status *st, const struct rk_cluster_status *s)
{
	rk_index applied = 0;
	uint64_t up = 0;
	size_t i;

	for (i = 0; i < s->count; i++) {
		up += s->members[i].reachable;
		if (s->members[i].id == s->leader)
			applied = s->members[i].applied;
	}
	switch (st->wait) {
	case WAIT_NOT:
		break;
	case WAIT_LEADER:
		return s->verdict != RK_NO_QUORUM;
	case WAIT_HEALTHY:
		return s->verdict == RK_HEALTHY;
	case WAIT_MEMBERS:
		return up >= st->wait_for;
	case WAIT_APPLIED:
		return applied >= st->wait_for;
	}
	return true;
}

/* Ask until it is so. */
static int
wait_until(struct status *st)
{
	uint64_t end_ms = cmd_now_ms() + st->cmd.client.timeout_ms;
	struct rk_cluster_status *s;
	struct rk_error err;
	enum rk_code rc;

	for (;;) {
		rc = rk_client_status(st->client, &s, &err);
		if (rc == RK_DENIED)
			return cmd_fail(&st->cmd, &err);
		if (rc == RK_OK) {
			if (is_there(st, s))
				break;
			cmd_error(&err, RK_NO_LEADER, NULL,
				  "still not what was waited for: %s%s%s",
				  rk_verdict_name(s->verdict),
				  s->reason[0] != '\0' ? ": " : "", s->reason);
			rk_cluster_status_free(s);
		}
		if (st->cmd.client.timeout_ms > 0 && cmd_now_ms() >= end_ms)
			return cmd_fail(&st->cmd, &err);
		cmd_nap(WAIT_PAUSE_MS);
	}
	if (st->verb == OPTION_LEADER)
		puts(s->leader_url);
	rk_cluster_status_free(s);
	return RK_OK;
}

static int
is_leader(struct status *st)
{
	struct rk_error err;
	bool leads;

	if (rk_client_first_leads(st->client, &leads, &err) != RK_OK)
		return cmd_fail(&st->cmd, &err);
	return leads ? RK_OK : RK_FAILED;
}

static void
parse_wait(struct status *st, const char *text)
{
	if (strcmp(text, "leader") == 0) {
		st->wait = WAIT_LEADER;
	} else if (strcmp(text, "healthy") == 0) {
		st->wait = WAIT_HEALTHY;
	} else if (strncmp(text, "members=", 8) == 0) {
		st->wait = WAIT_MEMBERS;
		st->wait_for =
			cmd_number(&st->cmd, "--wait", text + 8, 1, 1000);
	} else if (strncmp(text, "applied=", 8) == 0) {
		st->wait = WAIT_APPLIED;
		st->wait_for =
			cmd_number(&st->cmd, "--wait", text + 8, 0, UINT64_MAX);
	} else {
		cmd_usage(&st->cmd,
			  "--wait: '%s' is none of: leader, healthy, "
			  "members=N, applied=N",
			  text);
	}
}

static void
parse(struct status *st, int argc, char **argv)
{
	int option;

	cmd_begin(&st->cmd, &spec);
	while ((option = cmd_option(&st->cmd, argc, argv)) != -1) {
		if (option == OPTION_WAIT) {
			parse_wait(st, optarg);
		} else if (option == 'w') {
			st->watch_ms = 1000;
			if (optarg != NULL)
				st->watch_ms = cmd_duration_ms(
					&st->cmd, "--watch", optarg);
		} else {
			st->verb = option;
		}
	}
	if (argv[optind] != NULL)
		cmd_usage(&st->cmd, "no arguments are wanted: '%s'",
			  argv[optind]);
	if (st->verb == OPTION_LEADER && st->wait == WAIT_NOT)
		st->wait = WAIT_LEADER;
}

int
main(int argc, char **argv)
{
	struct status st = {.verb = 0};
	int status = RK_OK;

	parse(&st, argc, argv);
	st.client = cmd_client(&st.cmd);
	if (st.wait != WAIT_NOT)
		status = wait_until(&st);
	else if (st.verb == OPTION_IS_LEADER)
		status = is_leader(&st);
	else if (st.verb == OPTION_CHECK)
		status = check(&st);
	else
		status = show(&st);
	while (st.watch_ms > 0 && st.wait == WAIT_NOT && st.verb == 0) {
		fflush(stdout);
		cmd_nap(st.watch_ms);
		status = show(&st);
	}
	rk_client_close(st.client);
	return cmd_finish(&st.cmd, status);
}
