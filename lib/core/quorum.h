/* quorum.h - what a majority has reached, and whether one has decided.
 *
 * Pure. In a joint configuration a majority of each set is needed (thesis,
 * 4.3). A voter of which nothing is known counts as 0, or as silent. */

#ifndef CORE_QUORUM_H
#define CORE_QUORUM_H

#include "core/types.h"

/* What one member has reached: an index, a round, a time. */
struct quorum_value {
	rk_id id;
	uint64_t value;
};

/* The highest value that a majority of each set has reached; 0 without
 * voters. Members that are no voters are passed over. */
uint64_t quorum_reached(const struct configuration *c,
			const struct quorum_value *values, size_t count);

struct quorum_vote {
	rk_id id;
	bool granted;
};

enum quorum_verdict {
	QUORUM_OPEN, /* The silent may yet decide it. */
	QUORUM_WON,
	QUORUM_LOST, /* Whatever the silent will say. */
};

enum quorum_verdict quorum_verdict(const struct configuration *c,
				   const struct quorum_vote *votes,
				   size_t count);

#endif /* CORE_QUORUM_H */
