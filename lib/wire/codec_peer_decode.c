/* codec_peer_decode.c - the members' messages as HTTP bodies: decode.
 *
 * A peer may be of another cluster, another version, broken or forged. So
 * every number has its range, and what can be wrong is an error here and
 * never reaches an assertion further in. */

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "wire/codec_peer_parts.h"
#include "wire/codec_sets.h"

/* An incarnation in a header: 16 hex digits. */
static bool
copy_incarnation(const char *text, char to[17])
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	memcpy(to, text, 17);
	return true;
}

/* Whom the sender takes us for, if it says so. */
static enum rk_code
decode_expects(const json_t *header, struct peer_message *m,
	       struct rk_error *err)
{
	const char *text;

	if (json_object_get(header, "expects") == NULL)
		return RK_OK;
	if (json_get_text(header, "expects", &text, err))
		return err->code;
	if (!copy_incarnation(text, m->expects))
		return error_set(err, RK_USAGE,
				 "field \"expects\": not 16 hex digits");
	return RK_OK;
}

/* Whether this message is meant for us. Protocol first: of another one we
 * cannot know what the rest means. */
static enum rk_code
check_identity(const json_t *header, const struct peer_identity *self,
	       struct peer_message *m, struct rk_error *err)
{
	struct message *message = &m->message;
	const char *cluster, *incarnation;
	uint64_t protocol;

	if (json_get_u64(header, "protocol", LIMIT_NUMBER, &protocol, err) ||
	    json_get_text(header, "cluster", &cluster, err) ||
	    json_get_u64(header, "from", LIMIT_NUMBER, &message->from, err) ||
	    json_get_u64(header, "to", LIMIT_NUMBER, &message->to, err) ||
	    json_get_text(header, "incarnation", &incarnation, err))
		return err->code;
	if (protocol != PEER_PROTOCOL)
		return error_set(err, RK_DENIED,
				 "peer protocol %" PRIu64 "; this is %d",
				 protocol, PEER_PROTOCOL);
	if (strcmp(cluster, self->cluster) != 0)
		return error_set(err, RK_DENIED,
				 "cluster %.20s; this is a member of %s",
				 cluster, self->cluster);
	if (message->to != self->id)
		return error_set(err, RK_DENIED,
				 "for member %" PRIu64 "; this is %" PRIu64,
				 message->to, self->id);
	if (message->from == 0 || message->from == self->id)
		return error_set(err, RK_DENIED,
				 "member %" PRIu64 " cannot have sent this",
				 message->from);
	if (!copy_incarnation(incarnation, m->incarnation))
		return error_set(err, RK_USAGE,
				 "field \"incarnation\": not 16 hex digits");
	return decode_expects(header, m, err);
}

static enum rk_code
decode_numbers(const json_t *header, struct message *m, struct rk_error *err)
{
	if (json_get_u64(header, "term", LIMIT_NUMBER, &m->term, err) ||
	    json_get_u64(header, "stream", LIMIT_NUMBER, &m->stream, err) ||
	    json_get_u64(header, "request", LIMIT_NUMBER, &m->request, err))
		return err->code;
	return RK_OK;
}

enum rk_code
peer_decode_end(const json_t *header, const char *index_name,
		const char *term_name, struct log_end *end,
		struct rk_error *err)
{
	if (json_get_u64(header, index_name, LIMIT_NUMBER, &end->index, err) ||
	    json_get_u64(header, term_name, LIMIT_NUMBER, &end->term, err))
		return err->code;
	if ((end->index == 0) != (end->term == 0))
		return error_set(err, RK_USAGE,
				 "fields \"%s\", \"%s\": only one of them is 0",
				 index_name, term_name);
	return RK_OK;
}

static enum rk_code
decode_vote(const json_t *header, struct message *m, struct rk_error *err)
{
	struct message_vote *vote = &m->as.vote;

	if (json_get_bool(header, "pre", &vote->pre, err) ||
	    json_get_bool(header, "transfer", &vote->transfer, err) ||
	    peer_decode_end(header, "last_index", "last_term", &vote->last,
			    err))
		return err->code;
	if (vote->last.term > m->term)
		return error_set(err, RK_USAGE,
				 "the candidate's last entry is of a later "
				 "term than its own");
	return RK_OK;
}

static enum rk_code
decode_vote_reply(const json_t *header, struct message_vote_reply *reply,
		  struct rk_error *err)
{
	if (json_get_bool(header, "pre", &reply->pre, err) ||
	    json_get_bool(header, "granted", &reply->granted, err))
		return err->code;
	return RK_OK;
}

static enum rk_code
decode_append_reply(const json_t *header, struct message_append_reply *reply,
		    struct rk_error *err)
{
	/* The conflict's term alone may be 0: the log ends before it. */
	if (json_get_bool(header, "success", &reply->success, err) ||
	    json_get_u64(header, "match", LIMIT_NUMBER, &reply->match, err) ||
	    json_get_u64(header, "conflict_index", LIMIT_NUMBER,
			 &reply->conflict.index, err) ||
	    json_get_u64(header, "conflict_term", LIMIT_NUMBER,
			 &reply->conflict.term, err) ||
	    json_get_u64(header, "last", LIMIT_NUMBER, &reply->last, err))
		return err->code;
	return RK_OK;
}

static enum rk_code
decode_heartbeat(const json_t *header, struct message_heartbeat *m,
		 struct rk_error *err)
{
	if (json_get_u64(header, "commit", LIMIT_NUMBER, &m->commit, err) ||
	    json_get_u64(header, "round", LIMIT_NUMBER, &m->round, err))
		return err->code;
	return RK_OK;
}

static enum rk_code
decode_heartbeat_reply(const json_t *header, struct message_heartbeat_reply *m,
		       struct rk_error *err)
{
	if (json_get_u64(header, "round", LIMIT_NUMBER, &m->round, err) ||
	    json_get_u64(header, "last", LIMIT_NUMBER, &m->last, err))
		return err->code;
	return RK_OK;
}

static enum rk_code
decode_meta(const json_t *header, rk_term term, struct snapshot_meta *meta,
	    struct rk_error *err)
{
	json_t *sets;

	if (peer_decode_end(header, "last_index", "last_term", &meta->last,
			    err) ||
	    json_get_u64(header, "configuration_index", LIMIT_NUMBER,
			 &meta->configuration.index, err) ||
	    json_get_object(header, "configuration", &sets, err) ||
	    sets_decode(sets, &meta->configuration.configuration, err))
		return err->code;
	if (meta->last.index == 0 || meta->last.term > term ||
	    meta->configuration.index > meta->last.index)
		return error_set(err, RK_USAGE,
				 "no snapshot can end at %" PRIu64
				 " of term %" PRIu64
				 " with the configuration of %" PRIu64,
				 meta->last.index, meta->last.term,
				 meta->configuration.index);
	return RK_OK;
}

static enum rk_code
decode_snapshot(const json_t *header, struct message *m, struct rk_error *err)
{
	struct message_snapshot *s = &m->as.snapshot;
	uint64_t crc;

	if (decode_meta(header, m->term, &s->meta, err) ||
	    json_get_u64(header, "transfer", LIMIT_NUMBER, &s->transfer, err) ||
	    json_get_u64(header, "offset", LIMIT_NUMBER, &s->offset, err) ||
	    json_get_u64(header, "bytes", LIMIT_NUMBER, &s->chunk_bytes, err) ||
	    json_get_u64(header, "total_bytes", LIMIT_NUMBER, &s->total_bytes,
			 err) ||
	    json_get_u64(header, "total_crc32c", UINT32_MAX, &crc, err) ||
	    json_get_bool(header, "done", &s->done, err))
		return err->code;
	s->total_crc32c = (uint32_t)crc;
	if (s->offset > s->total_bytes ||
	    s->chunk_bytes > s->total_bytes - s->offset ||
	    (s->done && s->chunk_bytes != s->total_bytes - s->offset))
		return error_set(err, RK_USAGE,
				 "%" PRIu64 " bytes at %" PRIu64
				 ", the last: %d, do not fit %" PRIu64,
				 s->chunk_bytes, s->offset, (int)s->done,
				 s->total_bytes);
	return RK_OK;
}

static enum rk_code
decode_snapshot_reply(const json_t *header, struct message_snapshot_reply *m,
		      struct rk_error *err)
{
	if (json_get_bool(header, "installed", &m->installed, err) ||
	    peer_decode_end(header, "match_index", "match_term", &m->match,
			    err) ||
	    json_get_u64(header, "transfer", LIMIT_NUMBER, &m->transfer, err) ||
	    json_get_u64(header, "offset", LIMIT_NUMBER, &m->offset, err))
		return err->code;
	return RK_OK;
}

static enum rk_code
decode_fields(const json_t *header, struct peer_message *m,
	      struct rk_error *err)
{
	struct message *message = &m->message;

	switch (message->type) {
	case MESSAGE_VOTE:
		return decode_vote(header, message, err);
	case MESSAGE_VOTE_REPLY:
		return decode_vote_reply(header, &message->as.vote_reply, err);
	case MESSAGE_APPEND:
		return peer_decode_append(header, m, err);
	case MESSAGE_APPEND_REPLY:
		return decode_append_reply(header, &message->as.append_reply,
					   err);
	case MESSAGE_HEARTBEAT:
		return decode_heartbeat(header, &message->as.heartbeat, err);
	case MESSAGE_HEARTBEAT_REPLY:
		return decode_heartbeat_reply(
			header, &message->as.heartbeat_reply, err);
	case MESSAGE_SNAPSHOT:
		return decode_snapshot(header, message, err);
	case MESSAGE_SNAPSHOT_REPLY:
		return decode_snapshot_reply(header,
					     &message->as.snapshot_reply, err);
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		return RK_OK;
	}
	assert(false);
	return RK_FAILED;
}

/* The body's length and checksum are as the header says. */
static enum rk_code
check_body(const json_t *header, struct slice body, struct rk_error *err)
{
	uint64_t bytes, crc;

	if (json_get_u64(header, "bytes", LIMIT_NUMBER, &bytes, err) ||
	    json_get_u64(header, "crc32c", UINT32_MAX, &crc, err))
		return err->code;
	if (bytes != body.len)
		return error_set(err, RK_USAGE,
				 "%" PRIu64 " bytes announced, %zu came", bytes,
				 body.len);
	if (crc != crc32c(0, body.data, body.len))
		return error_set(err, RK_USAGE,
				 "damaged on its way: wrong checksum");
	return RK_OK;
}

static bool
has_body(enum message_type type)
{
	return type == MESSAGE_APPEND || type == MESSAGE_SNAPSHOT;
}

static enum rk_code
decode_rest(const json_t *header, struct peer_message *m, struct rk_error *err)
{
	if (decode_numbers(header, &m->message, err))
		return err->code;
	if (has_body(m->message.type)) {
		if (check_body(header, m->body, err))
			return err->code;
	} else if (m->body.len > 0) {
		return error_set(err, RK_USAGE, "%zu bytes behind the message",
				 m->body.len);
	}
	return decode_fields(header, m, err);
}

/* The request of this name that may come to `path`. */
static bool
find_request(const char *name, const char *path, enum message_type *type)
{
	static const enum message_type request[] = {
		MESSAGE_VOTE, MESSAGE_APPEND, MESSAGE_HEARTBEAT,
		MESSAGE_SNAPSHOT, MESSAGE_TIMEOUT_NOW};
	size_t i;

	for (i = 0; i < LEN(request); i++) {
		*type = request[i];
		if (strcmp(peer_type_name(*type), name) == 0)
			return strcmp(peer_path(*type), path) == 0;
	}
	return false;
}

/* Split `body` behind the header line and parse that. */
static enum rk_code
read_header(struct slice body, struct slice *rest, json_t **header,
	    struct rk_error *err)
{
	struct slice line = body;
	const uint8_t *end;

	if (body.len == 0)
		return error_set(err, RK_USAGE, "empty");
	end = memchr(body.data, '\n', body.len);
	if (end != NULL)
		line.len = (size_t)(end - body.data) + 1;
	*rest = (struct slice){body.data + line.len, body.len - line.len};
	if (json_read(line, LIMIT_JSON_BYTES, header, err))
		return err->code;
	if (!json_is_object(*header)) {
		json_decref(*header);
		return error_set(err, RK_USAGE, "the header is no object");
	}
	return RK_OK;
}

static enum rk_code
decode_request(const json_t *header, const char *path,
	       const struct peer_identity *self, struct peer_message *m,
	       struct rk_error *err)
{
	const char *name;

	if (check_identity(header, self, m, err) ||
	    json_get_text(header, "type", &name, err))
		return err->code;
	if (!find_request(name, path, &m->message.type))
		return error_set(err, RK_USAGE, "\"%.20s\" does not go to %s",
				 name, path);
	if (decode_rest(header, m, err))
		return err->code;
	if (m->message.term == 0)
		return error_set(err, RK_USAGE, "term 0");
	return RK_OK;
}

static enum rk_code
decode_reply(const json_t *header, enum message_type of,
	     const struct peer_identity *self, struct peer_message *m,
	     struct rk_error *err)
{
	const char *name;

	if (check_identity(header, self, m, err) ||
	    json_get_text(header, "type", &name, err))
		return err->code;
	/* Each reply stands behind its request in the enumeration. */
	m->message.type = (enum message_type)(of + 1);
	if (strcmp(name, peer_type_name(m->message.type)) != 0)
		return error_set(err, RK_USAGE, "\"%.20s\" is no reply to %s",
				 name, peer_type_name(of));
	return decode_rest(header, m, err);
}

enum rk_code
peer_decode_request(struct slice body, const char *path,
		    const struct peer_identity *self, struct peer_message *m,
		    struct rk_error *err)
{
	struct peer_message found = {.runs = NULL};
	enum rk_code rc;
	json_t *header;

	if (read_header(body, &found.body, &header, err))
		return error_wrap(err, "peer request");
	rc = decode_request(header, path, self, &found, err);
	json_decref(header);
	if (rc) {
		peer_message_close(&found);
		return error_wrap(err, "peer request");
	}
	*m = found;
	return RK_OK;
}

enum rk_code
peer_decode_reply(struct slice body, enum message_type of,
		  const struct peer_identity *self, struct peer_message *m,
		  struct rk_error *err)
{
	struct peer_message found = {.runs = NULL};
	enum rk_code rc;
	json_t *header;

	if (read_header(body, &found.body, &header, err))
		return error_wrap(err, "peer reply");
	rc = decode_reply(header, of, self, &found, err);
	json_decref(header);
	if (rc) {
		peer_message_close(&found);
		return error_wrap(err, "peer reply");
	}
	*m = found;
	return RK_OK;
}
