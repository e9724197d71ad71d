/* election.h - campaigns, votes and the election timer (thesis, 3.4, 9.6). */

#ifndef CORE_ELECTION_H
#define CORE_ELECTION_H

#include "core/state.h"

/* Draw a new timeout, from now. */
void election_restart_timer(struct core *c);

/* The accepted leader of this term was heard. */
void election_on_leader(struct core *c, rk_id leader);

/* Time passed. */
void election_tick(struct core *c);

/* Campaign at once. CORE_INVALID if this server is no voter. */
int election_on_campaign(struct core *c);

int election_on_vote(struct core *c, const struct message *m);
int election_on_vote_reply(struct core *c, const struct message *m);

/* The leader wants this server to take over. */
int election_on_timeout_now(struct core *c, const struct message *m);

/* A hint that `peer` is gone for good: if it led, stand soon instead of waiting
 * for the timer. Others still decide by what they know. */
void election_on_gone(struct core *c, rk_id peer);

/* A write is on disk: one's own vote may count now. */
void election_on_persisted(struct core *c);

/* When election_tick() is due; UINT64_MAX: never. */
uint64_t election_deadline_ms(const struct core *c);

#endif /* CORE_ELECTION_H */
