/* held.h - peers' requests that wait for the core's reply. */

#ifndef NODE_HELD_H
#define NODE_HELD_H

#include "core/message.h"
#include "wire/inbound.h"

struct held_request {
	struct inbound_request *request;
	enum message_type reply; /* The type that answers it. */
	rk_id from;
	uint64_t stream;
	uint64_t number;
	uint64_t until_ms; /* To be answered in any case. */
};

struct held_list {
	struct held_request *items;
	size_t count;
	size_t cap;
};

void held_close(struct held_list *list);
void held_add(struct held_list *list, const struct held_request *h);

/* Whether `reply` is what `h` waits for. */
bool held_is_answered(const struct held_request *h,
		      const struct message *reply);

/* Each takes one out of the list; false if there is none. */
bool held_take(struct held_list *list, const struct message *reply,
	       struct held_request *h);
bool held_take_expired(struct held_list *list, uint64_t now_ms,
		       struct held_request *h);
/* The oldest of `from`, if that has too many. */
bool held_take_crowded(struct held_list *list, rk_id from,
		       struct held_request *h);

#endif /* NODE_HELD_H */
