/* machine.h - what committed entries are applied to: the log machine.
 *
 * Its state is the log itself (history.h) and the sessions (session.h). The
 * reply to an entry is its index, or the index that it repeats. */

#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "machine/history.h"
#include "machine/session.h"

struct machine;

/* What became of one applied entry. */
struct machine_reply {
	enum session_verdict verdict; /* FRESH for one without a session. */
	rk_index index; /* Its own; of the first, if it is a REPEAT. */
};

/* Start from a snapshot's payload file, its sessions and what it covers, or
 * (`payload` NULL) from nothing. `dir` is the data directory; DIR/machine is
 * made anew. */
struct machine_start {
	const char *dir;
	const char *payload;
	uint64_t bytes;
	uint32_t crc32c;
	rk_index last;
	struct slice sessions; /* JSON; empty: none. */
};
RK_CHECKED enum rk_code machine_open(const struct machine_start *start,
				     struct machine **m, struct rk_error *err);
void machine_free(struct machine *m);

/* Apply the `count` canonical lines, which follow the last one applied.
 * `replies` (may be NULL) takes one for each. */
RK_CHECKED enum rk_code machine_apply(struct machine *m, struct slice lines,
				      uint64_t count,
				      struct machine_reply *replies,
				      struct rk_error *err);

rk_index machine_applied(const struct machine *m);
struct history *machine_history(struct machine *m);
const struct sessions *machine_sessions(const struct machine *m);

#endif /* MACHINE_MACHINE_H */
