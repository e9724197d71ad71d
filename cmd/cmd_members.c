/* cmd_members.c - the members as rows, and their quorum. */

#include "cmd.h"

#include <inttypes.h>
#include <string.h>

static const char *
kind_of(const struct rk_member_status *m)
{
	if (m->voter)
		return "voter";
	return m->joining ? "joining" : "learner";
}

static void
print_row(const struct rk_member_status *m)
{
	const char *address = m->address;

	if (strncmp(address, "http://", 7) == 0)
		address += 7;
	printf("%-4" PRIu64 " %-8s %-9s %-24s %-12s ", m->id, kind_of(m),
	       m->reachable ? m->role : "-", address,
	       m->has_stream ? m->stream.state : "-");
	if (m->has_stream)
		printf("%6" PRIu64, m->stream.lag);
	else
		printf("%6s", "-");
	printf(" %s\n", m->error[0] != '\0' ? m->error : "-");
}

static void
print_json(const struct rk_member_status *m)
{
	printf("{\"id\":%" PRIu64 ",\"kind\":\"%s\",\"address\":", m->id,
	       kind_of(m));
	cmd_print_json_text(stdout, m->address);
	printf(",\"reachable\":%s,\"role\":", m->reachable ? "true" : "false");
	if (m->reachable)
		cmd_print_json_text(stdout, m->role);
	else
		printf("null");
	if (m->has_stream)
		printf(",\"stream\":\"%s\",\"lag\":%" PRIu64, m->stream.state,
		       m->stream.lag);
	printf("}\n");
}

void
cmd_print_member_rows(const struct rk_cluster_status *s, bool json)
{
	size_t voters = 0, up = 0, i;

	if (!json)
		printf("%-4s %-8s %-9s %-24s %-12s %6s %s\n", "ID", "KIND",
		       "ROLE", "ADDR", "STREAM", "LAG", "ERROR");
	for (i = 0; i < s->count; i++) {
		const struct rk_member_status *m = &s->members[i];

		voters += m->voter;
		up += m->voter && m->reachable;
		if (json)
			print_json(m);
		else
			print_row(m);
	}
	if (!json)
		printf("quorum %zu of %zu, %zu up\n", voters / 2 + 1, voters,
		       up);
}

static void
print_change_json(const struct rk_member_change *c, bool dry_run)
{
	printf("{\"changed\":%s,\"dry_run\":%s,\"index\":%" PRIu64
	       ",\"voters_before\":%zu,\"quorum_before\":%zu,"
	       "\"voters_after\":%zu,\"quorum_after\":%zu,"
	       "\"learners_before\":%zu,\"learners_after\":%zu}\n",
	       c->changed ? "true" : "false", dry_run ? "true" : "false",
	       c->index, c->voters_before, c->quorum_before, c->voters_after,
	       c->quorum_after, c->learners_before, c->learners_after);
}

void
cmd_print_change(const struct cmd *cmd, const struct rk_member_change *c,
		 bool dry_run)
{
	if (cmd->json) {
		print_change_json(c, dry_run);
		return;
	}
	printf("quorum %zu of %zu -> %zu of %zu", c->quorum_before,
	       c->voters_before, c->quorum_after, c->voters_after);
	if (c->learners_after > 0)
		printf(", and %zu learner%s", c->learners_after,
		       c->learners_after > 1 ? "s" : "");
	if (!c->changed)
		printf(" (it is so already)");
	else if (dry_run)
		printf(" (nothing was done)");
	printf("\n");
}
