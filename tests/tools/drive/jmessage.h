/* jmessage.h - messages between cores, as JSON.
 *
 * Every message has type, from, to, term, stream and request; what else it has
 * stands in the table of jmessage.c and in the head of core-drive.c. */

#ifndef DRIVE_JMESSAGE_H
#define DRIVE_JMESSAGE_H

#include "core/message.h"
#include "jlog.h"

/* What jmessage_read() reads; what `message` points at is in `log`. */
struct jmessage {
	struct message message;
	struct jlog log;
};

/* `to` is whom it is for if it does not say. On success the caller closes
 * `m` with jmessage_close(). */
RK_CHECKED enum rk_code jmessage_read(const json_t *object, rk_id to,
				      struct jmessage *m, struct rk_error *err);
void jmessage_close(struct jmessage *m);

json_t *jmessage_write(const struct message *m);

/* A line for people: `vote 1>2 T3 last 9/2`. */
void jmessage_brief(struct bytes *out, const struct message *m);

#endif /* DRIVE_JMESSAGE_H */
