/* record.h - a file of all that happens to a core, to be replayed.
 *
 * Lines as in event_text.h, gathered in memory and written at least each
 * second. It is for finding faults: what cannot be written ends the record,
 * never the member. */

#ifndef NODE_RECORD_H
#define NODE_RECORD_H

#include "base/trace.h"
#include "core/core.h"

struct record;

/* Append to the file at `path`, made if it is not there; members on one
 * machine may share it. RK_USAGE if it cannot be opened. `trace` is borrowed.
 */
RK_CHECKED enum rk_code record_open(const char *path, const struct trace *trace,
				    struct record **record,
				    struct rk_error *err);
void record_close(struct record *r); /* Writes what is left. NULL is fine. */

/* How the core is made, then each event before it is stepped. NULL is fine:
 * nothing is recorded. */
void record_start(struct record *r, const struct core_settings *settings,
		  const struct core_start *start);
void record_event(struct record *r, rk_id id, const struct event *ev);

/* Write if it is time to, or if much has gathered. */
void record_tick(struct record *r, uint64_t now_ms);

#endif /* NODE_RECORD_H */
