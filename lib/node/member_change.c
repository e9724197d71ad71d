/* member_change.c - from what is wanted of the membership to a new one. */

#include "node/member_change.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static bool
contains(const struct id_set *set, rk_id id)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->ids[i] == id)
			return true;
	}
	return false;
}

static void
insert(struct id_set *set, rk_id id)
{
	size_t i = set->count;

	assert(set->count < LIMIT_MEMBERS);
	assert(!contains(set, id));
	for (; i > 0 && set->ids[i - 1] > id; i--)
		set->ids[i] = set->ids[i - 1];
	set->ids[i] = id;
	set->count++;
}

static void
take_out(struct id_set *set, rk_id id)
{
	size_t kept = 0, i;

	for (i = 0; i < set->count; i++) {
		if (set->ids[i] != id)
			set->ids[kept++] = set->ids[i];
	}
	set->count = kept;
}

size_t
quorum_of(const struct id_set *voters)
{
	return voters->count / 2 + 1;
}

enum member_kind
membership_kind(const struct membership *m, rk_id id)
{
	if (contains(&m->sets.voters, id))
		return MEMBER_VOTER;
	if (!contains(&m->sets.learners, id))
		return MEMBER_NONE;
	return addresses_member(&m->addresses, id)->joining ? MEMBER_JOINING
							    : MEMBER_LEARNER;
}

void
membership_trim(struct membership *m)
{
	struct addresses *a = &m->addresses;
	size_t i = 0;

	while (i < a->count) {
		rk_id id = a->members[i].id;

		if (contains(&m->sets.voters, id) ||
		    contains(&m->sets.old, id) ||
		    contains(&m->sets.learners, id))
			i++;
		else
			addresses_remove(a, id);
	}
}

/* Put `id`, which has an address, where it belongs. */
static void
assign(struct membership *m, rk_id id, enum member_kind kind)
{
	take_out(&m->sets.voters, id);
	take_out(&m->sets.learners, id);
	if (kind == MEMBER_VOTER)
		insert(&m->sets.voters, id);
	else
		insert(&m->sets.learners, id);
	addresses_set_joining(&m->addresses, id, kind == MEMBER_JOINING);
}

static enum rk_code
check_voters(const struct membership *m, struct rk_error *err)
{
	if (m->sets.voters.count)
		return RK_OK;
	error_set(err, RK_REJECTED, "there must be a voter");
	return error_hint(err, "add another one first, or stop the member");
}

/* The member that has this URL; 0: none. */
static rk_id
whose(const struct addresses *a, const char *url)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (strcmp(a->members[i].url, url) == 0)
			return a->members[i].id;
	}
	return 0;
}

static enum rk_code
set_url(struct membership *m, rk_id id, const char *url, struct rk_error *err)
{
	rk_id owner = whose(&m->addresses, url);

	if (owner && owner != id)
		return error_set(err, RK_REJECTED, "%s is member %" PRIu64, url,
				 owner);
	if (!addresses_set(&m->addresses, id, url))
		return error_set(err, RK_USAGE,
				 "%s: not an address like "
				 "http://127.0.0.1:7401",
				 url);
	return RK_OK;
}

static enum rk_code
add_new(struct membership *m, const struct member_wish *w, struct rk_error *err)
{
	if (m->sets.voters.count + m->sets.learners.count == LIMIT_MEMBERS)
		return error_set(err, RK_REJECTED,
				 "there are %d members: no "
				 "more are allowed",
				 LIMIT_MEMBERS);
	if (set_url(m, w->id, w->url, err))
		return err->code;
	addresses_set_incarnation(&m->addresses, w->id, w->incarnation);
	assign(m, w->id, w->kind);
	return RK_OK;
}

/* It is there: the same one, somewhere else perhaps, or another? */
static enum rk_code
add_again(struct membership *m, const struct member_wish *w,
	  struct rk_error *err)
{
	const struct member_address *a = addresses_member(&m->addresses, w->id);
	bool is_same = w->incarnation[0] &&
		       strcmp(a->incarnation, w->incarnation) == 0;

	if (w->incarnation[0] && a->incarnation[0] && !is_same) {
		error_set(err, RK_REJECTED,
			  "member %" PRIu64 " has another data directory: "
			  "the cluster knows it as incarnation %s, not %s",
			  w->id, a->incarnation, w->incarnation);
		return error_hint(err,
				  "if its directory is lost: raft-member "
				  "remove %" PRIu64 ", then add it again",
				  w->id);
	}
	if (strcmp(a->url, w->url) != 0 && !is_same) {
		error_set(err, RK_REJECTED,
			  "member %" PRIu64 " is there already, at %s", w->id,
			  a->url);
		return error_hint(err,
				  "raft-member set changes addresses; remove "
				  "it first if it is to be another");
	}
	if (set_url(m, w->id, w->url, err))
		return err->code;
	if (w->incarnation[0])
		addresses_set_incarnation(&m->addresses, w->id, w->incarnation);
	if (w->kind > membership_kind(m, w->id))
		assign(m, w->id, w->kind);
	return RK_OK;
}

static enum rk_code
assign_one(struct membership *m, const struct member_wish *w,
	   struct rk_error *err)
{
	if (membership_kind(m, w->id) == MEMBER_NONE)
		return error_set(err, RK_ABSENT, "there is no member %" PRIu64,
				 w->id);
	if (w->url[0] && set_url(m, w->id, w->url, err))
		return err->code;
	if (w->kind != MEMBER_NONE)
		assign(m, w->id, w->kind);
	return check_voters(m, err);
}

static enum rk_code
remove_one(struct membership *m, rk_id id, struct rk_error *err)
{
	take_out(&m->sets.voters, id);
	take_out(&m->sets.learners, id);
	membership_trim(m);
	return check_voters(m, err);
}

static enum rk_code
set_all(struct membership *m, const struct addresses *members,
	struct rk_error *err)
{
	const struct member_address *old;
	struct addresses now = m->addresses;
	size_t i;

	if (members->count > LIMIT_MEMBERS)
		return error_set(err, RK_USAGE, "more than %d members",
				 LIMIT_MEMBERS);
	*m = (struct membership){.addresses = {.count = 0}};
	for (i = 0; i < members->count; i++) {
		rk_id id = members->members[i].id;

		if (set_url(m, id, members->members[i].url, err))
			return err->code;
		old = addresses_member(&now, id);
		if (old)
			addresses_set_incarnation(&m->addresses, id,
						  old->incarnation);
		insert(&m->sets.voters, id);
	}
	return check_voters(m, err);
}

static void
record(struct membership *m, const struct addresses *seen)
{
	size_t i;

	for (i = 0; i < seen->count; i++) {
		const struct member_address *s = &seen->members[i];
		const struct member_address *a =
			addresses_member(&m->addresses, s->id);

		/* What is known is changed by removing the member only. */
		if (a && !a->incarnation[0])
			addresses_set_incarnation(&m->addresses, s->id,
						  s->incarnation);
	}
}

static bool
sets_differ(const struct id_set *a, const struct id_set *b)
{
	return a->count != b->count ||
	       memcmp(a->ids, b->ids, a->count * sizeof a->ids[0]) != 0;
}

static bool
differs(const struct membership *a, const struct membership *b)
{
	size_t i;

	if (sets_differ(&a->sets.voters, &b->sets.voters) ||
	    sets_differ(&a->sets.learners, &b->sets.learners) ||
	    a->addresses.count != b->addresses.count)
		return true;
	for (i = 0; i < a->addresses.count; i++) {
		const struct member_address *x = &a->addresses.members[i];
		const struct member_address *y = &b->addresses.members[i];

		if (x->id != y->id || x->joining != y->joining ||
		    strcmp(x->url, y->url) != 0 ||
		    strcmp(x->incarnation, y->incarnation) != 0)
			return true;
	}
	return false;
}

enum rk_code
member_change(const struct membership *now, const struct member_wish *w,
	      struct membership *then, bool *changed, struct rk_error *err)
{
	enum rk_code rc = RK_OK;

	*then = *now;
	then->sets.old.count = 0;
	switch (w->type) {
	case WISH_ADD:
		rc = membership_kind(now, w->id) == MEMBER_NONE
			     ? add_new(then, w, err)
			     : add_again(then, w, err);
		break;
	case WISH_ASSIGN:
		rc = assign_one(then, w, err);
		break;
	case WISH_REMOVE:
		rc = remove_one(then, w->id, err);
		break;
	case WISH_SET:
		rc = set_all(then, &w->members, err);
		break;
	case WISH_RECORD:
		record(then, &w->members);
		break;
	}
	*changed = rc == RK_OK && differs(now, then);
	return rc;
}

enum rk_code
member_change_check(const struct membership *then, const struct id_set *up,
		    struct rk_error *err)
{
	size_t needed = quorum_of(&then->sets.voters);
	size_t count = 0, i;

	for (i = 0; i < then->sets.voters.count; i++)
		count += contains(up, then->sets.voters.ids[i]);
	if (count >= needed)
		return RK_OK;
	error_set(err, RK_REJECTED,
		  "the quorum would be lost: of the %zu voters %zu are known "
		  "to be up, and %zu are needed",
		  then->sets.voters.count, count, needed);
	return error_hint(err, "start or remove those that are down first; "
			       "add new ones as learners");
}
