/* follower.h - what the leader of this term sends, as a follower takes it. */

#ifndef CORE_FOLLOWER_H
#define CORE_FOLLOWER_H

#include "core/state.h"

/* Each answers CORE_INVALID, and changes nothing, if no leader that follows
 * the rules could have sent the message. */
int follower_on_append(struct core *c, const struct message *m);
int follower_on_heartbeat(struct core *c, const struct message *m);
int follower_on_timeout_now(struct core *c, const struct message *m);

/* Take `m`'s sender for the leader of its term, and the term with it. False
 * if this cannot be: then the term has another leader. */
bool follower_may_accept(const struct core *c, const struct message *m);
void follower_accept(struct core *c, const struct message *m);

#endif /* CORE_FOLLOWER_H */
