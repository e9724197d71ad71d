/* configuration.c - who decides, and who merely receives. */

#include "core/configuration.h"

#include <assert.h>

bool
id_set_contains(const struct id_set *set, rk_id id)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->ids[i] == id)
			return true;
	return false;
}

bool
id_set_equals(const struct id_set *a, const struct id_set *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (a->ids[i] != b->ids[i])
			return false;
	return true;
}

bool
id_set_add(struct id_set *set, rk_id id)
{
	size_t i;

	assert(id != 0);
	if (set->count == LIMIT_MEMBERS || id_set_contains(set, id))
		return false;
	for (i = set->count; i > 0 && set->ids[i - 1] > id; i--)
		set->ids[i] = set->ids[i - 1];
	set->ids[i] = id;
	set->count++;
	return true;
}

bool
configuration_is_joint(const struct configuration *c)
{
	return c->old.count > 0;
}

bool
configuration_is_voter(const struct configuration *c, rk_id id)
{
	return id_set_contains(&c->voters, id) || id_set_contains(&c->old, id);
}

/* False if a member found no room. */
static bool
add_all(struct id_set *to, const struct id_set *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		if (!id_set_add(to, from->ids[i]) &&
		    !id_set_contains(to, from->ids[i]))
			return false;
	return true;
}

void
configuration_members(const struct configuration *c, struct id_set *members)
{
	bool all;

	*members = c->voters;
	all = add_all(members, &c->old) && add_all(members, &c->learners);
	assert(all);
}

static bool
set_is_valid(const struct id_set *set)
{
	size_t i;

	if (set->count > LIMIT_MEMBERS)
		return false;
	for (i = 0; i < set->count; i++) {
		if (set->ids[i] == 0 || set->ids[i] > LIMIT_NUMBER)
			return false;
		if (i > 0 && set->ids[i - 1] >= set->ids[i])
			return false;
	}
	return true;
}

bool
configuration_is_valid(const struct configuration *c)
{
	struct id_set members;
	size_t i;

	if (!set_is_valid(&c->voters) || !set_is_valid(&c->old) ||
	    !set_is_valid(&c->learners) || c->voters.count == 0)
		return false;
	for (i = 0; i < c->learners.count; i++)
		if (id_set_contains(&c->voters, c->learners.ids[i]))
			return false;
	members = c->voters;
	return add_all(&members, &c->old) && add_all(&members, &c->learners);
}

bool
configuration_equals(const struct configuration *a,
		     const struct configuration *b)
{
	return id_set_equals(&a->voters, &b->voters) &&
	       id_set_equals(&a->old, &b->old) &&
	       id_set_equals(&a->learners, &b->learners);
}
