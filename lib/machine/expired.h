/* expired.h - which sessions have expired, as far back as that is kept.
 *
 * Of each only the hash of its id: enough to refuse it ever after, at the
 * price of refusing one other in 2^64. A queue of LIMIT_EXPIRED_SESSIONS, so
 * the one that expired first is the first to be forgotten. */

#ifndef MACHINE_EXPIRED_H
#define MACHINE_EXPIRED_H

#include "base/bytes.h"

struct expired;

struct expired *expired_new(void);
void expired_free(struct expired *e); /* NULL is fine. */

/* True if another had to be forgotten for it. */
bool expired_add(struct expired *e, uint64_t hash);
bool expired_has(const struct expired *e, uint64_t hash);
size_t expired_count(const struct expired *e);

/* The hashes in order of expiry, little-endian, in base64; and back, into an
 * empty one: false if that is not what `text` is. */
void expired_encode(const struct expired *e, struct bytes *out);
bool expired_decode(struct expired *e, const char *text);

#endif /* MACHINE_EXPIRED_H */
