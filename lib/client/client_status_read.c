/* client_status_read.c - read and judge what members say of themselves. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/client_status.h"

/* Under load a member is always a little behind. */
#define APPLY_LAG_MOST 1000

static const char *const verdict_name[] = {
	[RK_HEALTHY] = "healthy",
	[RK_DEGRADED] = "degraded",
	[RK_NO_QUORUM] = "no-quorum",
};
_Static_assert(LEN(verdict_name) == RK_NO_QUORUM + 1, "name every verdict");

const char *
rk_verdict_name(enum rk_verdict verdict)
{
	return (size_t)verdict < LEN(verdict_name) ? verdict_name[verdict]
						   : "invalid";
}

enum rk_code
status_read(struct slice text, json_t **root, struct rk_error *err)
{
	enum rk_code rc = json_read(text, LIMIT_JSON_BYTES, root, err);

	return rc != RK_OK ? error_wrap(err, "status") : rc;
}

static enum rk_code
read_text(const json_t *root, const char *name, char *to, size_t size,
	  struct rk_error *err)
{
	const char *text;
	enum rk_code rc = json_get_text(root, name, &text, err);

	if (rc == RK_OK)
		snprintf(to, size, "%s", text);
	return rc;
}

struct number_field {
	const char *name;
	uint64_t *to;
};

static enum rk_code
read_numbers(const json_t *root, const struct number_field *fields,
	     size_t count, struct rk_error *err)
{
	enum rk_code rc = RK_OK;
	size_t i;

	for (i = 0; i < count && rc == RK_OK; i++)
		rc = json_get_u64(root, fields[i].name, LIMIT_NUMBER,
				  fields[i].to, err);
	return rc;
}

enum rk_code
status_decode(const json_t *root, struct rk_member_status *m,
	      struct rk_error *err)
{
	const struct number_field fields[] = {
		{"id", &m->id},           {"term", &m->term},
		{"leader", &m->leader},   {"first", &m->first},
		{"last", &m->last},       {"commit", &m->commit},
		{"applied", &m->applied}, {"uptime_ms", &m->uptime_ms},
	};
	const json_t *snapshot = json_object_get(root, "snapshot");
	const json_t *error = json_object_get(root, "error");
	enum rk_code rc;

	rc = read_numbers(root, fields, LEN(fields), err);
	if (rc == RK_OK)
		rc = read_text(root, "role", m->role, sizeof m->role, err);
	if (rc == RK_OK)
		rc = read_text(root, "disk", m->disk, sizeof m->disk, err);
	if (rc == RK_OK)
		rc = read_text(root, "address", m->address, sizeof m->address,
			       err);
	if (rc == RK_OK && json_is_object(snapshot)) {
		const struct number_field of_snapshot[] = {
			{"index", &m->snapshot_index},
			{"term", &m->snapshot_term},
		};

		rc = read_numbers(snapshot, of_snapshot, LEN(of_snapshot), err);
	}
	if (rc == RK_OK && json_is_string(error))
		snprintf(m->error, sizeof m->error, "%s",
			 json_string_value(error));
	return rc != RK_OK ? error_wrap(err, "status") : RK_OK;
}

void
status_decode_stream(const json_t *leader, struct rk_member_status *m)
{
	struct rk_stream_status *s = &m->stream;
	const struct number_field fields[] = {
		{"match", &s->match},
		{"next", &s->next},
		{"lag", &s->lag},
		{"inflight_requests", &s->inflight_requests},
		{"inflight_bytes", &s->inflight_bytes},
		{"errors", &s->errors},
		{"snapshot_offset", &s->snapshot_offset},
		{"snapshot_bytes", &s->snapshot_bytes},
	};
	struct rk_error ignored;
	json_t *stream;
	json_t *contact;
	rk_id id;
	size_t i;

	json_array_foreach(json_object_get(leader, "streams"), i, stream)
	{
		if (json_get_u64(stream, "id", LIMIT_NUMBER, &id, &ignored) !=
			    RK_OK ||
		    id != m->id)
			continue;
		if (read_numbers(stream, fields, LEN(fields), &ignored) !=
			    RK_OK ||
		    read_text(stream, "state", s->state, sizeof s->state,
			      &ignored) != RK_OK)
			return;
		s->id = id;
		contact = json_object_get(stream, "contact_ms_ago");
		s->contact_ms_ago =
			json_is_integer(contact)
				? (uint64_t)json_integer_value(contact)
				: UINT64_MAX;
		m->has_stream = true;
		return;
	}
}

bool
status_lists(const json_t *root, const char *name, rk_id id)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(root, name), i, value)
	{
		if (json_is_integer(value) &&
		    (rk_id)json_integer_value(value) == id)
			return true;
	}
	return false;
}

const char *
status_cluster(const json_t *root)
{
	const char *text = json_string_value(json_object_get(root, "cluster"));

	return text != NULL ? text : "";
}

static const struct rk_member_status *
find_leader(const struct rk_cluster_status *s)
{
	const struct rk_member_status *leader = NULL;
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct rk_member_status *m = &s->members[i];

		if (m->reachable && strcmp(m->role, "leader") == 0 &&
		    (leader == NULL || m->term > leader->term))
			leader = m;
	}
	return leader;
}

/* What keeps a member from doing its part; NULL if nothing does. */
static const char *
ailment(const struct rk_member_status *m, const struct rk_member_status *leader)
{
	if (!m->reachable)
		return m->error[0] != '\0' ? m->error : "not reachable";
	if (strcmp(m->disk, "full") == 0)
		return "disk full";
	if (strcmp(m->disk, "ok") != 0)
		return "disk failed";
	if (m->leader != leader->id || m->term != leader->term)
		return "does not follow the leader";
	if (m != leader && !m->has_stream)
		return "no stream from the leader";
	/* One that has everything is as good as one that gets it live. */
	if (m != leader && strcmp(m->stream.state, "line-rate") != 0 &&
	    m->stream.lag > 0)
		return m->stream.state;
	if (m->applied + APPLY_LAG_MOST < leader->commit)
		return "behind in applying";
	return m->error[0] != '\0' ? m->error : NULL;
}

void
status_judge(struct rk_cluster_status *s)
{
	const struct rk_member_status *leader = find_leader(s);
	size_t followers = 0;
	size_t voters = 0;
	size_t i;

	s->verdict = RK_NO_QUORUM;
	for (i = 0; i < s->count; i++) {
		const struct rk_member_status *m = &s->members[i];

		if (m->reachable && m->term > s->term)
			s->term = m->term;
		voters += m->voter;
		followers += m->voter && m->reachable && leader != NULL &&
			     m->leader == leader->id && m->term == leader->term;
	}
	if (leader == NULL) {
		snprintf(s->reason, sizeof s->reason, "no leader");
		return;
	}
	s->leader = leader->id;
	snprintf(s->leader_url, sizeof s->leader_url, "%s", leader->address);
	if (followers <= voters / 2) {
		snprintf(s->reason, sizeof s->reason,
			 "only %zu of %zu voters follow leader %llu", followers,
			 voters, (unsigned long long)leader->id);
		return;
	}
	s->verdict = RK_HEALTHY;
	for (i = 0; i < s->count && s->verdict == RK_HEALTHY; i++) {
		const char *what = ailment(&s->members[i], leader);

		if (what == NULL)
			continue;
		s->verdict = RK_DEGRADED;
		snprintf(s->reason, sizeof s->reason, "member %llu: %s",
			 (unsigned long long)s->members[i].id, what);
	}
}
