/* leader.c - proposals, the commit rule, and the end of leadership. */

#include "core/leader.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/configuration.h"
#include "core/membership.h"
#include "core/read.h"
#include "core/replication.h"
#include "core/role.h"
#include "core/transfer.h"

static void
result(struct core *c, uint64_t token, rk_index index, uint64_t count,
       enum result_status status)
{
	struct effect_result r = {
		.token = token,
		.index = index,
		.count = count,
		.term = c->hard_state.term,
		.status = status,
	};

	effects_result(&c->out, &r);
}

void
leader_start(struct core *c)
{
	memset(&c->lead, 0, sizeof c->lead);
	c->leader = c->settings.id;
	c->lead.since_ms = c->now_ms;
	replication_reconcile(c);
	/* What older terms left may be committed only below an entry of one's
	 * own term (thesis, 3.6.2), so there is one at once. */
	c->lead.term_start = state_append_own(c, RK_ENTRY_NOOP, NULL);
}

void
leader_stop(struct core *c)
{
	struct proposal_queue *q = &c->proposals;

	replication_terminate(c);
	for (; q->begin < q->end; q->begin++)
		result(c, q->items[q->begin].token, q->items[q->begin].index,
		       q->items[q->begin].count, RESULT_LOST);
	q->begin = q->end = 0;
	if (c->lead.configuring)
		result(c, c->lead.configure_token, 0, 1, RESULT_LOST);
	read_refuse_all(c);
	memset(&c->lead, 0, sizeof c->lead);
}

void
leader_step_down(struct core *c)
{
	assert(c->role == ROLE_LEADER);
	role_rest(c);
	c->leader = 0;
}

/* Bytes of `count` entries, UINT64_MAX if that is more than is allowed. */
static uint64_t
bytes_of(const struct event_propose *ev, uint64_t allowed)
{
	uint64_t bytes = 0;
	uint64_t i;

	for (i = 0; i < ev->count; i++) {
		bytes += ev->sizes[i];
		if (bytes > allowed)
			return UINT64_MAX;
	}
	return bytes;
}

static void
push_proposal(struct proposal_queue *q, struct pending_proposal p)
{
	if (q->end == q->cap && q->begin > q->cap / 2) {
		memmove(q->items, q->items + q->begin,
			(q->end - q->begin) * sizeof q->items[0]);
		q->end -= q->begin;
		q->begin = 0;
	}
	q->items = mem_grow(q->items, &q->cap, q->end + 1, sizeof q->items[0]);
	q->items[q->end++] = p;
}

int
leader_on_propose(struct core *c, const struct event_propose *ev)
{
	struct effect_persist *persist = &c->out.now.persist;
	uint64_t room = UINT64_MAX - 1;
	uint64_t bytes;
	rk_index from = c->ledger.last + 1;

	if (c->role != ROLE_LEADER)
		return CORE_NOT_LEADER;
	if (c->lead.transfer_to != 0)
		return CORE_BUSY;
	if (ev->count == 0 || ev->sizes == NULL ||
	    c->ledger.last > STATE_INDEX_MAX ||
	    ev->count > STATE_INDEX_MAX - c->ledger.last)
		return CORE_INVALID;
	/* One that is too large for the limit goes when nothing else waits. */
	if (c->uncommitted_bytes > 0)
		room = c->settings.max_uncommitted_bytes > c->uncommitted_bytes
			       ? c->settings.max_uncommitted_bytes -
					 c->uncommitted_bytes
			       : 0;
	bytes = bytes_of(ev, room);
	if (bytes == UINT64_MAX)
		return CORE_FULL;
	ledger_append(&c->ledger, c->hard_state.term, ev->count, ev->sizes);
	c->uncommitted_bytes += bytes;
	state_write(c);
	durable_add_entries(&c->durable, c->ledger.last);
	persist->append_from = from;
	persist->append_to = c->ledger.last + 1;
	persist->append_term = c->hard_state.term;
	persist->append_type = RK_ENTRY_DATA;
	push_proposal(&c->proposals,
		      (struct pending_proposal){ev->token, from, ev->count});
	return CORE_OK;
}

static void
answer_proposals(struct core *c)
{
	struct proposal_queue *q = &c->proposals;

	for (; q->begin < q->end; q->begin++) {
		struct pending_proposal p = q->items[q->begin];

		if (p.index + p.count - 1 > c->commit)
			return;
		result(c, p.token, p.index, p.count, RESULT_COMMITTED);
	}
	q->begin = q->end = 0;
}

/* The highest index that a majority has on disk. The leader counts itself
 * only where it is a voter, and as far as its own disk has confirmed. */
static rk_index
stored_by_majority(const struct core *c)
{
	struct quorum_value values[LIMIT_MEMBERS + 1];
	size_t count = 0;
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++)
		values[count++] = (struct quorum_value){
			c->lead.streams[i].target, c->lead.streams[i].match};
	values[count++] =
		(struct quorum_value){c->settings.id, c->durable.stable};
	return quorum_reached(state_configuration(c), values, count);
}

void
leader_advance(struct core *c)
{
	rk_index index;

	if (c->role != ROLE_LEADER)
		return;
	index = stored_by_majority(c);
	/* Only an entry of the own term is committed by counting; what is
	 * before it is committed with it (thesis, 3.6.2). */
	if (index > c->commit &&
	    ledger_term(&c->ledger, index) == c->hard_state.term) {
		state_commit(c, index);
		replication_tell_commit(c);
		answer_proposals(c);
	}
	membership_on_commit(c);
}

uint64_t
leader_quorum_contact_ms(const struct core *c)
{
	struct quorum_value values[LIMIT_MEMBERS + 1];
	size_t count = 0;
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++) {
		const struct stream *s = &c->lead.streams[i];
		uint64_t ms = s->contact_ms > s->since_ms ? s->contact_ms
							  : s->since_ms;

		values[count++] = (struct quorum_value){s->target, ms};
	}
	values[count++] = (struct quorum_value){c->settings.id, c->now_ms};
	return quorum_reached(state_configuration(c), values, count);
}

void
leader_tick(struct core *c)
{
	uint64_t patience_ms = c->settings.election_timeout_max_ms;
	bool is_cut_off =
		c->settings.check_quorum &&
		c->now_ms - leader_quorum_contact_ms(c) >= patience_ms;

	assert(c->role == ROLE_LEADER);
	/* A disk that hangs must not be hidden by heartbeats for ever. */
	if (is_cut_off || durable_hangs(&c->durable, c->now_ms, patience_ms)) {
		leader_step_down(c);
		return;
	}
	transfer_tick(c);
	replication_tick(c);
}

void
leader_pump(struct core *c)
{
	assert(c->role == ROLE_LEADER);
	membership_pump(c);
	transfer_pump(c);
	replication_pump(c);
	read_pump(c);
}

uint64_t
leader_deadline_ms(const struct core *c)
{
	uint64_t patience_ms = c->settings.election_timeout_max_ms;
	uint64_t deadline_ms = replication_deadline_ms(c);
	uint64_t ms = durable_oldest_ms(&c->durable);

	if (ms != UINT64_MAX && ms + patience_ms < deadline_ms)
		deadline_ms = ms + patience_ms;
	if (c->lead.transfer_to != 0 && c->lead.transfer_until_ms < deadline_ms)
		deadline_ms = c->lead.transfer_until_ms;
	if (membership_is_due(c))
		deadline_ms = c->now_ms;
	return deadline_ms;
}
