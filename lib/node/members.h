/* members.h - what members.c and incarnations.c share.
 *
 * Private to them; for everybody else there is node.h. */

#ifndef NODE_MEMBERS_H
#define NODE_MEMBERS_H

#include "node/node.h"

struct members_at_index {
	rk_index index;
	struct addresses addresses;
};

struct members {
	/* Ascending; the last is in force, the first committed. */
	struct members_at_index *items;
	size_t count;
	size_t cap;
	struct addresses left; /* Members that are gone, and are to be told. */
	struct addresses seen; /* Not recorded, but heard in seen_term. */
	rk_term seen_term;
	const struct addresses *next; /* Of the change being proposed. */
	char own_url[LIMIT_URL_BYTES];
	bool joining;
	bool told_removed; /* By a peer. */
	bool replaced;     /* By a peer, or by the leader's `expects`. */
	char known_as[MEMBER_INCARNATION]; /* With `replaced`, or "". */
	uint64_t asked_ms;
	uint64_t ask_ms; /* Not before, while refused. */
	enum standing traced;
	rk_id refused; /* As traced. */
	char trouble[600];
};

/* Whether `id` is in any of the sets. */
bool members_are(const struct configuration *c, rk_id id);

/* Say it once if this member's standing has changed. */
void members_trace_standing(struct node *n);

#endif /* NODE_MEMBERS_H */
