/* memory.c - mem.h for many hosts: what a host has allocated goes with it. */

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define GROW_FIRST 16

/* Before each piece of memory. A host's pieces are a list. */
struct block {
	struct block *prev;
	struct block *next;
	struct host *host; /* NULL: the simulator's own. */
	size_t size;
};

_Static_assert(sizeof(struct block) % 16 == 0, "what follows is aligned");

static void
chain(struct block *b)
{
	struct host *h = b->host;

	b->prev = NULL;
	if (!h)
		return;
	b->next = h->memory;
	if (b->next)
		b->next->prev = b;
	h->memory = b;
}

static void
unchain(struct block *b)
{
	if (!b->host)
		return;
	if (b->prev)
		b->prev->next = b->next;
	else
		b->host->memory = b->next;
	if (b->next)
		b->next->prev = b->prev;
}

static struct block *
block_of(void *p)
{
	return (struct block *)p - 1;
}

void *
mem_alloc(size_t count, size_t size)
{
	void *p = mem_resize(NULL, count, size);

	memset(p, 0, count * size);
	return p;
}

void *
mem_resize(void *p, size_t count, size_t size)
{
	struct block *b = p ? block_of(p) : NULL;
	struct world *w = world_now();
	struct host *h = b ? b->host : w ? w->running : NULL;
	size_t total = count * size;

	if (b)
		unchain(b);
	b = realloc(b, sizeof *b + total);
	assert(b);
	b->host = h;
	b->size = total;
	chain(b);
	return b + 1;
}

void *
mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	size_t more = *cap * 2;

	if (need <= *cap)
		return p;
	if (more < GROW_FIRST)
		more = GROW_FIRST;
	if (more < need)
		more = need;
	p = mem_resize(p, more, size);
	*cap = more;
	return p;
}

void *
mem_dup(const void *data, size_t len)
{
	void *copy = mem_resize(NULL, len, 1);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *
mem_strdup(const char *text)
{
	return mem_dup(text, strlen(text) + 1);
}

void
mem_free(void *p)
{
	struct block *b;

	if (!p)
		return;
	b = block_of(p);
	unchain(b);
	free(b);
}

size_t
memory_drop(struct host *h)
{
	struct block *b;
	size_t count = 0;

	while ((b = h->memory)) {
		h->memory = b->next;
		free(b);
		count++;
	}
	return count;
}
