/* expired.c - which sessions have expired, as far back as that is kept.
 *
 * A ring of hashes. Slots whose hashes fall into one bucket are chained, the
 * latest first: the one that leaves the ring is the last of its chain. */

#include "machine/expired.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define BUCKETS    131072U /* A power of two. */
#define HASH_BYTES 8U
_Static_assert(BUCKETS > LIMIT_EXPIRED_SESSIONS, "chains are short");

struct expired {
	uint64_t hashes[LIMIT_EXPIRED_SESSIONS];
	uint32_t chain[LIMIT_EXPIRED_SESSIONS]; /* Next slot + 1; 0: none. */
	uint32_t heads[BUCKETS];                /* Slot + 1; 0: none. */
	size_t first;
	size_t count;
};

struct expired *
expired_new(void)
{
	return mem_alloc(1, sizeof(struct expired));
}

void
expired_free(struct expired *e)
{
	mem_free(e);
}

static size_t
slot_at(const struct expired *e, size_t i)
{
	return (e->first + i) % LIMIT_EXPIRED_SESSIONS;
}

static void
forget_first(struct expired *e)
{
	uint32_t *at = &e->heads[e->hashes[e->first] & (BUCKETS - 1)];

	while (*at != e->first + 1) {
		assert(*at != 0);
		at = &e->chain[*at - 1];
	}
	*at = e->chain[e->first];
	e->first = slot_at(e, 1);
	e->count--;
}

bool
expired_add(struct expired *e, uint64_t hash)
{
	bool is_full = e->count == LIMIT_EXPIRED_SESSIONS;
	uint32_t *head = &e->heads[hash & (BUCKETS - 1)];
	size_t slot;

	if (is_full)
		forget_first(e);
	slot = slot_at(e, e->count++);
	e->hashes[slot] = hash;
	e->chain[slot] = *head;
	*head = (uint32_t)slot + 1;
	return is_full;
}

bool
expired_has(const struct expired *e, uint64_t hash)
{
	uint32_t at = e->heads[hash & (BUCKETS - 1)];

	while (at != 0 && e->hashes[at - 1] != hash)
		at = e->chain[at - 1];
	return at != 0;
}

size_t
expired_count(const struct expired *e)
{
	return e->count;
}

void
expired_encode(const struct expired *e, struct bytes *out)
{
	struct bytes raw = {.data = NULL};
	size_t i;

	bytes_reserve(&raw, e->count * HASH_BYTES);
	for (i = 0; i < e->count; i++) {
		bytes_put_u64(raw.data + raw.len, e->hashes[slot_at(e, i)]);
		raw.len += HASH_BYTES;
	}
	bytes_append_base64(out, raw.data, raw.len);
	bytes_close(&raw);
}

bool
expired_decode(struct expired *e, const char *text)
{
	struct bytes raw = {.data = NULL};
	bool ok;
	size_t at;

	assert(e->count == 0);
	ok = bytes_decode_base64(&raw, text, strlen(text)) &&
	     raw.len % HASH_BYTES == 0 &&
	     raw.len / HASH_BYTES <= LIMIT_EXPIRED_SESSIONS;
	for (at = 0; ok && at < raw.len; at += HASH_BYTES)
		expired_add(e, bytes_get_u64(raw.data + at));
	bytes_close(&raw);
	return ok;
}
