/* incarnations.c - whose message this is, and where this member stands.
 *
 * An incarnation is made with a data directory. One that was lost and made
 * anew has forgotten votes and entries, so it must not be taken for the one
 * that gave them:
 *
 *   - what answers under another incarnation than the recorded one (or than
 *     the one first seen in this term) is not heard: no vote, no match;
 *   - who is asked under another incarnation than its own does not answer;
 *   - a blank directory of a first member votes only for another blank one.
 *
 * A leader's messages are not judged by their sender's incarnation. It was
 * elected by votes that were, and a follower that lags may not know yet that
 * the leader's directory was replaced in order. */

#include <stdio.h>
#include <string.h>

#include "node/members.h"

/* How often a member that was refused asks again whether it still is. */
#define ASK_AGAIN_MS 10000

static const char *
recorded(const struct node *n, rk_id id)
{
	const struct member_address *a = addresses_member(&n->addresses, id);

	return a && a->incarnation[0] ? a->incarnation : NULL;
}

struct peer_identity
members_identity(const struct node *n, rk_id to)
{
	struct peer_identity self = n->self;

	self.expects = recorded(n, to);
	return self;
}

const struct addresses *
members_seen(const struct node *n)
{
	return &n->members->seen;
}

bool
members_accept_reply(struct node *n, const struct peer_message *pm)
{
	rk_id from = pm->message.from;
	const char *known = recorded(n, from);
	struct members *m = n->members;
	const struct member_address *seen;
	const char *url = members_url(n, from);

	if (m->seen_term != core_term(n->core)) {
		m->seen_term = core_term(n->core);
		m->seen.count = 0;
	}
	seen = addresses_member(&m->seen, from);
	if (!known && seen)
		known = seen->incarnation;
	if (known && strcmp(known, pm->incarnation) != 0)
		return false;
	m->told_removed = false;
	if (!known && url && addresses_set(&m->seen, from, url))
		addresses_set_incarnation(&m->seen, from, pm->incarnation);
	return true;
}

/* ---- requests ---- */

static bool
is_from_leader(const struct message *m)
{
	return m->type == MESSAGE_APPEND || m->type == MESSAGE_HEARTBEAT ||
	       m->type == MESSAGE_SNAPSHOT || m->type == MESSAGE_TIMEOUT_NOW;
}

/* Whether a log that ends there may have a configuration that is missing
 * here. One that ends where ours does is the same. */
static bool
is_ahead(const struct node *n, struct log_end theirs)
{
	struct log_end own = core_last(n->core);

	return theirs.term > own.term ||
	       (theirs.term == own.term && theirs.index > own.index);
}

/* Whether this directory of a first member has never seen anything. */
static bool
is_blank(const struct node *n)
{
	const struct configuration_at *at = core_configuration(n->core);

	return core_last(n->core).index == 0 && core_term(n->core) == 0 &&
	       at->index == 0 && members_are(&at->configuration, n->self.id);
}

/* Whether `id` was removed by a configuration that is committed. */
static bool
was_removed(const struct node *n, rk_id id, rk_index *index)
{
	struct core_status s;

	core_status(n->core, &s);
	*index = s.committed_configuration.index;
	return !members_are(&s.committed_configuration.configuration, id) &&
	       !members_are(&s.configuration.configuration, id);
}

static bool
refuse_vote(struct node *n, const struct peer_message *pm,
	    enum problem_kind *kind, char why[256])
{
	const struct message *m = &pm->message;
	const char *known = recorded(n, m->from);
	rk_index index;

	if (is_blank(n) && m->as.vote.last.index) {
		/* Had it voted before, it would be for the second time. */
		*kind = PROBLEM_CONFLICT;
		snprintf(why, 256,
			 "member %" PRIu64 " has an empty data directory and "
			 "waits for a leader to fill it: it does not vote "
			 "for a member that has entries",
			 n->self.id);
		return true;
	}
	if (n->members->replaced && (n->members->known_as[0] || is_blank(n))) {
		*kind = PROBLEM_CONFLICT;
		snprintf(why, 256,
			 "member %" PRIu64 " has a data directory that was "
			 "made anew, and no vote",
			 n->self.id);
		return true;
	}
	if (is_ahead(n, m->as.vote.last))
		return false; /* It may know more than we do. */
	if (known && strcmp(known, pm->incarnation) != 0) {
		*kind = PROBLEM_REPLACED;
		snprintf(why, 256,
			 "member %" PRIu64 " is known as incarnation %s, and "
			 "this is %s: its data directory was lost or replaced",
			 m->from, known, pm->incarnation);
		return true;
	}
	if (was_removed(n, m->from, &index)) {
		*kind = PROBLEM_REMOVED;
		snprintf(why, 256,
			 "member %" PRIu64 " was removed from the cluster: "
			 "entry %" PRIu64 " does not list it",
			 m->from, index);
		return true;
	}
	return false;
}

bool
members_refuse(struct node *n, const struct peer_message *pm,
	       enum problem_kind *kind, char why[256])
{
	struct members *m = n->members;
	bool leads = is_from_leader(&pm->message) &&
		     pm->message.term >= core_term(n->core);
	bool refuses;

	if (pm->expects[0] && strcmp(pm->expects, n->self.incarnation) != 0) {
		if (leads && !m->replaced) {
			m->replaced = true;
			memcpy(m->known_as, pm->expects, sizeof m->known_as);
			members_trace_standing(n);
		}
		*kind = PROBLEM_CONFLICT;
		snprintf(why, 256,
			 "its data directory was lost or replaced: it is "
			 "incarnation %s, not %s; remove the member and add "
			 "it again",
			 n->self.incarnation, pm->expects);
		return true;
	}
	if (leads && (m->replaced || m->told_removed)) {
		m->replaced = m->told_removed = false;
		m->known_as[0] = '\0';
		members_trace_standing(n);
	}
	refuses = pm->message.type == MESSAGE_VOTE &&
		  refuse_vote(n, pm, kind, why);
	if (refuses && m->refused != pm->message.from) {
		m->refused = pm->message.from;
		trace_line(n->trace, TRACE_WARNING, "refused: %s", why);
	}
	return refuses;
}

void
members_note_refusal(struct node *n, struct slice problem, const char *why)
{
	struct members *m = n->members;

	if (problem_is(problem, PROBLEM_REMOVED))
		m->told_removed = true;
	else if (problem_is(problem, PROBLEM_REPLACED))
		m->replaced = true;
	else
		return;
	trace_line(n->trace, TRACE_DEBUG, "refused by a peer: %s", why);
	members_trace_standing(n);
}

bool
members_may_campaign(struct node *n)
{
	struct members *m = n->members;

	if (members_standing(n) == STANDING_MEMBER)
		return true;
	/* All messages of one campaign leave within one step. */
	if (n->now_ms >= m->ask_ms) {
		m->asked_ms = n->now_ms;
		m->ask_ms = n->now_ms + ASK_AGAIN_MS;
	}
	return m->asked_ms == n->now_ms;
}

/* ---- one's own standing ---- */

void
members_set_joining(struct node *n, bool joining)
{
	n->members->joining = joining;
	n->members->traced = joining ? STANDING_JOINING : STANDING_MEMBER;
}

enum standing
members_standing(const struct node *n)
{
	const struct configuration_at *at = core_configuration(n->core);
	const struct members *m = n->members;

	if (m->replaced)
		return STANDING_REPLACED;
	if (members_are(&at->configuration, n->self.id))
		return m->told_removed ? STANDING_REMOVED : STANDING_MEMBER;
	if (m->joining)
		return STANDING_JOINING;
	return m->told_removed || at->index <= core_commit(n->core)
		       ? STANDING_REMOVED
		       : STANDING_MEMBER;
}

const char *
standing_name(enum standing standing)
{
	switch (standing) {
	case STANDING_MEMBER:
		return "member";
	case STANDING_JOINING:
		return "joining";
	case STANDING_REMOVED:
		return "removed";
	case STANDING_REPLACED:
		return "replaced";
	}
	return "";
}

const char *
members_trouble(const struct node *n)
{
	struct members *m = n->members;
	rk_id id = n->self.id;

	switch (members_standing(n)) {
	case STANDING_MEMBER:
		return NULL;
	case STANDING_JOINING:
		return "asking to be added to the cluster";
	case STANDING_REMOVED:
		snprintf(m->trouble, sizeof m->trouble,
			 "removed from the cluster; to take it back in: "
			 "raft-member add %" PRIu64 " %s",
			 id, n->url);
		break;
	case STANDING_REPLACED:
		snprintf(m->trouble, sizeof m->trouble,
			 "the cluster knows member %" PRIu64 " by another "
			 "data directory%s%s, and this one was made anew; to "
			 "take it in: raft-member remove %" PRIu64
			 ", then raft-member add %" PRIu64 " %s",
			 id, m->known_as[0] ? ", incarnation " : "",
			 m->known_as, id, id, n->url);
		break;
	}
	return m->trouble;
}

/* An operator must not have to guess why a member does nothing. */
void
members_trace_standing(struct node *n)
{
	struct members *m = n->members;
	enum standing standing = members_standing(n);

	if (standing == m->traced)
		return;
	if (standing == STANDING_MEMBER)
		trace_line(n->trace, TRACE_INFO, "a member of the cluster");
	else
		trace_line(n->trace,
			   standing == STANDING_JOINING ? TRACE_INFO
							: TRACE_WARNING,
			   "%s", members_trouble(n));
	m->traced = standing;
}
