/* jstatus.c - how a core stands, as JSON: whole, or brief for people. */

#include "jstatus.h"

#include <inttypes.h>

static json_t *
log_terms(const struct core *core, const struct core_status *status)
{
	json_t *terms = json_array();
	rk_index i;

	for (i = status->first; i <= status->last.index; i++)
		json_array_append_new(terms,
				      jfield_from_u64(core_term_at(core, i)));
	return terms;
}

static json_t *
write_stream(const struct core_stream_status *s)
{
	json_t *object = json_object();

	jfield_set(object, "peer", jfield_from_u64(s->peer));
	jfield_set(object, "state", json_string(stream_state_name(s->state)));
	jfield_set(object, "match", jfield_from_u64(s->match));
	jfield_set(object, "next", jfield_from_u64(s->next));
	jfield_set(object, "in_flight", jfield_from_u64(s->inflight_requests));
	jfield_set(object, "in_flight_bytes",
		   jfield_from_u64(s->inflight_bytes));
	jfield_set(object, "voter", json_boolean(s->voter));
	jfield_set(object, "contact", jfield_from_u64(s->contact_ms));
	jfield_set(object, "errors", jfield_from_u64(s->errors));
	jfield_set(object, "retries", jfield_from_u64(s->retries));
	return object;
}

void
jstatus_write(json_t *line, const struct core *core)
{
	struct core_status s;
	json_t *streams = json_array();
	size_t i;

	core_status(core, &s);
	jfield_set(line, "role", json_string(role_name(s.role)));
	jfield_set(line, "term", jfield_from_u64(s.hard_state.term));
	jfield_set(line, "vote", jfield_from_u64(s.hard_state.vote));
	jfield_set(line, "leader", jfield_from_u64(s.leader));
	jfield_set(line, "commit", jfield_from_u64(s.commit));
	jfield_set(line, "applied", jfield_from_u64(s.applied));
	jfield_set(line, "last_index", jfield_from_u64(s.last.index));
	jfield_set(line, "last_term", jfield_from_u64(s.last.term));
	jfield_set(line, "first_index", jfield_from_u64(s.first));
	jfield_set(line, "log", log_terms(core, &s));
	jfield_set(line, "snapshot", jfield_from_meta(&s.snapshot));
	jfield_set(line, "configuration",
		   jfield_from_configuration(&s.configuration));
	jfield_set(line, "committed_configuration",
		   jfield_from_configuration(&s.committed_configuration));
	jfield_set(line, "leader_contact",
		   jfield_from_u64(s.leader_contact_ms));
	jfield_set(line, "uncommitted_bytes",
		   jfield_from_u64(s.uncommitted_bytes));
	jfield_set(line, "failed", json_boolean(s.failed));
	jfield_set(line, "transferring", json_boolean(s.transferring));
	for (i = 0; i < s.stream_count; i++)
		json_array_append_new(streams, write_stream(&s.streams[i]));
	jfield_set(line, "streams", streams);
}

static json_t *
brief_log(const struct core *core, const struct core_status *s)
{
	struct bytes text = {0};
	json_t *value;
	rk_index i;

	if (s->first > 1)
		bytes_printf(&text, "%" PRIu64 ":", s->first);
	for (i = s->first; i <= s->last.index; i++)
		bytes_printf(&text, "%s%" PRIu64, text.len ? " " : "",
			     core_term_at(core, i));
	value = json_stringn((const char *)text.data, text.len);
	bytes_close(&text);
	return value ? value : json_string("");
}

static json_t *
brief_stream(const struct core_stream_status *s)
{
	return json_sprintf("%" PRIu64 " %s match %" PRIu64 " next %" PRIu64,
			    s->peer, stream_state_name(s->state), s->match,
			    s->next);
}

void
jstatus_brief(json_t *line, const struct core *core)
{
	struct core_status s;
	json_t *streams;
	size_t i;

	core_status(core, &s);
	jfield_set(line, "role", json_string(role_name(s.role)));
	jfield_set(line, "term", jfield_from_u64(s.hard_state.term));
	jfield_set(line, "vote", jfield_from_u64(s.hard_state.vote));
	jfield_set(line, "leader", jfield_from_u64(s.leader));
	jfield_set(line, "commit", jfield_from_u64(s.commit));
	jfield_set(line, "applied", jfield_from_u64(s.applied));
	jfield_set(line, "log", brief_log(core, &s));
	if (s.stream_count == 0)
		return;
	streams = json_array();
	for (i = 0; i < s.stream_count; i++)
		json_array_append_new(streams, brief_stream(&s.streams[i]));
	jfield_set(line, "streams", streams);
}
