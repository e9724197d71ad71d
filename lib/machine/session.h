/* session.h - which numbers of which session have been applied, and where.
 *
 * Part of every member's state: the same on each, because it changes only by
 * applied entries; part of every snapshot. (thesis, 6.3)
 *
 * Bounded in three ways, each by the log's positions alone:
 *
 *   - of each session LIMIT_SESSION_RUNS runs of numbers are known: numbers
 *     that follow one another at indexes that follow one another are one run,
 *     so a batch is one. When the lowest run is dropped, every number up to
 *     its end is OLD from then on;
 *   - LIMIT_SESSIONS are known: the one least recently used expires for a new
 *     one. So does one that was not used for LIMIT_SESSION_IDLE_ENTRIES;
 *   - of LIMIT_EXPIRED_SESSIONS it is known that they have expired: all
 *     numbers of theirs are OLD. Once any of these has been forgotten, an
 *     unknown session may be one of those; so it is taken for new only if it
 *     begins with number 1, and any other number of it is OLD. Hence a client
 *     waits for the reply to its first request before it has a second one
 *     under way. */

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

/* What is known of a number, and of how many more from it on the same can be
 * said (UINT64_MAX: of all); those of a REPEAT are at indexes that follow one
 * another. */
struct session_found {
	enum session_verdict verdict;
	rk_index index; /* Of a REPEAT. */
	uint64_t count; /* At least 1: itself. */
};

/* What a number is, without changing anything. The id is valid
 * (line_session_is_valid()), the number at least 1. */
struct session_found sessions_find(const struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq);

/* Note that the entry at `at` has number `seq`, in order of `at`: gives the
 * verdict as of before, and if it was FRESH remembers it. A known session
 * counts as used, whatever the verdict. `*index` is set for a REPEAT alone. */
enum session_verdict sessions_note(struct sessions *s, const char *id,
				   size_t id_len, uint64_t seq, rk_index at,
				   rk_index *index);

/* The whole table as JSON for a snapshot's header, least recently used first
 * and so the same on each member, and back:
 *
 *   {"forgotten":false,"expired":"BASE64","sessions":[
 *     {"id":"8f3a91","used":INDEX,"floor":1,
 *      "runs":[[SEQ,COUNT,INDEX],...]},...]}
 *
 * RK_CORRUPT if it is not such a table. The caller frees `*sessions`. */
void sessions_encode(const struct sessions *s, struct bytes *out);
RK_CHECKED enum rk_code sessions_decode(struct slice text,
					struct sessions **sessions,
					struct rk_error *err);

size_t sessions_count(const struct sessions *s); /* Not the expired. */

#endif /* MACHINE_SESSION_H */
