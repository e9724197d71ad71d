/* window.c - the requests in flight to one target. */

#include "core/window.h"

#include <assert.h>

void
window_clear(struct window *w)
{
	w->count = 0;
	w->bytes = 0;
}

void
window_add(struct window *w, struct window_request request)
{
	assert(w->count < WINDOW_MAX);
	w->requests[w->count++] = request;
	w->bytes += request.bytes;
}

const struct window_request *
window_find(const struct window *w, uint64_t number)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->requests[i].number == number)
			return &w->requests[i];
	return NULL;
}

void
window_remove(struct window *w, uint64_t number, rk_index match)
{
	size_t stay = 0;
	size_t i;

	for (i = 0; i < w->count; i++) {
		const struct window_request *r = &w->requests[i];

		if (r->number == number || r->last <= match)
			w->bytes -= r->bytes;
		else
			w->requests[stay++] = *r;
	}
	w->count = stay;
}

uint64_t
window_deadline_ms(const struct window *w)
{
	uint64_t deadline_ms = UINT64_MAX;
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->requests[i].deadline_ms < deadline_ms)
			deadline_ms = w->requests[i].deadline_ms;
	return deadline_ms;
}

void
window_check(const struct window *w)
{
	uint64_t bytes = 0;
	size_t i;

	assert(w->count <= WINDOW_MAX);
	for (i = 0; i < w->count; i++) {
		const struct window_request *r = &w->requests[i];

		assert(r->prev <= r->last);
		if (i > 0) {
			assert(r->number > r[-1].number);
			assert(r->prev >= r[-1].last);
		}
		bytes += r->bytes;
	}
	assert(bytes == w->bytes);
}
