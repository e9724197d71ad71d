/* install.h - a snapshot from the leader, as a follower takes it (thesis,
 * chapter 5). The core decides whether it is wanted, and what of the log
 * stays; the bytes are the node's. */

#ifndef CORE_INSTALL_H
#define CORE_INSTALL_H

#include "core/state.h"

/* One chunk. CORE_INVALID as in follower.h. */
int install_on_chunk(struct core *c, const struct message *m);

/* A snapshot is whole and verified. Passed over if it has become older than
 * what is committed here. CORE_INVALID if it cannot be one of this log. */
int install_on_received(struct core *c, const struct snapshot_meta *meta);

#endif /* CORE_INSTALL_H */
