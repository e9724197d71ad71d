/* compaction.h - when to take a snapshot, and how much log it lets go. */

#ifndef CORE_COMPACTION_H
#define CORE_COMPACTION_H

#include "core/state.h"

/* A snapshot of what is applied is on disk. CORE_INVALID if the log says
 * otherwise; an older one than is known is passed over. */
int compaction_on_taken(struct core *c, const struct snapshot_meta *meta);

/* The log up to `to` is gone from the disk. CORE_INVALID if it is needed. */
int compaction_on_compacted(struct core *c, struct log_end to);

/* At the end of a step: ask for a snapshot if enough was applied. */
void compaction_pump(struct core *c);

/* Ask for the log to be compacted, as far as nobody needs it. */
void compaction_consider(struct core *c);

#endif /* CORE_COMPACTION_H */
