/* jevent.c - an event for a core, from a line. */

#include "jevent.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/event_text.h"

const char *
jevent_name(enum event_type type)
{
	return event_text_name(type);
}

static enum rk_code
read_receive(const struct driven *n, const json_t *line, struct jevent *e,
	     struct rk_error *err)
{
	json_t *object;
	enum rk_code rc = json_get_object(line, "message", &object, err);

	if (!rc)
		rc = jmessage_read(object, n->id, &e->receive, err);
	e->event.as.receive = &e->receive.message;
	return rc;
}

static enum rk_code
read_propose(const json_t *line, struct jevent *e, struct rk_error *err)
{
	struct event_propose *propose = &e->event.as.propose;
	uint64_t *sizes;
	size_t count, i;
	enum rk_code rc;

	propose->count = 1;
	rc = jfield_u64(line, "token", &propose->token, err);
	if (!rc)
		rc = jfield_u64(line, "count", &propose->count, err);
	if (!rc)
		rc = jfield_numbers(line, "sizes", UINT32_MAX, &sizes, &count,
				    err);
	if (rc)
		return rc;
	if (!jfield_is_missing(line, "sizes"))
		propose->count = count;
	if (propose->count > LIMIT_REQUEST_ENTRIES)
		rc = error_set(err, RK_USAGE, "at most %d entries at once",
			       LIMIT_REQUEST_ENTRIES);
	else
		e->sizes = mem_alloc(propose->count, sizeof e->sizes[0]);
	for (i = 0; !rc && i < propose->count; i++)
		e->sizes[i] = sizes ? (uint32_t)sizes[i] : 1;
	propose->sizes = e->sizes;
	mem_free(sizes);
	return rc;
}

static enum rk_code
read_configure(const json_t *line, struct event_configure *configure,
	       struct rk_error *err)
{
	struct configuration sets = {0};
	enum rk_code rc = RK_OK;

	if (jfield_is_missing(line, "voters"))
		return error_set(err, RK_USAGE, "\"voters\" is missing");
	rc = jfield_u64(line, "token", &configure->token, err);
	if (!rc)
		rc = jfield_configuration(line, &sets, err);
	if (!rc && sets.old.count > 0)
		rc = error_set(err, RK_USAGE,
			       "\"old\" is not for one to choose");
	if (!rc && !jfield_is_missing(line, "always"))
		rc = jfield_read(line, "always", JFIELD_FLAG,
				 &configure->always, err);
	configure->voters = sets.voters;
	configure->learners = sets.learners;
	return rc;
}

/* Where the fields of a snapshot stand: in "snapshot", or in the line. */
static enum rk_code
find_meta(const json_t *line, const json_t **fields, struct rk_error *err)
{
	json_t *object = NULL;
	enum rk_code rc = jfield_object(line, "snapshot", &object, err);

	*fields = object ? object : line;
	return rc;
}

/* By default of all that is applied, as the core knows it. */
static enum rk_code
read_taken(const struct driven *n, const json_t *line,
	   struct snapshot_meta *meta, struct rk_error *err)
{
	struct core_status status;
	const json_t *fields;
	enum rk_code rc;

	core_status(n->core, &status);
	meta->last.index = status.applied;
	meta->configuration = status.committed_configuration;
	rc = find_meta(line, &fields, err);
	if (!rc)
		rc = jfield_meta(fields, meta, err);
	if (!rc && jfield_is_missing(fields, "term"))
		meta->last.term = core_term_at(n->core, meta->last.index);
	return rc;
}

/* By default that of which a chunk was wanted last. */
static enum rk_code
read_received(const struct driven *n, const json_t *line,
	      struct snapshot_meta *meta, struct rk_error *err)
{
	const json_t *fields;
	enum rk_code rc = find_meta(line, &fields, err);

	*meta = n->chunk;
	return rc ? rc : jfield_meta(fields, meta, err);
}

static enum rk_code
read_snapshot_sent(const struct driven *n, const json_t *line,
		   struct event_snapshot_sent *sent, struct rk_error *err)
{
	const struct driven_peer *peer;
	const char *outcome = "installed";
	json_t *match = NULL;
	enum rk_code rc;

	rc = json_get_u64(line, "peer", LIMIT_NUMBER, &sent->peer, err);
	if (rc)
		return rc;
	peer = driven_find_peer(n, sent->peer);
	if (peer) {
		sent->stream = peer->snapshot_stream;
		sent->request = peer->snapshot_request;
		sent->match = peer->snapshot.last;
	}
	rc = jfield_u64(line, "stream", &sent->stream, err);
	if (!rc)
		rc = jfield_u64(line, "request", &sent->request, err);
	if (!rc)
		rc = jfield_text(line, "outcome", &outcome, err);
	if (!rc)
		rc = jfield_object(line, "match", &match, err);
	if (!rc && match)
		rc = jfield_log_end(match, "index", "term", &sent->match, err);
	if (rc)
		return rc;
	sent->outcome = SNAPSHOT_INSTALLED;
	if (strcmp(outcome, "failed") == 0)
		sent->outcome = SNAPSHOT_FAILED;
	else if (strcmp(outcome, "installed") != 0)
		return error_set(err, RK_USAGE,
				 "outcome is \"installed\" or \"failed\"");
	return RK_OK;
}

static enum rk_code
read_unreachable(const struct driven *n, const json_t *line,
		 struct event_peer_unreachable *unreachable,
		 struct rk_error *err)
{
	const struct driven_peer *peer;
	enum rk_code rc;

	rc = json_get_u64(line, "peer", LIMIT_NUMBER, &unreachable->peer, err);
	if (rc)
		return rc;
	peer = driven_find_peer(n, unreachable->peer);
	if (peer)
		unreachable->stream = peer->stream;
	rc = jfield_u64(line, "stream", &unreachable->stream, err);
	return rc ? rc
		  : jfield_u64(line, "request", &unreachable->request, err);
}

static enum rk_code
read_compacted(const struct driven *n, const json_t *line, struct log_end *to,
	       struct rk_error *err)
{
	enum rk_code rc;

	*to = n->compact;
	rc = jfield_log_end(line, "index", "term", to, err);
	if (!rc && jfield_is_missing(line, "term") &&
	    !jfield_is_missing(line, "index"))
		to->term = core_term_at(n->core, to->index);
	return rc;
}

static enum rk_code
read_fields(const struct driven *n, const json_t *line, struct jevent *e,
	    struct rk_error *err)
{
	struct event *ev = &e->event;

	switch (ev->type) {
	case EVENT_TIME:
	case EVENT_CAMPAIGN:
	case EVENT_PERSIST_FAILED:
		return RK_OK;
	case EVENT_RECEIVE:
		return read_receive(n, line, e, err);
	case EVENT_PROPOSE:
		return read_propose(line, e, err);
	case EVENT_CONFIGURE:
		return read_configure(line, &ev->as.configure, err);
	case EVENT_READ:
		return jfield_u64(line, "token", &ev->as.read_token, err);
	case EVENT_TRANSFER:
		return jfield_u64(line, "to", &ev->as.transfer_to, err);
	case EVENT_PERSISTED:
		ev->as.persisted_seq = n->seq;
		return jfield_u64(line, "seq", &ev->as.persisted_seq, err);
	case EVENT_APPLIED:
		ev->as.applied = n->apply_to - 1;
		return jfield_u64(line, "index", &ev->as.applied, err);
	case EVENT_SNAPSHOT_TAKEN:
		return read_taken(n, line, &ev->as.snapshot_taken, err);
	case EVENT_SNAPSHOT_SENT:
		return read_snapshot_sent(n, line, &ev->as.snapshot_sent, err);
	case EVENT_SNAPSHOT_RECEIVED:
		return read_received(n, line, &ev->as.snapshot_received, err);
	case EVENT_PEER_UNREACHABLE:
		return read_unreachable(n, line, &ev->as.unreachable, err);
	case EVENT_COMPACTED:
		return read_compacted(n, line, &ev->as.compacted, err);
	}
	return error_set(err, RK_USAGE, "no such event");
}

static enum rk_code
read_type(const json_t *line, enum event_type *type, struct rk_error *err)
{
	const char *name;
	enum rk_code rc = json_get_text(line, "event", &name, err);
	int i;

	if (rc)
		return rc;
	for (i = 0; i <= EVENT_COMPACTED; i++)
		if (strcmp(name, event_text_name((enum event_type)i)) == 0) {
			*type = (enum event_type)i;
			return RK_OK;
		}
	return error_set(err, RK_USAGE, "no event \"%s\"", name);
}

enum rk_code
jevent_read(const struct driven *n, const json_t *line, struct jevent *e,
	    struct rk_error *err)
{
	enum rk_code rc;

	*e = (struct jevent){.event.now_ms = n->now_ms};
	rc = read_type(line, &e->event.type, err);
	if (!rc)
		rc = jfield_u64(line, "now", &e->event.now_ms, err);
	if (!rc && e->event.now_ms < n->now_ms)
		rc = error_set(err, RK_USAGE, "\"now\" falls: it was %llu",
			       (unsigned long long)n->now_ms);
	if (!rc)
		rc = read_fields(n, line, e, err);
	if (rc)
		jevent_close(e);
	return rc;
}

void
jevent_close(struct jevent *e)
{
	jmessage_close(&e->receive);
	mem_free(e->sizes);
	*e = (struct jevent){0};
}
