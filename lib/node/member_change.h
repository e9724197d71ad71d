/* member_change.h - from what is wanted of the membership to a new one.
 *
 * Pure: what the members are, and a wish; out comes what they shall be, or
 * why that cannot be. A wish that is fulfilled already changes nothing. */

#ifndef NODE_MEMBER_CHANGE_H
#define NODE_MEMBER_CHANGE_H

#include "wire/codec_members.h"

/* The sets, and what is kept beside them. */
struct membership {
	struct configuration sets;
	struct addresses addresses; /* Of exactly the members of the sets. */
};

/* What one member is, in ascending order. */
enum member_kind {
	MEMBER_NONE,
	MEMBER_LEARNER,
	MEMBER_JOINING, /* A learner, until it has caught up. */
	MEMBER_VOTER,
};

enum wish_type {
	WISH_ADD,    /* `id` at `url` shall be `kind`, or more than that. */
	WISH_ASSIGN, /* `id`, which is there, shall be `kind`, and at `url`. */
	WISH_REMOVE, /* `id` shall be gone. */
	WISH_SET,    /* Those of `members` shall be voters, and no others. */
	WISH_RECORD, /* The incarnations that `members` has shall be known. */
};

struct member_wish {
	enum wish_type type;
	rk_id id;
	enum member_kind kind;                /* MEMBER_NONE: as it is. */
	char url[LIMIT_URL_BYTES];            /* "": as it is. */
	char incarnation[MEMBER_INCARNATION]; /* Of an ADD; "": not known. */
	struct addresses members;
};

/* What `id` is in `m`; of a joint configuration, in the new one. */
enum member_kind membership_kind(const struct membership *m, rk_id id);

/* Members that are not in the sets are dropped from the addresses. */
void membership_trim(struct membership *m);

/* `*then` is what `wish` makes of `now`; `*changed` whether that differs.
 * RK_ABSENT: no such member; RK_REJECTED: it contradicts what is there; with
 * a hint. */
RK_CHECKED enum rk_code member_change(const struct membership *now,
				      const struct member_wish *wish,
				      struct membership *then, bool *changed,
				      struct rk_error *err);

/* Votes needed of so many. */
size_t quorum_of(const struct id_set *voters);

/* RK_REJECTED if fewer of the voters of `then` are `up` than it needs. */
RK_CHECKED enum rk_code member_change_check(const struct membership *then,
					    const struct id_set *up,
					    struct rk_error *err);

#endif /* NODE_MEMBER_CHANGE_H */
