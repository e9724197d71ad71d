/* window.h - the requests in flight to one target, oldest first. */

#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "core/types.h"

/* Requests in flight at most, whatever the settings say: more than this only
 * queue in the kernel. */
#define WINDOW_MAX 64

struct window_request {
	uint64_t number;
	rk_index prev;
	rk_index last; /* As prev: carries no entries. */
	uint64_t bytes;
	uint64_t deadline_ms;
};

/* Zero is a valid empty one. */
struct window {
	struct window_request requests[WINDOW_MAX];
	size_t count;
	uint64_t bytes;
};

void window_clear(struct window *w);

/* There is room, and the request follows the others. */
void window_add(struct window *w, struct window_request request);

/* NULL: it is not in flight (any more). Borrowed until the next change. */
const struct window_request *window_find(const struct window *w,
					 uint64_t number);

/* Forget `number`, and all that asked for no more than `match`. */
void window_remove(struct window *w, uint64_t number, rk_index match);

/* The earliest deadline; UINT64_MAX: nothing is in flight. */
uint64_t window_deadline_ms(const struct window *w);

void window_check(const struct window *w);

#endif /* CORE_WINDOW_H */
