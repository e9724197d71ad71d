/* event_text.c - what happens to a core, as lines of JSON. */

#include "node/event_text.h"

#include <assert.h>

#include "base/mem.h"

static const char *const event_name[] = {
	[EVENT_TIME] = "time",
	[EVENT_RECEIVE] = "receive",
	[EVENT_PROPOSE] = "propose",
	[EVENT_CONFIGURE] = "configure",
	[EVENT_READ] = "read",
	[EVENT_TRANSFER] = "transfer",
	[EVENT_CAMPAIGN] = "campaign",
	[EVENT_PERSISTED] = "persisted",
	[EVENT_PERSIST_FAILED] = "persist_failed",
	[EVENT_APPLIED] = "applied",
	[EVENT_SNAPSHOT_TAKEN] = "snapshot_taken",
	[EVENT_SNAPSHOT_SENT] = "snapshot_sent",
	[EVENT_SNAPSHOT_RECEIVED] = "snapshot_received",
	[EVENT_PEER_UNREACHABLE] = "peer_unreachable",
	[EVENT_COMPACTED] = "compacted",
};
_Static_assert(LEN(event_name) == EVENT_COMPACTED + 1, "name every event");

static const char *const message_name[] = {
	[MESSAGE_VOTE] = "vote",
	[MESSAGE_VOTE_REPLY] = "vote_reply",
	[MESSAGE_APPEND] = "append",
	[MESSAGE_APPEND_REPLY] = "append_reply",
	[MESSAGE_HEARTBEAT] = "heartbeat",
	[MESSAGE_HEARTBEAT_REPLY] = "heartbeat_reply",
	[MESSAGE_SNAPSHOT] = "snapshot",
	[MESSAGE_SNAPSHOT_REPLY] = "snapshot_reply",
	[MESSAGE_TIMEOUT_NOW] = "timeout_now",
	[MESSAGE_TIMEOUT_NOW_REPLY] = "timeout_now_reply",
};
_Static_assert(LEN(message_name) == MESSAGE_TIMEOUT_NOW_REPLY + 1,
	       "name every message");

const char *
event_text_name(enum event_type type)
{
	return event_name[type];
}

const char *
event_text_message_name(enum message_type type)
{
	return message_name[type];
}

/* ---- pieces: each ends with a comma, which close_object() takes back ---- */

static void
name(struct bytes *out, const char *text)
{
	bytes_append_char(out, '"');
	bytes_append_text(out, text);
	bytes_append_text(out, "\":");
}

static void
open_object(struct bytes *out, const char *text)
{
	name(out, text);
	bytes_append_char(out, '{');
}

/* `}` or `]`, in the place of the comma before. */
static void
close_with(struct bytes *out, char end)
{
	if (out->data[out->len - 1] == ',')
		out->len--;
	bytes_append_char(out, end);
	bytes_append_char(out, ',');
}

static void
close_line(struct bytes *out)
{
	close_with(out, '}');
	out->data[out->len - 1] = '\n';
}

static void
item(struct bytes *out, uint64_t n)
{
	bytes_append_u64(out, n);
	bytes_append_char(out, ',');
}

static void
number(struct bytes *out, const char *field, uint64_t n)
{
	name(out, field);
	item(out, n);
}

static void
flag(struct bytes *out, const char *field, bool is_set)
{
	name(out, field);
	bytes_append_text(out, is_set ? "true," : "false,");
}

static void
word(struct bytes *out, const char *field, const char *text)
{
	name(out, field);
	bytes_append_char(out, '"');
	bytes_append_text(out, text);
	bytes_append_text(out, "\",");
}

static void
open_list(struct bytes *out, const char *field)
{
	name(out, field);
	bytes_append_char(out, '[');
}

static void
ids(struct bytes *out, const char *field, const struct id_set *set)
{
	size_t i;

	open_list(out, field);
	for (i = 0; i < set->count; i++)
		item(out, set->ids[i]);
	close_with(out, ']');
}

static void
sizes(struct bytes *out, const uint32_t *all, uint64_t count)
{
	uint64_t i;

	open_list(out, "sizes");
	for (i = 0; i < count; i++)
		item(out, all[i]);
	close_with(out, ']');
}

static void
terms(struct bytes *out, const char *field, const struct term_run *runs,
      size_t count)
{
	uint64_t left;
	size_t i;

	open_list(out, field);
	for (i = 0; i < count; i++)
		for (left = runs[i].count; left > 0; left--)
			item(out, runs[i].term);
	close_with(out, ']');
}

static void
end(struct bytes *out, struct log_end at)
{
	number(out, "index", at.index);
	number(out, "term", at.term);
}

static void
sets(struct bytes *out, const struct configuration *c)
{
	ids(out, "voters", &c->voters);
	ids(out, "old", &c->old);
	ids(out, "learners", &c->learners);
}

static void
configurations(struct bytes *out, const struct configuration_at *all,
	       size_t count)
{
	size_t i;

	open_list(out, "configurations");
	for (i = 0; i < count; i++) {
		bytes_append_char(out, '{');
		number(out, "index", all[i].index);
		sets(out, &all[i].configuration);
		close_with(out, '}');
	}
	close_with(out, ']');
}

static void
meta(struct bytes *out, const struct snapshot_meta *m)
{
	open_object(out, "snapshot");
	end(out, m->last);
	open_object(out, "configuration");
	number(out, "index", m->configuration.index);
	sets(out, &m->configuration.configuration);
	close_with(out, '}');
	close_with(out, '}');
}

/* ---- messages ---- */

static void
append(struct bytes *out, const struct message_append *m)
{
	number(out, "prev_index", m->prev.index);
	number(out, "prev_term", m->prev.term);
	number(out, "commit", m->commit);
	terms(out, "terms", m->runs, m->run_count);
	sizes(out, m->sizes, m->count);
	if (m->configuration_count)
		configurations(out, m->configurations, m->configuration_count);
}

static void
append_reply(struct bytes *out, const struct message_append_reply *m)
{
	flag(out, "success", m->success);
	number(out, "match", m->match);
	number(out, "conflict_index", m->conflict.index);
	number(out, "conflict_term", m->conflict.term);
	number(out, "last_index", m->last);
}

static void
chunk(struct bytes *out, const struct message_snapshot *m)
{
	meta(out, &m->meta);
	number(out, "transfer", m->transfer);
	number(out, "offset", m->offset);
	number(out, "chunk_bytes", m->chunk_bytes);
	number(out, "total_bytes", m->total_bytes);
	number(out, "total_crc32c", m->total_crc32c);
	flag(out, "done", m->done);
}

static void
snapshot_reply(struct bytes *out, const struct message_snapshot_reply *m)
{
	flag(out, "installed", m->installed);
	number(out, "match_index", m->match.index);
	number(out, "match_term", m->match.term);
	number(out, "transfer", m->transfer);
	number(out, "offset", m->offset);
}

static void
content(struct bytes *out, const struct message *m)
{
	switch (m->type) {
	case MESSAGE_VOTE:
		flag(out, "pre", m->as.vote.pre);
		flag(out, "transfer", m->as.vote.transfer);
		number(out, "last_index", m->as.vote.last.index);
		number(out, "last_term", m->as.vote.last.term);
		break;
	case MESSAGE_VOTE_REPLY:
		flag(out, "pre", m->as.vote_reply.pre);
		flag(out, "granted", m->as.vote_reply.granted);
		break;
	case MESSAGE_APPEND:
		append(out, &m->as.append);
		break;
	case MESSAGE_APPEND_REPLY:
		append_reply(out, &m->as.append_reply);
		break;
	case MESSAGE_HEARTBEAT:
		number(out, "commit", m->as.heartbeat.commit);
		number(out, "round", m->as.heartbeat.round);
		break;
	case MESSAGE_HEARTBEAT_REPLY:
		number(out, "round", m->as.heartbeat_reply.round);
		number(out, "last_index", m->as.heartbeat_reply.last);
		break;
	case MESSAGE_SNAPSHOT:
		chunk(out, &m->as.snapshot);
		break;
	case MESSAGE_SNAPSHOT_REPLY:
		snapshot_reply(out, &m->as.snapshot_reply);
		break;
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
}

static void
message(struct bytes *out, const struct message *m)
{
	open_object(out, "message");
	word(out, "type", message_name[m->type]);
	number(out, "from", m->from);
	number(out, "to", m->to);
	number(out, "term", m->term);
	number(out, "stream", m->stream);
	number(out, "request", m->request);
	content(out, m);
	close_with(out, '}');
}

/* ---- events ---- */

static void
propose(struct bytes *out, const struct event_propose *ev)
{
	number(out, "token", ev->token);
	sizes(out, ev->sizes, ev->count);
}

static void
configure(struct bytes *out, const struct event_configure *ev)
{
	number(out, "token", ev->token);
	ids(out, "voters", &ev->voters);
	ids(out, "learners", &ev->learners);
	if (ev->always)
		flag(out, "always", true);
}

static void
snapshot_sent(struct bytes *out, const struct event_snapshot_sent *ev)
{
	number(out, "peer", ev->peer);
	number(out, "stream", ev->stream);
	number(out, "request", ev->request);
	word(out, "outcome",
	     ev->outcome == SNAPSHOT_INSTALLED ? "installed" : "failed");
	open_object(out, "match");
	end(out, ev->match);
	close_with(out, '}');
}

static void
unreachable(struct bytes *out, const struct event_peer_unreachable *ev)
{
	number(out, "peer", ev->peer);
	number(out, "stream", ev->stream);
	number(out, "request", ev->request);
}

static void
fields(struct bytes *out, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_TIME:
	case EVENT_CAMPAIGN:
	case EVENT_PERSIST_FAILED:
		break;
	case EVENT_RECEIVE:
		message(out, ev->as.receive);
		break;
	case EVENT_PROPOSE:
		propose(out, &ev->as.propose);
		break;
	case EVENT_CONFIGURE:
		configure(out, &ev->as.configure);
		break;
	case EVENT_READ:
		number(out, "token", ev->as.read_token);
		break;
	case EVENT_TRANSFER:
		number(out, "to", ev->as.transfer_to);
		break;
	case EVENT_PERSISTED:
		number(out, "seq", ev->as.persisted_seq);
		break;
	case EVENT_APPLIED:
		number(out, "index", ev->as.applied);
		break;
	case EVENT_SNAPSHOT_TAKEN:
		meta(out, &ev->as.snapshot_taken);
		break;
	case EVENT_SNAPSHOT_SENT:
		snapshot_sent(out, &ev->as.snapshot_sent);
		break;
	case EVENT_SNAPSHOT_RECEIVED:
		meta(out, &ev->as.snapshot_received);
		break;
	case EVENT_PEER_UNREACHABLE:
		unreachable(out, &ev->as.unreachable);
		break;
	case EVENT_COMPACTED:
		end(out, ev->as.compacted);
		break;
	}
}

static void
open_line(struct bytes *out, rk_id id, uint64_t now_ms)
{
	bytes_append_char(out, '{');
	number(out, "core", id);
	number(out, "now", now_ms);
}

void
event_text_step(struct bytes *out, rk_id id, const struct event *ev)
{
	open_line(out, id, ev->now_ms);
	word(out, "event", event_name[ev->type]);
	fields(out, ev);
	close_line(out);
}

/* ---- the start ---- */

struct setting {
	const char *name;
	size_t offset;
};

#define AT(member) offsetof(struct core_settings, member)

static const struct setting settings_table[] = {
	{"election_timeout_min_ms", AT(election_timeout_min_ms)},
	{"election_timeout_max_ms", AT(election_timeout_max_ms)},
	{"election_timeout_fixed_ms", AT(election_timeout_fixed_ms)},
	{"heartbeat_interval_ms", AT(heartbeat_interval_ms)},
	{"max_payload_entries", AT(max_payload_entries)},
	{"max_payload_bytes", AT(max_payload_bytes)},
	{"max_inflight_requests", AT(max_inflight_requests)},
	{"max_inflight_bytes", AT(max_inflight_bytes)},
	{"replication_lag_threshold", AT(replication_lag_threshold)},
	{"request_timeout_ms", AT(request_timeout_ms)},
	{"snapshot_logs_since_last", AT(snapshot_logs_since_last)},
	{"trailing_entries", AT(trailing_entries)},
	{"max_uncommitted_bytes", AT(max_uncommitted_bytes)},
};
/* Besides these: id and seed before them, two flags behind. */
_Static_assert((LEN(settings_table) + 2) * sizeof(uint64_t) ==
		       offsetof(struct core_settings, pre_vote),
	       "record every setting");

static void
settings(struct bytes *out, const struct core_settings *s)
{
	size_t i;

	open_object(out, "settings");
	for (i = 0; i < LEN(settings_table); i++)
		number(out, settings_table[i].name,
		       *(const uint64_t *)(const void *)((const char *)s +
							 settings_table[i]
								 .offset));
	flag(out, "pre_vote", s->pre_vote);
	flag(out, "check_quorum", s->check_quorum);
	close_with(out, '}');
}

static void
start_log(struct bytes *out, const struct core_start *start)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < start->run_count; i++)
		count += start->runs[i].count;
	open_object(out, "compacted");
	end(out, start->compacted);
	close_with(out, '}');
	terms(out, "log", start->runs, start->run_count);
	if (start->sizes)
		sizes(out, start->sizes, count);
	configurations(out, start->configurations, start->configuration_count);
}

void
event_text_start(struct bytes *out, const struct core_settings *s,
		 const struct core_start *start)
{
	assert(s->seed <= LIMIT_NUMBER);
	open_line(out, s->id, start->now_ms);
	open_object(out, "new");
	sets(out, &start->initial);
	number(out, "term", start->hard_state.term);
	number(out, "vote", start->hard_state.vote);
	if (start->snapshot.last.index)
		meta(out, &start->snapshot);
	start_log(out, start);
	number(out, "commit", start->commit);
	number(out, "applied", start->applied);
	number(out, "seed", s->seed);
	settings(out, s);
	close_with(out, '}');
	/* Another version's core may do otherwise. */
	word(out, "version", rk_version());
	close_line(out);
}
