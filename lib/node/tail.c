/* tail.c - the newest lines of the log, in memory. */

#include "node/tail.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void
chunk_unref(struct chunk *c)
{
	assert(c->refs > 0);
	if (--c->refs)
		return;
	bytes_close(&c->lines);
	mem_free(c->ends);
	mem_free(c);
}

static struct chunk *
at(const struct tail *t, size_t i)
{
	assert(i < t->count);
	return t->chunks[t->head + i];
}

static struct chunk *
newest(const struct tail *t)
{
	return at(t, t->count - 1);
}

static void
drop_oldest(struct tail *t)
{
	struct chunk *c = at(t, 0);

	t->bytes -= c->lines.len;
	t->head++;
	t->count--;
	chunk_unref(c);
}

static void
drop_newest(struct tail *t)
{
	struct chunk *c = newest(t);

	t->bytes -= c->lines.len;
	t->count--;
	chunk_unref(c);
}

void
tail_clear(struct tail *t)
{
	while (t->count)
		drop_newest(t);
	t->head = 0;
}

void
tail_close(struct tail *t)
{
	tail_clear(t);
	mem_free(t->chunks);
	memset(t, 0, sizeof *t);
}

struct chunk *
tail_append(struct tail *t, rk_index first, uint64_t count,
	    const uint8_t *lines, const uint32_t *sizes)
{
	struct chunk *c = mem_alloc(1, sizeof *c);
	uint32_t end = 0;
	uint64_t i;

	assert(count > 0);
	assert(!t->count || first == tail_last(t) + 1);
	c->refs = 1;
	c->first = first;
	c->count = count;
	c->ends = mem_alloc(count, sizeof *c->ends);
	for (i = 0; i < count; i++) {
		end += sizes[i];
		c->ends[i] = end;
	}
	bytes_append(&c->lines, lines, end);
	/* Slide back rather than grow for ever to the right. */
	if (t->head > t->count) {
		memmove(t->chunks, t->chunks + t->head,
			t->count * sizeof(struct chunk *));
		t->head = 0;
	}
	t->chunks = mem_grow(t->chunks, &t->cap, t->head + t->count + 1,
			     sizeof(struct chunk *));
	t->chunks[t->head + t->count++] = c;
	t->bytes += c->lines.len;
	return c;
}

void
tail_truncate(struct tail *t, rk_index from)
{
	struct chunk *c;

	while (t->count && newest(t)->first >= from)
		drop_newest(t);
	if (!t->count)
		return;
	c = newest(t);
	/* The bytes stay, for the writer may be reading them. */
	if (c->first + c->count > from)
		c->count = from - c->first;
}

void
tail_trim(struct tail *t, rk_index safe, size_t max_bytes)
{
	while (t->count && t->bytes > max_bytes &&
	       at(t, 0)->first + at(t, 0)->count - 1 <= safe)
		drop_oldest(t);
}

rk_index
tail_first(const struct tail *t)
{
	return t->count ? at(t, 0)->first : 0;
}

rk_index
tail_last(const struct tail *t)
{
	return t->count ? newest(t)->first + newest(t)->count - 1 : 0;
}

/* The chunk that holds `index`, by bisection. */
static size_t
find(const struct tail *t, rk_index index)
{
	size_t low = 0, high = t->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (at(t, middle)->first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

rk_index
tail_read(const struct tail *t, rk_index from, rk_index to, size_t max_bytes,
	  struct bytes *out)
{
	rk_index next = from;
	size_t taken = 0;
	size_t i;

	assert(from < to);
	assert(from >= tail_first(t));
	assert(to <= tail_last(t) + 1);
	for (i = find(t, from); i < t->count && next < to; i++) {
		const struct chunk *c = at(t, i);
		uint32_t begin =
			next > c->first ? c->ends[next - c->first - 1] : 0;
		uint32_t end = begin;

		while (next < to && next < c->first + c->count) {
			uint32_t line_end = c->ends[next - c->first];

			if (taken && taken + (line_end - end) > max_bytes) {
				to = next; /* Full. */
				break;
			}
			taken += line_end - end;
			end = line_end;
			next++;
		}
		bytes_append(out, c->lines.data + begin, end - begin);
	}
	return next;
}
