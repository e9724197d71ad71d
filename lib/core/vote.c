/* vote.c - whether to grant a vote, and the votes of one campaign. */

#include "core/vote.h"

#include <assert.h>

#include "core/configuration.h"

bool
vote_may_grant(struct log_end own, struct log_end theirs)
{
	if (theirs.term != own.term)
		return theirs.term > own.term;
	return theirs.index >= own.index;
}

void
ballot_add(struct ballot *b, const struct configuration *c,
	   struct quorum_vote vote)
{
	size_t i;

	if (!configuration_is_voter(c, vote.id))
		return;
	for (i = 0; i < b->count; i++)
		if (b->votes[i].id == vote.id)
			return;
	assert(b->count < LIMIT_MEMBERS);
	b->votes[b->count++] = vote;
}

enum quorum_verdict
ballot_verdict(const struct ballot *b, const struct configuration *c)
{
	assert(b->count <= LIMIT_MEMBERS);
	return quorum_verdict(c, b->votes, b->count);
}
