/* role.h - what a server is at the moment, and the ways from one to another. */

#ifndef CORE_ROLE_H
#define CORE_ROLE_H

#include "core/state.h"

/* Enter `role`. Leaving leadership ends the streams and answers everybody
 * who waits for it. */
void role_become(struct core *c, enum role role);

/* Become, or stay, what a server is that leads nothing and asks for nothing:
 * a follower if it is a voter, else a learner. */
void role_rest(struct core *c);

/* A newer term was seen: take it on, with no vote given and no leader known.
 */
void role_adopt_term(struct core *c, rk_term term);

/* The configuration in force may have changed. */
void role_on_configuration(struct core *c);

#endif /* CORE_ROLE_H */
