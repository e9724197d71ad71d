/* session.h - which numbers of which session have been applied, and where.
 *
 * Part of every member's state: the same on each, because it changes only by
 * applied entries; part of every snapshot. (thesis, 6.3)
 *
 * Bounded twice. Of each session LIMIT_SESSION_RUNS runs of numbers are known:
 * numbers that follow one another at indexes that follow one another are one
 * run, so a batch is one. When the lowest run is dropped, every number up to
 * its end is OLD from then on. And LIMIT_SESSIONS are known: the one least
 * recently used, by log position, is forgotten for a new one. Once any has
 * been forgotten, an unknown session may be one of those; so it is taken for
 * new only if it begins with number 1, and any other number of it is OLD.
 * Hence a client waits for the reply to its first request before it has a
 * second one under way. */

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
void sessions_free(struct sessions *s); /* NULL is fine. */

/* What a number is, without changing anything. `*index` is set for a REPEAT
 * alone. The id is valid (line_session_is_valid()), the number at least 1. */
enum session_verdict sessions_find(const struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq,
				   rk_index *index);

/* Note that the entry at `at` has number `seq`, in order of `at`: gives the
 * verdict as of before, and if it was FRESH remembers it. A known session
 * counts as used, whatever the verdict. */
enum session_verdict sessions_note(struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq, rk_index at,
				   rk_index *index);

/* The whole table as JSON for a snapshot's header, least recently used first
 * and so the same on each member, and back:
 *
 *   {"forgotten":false,"sessions":[
 *     {"id":"8f3a91","floor":1,"runs":[[SEQ,COUNT,INDEX],...]},...]}
 *
 * RK_CORRUPT if it is not such a table. The caller frees `*sessions`. */
void sessions_encode(const struct sessions *s, struct bytes *out);
RK_CHECKED enum rk_code sessions_decode(struct slice text,
					struct sessions **sessions,
					struct rk_error *err);

size_t sessions_count(const struct sessions *s);

#endif /* MACHINE_SESSION_H */
