/* mem.c - memory that is there or the process ends. */

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Growing arrays start here: smaller steps only move memory about. */
#define GROW_FIRST 16

/* Reports without allocating, and without stdio, which may hold a lock. */
static _Noreturn void
out_of_memory(void)
{
	static const char text[] = "raftkit: out of memory\n";
	ssize_t ignored;

	ignored = write(STDERR_FILENO, text, sizeof text - 1);
	(void)ignored;
	abort();
}

void *
mem_alloc(size_t count, size_t size)
{
	void *p;

	/* calloc() notices a product that overflows. */
	p = count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_resize(void *p, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	p = realloc(p, total == 0 ? 1 : total);
	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	size_t more;

	assert(size != 0);
	if (need <= *cap)
		return p;
	more = *cap > SIZE_MAX / 2 ? need : *cap * 2;
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

	if (len != 0)
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
	free(p);
}
