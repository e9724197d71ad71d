/* check.c - every invariant of a core, asserted. */

#include <assert.h>

#include "core/configuration.h"
#include "core/replication.h"

static void
check_leader(const struct core *c)
{
	const struct leadership *lead = &c->lead;
	struct stream_view view = replication_view(c);
	struct id_set members;
	size_t i;

	assert(c->leader == c->settings.id);
	/* No leader before its own vote for itself is on disk. */
	assert(c->hard_state.vote == c->settings.id);
	assert(c->durable.confirmed >= c->campaign_seq);
	assert(ledger_last(&c->ledger).term == c->hard_state.term);
	assert(lead->term_start > c->ledger.compacted.index ||
	       lead->term_start <= c->commit);
	assert(lead->stream_count <= LIMIT_MEMBERS);
	configuration_members(state_configuration(c), &members);
	for (i = 0; i < lead->stream_count; i++) {
		const struct stream *s = &lead->streams[i];

		stream_check(s, &view);
		assert(s->target != c->settings.id);
		assert(s->state != STREAM_SHUTDOWN);
		assert(s->round <= lead->round);
		if (i > 0)
			assert(lead->streams[i - 1].target < s->target);
		assert(id_set_contains(&members, s->target) ==
		       (lead->leaving[i].index == 0));
	}
}

static void
check_role(const struct core *c)
{
	switch (c->role) {
	case ROLE_LEARNER:
		assert(!state_is_voter(c));
		break;
	case ROLE_FOLLOWER:
		assert(state_is_voter(c));
		assert(c->leader != c->settings.id);
		break;
	case ROLE_PRE_CANDIDATE:
		assert(c->leader == 0);
		break;
	case ROLE_CANDIDATE:
		assert(c->leader == 0);
		assert(c->hard_state.vote == c->settings.id);
		break;
	case ROLE_LEADER:
		check_leader(c);
		break;
	case ROLE_SHUTDOWN:
		assert(c->leader == 0);
		break;
	}
	if (c->role != ROLE_LEADER) {
		assert(c->lead.stream_count == 0);
		assert(c->proposals.begin == c->proposals.end);
		assert(c->reads.count == 0);
	}
	assert(c->failed == (c->role == ROLE_SHUTDOWN));
}

void
core_check(const struct core *c)
{
	const struct ledger *l = &c->ledger;

	ledger_check(l);
	durable_check(&c->durable, l->last);
	assert(c->hard_state.term <= LIMIT_NUMBER);
	assert(ledger_last(l).term <= c->hard_state.term);
	assert(l->snapshot.last.index <= c->applied);
	assert(c->applied <= c->handed);
	assert(c->handed <= c->commit);
	assert(c->commit <= l->last);
	assert(c->uncommitted_bytes ==
	       ledger_bytes(l, c->commit + 1, l->last + 1));
	check_role(c);
}
