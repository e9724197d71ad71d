/* meters.c - what a member counts and measures while it works. */

#include "node/meters.h"

#include <string.h>

#include "base/mem.h"

struct meters *
meters_new(void)
{
	struct meters *m = mem_alloc(1, sizeof *m);

	m->batch.scale = HISTOGRAM_COUNT;
	return m;
}

void
meters_free(struct meters *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->peer_count; i++)
		mem_free(m->peers[i]);
	mem_free(m->replies);
	mem_free(m);
}

/* Where the numbers of `id` are. Those of the member met first make room when
 * there are too many: it is the likeliest to have gone. */
static struct meter_peer *
find_peer(struct meters *m, rk_id id)
{
	struct meter_peer *p;
	size_t i;

	for (i = 0; i < m->peer_count; i++)
		if (m->peers[i]->id == id)
			return m->peers[i];
	if (m->peer_count == METERS_PEERS) {
		p = m->peers[0];
		memmove(m->peers, m->peers + 1,
			(METERS_PEERS - 1) * sizeof m->peers[0]);
		m->peer_count--;
		memset(p, 0, sizeof *p);
	} else {
		p = mem_alloc(1, sizeof *p);
	}
	p->id = id;
	m->peers[m->peer_count++] = p;
	return p;
}

static enum meter_kind
kind_of(enum message_type type)
{
	switch (type) {
	case MESSAGE_APPEND:
	case MESSAGE_APPEND_REPLY:
		return METER_APPEND;
	case MESSAGE_SNAPSHOT:
	case MESSAGE_SNAPSHOT_REPLY:
		return METER_SNAPSHOT;
	case MESSAGE_VOTE:
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_HEARTBEAT:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
	return METER_HEARTBEAT;
}

void
meters_sent(struct meters *m, const struct message *message)
{
	struct meter_peer *p = find_peer(m, message->to);

	p->requests[kind_of(message->type)]++;
	if (message->type == MESSAGE_APPEND)
		p->entries += message->as.append.count;
}

void
meters_ended(struct meters *m, const struct meters_end *end)
{
	struct meter_peer *p = find_peer(m, end->peer);
	enum meter_kind kind = kind_of(end->type);

	p->bytes[kind] += end->bytes;
	if (end->is_answered)
		histogram_add(&p->round_trip[kind], end->elapsed_us);
	else
		p->failures[kind]++;
}

void
meters_written(struct meters *m, const struct writer_done *done)
{
	if (done->rc)
		return;
	histogram_add(&m->write, done->elapsed_us);
	histogram_add(&m->batch, done->entries);
	m->written_bytes += done->bytes;
}

void
meters_applied(struct meters *m, const struct machine_reply *replies,
	       uint64_t count, size_t bytes)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		m->repeated_entries += replies[i].verdict != SESSION_FRESH;
	m->applied_entries += count;
	m->applied_bytes += bytes;
}

void
meters_replied(struct meters *m, const char *method, const char *path,
	       int status)
{
	size_t i;

	for (i = 0; i < m->replies_count; i++) {
		struct meter_replies *r = &m->replies[i];

		if (r->status == status && r->path == path &&
		    r->method == method) {
			r->count++;
			return;
		}
	}
	m->replies = mem_grow(m->replies, &m->replies_cap, i + 1,
			      sizeof *m->replies);
	m->replies[m->replies_count++] = (struct meter_replies){
		.method = method, .path = path, .status = status, .count = 1};
}
