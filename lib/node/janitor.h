/* janitor.h - a thread for work that takes long and that nobody waits for.
 *
 * Zero-filling the next segment, removing old ones, syncing and checking
 * snapshot files. Jobs run one after another, in order. */

#ifndef NODE_JANITOR_H
#define NODE_JANITOR_H

#include "raftkit.h"

struct janitor;

/* Embed this in a struct of the job's own. `run` is called on the janitor's
 * thread, `done` on the thread that polls; `done` frees the job. */
struct job {
	void (*run)(struct job *job);
	void (*done)(struct job *job);
	struct job *next;
};

/* `event_fd` is an eventfd that is written when a job has been run. */
RK_CHECKED enum rk_code janitor_open(int event_fd, struct janitor **janitor,
				     struct rk_error *err);

/* Runs what is queued to its end, and calls `done` of each. NULL is fine. */
void janitor_close(struct janitor *janitor);

void janitor_submit(struct janitor *janitor, struct job *job);

/* Call `done` of all that have been run. */
void janitor_poll(struct janitor *janitor);

#endif /* NODE_JANITOR_H */
