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
	/* Its own; of the first, if it is a REPEAT. An OLD one is marked in
	 * the history as repeating itself: it is not applied either. */
	rk_index index;
};

/* Start from a snapshot's payload file, its sessions and what it covers, or
 * (`payload` NULL) from nothing. `dir` is the data directory; DIR/machine is
 * made anew. The payload must be that of the newest whole snapshot, and is cut
 * to `bytes` (see history.h); what DIR/machine held is only unlinked. */
struct machine_start {
	const char *dir;
	const char *payload;
	uint64_t bytes;
	uint32_t crc32c;
	rk_index last;
	struct slice sessions; /* JSON; empty: none. */
};

/* The caller frees `*m`. RK_CORRUPT if the payload or the sessions are not
 * what they should be, RK_FAILED for I/O. */
RK_CHECKED enum rk_code machine_open(const struct machine_start *start,
				     struct machine **m, struct rk_error *err);
void machine_free(struct machine *m); /* NULL is fine. */

/* Apply the `count` canonical lines, which follow the last one applied.
 * `replies` (may be NULL) takes one for each. All of them, or:
 *
 *   RK_REJECTED  the disk is full
 *   RK_FAILED    writing failed otherwise
 *     Nothing is applied, but the call is pending: the next one must begin
 *     with the same lines, and completes it. Until then the sessions are
 *     ahead of the history, and no snapshot may be taken.
 *   RK_CORRUPT   a line is not canonical, or does not follow; the machine is
 *     of no more use */
RK_CHECKED enum rk_code machine_apply(struct machine *m, struct slice lines,
				      uint64_t count,
				      struct machine_reply *replies,
				      struct rk_error *err);

/* Whether a failed machine_apply() is to be completed. */
bool machine_is_pending(const struct machine *m);

rk_index machine_applied(const struct machine *m);
/* Time of the last entry applied since the machine was opened; 0: none was. */
uint64_t machine_time_ms(const struct machine *m);
struct history *machine_history(struct machine *m);
const struct sessions *machine_sessions(const struct machine *m);

#endif /* MACHINE_MACHINE_H */
