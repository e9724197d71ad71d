/* snapshots.c - when a snapshot is taken, and what the log may then drop.
 *
 * What it covers is described on the reactor, between two slices of applying;
 * the janitor syncs the history and writes the header beside it. The core is
 * told when it is on disk, and says what the log no longer needs.
 *
 * All that is in it follows from the entries up to its index, nothing from
 * when or where it was taken: so it is the same bytes on each member. */

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "node/fetch.h"

/* The newest, and one to fall back to. */
#define KEEP 2

struct snapshots {
	bool wanted; /* By the core, a signal or a request. */
	bool taking; /* The janitor is at one. */
	/* Described, to be taken when the janitor is free; last.index 0: none.
	 */
	struct snapshot_header due;
	struct inbound_request **waiting; /* For the next one taken. */
	size_t waiting_count;
	size_t waiting_cap;
	/* What the log may drop (index 0: nothing), once it is on disk up to
	 * this seq: one cannot drop what is not there yet. */
	struct log_end compact;
	uint64_t compact_seq;
};

struct snapshots *
snapshots_new(void)
{
	return mem_alloc(1, sizeof(struct snapshots));
}

void
snapshots_free(struct snapshots *s)
{
	if (!s)
		return;
	snapshot_header_close(&s->due);
	mem_free(s->waiting);
	mem_free(s);
}

/* ---- taking ---- */

struct take_job {
	struct job job;
	struct node *node;
	struct snapshot_header header;
	char *payload; /* Path of the history. */
	struct inbound_request **requests;
	size_t request_count;
	bool synced;
	enum rk_code rc;
	struct rk_error err;
	enum rk_code prune_rc;
	struct rk_error prune_err;
};

static void
run_take(struct job *job)
{
	struct take_job *t = (struct take_job *)job;
	const char *dir = t->node->dir;

	t->rc = history_sync(t->payload, &t->err);
	if (t->rc)
		return;
	t->synced = true;
	t->rc = snapshot_take(dir, t->payload, &t->header, &t->err);
	if (!t->rc)
		t->prune_rc = snapshot_prune(dir, KEEP, &t->prune_err);
}

static void
answer(struct node *n, const struct take_job *t, struct inbound_request *r)
{
	struct bytes body = {0};

	if (t->rc) {
		api_problem(n, r,
			    t->rc == RK_REJECTED ? PROBLEM_DISK_FULL
						 : PROBLEM_INTERNAL,
			    NULL, "%s", t->err.text);
		return;
	}
	fetch_encode(&body, &t->header);
	bytes_append_char(&body, '\n');
	api_reply(n, r, 200, "application/json", &body);
}

static void
note_taken(struct node *n, const struct take_job *t)
{
	struct event ev = {.type = EVENT_SNAPSHOT_TAKEN,
			   .as.snapshot_taken = t->header.meta};

	trace_line(n->trace, TRACE_INFO,
		   "took a snapshot at %" PRIu64 ", %" PRIu64 " bytes",
		   t->header.meta.last.index, t->header.bytes);
	if (t->prune_rc)
		trace_line(n->trace, TRACE_WARNING, "%s", t->prune_err.text);
	/* Refused if the leader's newer one was installed meanwhile. */
	node_step(n, &ev, NULL);
}

static void
done_take(struct job *job)
{
	struct take_job *t = (struct take_job *)job;
	struct node *n = t->node;
	size_t i;

	n->snapshots->taking = false;
	if (!n->closing) {
		/* The kernel may have dropped what it could not write, and a
		 * later sync would not say so. */
		if (!t->synced)
			node_fail(n, &t->err);
		else if (t->rc)
			trace_line(n->trace, TRACE_ERROR, "%s", t->err.text);
		else
			note_taken(n, t);
		for (i = 0; i < t->request_count; i++)
			answer(n, t, t->requests[i]);
	}
	snapshot_header_close(&t->header);
	mem_free(t->requests);
	mem_free(t->payload);
	mem_free(t);
}

static void
describe(struct node *n, struct snapshot_header *h)
{
	struct history *history = machine_history(n->machine);

	core_snapshot_meta(n->core, &h->meta);
	memcpy(h->cluster, n->identity.cluster, sizeof h->cluster);
	memcpy(h->machine, "log", sizeof "log");
	h->bytes = history_bytes(history);
	h->crc32c = history_crc32c(history);
	h->time_ms = machine_time_ms(n->machine);
	members_encode(&h->addresses, &h->meta.configuration.configuration,
		       members_at(n, h->meta.configuration.index));
	sessions_encode(machine_sessions(n->machine), &h->sessions);
}

/* Nothing was applied since the newest one: that is the answer. */
static void
answer_at_once(struct node *n)
{
	struct snapshots *s = n->snapshots;

	s->wanted = false;
	while (s->waiting_count) {
		struct inbound_request *r = s->waiting[--s->waiting_count];

		if (machine_applied(n->machine))
			fetch_newest(n, r);
		else
			api_problem(n, r, PROBLEM_CONFLICT, NULL,
				    "nothing has been applied yet");
	}
}

/* Describe what is applied now, if this is the moment. */
static void
describe_wanted(struct node *n)
{
	struct snapshots *s = n->snapshots;
	struct core_status status;

	core_status(n->core, &status);
	if (machine_is_pending(n->machine) ||
	    machine_applied(n->machine) != status.applied)
		return;
	if (status.applied == status.snapshot.last.index) {
		answer_at_once(n);
		return;
	}
	s->wanted = false;
	snapshot_header_close(&s->due); /* This one is newer. */
	describe(n, &s->due);
}

static void
take(struct node *n)
{
	struct snapshots *s = n->snapshots;
	struct take_job *t = mem_alloc(1, sizeof *t);

	t->job.run = run_take;
	t->job.done = done_take;
	t->node = n;
	t->header = s->due;
	t->payload = mem_strdup(history_path(machine_history(n->machine)));
	t->requests = s->waiting;
	t->request_count = s->waiting_count;
	s->due = (struct snapshot_header){0};
	s->waiting = NULL;
	s->waiting_count = s->waiting_cap = 0;
	s->taking = true;
	install_forget(n);
	janitor_submit(n->janitor, &t->job);
}

void
snapshot_wanted(struct node *n)
{
	n->snapshots->wanted = true;
}

void
snapshot_applied(struct node *n)
{
	if (n->snapshots->wanted)
		describe_wanted(n);
}

void
snapshot_replaced(struct node *n)
{
	struct snapshots *s = n->snapshots;

	/* It was of a file that is not the machine's any more. */
	snapshot_header_close(&s->due);
	s->wanted = s->waiting_count > 0;
}

/* ---- compaction ---- */

struct discard_job {
	struct job job;
	struct node *node;
	char **files;
	size_t count;
	enum rk_code rc;
	struct rk_error err;
};

static void
run_discard(struct job *job)
{
	struct discard_job *d = (struct discard_job *)job;
	size_t i;

	for (i = 0; i < d->count && !d->rc; i++)
		d->rc = log_discard(d->node->dir, d->files[i], &d->err);
}

static void
done_discard(struct job *job)
{
	struct discard_job *d = (struct discard_job *)job;

	/* Only space is lost; the next start tries again. */
	if (d->rc)
		trace_line(d->node->trace, TRACE_WARNING, "%s", d->err.text);
	file_list_free(d->files, d->count);
	mem_free(d);
}

void
snapshot_compact(struct node *n, struct log_end to)
{
	struct snapshots *s = n->snapshots;

	if (to.index <= s->compact.index)
		return;
	s->compact = to;
	s->compact_seq = n->disk.seq;
}

static void
compact(struct node *n)
{
	struct snapshots *s = n->snapshots;
	struct event ev = {.type = EVENT_COMPACTED, .as.compacted = s->compact};
	struct discard_job *d;

	s->compact = (struct log_end){0};
	if (node_step(n, &ev, NULL))
		return; /* The log was replaced meanwhile. */
	d = mem_alloc(1, sizeof *d);
	d->job.run = run_discard;
	d->job.done = done_discard;
	d->node = n;
	log_map_compact(n->map, ev.as.compacted.index, &d->files, &d->count);
	trace_line(n->trace, TRACE_DEBUG,
		   "compacted the log up to %" PRIu64 ": %zu files go",
		   ev.as.compacted.index, d->count);
	janitor_submit(n->janitor, &d->job);
}

/* ---- from outside ---- */

static void
wait_for_next(struct node *n, struct inbound_request *r)
{
	struct snapshots *s = n->snapshots;

	s->waiting = mem_grow(s->waiting, &s->waiting_cap, s->waiting_count + 1,
			      sizeof(void *));
	s->waiting[s->waiting_count++] = r;
	s->wanted = true;
}

void
snapshot_handle(struct node *n, struct inbound_request *r, const char *id)
{
	if (id)
		fetch_one(n, r, id);
	else if (inbound_method(r) == INBOUND_POST)
		wait_for_next(n, r);
	else
		fetch_list(n, r);
}

void
snapshot_tick(struct node *n)
{
	struct snapshots *s = n->snapshots;

	if (n->fatal)
		return;
	if (s->compact.index && n->disk.durable >= s->compact_seq)
		compact(n);
	if (s->taking || n->apply_paused)
		return;
	if (s->wanted)
		describe_wanted(n);
	if (s->due.meta.last.index)
		take(n);
}
