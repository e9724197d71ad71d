/* tail.h - the newest lines of the log, in memory.
 *
 * What was just appended is about to be sent, written and applied, so it is
 * kept: everything that is not yet on disk, and of the rest as much as fits
 * into the bound given to tail_trim(). Older lines are read from the disk. */

#ifndef NODE_TAIL_H
#define NODE_TAIL_H

#include "base/bytes.h"
#include "core/types.h"

/* Consecutive lines that came together; immutable, counted. The writer's
 * operations hold references to it. */
struct chunk {
	unsigned refs;
	rk_index first;
	uint64_t count;
	uint32_t *ends; /* Of each line, in `lines`. */
	struct bytes lines;
};

void chunk_unref(struct chunk *c);

struct tail {
	struct chunk **chunks; /* chunks[head] is the oldest. */
	size_t head;
	size_t count;
	size_t cap;
	size_t bytes;
};

void tail_close(struct tail *t);

/* Append copies of `count` lines of the given sizes, which follow the last
 * line held, or are the first. The chunk is the tail's; ref it to keep it. */
struct chunk *tail_append(struct tail *t, rk_index first, uint64_t count,
			  const uint8_t *lines, const uint32_t *sizes);

/* Drop `from` and all behind it; drop everything. */
void tail_truncate(struct tail *t, rk_index from);
void tail_clear(struct tail *t);

/* Drop the oldest chunks that end at or before `safe` while more than
 * `max_bytes` are held. */
void tail_trim(struct tail *t, rk_index safe, size_t max_bytes);

/* The first and last line held; both 0 if there is none. */
rk_index tail_first(const struct tail *t);
rk_index tail_last(const struct tail *t);

/* Append to `out` the lines of [from, to), all held, as many as fit into
 * `max_bytes` but at least one; returns the index behind the last one. */
rk_index tail_read(const struct tail *t, rk_index from, rk_index to,
		   size_t max_bytes, struct bytes *out);

#endif /* NODE_TAIL_H */
