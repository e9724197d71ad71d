/* election.c - campaigns, votes and the election timer. */

#include "core/election.h"

#include <assert.h>

#include "core/configuration.h"
#include "core/role.h"

enum campaign {
	CAMPAIGN_PRE,
	CAMPAIGN_REAL,
	CAMPAIGN_TRANSFER, /* Real, and by the wish of the leader. */
};

void
election_restart_timer(struct core *c)
{
	uint64_t timeout_ms = c->settings.election_timeout_fixed_ms;

	if (timeout_ms == 0)
		timeout_ms = prng_range(&c->prng,
					c->settings.election_timeout_min_ms,
					c->settings.election_timeout_max_ms);
	c->election_ms = c->now_ms + timeout_ms;
}

void
election_on_leader(struct core *c, rk_id leader)
{
	assert(c->role != ROLE_LEADER);
	assert(c->leader == 0 || c->leader == leader);
	role_rest(c);
	c->leader = leader;
	c->contact_ms = c->now_ms;
	election_restart_timer(c);
}

static void campaign(struct core *c, enum campaign kind);

/* Act upon what the ballot says now. */
static void
count(struct core *c)
{
	assert(c->role == ROLE_PRE_CANDIDATE || c->role == ROLE_CANDIDATE);
	/* Nobody was asked before the vote for oneself is on disk. */
	if (c->role == ROLE_CANDIDATE && c->durable.confirmed < c->campaign_seq)
		return;
	switch (ballot_verdict(&c->ballot, state_configuration(c))) {
	case QUORUM_OPEN:
		break;
	case QUORUM_WON:
		if (c->role == ROLE_PRE_CANDIDATE)
			campaign(c, CAMPAIGN_REAL);
		else
			role_become(c, ROLE_LEADER);
		break;
	case QUORUM_LOST:
		role_rest(c);
		break;
	}
}

static void
ask_for_votes(struct core *c, enum campaign kind)
{
	struct id_set members;
	size_t i;

	c->campaign_request = c->last_request + 1;
	configuration_members(state_configuration(c), &members);
	for (i = 0; i < members.count; i++) {
		struct effect_send *send;

		if (members.ids[i] == c->settings.id ||
		    !configuration_is_voter(state_configuration(c),
					    members.ids[i]))
			continue;
		send = state_request(c, MESSAGE_VOTE, members.ids[i]);
		send->message.term += kind == CAMPAIGN_PRE;
		send->message.as.vote.pre = kind == CAMPAIGN_PRE;
		send->message.as.vote.transfer = kind == CAMPAIGN_TRANSFER;
		send->message.as.vote.last = ledger_last(&c->ledger);
		send->gate = durable_gate(&c->durable, 0);
		send->deadline_ms =
			c->now_ms + c->settings.election_timeout_min_ms;
	}
}

static void
campaign(struct core *c, enum campaign kind)
{
	struct quorum_vote own = {c->settings.id, true};

	assert(state_is_voter(c));
	c->leader = 0;
	c->ballot = (struct ballot){.count = 0};
	if (kind == CAMPAIGN_PRE) {
		role_become(c, ROLE_PRE_CANDIDATE);
		ballot_add(&c->ballot, state_configuration(c), own);
		ask_for_votes(c, kind);
		count(c);
		return;
	}
	role_become(c, ROLE_CANDIDATE);
	state_set_hard_state(c, (struct hard_state){
					.term = c->hard_state.term + 1,
					.vote = c->settings.id,
				});
	/* It counts once it is on disk. */
	c->campaign_seq = state_write(c);
	ask_for_votes(c, kind);
}

/* Whether a campaign could go anywhere. */
static bool
may_campaign(const struct core *c)
{
	return state_is_voter(c) && c->hard_state.term < LIMIT_NUMBER &&
	       c->ledger.last <= STATE_INDEX_MAX &&
	       !durable_hangs(&c->durable, c->now_ms,
			      c->settings.election_timeout_max_ms);
}

void
election_tick(struct core *c)
{
	if (election_deadline_ms(c) > c->now_ms)
		return;
	if (may_campaign(c))
		campaign(c,
			 c->settings.pre_vote ? CAMPAIGN_PRE : CAMPAIGN_REAL);
	else
		election_restart_timer(c);
}

int
election_on_campaign(struct core *c)
{
	if (!may_campaign(c))
		return CORE_INVALID;
	if (c->role != ROLE_LEADER)
		campaign(c,
			 c->settings.pre_vote ? CAMPAIGN_PRE : CAMPAIGN_REAL);
	return CORE_OK;
}

/* Whether a leader is known to be at work, so that nobody else is helped to
 * unseat it (thesis, 4.2.3). A leader that lost its quorum steps down by
 * itself, hence only together with check-quorum. */
static bool
is_sticky(const struct core *c, rk_id candidate)
{
	if (!c->settings.check_quorum || c->leader == 0 ||
	    c->leader == candidate)
		return false;
	if (c->role == ROLE_LEADER)
		return true;
	return c->now_ms - c->contact_ms < c->settings.election_timeout_min_ms;
}

static void
reply_vote(struct core *c, const struct message *m, bool granted)
{
	struct effect_send *send = state_reply(c, m, MESSAGE_VOTE_REPLY);

	send->message.as.vote_reply.pre = m->as.vote.pre;
	send->message.as.vote_reply.granted = granted;
}

int
election_on_vote(struct core *c, const struct message *m)
{
	const struct message_vote *vote = &m->as.vote;
	bool grants;

	if (m->term < c->hard_state.term ||
	    m->term - c->hard_state.term > LIMIT_TERM_STEP ||
	    (is_sticky(c, m->from) && !vote->transfer)) {
		reply_vote(c, m, false);
		return CORE_OK;
	}
	/* A pre-vote asks only: no term, vote or timer of ours changes. */
	if (m->term > c->hard_state.term && !vote->pre)
		role_adopt_term(c, m->term);
	grants = vote_may_grant(ledger_last(&c->ledger), vote->last);
	if (m->term == c->hard_state.term)
		grants = grants && c->role != ROLE_LEADER &&
			 (c->hard_state.vote == 0 ||
			  c->hard_state.vote == m->from);
	if (grants && !vote->pre) {
		if (c->hard_state.vote == 0)
			state_set_hard_state(c, (struct hard_state){
							.term = m->term,
							.vote = m->from,
						});
		election_restart_timer(c);
	}
	reply_vote(c, m, grants);
	return CORE_OK;
}

int
election_on_vote_reply(struct core *c, const struct message *m)
{
	const struct message_vote_reply *reply = &m->as.vote_reply;
	struct quorum_vote vote = {m->from, reply->granted};

	/* Who grants a pre-vote may be in the wanted term already. */
	if (m->term > c->hard_state.term &&
	    !(reply->pre && reply->granted &&
	      m->term == c->hard_state.term + 1)) {
		role_adopt_term(c, m->term);
		return CORE_OK;
	}
	if (c->role != (reply->pre ? ROLE_PRE_CANDIDATE : ROLE_CANDIDATE) ||
	    m->request < c->campaign_request)
		return CORE_OK; /* Late, of an earlier campaign. */
	if (!reply->pre && m->term != c->hard_state.term)
		return CORE_OK;
	ballot_add(&c->ballot, state_configuration(c), vote);
	count(c);
	return CORE_OK;
}

int
election_on_timeout_now(struct core *c, const struct message *m)
{
	state_reply(c, m, MESSAGE_TIMEOUT_NOW_REPLY);
	if (may_campaign(c))
		campaign(c, CAMPAIGN_TRANSFER);
	return CORE_OK;
}

void
election_on_gone(struct core *c, rk_id peer)
{
	uint64_t most_ms = c->settings.heartbeat_interval_ms;
	uint64_t soon_ms;

	if (c->role != ROLE_FOLLOWER || c->leader != peer)
		return;
	/* Its followers learn of it together: not all of them at once, and not
	 * before the others know, who would stick to the leader. */
	soon_ms = c->now_ms + prng_range(&c->prng, most_ms / 10, most_ms + 1);
	c->leader = 0;
	if (soon_ms < c->election_ms)
		c->election_ms = soon_ms;
}

void
election_on_persisted(struct core *c)
{
	struct quorum_vote own = {c->settings.id, true};

	if (c->role != ROLE_CANDIDATE || c->durable.confirmed < c->campaign_seq)
		return;
	ballot_add(&c->ballot, state_configuration(c), own);
	count(c);
}

uint64_t
election_deadline_ms(const struct core *c)
{
	if (c->role == ROLE_FOLLOWER || c->role == ROLE_PRE_CANDIDATE ||
	    c->role == ROLE_CANDIDATE)
		return c->election_ms;
	return UINT64_MAX;
}
