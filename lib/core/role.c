/* role.c - what a server is at the moment.
 *
 *   LEARNER <--> FOLLOWER --> PRE_CANDIDATE --> CANDIDATE --> LEADER
 *                  ^  |            |                |            |
 *                  |  +------------|--------------->|            |
 *                  +---------------+----------------+------------+
 *
 *   LEARNER   <-> FOLLOWER      role_on_configuration  gains or loses a vote
 *   FOLLOWER   -> PRE_CANDIDATE election_campaign      timeout
 *   FOLLOWER   -> CANDIDATE     election_campaign      no pre-vote, or asked
 *   PRE_CAND.  -> CANDIDATE     election_count         pre-vote won
 *   CANDIDATE  -> LEADER        election_count         vote won
 *   ...        -> FOLLOWER      role_rest              lost, newer term,
 *                                                      a leader, cut off
 *   LEADER     -> LEARNER       role_rest              removed
 *   any        -> SHUTDOWN      core_step              the disk failed */

#include "core/role.h"

#include <assert.h>

#include "base/mem.h"
#include "core/election.h"
#include "core/leader.h"

static const char *const name[] = {
	[ROLE_LEARNER] = "learner",
	[ROLE_FOLLOWER] = "follower",
	[ROLE_PRE_CANDIDATE] = "pre-candidate",
	[ROLE_CANDIDATE] = "candidate",
	[ROLE_LEADER] = "leader",
	[ROLE_SHUTDOWN] = "shutdown",
};

_Static_assert(LEN(name) == ROLE_SHUTDOWN + 1, "name every role");

/* may_become[from][to]; everything not named here is a bug. */
static const bool may_become[6][6] = {
	[ROLE_LEARNER][ROLE_FOLLOWER] = true,
	[ROLE_LEARNER][ROLE_SHUTDOWN] = true,
	[ROLE_FOLLOWER][ROLE_LEARNER] = true,
	[ROLE_FOLLOWER][ROLE_PRE_CANDIDATE] = true,
	[ROLE_FOLLOWER][ROLE_CANDIDATE] = true,
	[ROLE_FOLLOWER][ROLE_SHUTDOWN] = true,
	[ROLE_PRE_CANDIDATE][ROLE_FOLLOWER] = true,
	[ROLE_PRE_CANDIDATE][ROLE_PRE_CANDIDATE] = true,
	[ROLE_PRE_CANDIDATE][ROLE_CANDIDATE] = true,
	[ROLE_PRE_CANDIDATE][ROLE_SHUTDOWN] = true,
	[ROLE_CANDIDATE][ROLE_FOLLOWER] = true,
	[ROLE_CANDIDATE][ROLE_PRE_CANDIDATE] = true,
	[ROLE_CANDIDATE][ROLE_CANDIDATE] = true,
	[ROLE_CANDIDATE][ROLE_LEADER] = true,
	[ROLE_CANDIDATE][ROLE_SHUTDOWN] = true,
	[ROLE_LEADER][ROLE_FOLLOWER] = true,
	[ROLE_LEADER][ROLE_LEARNER] = true,
	[ROLE_LEADER][ROLE_SHUTDOWN] = true,
};

void
role_become(struct core *c, enum role role)
{
	assert(may_become[c->role][role]);
	if (c->role == ROLE_LEADER)
		leader_stop(c);
	c->role = role;
	switch (role) {
	case ROLE_FOLLOWER:
	case ROLE_PRE_CANDIDATE:
	case ROLE_CANDIDATE:
		election_restart_timer(c);
		break;
	case ROLE_LEADER:
		leader_start(c);
		break;
	case ROLE_LEARNER:
	case ROLE_SHUTDOWN:
		break;
	}
}

void
role_rest(struct core *c)
{
	enum role rest = state_is_voter(c) ? ROLE_FOLLOWER : ROLE_LEARNER;

	/* A candidate without a vote is not, but its truncation may make it. */
	if (c->role == ROLE_PRE_CANDIDATE || c->role == ROLE_CANDIDATE)
		role_become(c, ROLE_FOLLOWER);
	if (c->role != rest)
		role_become(c, rest);
}

void
role_adopt_term(struct core *c, rk_term term)
{
	assert(term > c->hard_state.term);
	/* First, for what it says to those who wait is of the old term. */
	role_rest(c);
	c->leader = 0;
	state_set_hard_state(c, (struct hard_state){.term = term});
}

void
role_on_configuration(struct core *c)
{
	if (c->role == ROLE_LEARNER || c->role == ROLE_FOLLOWER)
		role_rest(c);
}

const char *
role_name(enum role role)
{
	assert((size_t)role < LEN(name));
	return name[role];
}
