/* read.h - linearizable reads without writing to the log (thesis, 6.4).
 *
 * A read is granted once a majority answered a heartbeat that left after the
 * read came, and an entry of the leader's own term is committed: then nobody
 * else can have committed anything that it lacks. One round of heartbeats
 * serves all reads that came before it. */

#ifndef CORE_READ_H
#define CORE_READ_H

#include "core/state.h"

/* CORE_NOT_LEADER, or 0: the answer comes as an effect. */
int read_on_read(struct core *c, uint64_t token);

/* Grant what is proven; begin the next round if any read waits for one. */
void read_pump(struct core *c);

/* Leadership ended: none of the reads can be granted. */
void read_refuse_all(struct core *c);

#endif /* CORE_READ_H */
