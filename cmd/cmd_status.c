/* cmd_status.c - a cluster's status, for people and for programs. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 14

/* Those that are shown only if more is wanted. */
#define FIRST_EXTRA 11
#define LAST_EXTRA  12

static void
put_number(char cell[64], bool is_known, uint64_t n)
{
	snprintf(cell, 64, "%s", "-");
	if (is_known)
		snprintf(cell, 64, "%" PRIu64, n);
}

/* How the leader's stream to it does; of a snapshot, how much it has. */
static void
put_state(char cell[64], const struct rk_member_status *m)
{
	const struct rk_stream_status *s = &m->stream;

	if (!m->has_stream)
		snprintf(cell, 64, "-");
	else if (s->snapshot_bytes > 0)
		snprintf(cell, 64, "%s(%.0f%%)", s->state,
			 100 * (double)s->snapshot_offset /
				 (double)s->snapshot_bytes);
	else
		snprintf(cell, 64, "%s", s->state);
}

static void
fill_row(char row[COLUMNS][64], const struct rk_member_status *m)
{
	const struct rk_stream_status *s = &m->stream;
	bool up = m->reachable;

	put_number(row[0], true, m->id);
	snprintf(row[1], 64, "%s", up ? m->role : "-");
	snprintf(row[2], 64, "%.63s", m->address + 7 * (m->address[0] == 'h'));
	put_number(row[3], up, m->term);
	put_number(row[4], up, m->last);
	put_number(row[5], up, m->commit);
	put_number(row[6], up, m->applied);
	put_number(row[7], m->has_stream, s->lag);
	put_state(row[8], m);
	put_number(row[9], up && m->snapshot_index > 0, m->snapshot_index);
	if (!m->has_stream)
		snprintf(row[10], 64, "-");
	else if (s->contact_ms_ago == UINT64_MAX)
		snprintf(row[10], 64, "never");
	else
		snprintf(row[10], 64, "%" PRIu64 "ms", s->contact_ms_ago);
	snprintf(row[11], 64, "-");
	if (m->has_stream)
		snprintf(row[11], 64, "%" PRIu64 "/%" PRIu64 "B",
			 s->inflight_requests, s->inflight_bytes);
	put_number(row[12], m->has_stream, s->errors);
	snprintf(row[13], 64, "%.63s", m->error[0] != '\0' ? m->error : "-");
}

void
cmd_print_table(const struct rk_cluster_status *s, bool is_full)
{
	static const char *const head[COLUMNS] = {
		"ID",      "ROLE",     "ADDR",   "TERM",   "LAST",
		"COMMIT",  "APPLIED",  "LAG",    "STREAM", "SNAPSHOT",
		"CONTACT", "INFLIGHT", "FAILED", "ERROR"};
	char(*rows)[COLUMNS][64] = calloc(s->count + 1, sizeof *rows);
	size_t width[COLUMNS] = {0};
	size_t row;
	size_t i;

	if (rows == NULL)
		abort();
	for (row = 0; row <= s->count; row++) {
		if (row > 0)
			fill_row(rows[row], &s->members[row - 1]);
		for (i = 0; i < COLUMNS; i++) {
			if (row == 0)
				snprintf(rows[0][i], 64, "%s", head[i]);
			if (strlen(rows[row][i]) > width[i])
				width[i] = strlen(rows[row][i]);
		}
	}
	for (row = 0; row <= s->count; row++) {
		for (i = 0; i < COLUMNS - 1; i++) {
			if (is_full || i < FIRST_EXTRA || i > LAST_EXTRA)
				printf("%-*s ", (int)width[i], rows[row][i]);
		}
		printf("%s\n", rows[row][COLUMNS - 1]);
	}
	free(rows);
}

void
cmd_print_members(const struct rk_cluster_status *s)
{
	const struct rk_member_status *m;

	for (m = s->members; m < s->members + s->count; m++) {
		printf("{\"id\":%" PRIu64 ",\"address\":", m->id);
		cmd_print_json_text(stdout, m->address);
		printf(",\"voter\":%s,\"reachable\":%s,\"error\":",
		       m->voter ? "true" : "false",
		       m->reachable ? "true" : "false");
		if (m->error[0] != '\0')
			cmd_print_json_text(stdout, m->error);
		else
			printf("null");
		printf(",\"status\":%s}\n", m->json != NULL ? m->json : "null");
	}
}

void
cmd_print_verdict(const struct rk_cluster_status *s)
{
	size_t up = 0;
	size_t i;

	for (i = 0; i < s->count; i++)
		up += s->members[i].reachable;
	printf("%s: ", rk_verdict_name(s->verdict));
	if (s->reason[0] != '\0')
		printf("%s; ", s->reason);
	if (s->leader != 0)
		printf("leader %" PRIu64 " in ", s->leader);
	printf("term %" PRIu64 ", %zu of %zu members up\n", s->term, up,
	       s->count);
}
