/* jmessage.c - messages between cores, as JSON. */

#include "jmessage.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/event_text.h"

/* A plain field of one type of message. Those that are required have no value
 * that would be harmless to assume. */
struct field {
	enum message_type type;
	enum jfield_kind kind;
	const char *name;
	size_t offset;
	bool required;
};

#define AT(member) offsetof(struct message, as.member)

/* clang-format off */
static const struct field fields[] = {
	{MESSAGE_VOTE, JFIELD_FLAG, "pre", AT(vote.pre), false},
	{MESSAGE_VOTE, JFIELD_FLAG, "transfer", AT(vote.transfer), false},
	{MESSAGE_VOTE, JFIELD_NUMBER, "last_index", AT(vote.last.index), false},
	{MESSAGE_VOTE, JFIELD_NUMBER, "last_term", AT(vote.last.term), false},
	{MESSAGE_VOTE_REPLY, JFIELD_FLAG, "pre", AT(vote_reply.pre), false},
	{MESSAGE_VOTE_REPLY, JFIELD_FLAG, "granted", AT(vote_reply.granted),
	 true},
	{MESSAGE_APPEND, JFIELD_NUMBER, "prev_index", AT(append.prev.index),
	 false},
	{MESSAGE_APPEND, JFIELD_NUMBER, "prev_term", AT(append.prev.term),
	 false},
	{MESSAGE_APPEND, JFIELD_NUMBER, "commit", AT(append.commit), false},
	{MESSAGE_APPEND_REPLY, JFIELD_FLAG, "success",
	 AT(append_reply.success), true},
	{MESSAGE_APPEND_REPLY, JFIELD_NUMBER, "match", AT(append_reply.match),
	 false},
	{MESSAGE_APPEND_REPLY, JFIELD_NUMBER, "conflict_index",
	 AT(append_reply.conflict.index), false},
	{MESSAGE_APPEND_REPLY, JFIELD_NUMBER, "conflict_term",
	 AT(append_reply.conflict.term), false},
	{MESSAGE_APPEND_REPLY, JFIELD_NUMBER, "last_index",
	 AT(append_reply.last), false},
	{MESSAGE_HEARTBEAT, JFIELD_NUMBER, "commit", AT(heartbeat.commit),
	 false},
	{MESSAGE_HEARTBEAT, JFIELD_NUMBER, "round", AT(heartbeat.round), false},
	{MESSAGE_HEARTBEAT_REPLY, JFIELD_NUMBER, "round",
	 AT(heartbeat_reply.round), false},
	{MESSAGE_HEARTBEAT_REPLY, JFIELD_NUMBER, "last_index",
	 AT(heartbeat_reply.last), false},
	{MESSAGE_SNAPSHOT, JFIELD_NUMBER, "transfer", AT(snapshot.transfer),
	 false},
	{MESSAGE_SNAPSHOT, JFIELD_NUMBER, "offset", AT(snapshot.offset), false},
	{MESSAGE_SNAPSHOT, JFIELD_NUMBER, "chunk_bytes",
	 AT(snapshot.chunk_bytes), false},
	{MESSAGE_SNAPSHOT, JFIELD_NUMBER, "total_bytes",
	 AT(snapshot.total_bytes), false},
	{MESSAGE_SNAPSHOT, JFIELD_SHORT, "total_crc32c",
	 AT(snapshot.total_crc32c), false},
	{MESSAGE_SNAPSHOT, JFIELD_FLAG, "done", AT(snapshot.done), false},
	{MESSAGE_SNAPSHOT_REPLY, JFIELD_FLAG, "installed",
	 AT(snapshot_reply.installed), true},
	{MESSAGE_SNAPSHOT_REPLY, JFIELD_NUMBER, "match_index",
	 AT(snapshot_reply.match.index), false},
	{MESSAGE_SNAPSHOT_REPLY, JFIELD_NUMBER, "match_term",
	 AT(snapshot_reply.match.term), false},
	{MESSAGE_SNAPSHOT_REPLY, JFIELD_NUMBER, "transfer",
	 AT(snapshot_reply.transfer), false},
	{MESSAGE_SNAPSHOT_REPLY, JFIELD_NUMBER, "offset",
	 AT(snapshot_reply.offset), false},
};
/* clang-format on */

static enum rk_code
read_type(const json_t *object, enum message_type *type, struct rk_error *err)
{
	const char *name;
	enum rk_code rc;
	int i;

	rc = json_get_text(object, "type", &name, err);
	if (rc)
		return rc;
	for (i = 0; i <= MESSAGE_TIMEOUT_NOW_REPLY; i++)
		if (strcmp(name, event_text_message_name(
					 (enum message_type)i)) == 0) {
			*type = (enum message_type)i;
			return RK_OK;
		}
	return error_set(err, RK_USAGE, "no message has type \"%s\"", name);
}

static enum rk_code
read_envelope(const json_t *object, rk_id to, struct message *m,
	      struct rk_error *err)
{
	enum rk_code rc = read_type(object, &m->type, err);

	m->to = to;
	if (!rc)
		rc = json_get_u64(object, "from", LIMIT_NUMBER, &m->from, err);
	if (!rc)
		rc = jfield_u64(object, "to", &m->to, err);
	if (!rc)
		rc = json_get_u64(object, "term", LIMIT_NUMBER, &m->term, err);
	if (!rc)
		rc = jfield_u64(object, "stream", &m->stream, err);
	if (!rc)
		rc = jfield_u64(object, "request", &m->request, err);
	if (!rc && (m->from == 0 || m->to == 0))
		rc = error_set(err, RK_USAGE, "ids start at 1");
	return rc;
}

static enum rk_code
read_fields(const json_t *object, struct message *m, struct rk_error *err)
{
	size_t i;

	for (i = 0; i < LEN(fields); i++) {
		const struct field *f = &fields[i];
		enum rk_code rc;

		if (f->type != m->type)
			continue;
		if (f->required && jfield_is_missing(object, f->name))
			return error_set(err, RK_USAGE, "\"%s\" is missing",
					 f->name);
		rc = jfield_read(object, f->name, f->kind,
				 (char *)m + f->offset, err);
		if (rc)
			return rc;
	}
	return RK_OK;
}

static enum rk_code
read_entries(const json_t *object, struct jmessage *m, struct rk_error *err)
{
	struct message_append *append = &m->message.as.append;
	enum rk_code rc;

	rc = jlog_read(object, "terms", append->prev.index, &m->log, err);
	if (rc)
		return rc;
	append->count = m->log.count;
	append->runs = m->log.runs;
	append->run_count = m->log.run_count;
	append->sizes = m->log.sizes;
	append->configurations = m->log.configurations;
	append->configuration_count = m->log.configuration_count;
	return RK_OK;
}

static enum rk_code
read_snapshot(const json_t *object, struct message_snapshot *chunk,
	      struct rk_error *err)
{
	json_t *meta;
	enum rk_code rc = json_get_object(object, "snapshot", &meta, err);

	return rc ? rc : jfield_meta(meta, &chunk->meta, err);
}

enum rk_code
jmessage_read(const json_t *object, rk_id to, struct jmessage *m,
	      struct rk_error *err)
{
	enum rk_code rc;

	*m = (struct jmessage){0};
	rc = read_envelope(object, to, &m->message, err);
	if (rc)
		return rc;
	if (m->message.type == MESSAGE_SNAPSHOT) {
		/* The whole file in one chunk, unless it says otherwise. */
		m->message.as.snapshot =
			(struct message_snapshot){.transfer = 1,
						  .chunk_bytes = 1,
						  .total_bytes = 1,
						  .done = true};
		rc = read_snapshot(object, &m->message.as.snapshot, err);
	}
	if (!rc)
		rc = read_fields(object, &m->message, err);
	if (!rc && m->message.type == MESSAGE_APPEND)
		rc = read_entries(object, m, err);
	return rc;
}

void
jmessage_close(struct jmessage *m)
{
	jlog_close(&m->log);
	*m = (struct jmessage){0};
}

static void
write_entries(json_t *object, const struct message_append *append)
{
	json_t *terms = json_array(), *sizes = json_array();
	json_t *configurations;
	size_t i;
	uint64_t j;

	for (i = 0; i < append->run_count; i++)
		for (j = 0; j < append->runs[i].count; j++)
			json_array_append_new(
				terms, jfield_from_u64(append->runs[i].term));
	for (j = 0; j < append->count; j++)
		json_array_append_new(sizes, jfield_from_u64(append->sizes[j]));
	jfield_set(object, "terms", terms);
	jfield_set(object, "sizes", sizes);
	if (append->configuration_count == 0)
		return;
	configurations = json_array();
	for (i = 0; i < append->configuration_count; i++)
		json_array_append_new(
			configurations,
			jfield_from_configuration(&append->configurations[i]));
	jfield_set(object, "configurations", configurations);
}

json_t *
jmessage_write(const struct message *m)
{
	json_t *object = json_object();
	size_t i;

	jfield_set(object, "type",
		   json_string(event_text_message_name(m->type)));
	jfield_set(object, "from", jfield_from_u64(m->from));
	jfield_set(object, "to", jfield_from_u64(m->to));
	jfield_set(object, "term", jfield_from_u64(m->term));
	jfield_set(object, "stream", jfield_from_u64(m->stream));
	jfield_set(object, "request", jfield_from_u64(m->request));
	if (m->type == MESSAGE_SNAPSHOT)
		jfield_set(object, "snapshot",
			   jfield_from_meta(&m->as.snapshot.meta));
	for (i = 0; i < LEN(fields); i++)
		if (fields[i].type == m->type)
			jfield_set(object, fields[i].name,
				   jfield_write(fields[i].kind,
						(const char *)m +
							fields[i].offset));
	if (m->type == MESSAGE_APPEND)
		write_entries(object, &m->as.append);
	return object;
}

static void
brief_append(struct bytes *out, const struct message_append *append)
{
	size_t i;

	bytes_printf(out, " prev %" PRIu64 "/%" PRIu64, append->prev.index,
		     append->prev.term);
	for (i = 0; i < append->run_count; i++)
		bytes_printf(out, " +%" PRIu64 " of T%" PRIu64,
			     append->runs[i].count, append->runs[i].term);
	bytes_printf(out, " commit %" PRIu64, append->commit);
}

static void
brief_append_reply(struct bytes *out, const struct message_append_reply *reply)
{
	if (reply->success)
		bytes_printf(out, " match %" PRIu64, reply->match);
	else
		bytes_printf(out, " rejected, conflict %" PRIu64 "/%" PRIu64,
			     reply->conflict.index, reply->conflict.term);
}

void
jmessage_brief(struct bytes *out, const struct message *m)
{
	const struct message_snapshot *chunk = &m->as.snapshot;
	bool is_vote = m->type == MESSAGE_VOTE && m->as.vote.pre;
	bool is_reply = m->type == MESSAGE_VOTE_REPLY && m->as.vote_reply.pre;

	bytes_printf(out, "%s%s %" PRIu64 ">%" PRIu64 " T%" PRIu64,
		     is_vote || is_reply ? "pre-" : "",
		     event_text_message_name(m->type), m->from, m->to, m->term);
	switch (m->type) {
	case MESSAGE_VOTE:
		bytes_printf(out, " last %" PRIu64 "/%" PRIu64 "%s",
			     m->as.vote.last.index, m->as.vote.last.term,
			     m->as.vote.transfer ? " by transfer" : "");
		break;
	case MESSAGE_VOTE_REPLY:
		bytes_append_text(out, m->as.vote_reply.granted ? " granted"
								: " refused");
		break;
	case MESSAGE_APPEND:
		brief_append(out, &m->as.append);
		break;
	case MESSAGE_APPEND_REPLY:
		brief_append_reply(out, &m->as.append_reply);
		break;
	case MESSAGE_HEARTBEAT:
		bytes_printf(out, " commit %" PRIu64, m->as.heartbeat.commit);
		break;
	case MESSAGE_SNAPSHOT:
		bytes_printf(out, " of %" PRIu64 "/%" PRIu64,
			     chunk->meta.last.index, chunk->meta.last.term);
		break;
	case MESSAGE_SNAPSHOT_REPLY:
		bytes_printf(out, " %s%" PRIu64,
			     m->as.snapshot_reply.installed ? "installed "
							    : "wants offset ",
			     m->as.snapshot_reply.installed
				     ? m->as.snapshot_reply.match.index
				     : m->as.snapshot_reply.offset);
		break;
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
}
