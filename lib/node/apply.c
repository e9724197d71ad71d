/* apply.c - committed entries to the machine, a slice at a time. */

#include <assert.h>

#include "base/mem.h"
#include "node/node.h"

/* What is applied in one pass: a few milliseconds' worth. */
#define PASS_BYTES  (1U << 20)
#define SLICE_BYTES (256U << 10)

/* How long a full disk is left alone. */
#define RETRY_MS 200

/* A slice does not reach over an index at which snapshots are taken. */
static rk_index
slice_end(const struct node *n, rk_index from)
{
	uint64_t every = n->settings.core.snapshot_logs_since_last;
	rk_index end = n->apply_to;

	if (every && (end - 1) / every > (from - 1) / every)
		end = ((from - 1) / every + 1) * every + 1;
	return end;
}

/* The log has the entries; they are applied when there is space. A leader that
 * cannot apply serves nobody, and another may be able to. */
static void
wait_for_space(struct node *n)
{
	struct event ev = {.type = EVENT_TRANSFER};

	if (!n->unapplied_since_ms)
		n->unapplied_since_ms = n->now_ms;
	n->retry_apply_ms = n->now_ms + RETRY_MS;
	if (!node_is_leader(n) ||
	    n->now_ms - n->unapplied_since_ms <
		    n->settings.core.election_timeout_max_ms)
		return;
	n->unapplied_since_ms = n->now_ms; /* Until it is tried again. */
	node_step(n, &ev, NULL);
}

static bool
apply_slice(struct node *n, size_t *budget)
{
	rk_index from = machine_applied(n->machine) + 1;
	struct event ev = {.type = EVENT_APPLIED};
	struct machine_reply *replies;
	struct rk_error err;
	enum rk_code rc;
	uint64_t count;
	rk_index end;

	n->slice.len = 0;
	rc = node_read_lines(n, from, slice_end(n, from), SLICE_BYTES,
			     &n->slice, &end, &err);
	if (rc) {
		node_fail(n, &err);
		return false;
	}
	count = end - from;
	replies = mem_alloc(count, sizeof *replies);
	rc = machine_apply(n->machine,
			   (struct slice){n->slice.data, n->slice.len}, count,
			   replies, &err);
	if (rc == RK_OK) {
		n->unapplied_since_ms = 0;
		*budget -= n->slice.len < *budget ? n->slice.len : *budget;
		meters_applied(n->meters, replies, count, n->slice.len);
		append_applied(n, from, count, replies);
		ev.as.applied = end - 1;
		node_step(n, &ev, NULL);
		snapshot_applied(n);
	} else if (rc == RK_REJECTED) {
		wait_for_space(n);
	} else {
		node_fail(n, &err);
	}
	mem_free(replies);
	return rc == RK_OK;
}

void
apply_some(struct node *n)
{
	size_t budget = PASS_BYTES;
	bool applied = false;

	if (n->apply_paused || n->fatal)
		return;
	if (n->retry_apply_ms > n->now_ms)
		return;
	n->retry_apply_ms = 0;
	while (budget && !n->apply_paused &&
	       n->apply_to > machine_applied(n->machine) + 1) {
		if (!apply_slice(n, &budget))
			break;
		applied = true;
	}
	if (applied)
		read_applied(n);
}
