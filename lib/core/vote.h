/* vote.h - whether to grant a vote, and the votes of one campaign.
 *
 * Pure. A grant is final for its term (thesis, 3.4), so the caller must
 * persist it before the answer leaves the server. */

#ifndef CORE_VOTE_H
#define CORE_VOTE_H

#include "core/quorum.h"

/* Whether a server whose log ends at `own` may vote for a candidate whose log
 * ends at `theirs`: if theirs is at least as new (thesis, 3.6.1). */
bool vote_may_grant(struct log_end own, struct log_end theirs);

/* The answers to one campaign. Zero is a valid empty one. */
struct ballot {
	struct quorum_vote votes[LIMIT_MEMBERS];
	size_t count;
};

/* Note an answer of a voter. The first word of each counts; who is no voter
 * of `c` is not heard. */
void ballot_add(struct ballot *b, const struct configuration *c,
		struct quorum_vote vote);

enum quorum_verdict ballot_verdict(const struct ballot *b,
				   const struct configuration *c);

#endif /* CORE_VOTE_H */
