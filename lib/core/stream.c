/* stream.c - replication to one target.
 *
 *              proven, near             Terminate, newer term
 *   LAGGING ---------------> LINE_RATE ----------------------> SHUTDOWN
 *    |   ^ <---------------     |                                ^
 *    |   |  far, refused, lost  | compacted                      |
 *    |   |                      v                                |
 *    |   +-------------- SNAPSHOTTING ---------------------------+
 *    |    installed, failed   ^
 *    +------------------------+
 *            compacted
 *
 *   LAGGING      -> LINE_RATE     settle       proven, within the threshold
 *   LINE_RATE    -> LAGGING       settle       beyond the threshold
 *   LINE_RATE    -> LAGGING       restart      refused or lost
 *   LAGGING      -> SNAPSHOTTING  stream_next  next <= compacted
 *   LINE_RATE    -> SNAPSHOTTING  stream_next  next <= compacted
 *   SNAPSHOTTING -> LAGGING       installed    the target says so
 *   SNAPSHOTTING -> LAGGING       fail         the transfer failed
 *   any          -> SHUTDOWN      stream_step  Terminate or a newer term
 *
 * `match` moves only on the target's word. Raft counts it towards the quorum,
 * so moving it when something is merely sent could commit an entry that a
 * majority does not hold. */

#include "core/stream.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/agreement.h"

/* A payload may take a second for each MiB, beside the base timeout. */
#define BYTES_PER_MS 1024

/* How long a commit index waits for an append that carries it along. */
#define COMMIT_DELAY_MS 10

/* After this many failures in a row the pause grows no longer. */
#define FAILURES_MAX 16

static const char *const state_name[] = {
	[STREAM_LAGGING] = "lagging",
	[STREAM_LINE_RATE] = "line-rate",
	[STREAM_SNAPSHOTTING] = "snapshotting",
	[STREAM_SHUTDOWN] = "shutdown",
};

/* may_become[from][to]; everything not named here is a bug. */
static const bool may_become[4][4] = {
	[STREAM_LAGGING][STREAM_LINE_RATE] = true,
	[STREAM_LAGGING][STREAM_SNAPSHOTTING] = true,
	[STREAM_LAGGING][STREAM_SHUTDOWN] = true,
	[STREAM_LINE_RATE][STREAM_LAGGING] = true,
	[STREAM_LINE_RATE][STREAM_SNAPSHOTTING] = true,
	[STREAM_LINE_RATE][STREAM_SHUTDOWN] = true,
	[STREAM_SNAPSHOTTING][STREAM_LAGGING] = true,
	[STREAM_SNAPSHOTTING][STREAM_SHUTDOWN] = true,
};

_Static_assert(LEN(state_name) == STREAM_SHUTDOWN + 1, "name every state");

/* The only place that assigns s->state. Each state starts from a fresh union
 * member, so nothing of the old state can leak into the new one. */
static unsigned int
become(struct stream *s, enum stream_state state)
{
	bool was_line_rate = s->state == STREAM_LINE_RATE;
	unsigned int reports = 0;

	assert(may_become[s->state][state]);
	s->state = state;
	memset(&s->as, 0, sizeof s->as);
	switch (state) {
	case STREAM_LAGGING:
	case STREAM_LINE_RATE:
		break;
	case STREAM_SNAPSHOTTING:
		assert(s->window.count == 0);
		reports |= STREAM_NEEDS_SNAPSHOT;
		break;
	case STREAM_SHUTDOWN:
		window_clear(&s->window);
		reports |= STREAM_ENDED;
		break;
	}
	if (was_line_rate || state == STREAM_LINE_RATE)
		reports |= STREAM_RATE_UPDATE;
	return reports;
}

/* Begin again behind what is proven, carefully. */
static unsigned int
restart(struct stream *s)
{
	unsigned int reports = 0;

	window_clear(&s->window);
	if (s->proven)
		s->next = s->match + 1;
	if (s->state != STREAM_LAGGING)
		reports = become(s, STREAM_LAGGING);
	s->as.lagging.probing = true;
	return reports;
}

/* Pauses double up to an election timeout, and differ from stream to stream,
 * so that targets that come back together are not met by all at once. */
static unsigned int
fail(struct stream *s, const struct stream_view *v)
{
	uint64_t most_ms = v->settings->election_timeout_min_ms;
	uint64_t pause_ms =
		v->settings->heartbeat_interval_ms
		<< (s->failures < FAILURES_MAX ? s->failures : FAILURES_MAX);

	if (pause_ms > most_ms)
		pause_ms = most_ms;
	pause_ms = prng_range(&s->jitter, pause_ms / 2, pause_ms + 1);
	s->failures++;
	s->errors++;
	s->retry_ms = v->now_ms + pause_ms;
	s->silent = v->now_ms - s->contact_ms >
		    2 * v->settings->heartbeat_interval_ms;
	return restart(s);
}

static unsigned int
raise_match(struct stream *s, const struct stream_view *v, rk_index match)
{
	bool rose = match > s->match || !s->proven;

	if (rose)
		s->progress_ms = v->now_ms;
	if (match > s->match)
		s->match = match;
	s->proven = true;
	if (s->next <= s->match)
		s->next = s->match + 1;
	s->failures = 0;
	s->retry_ms = 0;
	return rose ? STREAM_UPDATE_MATCH_INDEX : 0;
}

static unsigned int
acked(struct stream *s, const struct stream_view *v,
      const struct stream_event *ev)
{
	const struct window_request *r = window_find(&s->window, ev->request);
	unsigned int reports;
	rk_index last;

	if (r == NULL || ev->match > r->last)
		return 0; /* Late, or an answer to what was never asked. */
	last = r->last;
	reports = raise_match(s, v, ev->match);
	if (ev->match < last)
		return reports | restart(s); /* Took a part of it only. */
	window_remove(&s->window, ev->request, s->match);
	if (s->state == STREAM_LAGGING)
		s->as.lagging.probing = false;
	return reports;
}

static unsigned int
rejected(struct stream *s, const struct stream_view *v,
	 const struct stream_event *ev)
{
	const struct window_request *r = window_find(&s->window, ev->request);
	unsigned int reports;
	rk_index next;

	if (r == NULL)
		return 0;
	s->rejections++;
	if (r->prev <= s->match) {
		/* It lost what it had, or denies that there is a beginning:
		 * for people to see to. */
		s->backwards++;
		return fail(s, v);
	}
	next = agreement_below(v->ledger, r->prev, ev->conflict) + 1;
	assert(next <= r->prev);
	reports = restart(s);
	s->next = next > s->match ? next : s->match + 1;
	s->failures = 0;
	s->retry_ms = 0;
	return reports;
}

static unsigned int
lost(struct stream *s, const struct stream_view *v,
     const struct stream_event *ev)
{
	if (ev->request == 0 ? s->window.count == 0
			     : window_find(&s->window, ev->request) == NULL) {
		s->errors++; /* A heartbeat, or of an earlier attempt. */
		return 0;
	}
	return fail(s, v);
}

static unsigned int
time_passed(struct stream *s, const struct stream_view *v)
{
	if (window_deadline_ms(&s->window) > v->now_ms)
		return 0;
	return fail(s, v);
}

static unsigned int
installed(struct stream *s, const struct stream_view *v,
	  const struct stream_event *ev)
{
	unsigned int reports;

	if (ev->request != s->as.snapshotting.request ||
	    ev->match > v->ledger->last)
		return 0;
	reports = raise_match(s, v, ev->match);
	s->behind_snapshot = true;
	return reports | restart(s);
}

/* The commit index rides on appends; where none leaves, it is told soon. */
static void
update_commit(struct stream *s, const struct stream_view *v)
{
	if (stream_heartbeat_commit(s, v) > s->commit_told && s->commit_ms == 0)
		s->commit_ms = v->now_ms + COMMIT_DELAY_MS;
}

static void
heard(struct stream *s, const struct stream_view *v)
{
	s->contact_ms = v->now_ms;
	/* It is back: no reason to wait any longer. */
	if (s->silent)
		s->retry_ms = 0;
	s->silent = false;
}

static unsigned int
sending_step(struct stream *s, const struct stream_view *v,
	     const struct stream_event *ev)
{
	switch (ev->type) {
	case STREAM_EV_ACKED:
		return acked(s, v, ev);
	case STREAM_EV_REJECTED:
		return rejected(s, v, ev);
	case STREAM_EV_LOST:
		return lost(s, v, ev);
	case STREAM_EV_TIME:
		return time_passed(s, v);
	case STREAM_EV_REPLICATE: /* stream_next() looks for itself. */
	case STREAM_EV_UPDATE_COMMIT_INDEX:
	case STREAM_EV_HEARD:
	case STREAM_EV_INSTALLED: /* Late, of an earlier snapshot. */
	case STREAM_EV_SNAPSHOT_FAILED:
	case STREAM_EV_TERMINATE: /* stream_step() has seen to these. */
	case STREAM_EV_NEWER_TERM:
		return 0;
	}
	return 0;
}

static unsigned int
snapshotting_step(struct stream *s, const struct stream_view *v,
		  const struct stream_event *ev)
{
	switch (ev->type) {
	case STREAM_EV_INSTALLED:
		return installed(s, v, ev);
	case STREAM_EV_SNAPSHOT_FAILED:
		if (ev->request != s->as.snapshotting.request)
			return 0;
		return fail(s, v);
	case STREAM_EV_LOST: /* The node retries chunks by itself. */
		s->errors++;
		return 0;
	case STREAM_EV_UPDATE_COMMIT_INDEX:
	case STREAM_EV_ACKED:
	case STREAM_EV_REJECTED:
	case STREAM_EV_REPLICATE:
	case STREAM_EV_TIME:
	case STREAM_EV_HEARD:
	case STREAM_EV_TERMINATE:
	case STREAM_EV_NEWER_TERM:
		return 0;
	}
	return 0;
}

/* Lagging or line-rate: decided here alone, from what is proven. */
static unsigned int
settle(struct stream *s, const struct stream_view *v)
{
	uint64_t behind = v->ledger->last - s->match;
	bool near = behind <= v->settings->replication_lag_threshold;

	if (behind <= v->settings->trailing_entries)
		s->behind_snapshot = false;
	if (s->state == STREAM_LAGGING && s->proven && !s->as.lagging.probing &&
	    near)
		return become(s, STREAM_LINE_RATE);
	if (s->state == STREAM_LINE_RATE && !near)
		return become(s, STREAM_LAGGING);
	return 0;
}

void
stream_init(struct stream *s, rk_id target, uint64_t id,
	    const struct stream_view *v)
{
	assert(target != 0);
	assert(id != 0);
	*s = (struct stream){
		.target = target,
		.id = id,
		.state = STREAM_LAGGING,
		.next = v->ledger->last + 1,
		.since_ms = v->now_ms,
		.heartbeat_ms = v->now_ms + v->settings->heartbeat_interval_ms,
		.as.lagging.probing = true,
	};
	prng_init(&s->jitter, v->settings->seed ^ id);
}

unsigned int
stream_step(struct stream *s, const struct stream_view *v,
	    const struct stream_event *ev)
{
	unsigned int reports = 0;

	stream_check(s, v);
	if (s->state == STREAM_SHUTDOWN)
		return 0;
	if (ev->type == STREAM_EV_TERMINATE)
		return become(s, STREAM_SHUTDOWN);
	if (ev->type == STREAM_EV_NEWER_TERM)
		return become(s, STREAM_SHUTDOWN) | STREAM_REVERT_TO_FOLLOWER;
	if (ev->type == STREAM_EV_ACKED || ev->type == STREAM_EV_REJECTED ||
	    ev->type == STREAM_EV_INSTALLED || ev->type == STREAM_EV_HEARD)
		heard(s, v);
	if (s->state == STREAM_SNAPSHOTTING)
		reports |= snapshotting_step(s, v, ev);
	else
		reports |= sending_step(s, v, ev);
	reports |= settle(s, v);
	update_commit(s, v);
	stream_check(s, v);
	return reports;
}

/* Whether the window has room for a request of `bytes`. */
static bool
has_room(const struct stream *s, const struct core_settings *settings,
	 uint64_t bytes)
{
	if (s->window.count == 0)
		return true;
	if (s->state == STREAM_LAGGING && s->as.lagging.probing)
		return false;
	return s->window.count < settings->max_inflight_requests &&
	       s->window.bytes + bytes <= settings->max_inflight_bytes;
}

/* How far the next payload reaches. Until the match is proven it is likely to
 * be refused, so it carries little. */
static rk_index
payload_end(const struct stream *s, const struct stream_view *v,
	    uint64_t *bytes)
{
	uint64_t most = s->proven ? v->settings->max_payload_entries : 1;
	rk_index to = v->ledger->last + 1;

	*bytes = 0;
	if (s->next == to)
		return to;
	if (to - s->next > most)
		to = s->next + most;
	return ledger_fit(v->ledger, s->next, to,
			  v->settings->max_payload_bytes, bytes);
}

static struct stream_wish
send_append(struct stream *s, const struct stream_view *v, uint64_t request)
{
	struct stream_wish wish = {.type = STREAM_SENDS_NOTHING};
	bool probe = s->state == STREAM_LAGGING && s->as.lagging.probing;
	uint64_t bytes;
	rk_index to;

	s->retry_ms = 0;
	if (!has_room(s, v->settings, 0))
		return wish;
	to = payload_end(s, v, &bytes);
	if ((to == s->next && !probe) || !has_room(s, v->settings, bytes))
		return wish;
	wish.type = STREAM_SENDS_APPEND;
	wish.from = s->next;
	wish.to = to;
	wish.deadline_ms = v->now_ms + v->settings->request_timeout_ms +
			   bytes / BYTES_PER_MS;
	window_add(&s->window, (struct window_request){
				       .number = request,
				       .prev = s->next - 1,
				       .last = to - 1,
				       .bytes = bytes,
				       .deadline_ms = wish.deadline_ms,
			       });
	/* A probe that fails is repeated from the same place. */
	if (!probe)
		s->next = to;
	/* It takes our word only for what this request verifies. */
	s->commit_told = v->commit < to ? v->commit : to - 1;
	s->commit_ms = 0;
	s->retries += s->failures > 0;
	return wish;
}

struct stream_wish
stream_next(struct stream *s, const struct stream_view *v, uint64_t request,
	    unsigned int *reports)
{
	struct stream_wish wish = {.type = STREAM_SENDS_NOTHING};

	if (s->state == STREAM_SHUTDOWN || s->state == STREAM_SNAPSHOTTING ||
	    s->retry_ms > v->now_ms)
		return wish;
	if (s->next > v->ledger->compacted.index) {
		wish = send_append(s, v, request);
	} else if (s->window.count == 0) {
		*reports |= become(s, STREAM_SNAPSHOTTING);
		s->retry_ms = 0;
		s->as.snapshotting.request = request;
		s->as.snapshotting.index = v->ledger->snapshot.last.index;
		wish.type = STREAM_SENDS_SNAPSHOT;
	}
	stream_check(s, v);
	return wish;
}

rk_index
stream_heartbeat_commit(const struct stream *s, const struct stream_view *v)
{
	return s->match < v->commit ? s->match : v->commit;
}

bool
stream_heartbeat(struct stream *s, const struct stream_view *v, bool now)
{
	bool commit_due = s->commit_ms != 0 && s->commit_ms <= v->now_ms;

	if (s->state == STREAM_SHUTDOWN ||
	    (s->heartbeat_ms > v->now_ms && !commit_due && !now))
		return false;
	/* Ticks that were missed are skipped, not made up for. */
	s->heartbeat_ms = v->now_ms + v->settings->heartbeat_interval_ms;
	s->commit_ms = 0;
	if (stream_heartbeat_commit(s, v) > s->commit_told)
		s->commit_told = stream_heartbeat_commit(s, v);
	return true;
}

bool
stream_is_caught_up(const struct stream *s, const struct stream_view *v)
{
	return s->proven && s->match == v->ledger->last;
}

uint64_t
stream_deadline_ms(const struct stream *s)
{
	uint64_t deadline_ms = s->heartbeat_ms;
	uint64_t ms;

	if (s->state == STREAM_SHUTDOWN)
		return UINT64_MAX;
	if (s->commit_ms != 0 && s->commit_ms < deadline_ms)
		deadline_ms = s->commit_ms;
	if (s->retry_ms != 0 && s->retry_ms < deadline_ms)
		deadline_ms = s->retry_ms;
	ms = window_deadline_ms(&s->window);
	if (ms < deadline_ms)
		deadline_ms = ms;
	return deadline_ms;
}

void
stream_check(const struct stream *s, const struct stream_view *v)
{
	assert(s->target != 0);
	assert(s->match < s->next);
	assert(s->match <= v->ledger->last);
	assert(s->next <= v->ledger->last + 1);
	if (!s->proven)
		assert(s->match == 0);
	window_check(&s->window);
	switch (s->state) {
	case STREAM_LAGGING:
		if (!s->proven)
			assert(s->as.lagging.probing);
		if (s->as.lagging.probing)
			assert(s->window.count <= 1);
		break;
	case STREAM_LINE_RATE:
		assert(s->proven);
		break;
	case STREAM_SNAPSHOTTING:
		assert(s->window.count == 0);
		assert(s->as.snapshotting.index >= s->match);
		break;
	case STREAM_SHUTDOWN:
		assert(s->window.count == 0);
		break;
	}
}

const char *
stream_state_name(enum stream_state state)
{
	assert((size_t)state < LEN(state_name));
	return state_name[state];
}
