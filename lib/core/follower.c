/* follower.c - what the leader of this term sends.
 *
 * Entries are compared one by one, and the log is cut only where one really
 * differs: a request may come late, twice or after a longer one (thesis, 3.5).
 * What is committed is equal by definition and is never compared, let alone
 * cut. */

#include "core/follower.h"

#include <assert.h>

#include "core/agreement.h"
#include "core/configuration.h"
#include "core/election.h"
#include "core/role.h"

bool
follower_may_accept(const struct core *c, const struct message *m)
{
	if (m->term > c->hard_state.term)
		return true;
	return m->term == c->hard_state.term && c->role != ROLE_LEADER &&
	       (c->leader == 0 || c->leader == m->from);
}

void
follower_accept(struct core *c, const struct message *m)
{
	assert(follower_may_accept(c, m));
	if (m->term > c->hard_state.term)
		role_adopt_term(c, m->term);
	election_on_leader(c, m->from);
}

/* Whether terms and counts of the runs are those of one log. */
static bool
runs_are_valid(const struct message *m)
{
	const struct message_append *a = &m->as.append;
	rk_term term = a->prev.term;
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < a->run_count; i++) {
		if (a->runs[i].term < term || a->runs[i].term > m->term ||
		    a->runs[i].term == 0 || a->runs[i].count == 0 ||
		    a->runs[i].count > a->count - count)
			return false;
		count += a->runs[i].count;
		term = a->runs[i].term;
	}
	return count == a->count;
}

static bool
append_is_valid(const struct message *m)
{
	const struct message_append *a = &m->as.append;
	rk_index before = a->prev.index;
	size_t i;

	if ((a->prev.index == 0) != (a->prev.term == 0) ||
	    a->prev.index > LIMIT_NUMBER || a->commit > LIMIT_NUMBER ||
	    a->prev.term > m->term || a->count > LIMIT_NUMBER - a->prev.index ||
	    !runs_are_valid(m) || (a->count > 0 && a->sizes == NULL))
		return false;
	for (i = 0; i < a->configuration_count; i++) {
		const struct configuration_at *at = &a->configurations[i];

		if (at->index <= before ||
		    at->index > a->prev.index + a->count ||
		    !configuration_is_valid(&at->configuration))
			return false;
		before = at->index;
	}
	return true;
}

/* The first of the entries that the log does not hold; behind the last one if
 * it holds them all. */
static rk_index
first_new(const struct ledger *l, const struct message_append *a)
{
	rk_index index = a->prev.index + 1;
	size_t i;
	uint64_t j;

	if (a->prev.index == l->last)
		return index;
	for (i = 0; i < a->run_count; i++)
		for (j = 0; j < a->runs[i].count; j++, index++) {
			if (index < l->compacted.index)
				continue;
			if (ledger_term(l, index) != a->runs[i].term)
				return index; /* 0 is past the end. */
		}
	return index;
}

static void
cut(struct core *c, rk_index from)
{
	assert(from > c->commit);
	c->uncommitted_bytes -=
		ledger_bytes(&c->ledger, from, c->ledger.last + 1);
	state_write(c);
	ledger_truncate(&c->ledger, from);
	durable_truncate(&c->durable, from);
	c->out.now.persist.truncate_from = from;
}

/* Append the entries of `a` from index `from` on. */
static void
take(struct core *c, const struct message_append *a, rk_index from)
{
	const uint32_t *sizes = a->sizes + (from - a->prev.index - 1);
	rk_index end = a->prev.index;
	size_t i;

	for (i = 0; i < a->run_count; i++) {
		uint64_t count;

		end += a->runs[i].count;
		if (end < from)
			continue;
		count = end - c->ledger.last;
		ledger_append(&c->ledger, a->runs[i].term, count, sizes);
		sizes += count;
	}
	for (i = 0; i < a->configuration_count; i++)
		if (a->configurations[i].index >= from)
			ledger_append_configuration(&c->ledger,
						    &a->configurations[i]);
	state_write(c);
	durable_add_entries(&c->durable, end);
	c->out.now.persist.append_from = from;
	c->out.now.persist.append_to = end + 1;
	c->uncommitted_bytes += ledger_bytes(&c->ledger, from, end + 1);
}

/* Store what is new of `a`, then say and commit what it verified. */
static void
store(struct core *c, const struct message *m, rk_index from)
{
	const struct message_append *a = &m->as.append;
	rk_index verified = a->prev.index + a->count;
	struct effect_send *send;

	if (from <= verified) {
		if (from <= c->ledger.last)
			cut(c, from);
		take(c, a, from);
		role_on_configuration(c);
	}
	send = state_reply(c, m, MESSAGE_APPEND_REPLY);
	send->gate = durable_gate(&c->durable, verified);
	send->message.as.append_reply.success = true;
	send->message.as.append_reply.match = verified;
	send->message.as.append_reply.last = c->ledger.last;
	state_commit(c, verified < a->commit ? verified : a->commit);
}

int
follower_on_append(struct core *c, const struct message *m)
{
	const struct message_append *a = &m->as.append;
	struct log_end conflict = {0, 0};
	struct effect_send *send;
	rk_index from;

	if (!follower_may_accept(c, m) || !append_is_valid(m))
		return CORE_INVALID;
	if (!agreement_at(&c->ledger, c->commit, a->prev, &conflict)) {
		follower_accept(c, m);
		send = state_reply(c, m, MESSAGE_APPEND_REPLY);
		send->message.as.append_reply.conflict = conflict;
		send->message.as.append_reply.last = c->ledger.last;
		return CORE_OK;
	}
	from = first_new(&c->ledger, a);
	/* Another entry than the one committed here: no leader has that. */
	if (from <= c->commit && from <= a->prev.index + a->count)
		return CORE_INVALID;
	if (a->prev.index >= c->ledger.compacted.index &&
	    !ledger_has(&c->ledger, a->prev))
		return CORE_INVALID;
	follower_accept(c, m);
	store(c, m, from);
	return CORE_OK;
}

int
follower_on_heartbeat(struct core *c, const struct message *m)
{
	struct effect_send *send;

	if (!follower_may_accept(c, m) || m->as.heartbeat.commit > LIMIT_NUMBER)
		return CORE_INVALID;
	follower_accept(c, m);
	/* Only the leader makes entries of its term, so a log that ends in one
	 * is the leader's up to there; an older tail may be anybody's. */
	if (ledger_last(&c->ledger).term == m->term &&
	    m->as.heartbeat.commit <= c->ledger.last)
		state_commit(c, m->as.heartbeat.commit);
	send = state_reply(c, m, MESSAGE_HEARTBEAT_REPLY);
	send->message.as.heartbeat_reply.round = m->as.heartbeat.round;
	send->message.as.heartbeat_reply.last = c->ledger.last;
	return CORE_OK;
}

int
follower_on_timeout_now(struct core *c, const struct message *m)
{
	if (!follower_may_accept(c, m))
		return CORE_INVALID;
	follower_accept(c, m);
	return election_on_timeout_now(c, m);
}
