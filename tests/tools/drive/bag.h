/* bag.h - the messages that are under way: deliver, duplicate, lose them. */

#ifndef DRIVE_BAG_H
#define DRIVE_BAG_H

#include "drive.h"

/* The bag holds so many messages, or fewer with so many entries in them; then
 * the oldest go. For one who never takes any. */
#define BAG_MESSAGES 32768
#define BAG_ENTRIES  (32 * BAG_MESSAGES)

/* Put a message in; it leaves when write `gate` is on the sender's disk. */
void bag_put_steal(struct drive *d, uint64_t gate, json_t *message);

/* `id` crashed: what waits for its disk, of which `persisted` was the last
 * write, was never sent; the rest waits for nothing any more. */
void bag_forget(struct drive *d, rk_id id, uint64_t persisted);

/* Whether `filter` (true: everything) wants `message`: each of its keys that
 * is no option of a command is a field of the message, or a list of what the
 * field may be. */
bool bag_wants(const json_t *filter, const json_t *message);

/* Take what is released and wanted, the oldest first, `max` at most, and leave
 * copies if `keep`. The caller releases the array of messages. */
json_t *bag_take(struct drive *d, const json_t *filter, size_t max, bool keep);

/* Hand a message to its core. What a node does about snapshots is done, too.
 * If that core is not there, it is as bag_lose(). */
void bag_deliver(struct drive *d, const json_t *message);

/* With `tell`, who asked learns that there will be no answer. */
void bag_lose(struct drive *d, const json_t *message, bool tell);

#endif /* DRIVE_BAG_H */
