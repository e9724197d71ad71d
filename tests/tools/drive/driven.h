/* driven.h - one core, and what a driver must remember to drive it.
 *
 * The disk here is an ideal one: it holds what was persisted as a "new" object
 * that a restart starts from. */

#ifndef DRIVE_DRIVEN_H
#define DRIVE_DRIVEN_H

#include "core/core.h"
#include "jmessage.h"

/* What was last sent to a peer. */
struct driven_peer {
	rk_id id;
	uint64_t stream; /* Of any request. */
	uint64_t request;
	/* Of the last snapshot. */
	uint64_t snapshot_stream;
	uint64_t snapshot_request;
	struct snapshot_meta snapshot;
};

struct driven {
	rk_id id;
	struct core *core; /* NULL while it is crashed. */
	uint64_t now_ms;   /* Of its last event. */
	uint64_t deadline_ms;
	uint64_t seq;               /* The last to be persisted ... */
	uint64_t persisted;         /* ... and the last that is. */
	rk_index apply_to;          /* Handed to the machine: all below. */
	struct log_end compact;     /* Asked for last. */
	struct snapshot_meta chunk; /* Of the chunk wanted last. */
	struct driven_peer *peers;
	size_t peer_count;
	size_t peer_cap;
	json_t *disk;    /* A "new" object; see driven_disk(). */
	json_t *pending; /* Array of "persist" effects, not on it yet. */
};

/* Start or restart it from the "new" object; it is as it was on failure. */
RK_CHECKED enum rk_code driven_start(struct driven *n, uint64_t now_ms,
				     const json_t *object,
				     struct rk_error *err);
void driven_crash(struct driven *n);

/* The "new" object that it would be restarted from. The caller releases it. */
json_t *driven_disk(const struct driven *n);
void driven_close(struct driven *n);

/* The memory of `id`; NULL if nothing was ever sent to it. */
const struct driven_peer *driven_find_peer(const struct driven *n, rk_id id);

/* Remember what a step that succeeded did. `line` are its effects as JSON. */
void driven_note(struct driven *n, const struct event *ev,
		 const struct effects *effects, const json_t *line);

#endif /* DRIVE_DRIVEN_H */
