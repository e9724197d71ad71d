/* codec_peer.c - the members' messages as HTTP bodies: encode.
 *
 * By hand, field after field: an append leaves for every batch, and nothing
 * that stands in a header needs escaping. */

#include "wire/codec_peer.h"

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "wire/codec_peer_parts.h"
#include "wire/codec_sets.h"

static const char *const type_name[] = {
	[MESSAGE_VOTE] = "vote",
	[MESSAGE_VOTE_REPLY] = "vote-reply",
	[MESSAGE_APPEND] = "append",
	[MESSAGE_APPEND_REPLY] = "append-reply",
	[MESSAGE_HEARTBEAT] = "heartbeat",
	[MESSAGE_HEARTBEAT_REPLY] = "heartbeat-reply",
	[MESSAGE_SNAPSHOT] = "snapshot",
	[MESSAGE_SNAPSHOT_REPLY] = "snapshot-reply",
	[MESSAGE_TIMEOUT_NOW] = "timeout-now",
	[MESSAGE_TIMEOUT_NOW_REPLY] = "timeout-now-reply",
};
_Static_assert(LEN(type_name) == MESSAGE_TIMEOUT_NOW_REPLY + 1,
	       "name every type");

const char *
peer_type_name(enum message_type type)
{
	assert((size_t)type < LEN(type_name));
	return type_name[type];
}

const char *
peer_path(enum message_type type)
{
	switch (type) {
	case MESSAGE_VOTE:
		return "/v1/peer/vote";
	case MESSAGE_APPEND:
	case MESSAGE_HEARTBEAT:
		return "/v1/peer/append";
	case MESSAGE_SNAPSHOT:
		return "/v1/peer/snapshot";
	case MESSAGE_TIMEOUT_NOW:
		return "/v1/peer/timeout-now";
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_APPEND_REPLY:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
	assert(false); /* A reply has no path. */
	return NULL;
}

static void
put_key(struct bytes *out, const char *name)
{
	bytes_append_text(out, ",\"");
	bytes_append_text(out, name);
	bytes_append_text(out, "\":");
}

static void
put_u64(struct bytes *out, const char *name, uint64_t n)
{
	assert(n <= LIMIT_NUMBER);
	put_key(out, name);
	bytes_append_u64(out, n);
}

static void
put_bool(struct bytes *out, const char *name, bool value)
{
	put_key(out, name);
	bytes_append_text(out, value ? "true" : "false");
}

/* `text` has nothing to escape. */
static void
put_text(struct bytes *out, const char *name, const char *text)
{
	put_key(out, name);
	bytes_append_char(out, '"');
	bytes_append_text(out, text);
	bytes_append_char(out, '"');
}

static void
put_runs(struct bytes *out, const struct message_append *m)
{
	uint64_t total = 0;
	size_t i;

	put_key(out, "runs");
	bytes_append_char(out, '[');
	for (i = 0; i < m->run_count; i++) {
		bytes_append_text(out, i > 0 ? ",[" : "[");
		bytes_append_u64(out, m->runs[i].term);
		bytes_append_char(out, ',');
		bytes_append_u64(out, m->runs[i].count);
		bytes_append_char(out, ']');
		total += m->runs[i].count;
	}
	bytes_append_char(out, ']');
	assert(total == m->count);
}

static void
put_append(struct bytes *out, const struct message_append *m,
	   struct slice lines)
{
	put_u64(out, "prev_index", m->prev.index);
	put_u64(out, "prev_term", m->prev.term);
	put_u64(out, "commit", m->commit);
	put_u64(out, "count", m->count);
	put_u64(out, "bytes", lines.len);
	put_u64(out, "crc32c", crc32c(0, lines.data, lines.len));
	put_runs(out, m);
}

static void
put_snapshot(struct bytes *out, const struct message_snapshot *m,
	     struct slice chunk)
{
	assert(m->chunk_bytes == chunk.len);
	put_u64(out, "last_index", m->meta.last.index);
	put_u64(out, "last_term", m->meta.last.term);
	put_u64(out, "configuration_index", m->meta.configuration.index);
	put_key(out, "configuration");
	bytes_append_char(out, '{');
	sets_encode(out, &m->meta.configuration.configuration);
	bytes_append_char(out, '}');
	put_u64(out, "transfer", m->transfer);
	put_u64(out, "offset", m->offset);
	put_u64(out, "bytes", m->chunk_bytes);
	put_u64(out, "crc32c", crc32c(0, chunk.data, chunk.len));
	put_u64(out, "total_bytes", m->total_bytes);
	put_u64(out, "total_crc32c", m->total_crc32c);
	put_bool(out, "done", m->done);
}

/* What each type has besides the fields of all. */
static void
put_fields(struct bytes *out, const struct message *m, struct slice lines)
{
	switch (m->type) {
	case MESSAGE_VOTE:
		put_bool(out, "pre", m->as.vote.pre);
		put_bool(out, "transfer", m->as.vote.transfer);
		put_u64(out, "last_index", m->as.vote.last.index);
		put_u64(out, "last_term", m->as.vote.last.term);
		break;
	case MESSAGE_VOTE_REPLY:
		put_bool(out, "pre", m->as.vote_reply.pre);
		put_bool(out, "granted", m->as.vote_reply.granted);
		break;
	case MESSAGE_APPEND:
		put_append(out, &m->as.append, lines);
		break;
	case MESSAGE_APPEND_REPLY:
		put_bool(out, "success", m->as.append_reply.success);
		put_u64(out, "match", m->as.append_reply.match);
		put_u64(out, "conflict_index",
			m->as.append_reply.conflict.index);
		put_u64(out, "conflict_term", m->as.append_reply.conflict.term);
		put_u64(out, "last", m->as.append_reply.last);
		break;
	case MESSAGE_HEARTBEAT:
		put_u64(out, "commit", m->as.heartbeat.commit);
		put_u64(out, "round", m->as.heartbeat.round);
		break;
	case MESSAGE_HEARTBEAT_REPLY:
		put_u64(out, "round", m->as.heartbeat_reply.round);
		put_u64(out, "last", m->as.heartbeat_reply.last);
		break;
	case MESSAGE_SNAPSHOT:
		put_snapshot(out, &m->as.snapshot, lines);
		break;
	case MESSAGE_SNAPSHOT_REPLY:
		put_bool(out, "installed", m->as.snapshot_reply.installed);
		put_u64(out, "match_index", m->as.snapshot_reply.match.index);
		put_u64(out, "match_term", m->as.snapshot_reply.match.term);
		put_u64(out, "transfer", m->as.snapshot_reply.transfer);
		put_u64(out, "offset", m->as.snapshot_reply.offset);
		break;
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
}

void
peer_encode(struct bytes *out, const struct peer_identity *self,
	    const struct message *m, struct slice lines)
{
	assert(m->from == self->id);
	assert(m->to != 0);
	if (lines.len > 0)
		assert(m->type == MESSAGE_APPEND ||
		       m->type == MESSAGE_SNAPSHOT);
	bytes_append_text(out, "{\"cluster\":\"");
	bytes_append_text(out, self->cluster);
	bytes_append_char(out, '"');
	put_u64(out, "from", m->from);
	put_u64(out, "to", m->to);
	put_text(out, "incarnation", self->incarnation);
	if (self->expects != NULL)
		put_text(out, "expects", self->expects);
	put_u64(out, "protocol", PEER_PROTOCOL);
	put_text(out, "type", peer_type_name(m->type));
	put_u64(out, "term", m->term);
	put_u64(out, "stream", m->stream);
	put_u64(out, "request", m->request);
	put_fields(out, m, lines);
	bytes_append_text(out, "}\n");
}

void
peer_message_close(struct peer_message *m)
{
	mem_free(m->runs);
	mem_free(m->sizes);
	mem_free(m->configurations);
	*m = (struct peer_message){.runs = NULL};
}
