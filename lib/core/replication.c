/* replication.c - the leader's streams. */

#include "core/replication.h"

#include <assert.h>
#include <string.h>

#include "core/configuration.h"
#include "core/leader.h"

/* How many election timeouts a removed member is told of its removal. */
#define LEAVING_TIMEOUTS 4

struct stream_view
replication_view(const struct core *c)
{
	return (struct stream_view){
		.settings = &c->settings,
		.ledger = &c->ledger,
		.commit = c->commit,
		.now_ms = c->now_ms,
	};
}

struct stream *
replication_find(struct core *c, rk_id target)
{
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++)
		if (c->lead.streams[i].target == target)
			return &c->lead.streams[i];
	return NULL;
}

static unsigned int
step(struct core *c, struct stream *s, struct stream_event ev)
{
	struct stream_view view = replication_view(c);

	return stream_step(s, &view, &ev);
}

static void
drop(struct core *c, size_t i)
{
	struct leadership *lead = &c->lead;
	size_t behind = lead->stream_count - i - 1;

	step(c, &lead->streams[i],
	     (struct stream_event){.type = STREAM_EV_TERMINATE});
	memmove(&lead->streams[i], &lead->streams[i + 1],
		behind * sizeof lead->streams[0]);
	memmove(&lead->leaving[i], &lead->leaving[i + 1],
		behind * sizeof lead->leaving[0]);
	lead->stream_count--;
}

static void
make_room(struct core *c)
{
	size_t i;

	for (i = 0; c->lead.stream_count == LIMIT_MEMBERS; i++) {
		assert(i < c->lead.stream_count);
		if (c->lead.leaving[i].index != 0)
			drop(c, i);
	}
}

static void
add(struct core *c, rk_id target)
{
	struct leadership *lead = &c->lead;
	struct stream_view view = replication_view(c);
	size_t at;

	make_room(c);
	at = lead->stream_count;
	for (; at > 0 && lead->streams[at - 1].target > target; at--) {
		lead->streams[at] = lead->streams[at - 1];
		lead->leaving[at] = lead->leaving[at - 1];
	}
	lead->leaving[at] = (struct leaving){.index = 0};
	stream_init(&lead->streams[at], target, ++c->last_stream, &view);
	lead->stream_count++;
}

void
replication_reconcile(struct core *c)
{
	const struct configuration_at *in_force =
		ledger_configuration(&c->ledger, c->ledger.last);
	struct leadership *lead = &c->lead;
	struct id_set members;
	size_t i;

	configuration_members(&in_force->configuration, &members);
	/* Who comes back may do so without what it had proven: it gets a
	 * stream of its own, which begins with nothing. */
	for (i = lead->stream_count; i-- > 0;)
		if (lead->leaving[i].index != 0 &&
		    id_set_contains(&members, lead->streams[i].target))
			drop(c, i);
	for (i = 0; i < lead->stream_count; i++) {
		if (id_set_contains(&members, lead->streams[i].target)) {
			assert(lead->leaving[i].index == 0);
		} else if (lead->leaving[i].index == 0) {
			lead->leaving[i].index = in_force->index;
			lead->leaving[i].until_ms =
				c->now_ms +
				LEAVING_TIMEOUTS *
					c->settings.election_timeout_max_ms;
		}
	}
	for (i = 0; i < members.count; i++)
		if (members.ids[i] != c->settings.id &&
		    replication_find(c, members.ids[i]) == NULL)
			add(c, members.ids[i]);
}

void
replication_terminate(struct core *c)
{
	while (c->lead.stream_count > 0)
		drop(c, c->lead.stream_count - 1);
}

void
replication_tell_commit(struct core *c)
{
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++)
		step(c, &c->lead.streams[i],
		     (struct stream_event){
			     .type = STREAM_EV_UPDATE_COMMIT_INDEX});
}

/* The stream that `m` answers; NULL if it is gone, and this is late. */
static struct stream *
answered(struct core *c, const struct message *m)
{
	struct stream *s = replication_find(c, m->from);

	return s != NULL && s->id == m->stream ? s : NULL;
}

void
replication_on_append_reply(struct core *c, const struct message *m)
{
	const struct message_append_reply *reply = &m->as.append_reply;
	struct stream *s = answered(c, m);
	struct stream_event ev = {
		.type = reply->success ? STREAM_EV_ACKED : STREAM_EV_REJECTED,
		.request = m->request,
		.match = reply->match,
		.conflict = reply->conflict,
	};

	if (s == NULL)
		return;
	if (step(c, s, ev) & STREAM_UPDATE_MATCH_INDEX)
		leader_advance(c);
}

void
replication_on_heartbeat_reply(struct core *c, const struct message *m)
{
	const struct message_heartbeat_reply *reply = &m->as.heartbeat_reply;
	struct stream *s = answered(c, m);

	if (s == NULL || reply->round > c->lead.round)
		return;
	step(c, s, (struct stream_event){.type = STREAM_EV_HEARD});
	if (reply->round > s->round)
		s->round = reply->round;
	s->backwards += reply->last < s->match;
}

void
replication_on_reply(struct core *c, const struct message *m)
{
	struct stream *s = answered(c, m);

	if (s != NULL)
		step(c, s, (struct stream_event){.type = STREAM_EV_HEARD});
}

void
replication_on_newer_term(struct core *c, const struct message *m)
{
	struct stream *s = answered(c, m);

	if (s != NULL)
		step(c, s, (struct stream_event){.type = STREAM_EV_NEWER_TERM});
}

int
replication_on_snapshot_sent(struct core *c,
			     const struct event_snapshot_sent *ev)
{
	struct stream *s = replication_find(c, ev->peer);
	bool is_known = ledger_has(&c->ledger, ev->match) ||
			ev->match.index < c->ledger.compacted.index;
	struct stream_event happened = {
		.type = STREAM_EV_SNAPSHOT_FAILED,
		.request = ev->request,
		.match = ev->match.index,
	};

	if (s == NULL || s->id != ev->stream)
		return CORE_OK; /* Late. */
	/* What it names must be of this log, or it holds something else. */
	if (ev->outcome == SNAPSHOT_INSTALLED && is_known)
		happened.type = STREAM_EV_INSTALLED;
	if (step(c, s, happened) & STREAM_UPDATE_MATCH_INDEX)
		leader_advance(c);
	return CORE_OK;
}

void
replication_on_unreachable(struct core *c,
			   const struct event_peer_unreachable *ev)
{
	struct stream *s = replication_find(c, ev->peer);

	if (s != NULL && (ev->stream == 0 || ev->stream == s->id))
		step(c, s,
		     (struct stream_event){.type = STREAM_EV_LOST,
					   .request = ev->request});
}

/* Send a heartbeat if one is due, or `now`. */
static void
heartbeat(struct core *c, struct stream *s, bool now)
{
	struct stream_view view = replication_view(c);
	struct effect_send *send;

	if (!stream_heartbeat(s, &view, now))
		return;
	send = state_request(c, MESSAGE_HEARTBEAT, s->target);
	send->message.stream = s->id;
	send->message.as.heartbeat.commit = stream_heartbeat_commit(s, &view);
	send->message.as.heartbeat.round = c->lead.round;
	send->deadline_ms = c->now_ms + c->settings.election_timeout_min_ms;
}

void
replication_heartbeats(struct core *c)
{
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++)
		heartbeat(c, &c->lead.streams[i], true);
}

void
replication_tick(struct core *c)
{
	struct leadership *lead = &c->lead;
	size_t i;

	for (i = 0; i < lead->stream_count; i++)
		step(c, &lead->streams[i],
		     (struct stream_event){.type = STREAM_EV_TIME});
}

/* End the streams of members that left, and know it or cannot be told. */
static void
drop_left(struct core *c)
{
	struct leadership *lead = &c->lead;
	size_t i = 0;

	while (i < lead->stream_count) {
		struct leaving leaving = lead->leaving[i];

		if (leaving.index != 0 && leaving.index <= c->commit &&
		    (lead->streams[i].commit_told >= leaving.index ||
		     leaving.until_ms <= c->now_ms))
			drop(c, i);
		else
			i++;
	}
}

static void
send_append(struct core *c, const struct stream *s, struct stream_wish wish)
{
	struct effect_send *send = state_request(c, MESSAGE_APPEND, s->target);
	struct message_append *a = &send->message.as.append;

	send->message.stream = s->id;
	send->deadline_ms = wish.deadline_ms;
	a->prev.index = wish.from - 1;
	a->prev.term = ledger_term(&c->ledger, wish.from - 1);
	a->count = wish.to - wish.from;
	a->commit = c->commit;
	assert(a->prev.index == 0 || a->prev.term != 0);
}

/* Everything that the stream wants sent now. */
static void
pump(struct core *c, struct stream *s)
{
	struct stream_view view = replication_view(c);
	struct effect_snapshot_send snapshot;
	struct stream_wish wish;
	unsigned int reports = 0;

	for (;;) {
		wish = stream_next(s, &view, c->last_request + 1, &reports);
		switch (wish.type) {
		case STREAM_SENDS_NOTHING:
			return;
		case STREAM_SENDS_APPEND:
			send_append(c, s, wish);
			break;
		case STREAM_SENDS_SNAPSHOT:
			snapshot.peer = s->target;
			snapshot.stream = s->id;
			snapshot.request = ++c->last_request;
			snapshot.meta = c->ledger.snapshot;
			effects_snapshot_send(&c->out, &snapshot);
			break;
		}
	}
}

void
replication_pump(struct core *c)
{
	size_t i;

	drop_left(c);
	for (i = 0; i < c->lead.stream_count; i++) {
		pump(c, &c->lead.streams[i]);
		heartbeat(c, &c->lead.streams[i], false);
	}
}

uint64_t
replication_deadline_ms(const struct core *c)
{
	uint64_t deadline_ms = UINT64_MAX;
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++) {
		uint64_t ms = stream_deadline_ms(&c->lead.streams[i]);

		if (ms < deadline_ms)
			deadline_ms = ms;
	}
	return deadline_ms;
}
