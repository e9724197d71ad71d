/* held.c - peers' requests that wait for the core's reply. */

#include "node/held.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* Requests of one peer at most. It gives up on the oldest long before, and each
 * has a connection of its own. More than a window and its heartbeats. */
#define HELD_MOST 128

void
held_close(struct held_list *list)
{
	mem_free(list->items);
	memset(list, 0, sizeof *list);
}

void
held_add(struct held_list *list, const struct held_request *h)
{
	list->items = mem_grow(list->items, &list->cap, list->count + 1,
			       sizeof *list->items);
	list->items[list->count++] = *h;
}

static void
take(struct held_list *list, size_t at, struct held_request *h)
{
	assert(at < list->count);
	*h = list->items[at];
	list->items[at] = list->items[--list->count];
}

bool
held_is_answered(const struct held_request *h, const struct message *reply)
{
	return h->from == reply->to && h->reply == reply->type &&
	       h->stream == reply->stream && h->number == reply->request;
}

bool
held_take(struct held_list *list, const struct message *reply,
	  struct held_request *h)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (held_is_answered(&list->items[i], reply)) {
			take(list, i, h);
			return true;
		}
	}
	return false;
}

bool
held_take_expired(struct held_list *list, uint64_t now_ms,
		  struct held_request *h)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].until_ms <= now_ms) {
			take(list, i, h);
			return true;
		}
	}
	return false;
}

bool
held_take_crowded(struct held_list *list, rk_id from, struct held_request *h)
{
	size_t oldest = 0, count = 0, i;

	for (i = 0; i < list->count; i++) {
		const struct held_request *item = &list->items[i];

		if (item->from != from)
			continue;
		if (!count || item->until_ms < list->items[oldest].until_ms)
			oldest = i;
		count++;
	}
	if (count < HELD_MOST)
		return false;
	take(list, oldest, h);
	return true;
}
