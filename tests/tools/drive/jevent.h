/* jevent.h - an event for a core, from a line.
 *
 * What the line leaves out is taken from what is remembered of the core. */

#ifndef DRIVE_JEVENT_H
#define DRIVE_JEVENT_H

#include "driven.h"

/* What `event` points at is in the rest. */
struct jevent {
	struct event event;
	struct jmessage receive;
	uint32_t *sizes;
};

/* `n` has a core. On success the caller closes `e` with jevent_close(). */
RK_CHECKED enum rk_code jevent_read(const struct driven *n, const json_t *line,
				    struct jevent *e, struct rk_error *err);
void jevent_close(struct jevent *e);

/* "time", "receive", ... */
const char *jevent_name(enum event_type type);

#endif /* DRIVE_JEVENT_H */
