/* membership.h - changing who decides, by joint consensus (thesis, 4.3).
 *
 * A configuration is in force from when it is appended. The leader goes from
 * any set of voters to any other by way of a joint one, and leaves that by
 * itself as soon as it is committed, also where an earlier leader began it. */

#ifndef CORE_MEMBERSHIP_H
#define CORE_MEMBERSHIP_H

#include "core/state.h"

/* CORE_NOT_LEADER, CORE_BUSY (a change or a transfer is under way),
 * CORE_NOT_READY (no entry of this term is committed), CORE_INVALID. What is
 * in force already is answered at once. */
int membership_on_configure(struct core *c, const struct event_configure *ev);

/* The commit index may have risen: answer who configured; step down if this
 * server is removed. */
void membership_on_commit(struct core *c);

/* Leave a joint configuration that is committed. */
void membership_pump(struct core *c);

/* Whether membership_pump() has work that must wait for the next step. */
bool membership_is_due(const struct core *c);

#endif /* CORE_MEMBERSHIP_H */
