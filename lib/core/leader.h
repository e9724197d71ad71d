/* leader.h - proposals, the commit rule, and the end of leadership. */

#ifndef CORE_LEADER_H
#define CORE_LEADER_H

#include "core/state.h"

/* Entry and exit of ROLE_LEADER; role_become() alone calls them. */
void leader_start(struct core *c);
void leader_stop(struct core *c);

/* CORE_NOT_LEADER, CORE_BUSY (handing over), CORE_FULL, CORE_INVALID. */
int leader_on_propose(struct core *c, const struct event_propose *ev);

/* A write is on disk, or a stream proved more: more may be committed. */
void leader_advance(struct core *c);

/* Time passed: step down if the quorum or the disk is not to be heard. */
void leader_tick(struct core *c);

/* At the end of a step: whatever is now to be sent or begun. */
void leader_pump(struct core *c);

/* When leader_tick() or leader_pump() is due at the latest. */
uint64_t leader_deadline_ms(const struct core *c);

/* When a majority was last heard, all of it. */
uint64_t leader_quorum_contact_ms(const struct core *c);

/* Lead no more, in the same term. */
void leader_step_down(struct core *c);

#endif /* CORE_LEADER_H */
