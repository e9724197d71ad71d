/* quorum.c - what a majority has reached, and whether one has decided. */

#include "core/quorum.h"

#include <assert.h>

static uint64_t
value_of(rk_id id, const struct quorum_value *values, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (values[i].id == id)
			return values[i].value;
	return 0;
}

static uint64_t
set_reached(const struct id_set *set, const struct quorum_value *values,
	    size_t count)
{
	uint64_t falling[LIMIT_MEMBERS];
	size_t i;

	assert(set->count <= LIMIT_MEMBERS);
	if (set->count == 0)
		return 0;
	for (i = 0; i < set->count; i++) {
		uint64_t value = value_of(set->ids[i], values, count);
		size_t at;

		for (at = i; at > 0 && falling[at - 1] < value; at--)
			falling[at] = falling[at - 1];
		falling[at] = value;
	}
	/* count / 2 + 1 members have at least the value at count / 2. */
	return falling[set->count / 2];
}

uint64_t
quorum_reached(const struct configuration *c, const struct quorum_value *values,
	       size_t count)
{
	uint64_t reached = set_reached(&c->voters, values, count);
	uint64_t old;

	if (c->old.count == 0)
		return reached;
	old = set_reached(&c->old, values, count);
	return old < reached ? old : reached;
}

static enum quorum_verdict
set_verdict(const struct id_set *set, const struct quorum_vote *votes,
	    size_t count)
{
	size_t granted = 0;
	size_t refused = 0;
	size_t need = set->count / 2 + 1;
	size_t i, j;

	for (i = 0; i < set->count; i++)
		for (j = 0; j < count; j++)
			if (votes[j].id == set->ids[i]) {
				granted += votes[j].granted;
				refused += !votes[j].granted;
				break; /* The first word counts. */
			}
	assert(granted + refused <= set->count);
	if (granted >= need)
		return QUORUM_WON;
	return set->count - refused < need ? QUORUM_LOST : QUORUM_OPEN;
}

enum quorum_verdict
quorum_verdict(const struct configuration *c, const struct quorum_vote *votes,
	       size_t count)
{
	enum quorum_verdict now = set_verdict(&c->voters, votes, count);
	enum quorum_verdict old;

	if (c->old.count == 0)
		return now;
	old = set_verdict(&c->old, votes, count);
	if (now == QUORUM_LOST || old == QUORUM_LOST)
		return QUORUM_LOST;
	return now == QUORUM_WON && old == QUORUM_WON ? QUORUM_WON
						      : QUORUM_OPEN;
}
