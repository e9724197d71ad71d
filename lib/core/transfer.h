/* transfer.h - handing leadership over (thesis, 3.10). */

#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include "core/state.h"

/* Begin to hand over to voter `to`; 0: to whoever is furthest. Proposals are
 * refused until it is done or an election timeout has passed. To oneself, or
 * once more to the same: nothing. CORE_NOT_LEADER, CORE_BUSY (under way to
 * another), CORE_INVALID (no such voter). */
int transfer_on_transfer(struct core *c, rk_id to);

void transfer_tick(struct core *c); /* Give up in time. */

/* Tell the target to campaign, once it has the whole log. */
void transfer_pump(struct core *c);

#endif /* CORE_TRANSFER_H */
