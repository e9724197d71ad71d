/* mem.h - memory that is there or the process ends.
 *
 * A member may stop at any time; that is the fault model. So running out of
 * memory reports and aborts, and no caller checks. Sizes from outside are
 * checked against limits.h before they come here. */

#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Zeroed memory for `count` items of `size` bytes; the caller frees it with
 * mem_free(). A product of 0 gives a pointer that may be freed. */
void *mem_alloc(size_t count, size_t size);

/* Resize; what is new is not zeroed. NULL `p` allocates. */
void *mem_resize(void *p, size_t count, size_t size);

/* Grow the array `p` of items of `size` bytes so that `need` fit, doubling
 * `*cap`. Returns the array, moved perhaps. */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

/* Copies; the caller frees them with mem_free(). */
void *mem_dup(const void *data, size_t len);
char *mem_strdup(const char *text);

/* NULL is fine. */
void mem_free(void *p);

#endif /* BASE_MEM_H */
