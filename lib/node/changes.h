/* changes.h - changes of the membership, one after the other.
 *
 * What is wanted stands in a queue; the leader works out what it means when
 * its turn has come, checks it, has the core append it, and answers when the
 * last entry of it is committed. Between requests the leader makes changes of
 * its own: a learner that has caught up gets its vote, an incarnation that was
 * heard for the first time is recorded. */

#ifndef NODE_CHANGES_H
#define NODE_CHANGES_H

#include "node/member_change.h"
#include "node/node.h"

/* One on its way. */
struct change {
	struct change *next;
	struct inbound_request *request; /* NULL: the leader's own. */
	struct member_wish wish;
	bool dry_run;
	bool is_changed;
	uint64_t until_ms;
	uint64_t token; /* Not 0: the core has it. */
	struct membership before;
	struct membership after;
};

/* Takes `c`; it has to be the leader. */
void changes_push(struct node *n, struct change *c);

/* members_api.c: each consumes c->request, or traces if there is none; `c` is
 * freed. */
void change_answer(struct node *n, struct change *c);
void change_refuse(struct node *n, struct change *c, enum problem_kind kind,
		   const struct rk_error *err);
void change_move_on(struct node *n, struct change *c);

/* The members, by the configuration in force. */
void changes_now(const struct node *n, struct membership *now);

/* Those the leader has heard of lately, itself included. */
void changes_up(const struct node *n, struct id_set *up);

#endif /* NODE_CHANGES_H */
