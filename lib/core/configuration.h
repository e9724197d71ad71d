/* configuration.h - who decides, and who merely receives.
 *
 * Pure functions over sets of members. A configuration is joint while `old`
 * is not empty (thesis, 4.3). */

#ifndef CORE_CONFIGURATION_H
#define CORE_CONFIGURATION_H

#include "core/types.h"

bool id_set_contains(const struct id_set *set, rk_id id);
bool id_set_equals(const struct id_set *a, const struct id_set *b);

/* Put `id` in its place; false if it is there already or the set is full. */
bool id_set_add(struct id_set *set, rk_id id);

bool configuration_is_joint(const struct configuration *c);

/* Whether `id` counts for elections and commits, in either set. */
bool configuration_is_voter(const struct configuration *c, rk_id id);

/* Everybody that receives entries, each once. At most LIMIT_MEMBERS in a
 * configuration that is valid. */
void configuration_members(const struct configuration *c,
			   struct id_set *members);

/* Whether it may stand in a log: sets in order, without 0, at least one voter,
 * no voter that is a learner too, at most LIMIT_MEMBERS in all. A member of
 * `old` may be a learner: it loses its vote when the joint phase ends. */
bool configuration_is_valid(const struct configuration *c);

bool configuration_equals(const struct configuration *a,
			  const struct configuration *b);

#endif /* CORE_CONFIGURATION_H */
