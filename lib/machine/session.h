/* session.h - which numbers of which session have been applied, and where.
 *
 * Part of every member's state: the same on each, because it changes only by
 * applied entries; part of every snapshot. (thesis, 6.3) */

#ifndef MACHINE_SESSION_H
#define MACHINE_SESSION_H

#include "base/bytes.h"
#include "core/types.h"

struct sessions;

enum session_verdict {
	SESSION_FRESH,  /* Never applied: apply it. */
	SESSION_REPEAT, /* Applied before, at `*index`. */
	SESSION_OLD,    /* So far back that it is not known any more. */
};

struct sessions *sessions_new(void);
void sessions_free(struct sessions *s);

/* What a number is, without changing anything. */
enum session_verdict sessions_find(const struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq,
				   rk_index *index);

/* Note that the entry at `index` has number `seq`, in order of index: gives
 * the verdict as of before, and if it was FRESH remembers it. A new session
 * over LIMIT_SESSIONS replaces the one least recently used by log position. */
enum session_verdict sessions_note(struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq, rk_index at,
				   rk_index *index);

/* The whole table as JSON for a snapshot's header, in an order that is the
 * same on each member, and back. RK_CORRUPT if it is not one. */
void sessions_encode(const struct sessions *s, struct bytes *out);
RK_CHECKED enum rk_code sessions_decode(struct slice text,
					struct sessions **sessions,
					struct rk_error *err);

size_t sessions_count(const struct sessions *s);

#endif /* MACHINE_SESSION_H */
