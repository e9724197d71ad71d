/* threads.c - writer.h and janitor.h without threads: their work is done when
 * the world comes to it, and takes as long as the world says. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "platter.h"
#include "world.h"

#define FULL_RETRY_US 200000

struct writer {
	struct host *host;
	struct log *log;
	struct log_op *ops; /* Queued, those of the batch first. */
	size_t count;
	size_t cap;
	size_t batch; /* Of them, being written. */
	uint64_t seq;
	rk_index commit;
	bool is_busy;
	bool is_written; /* The batch, but that is not reported yet. */
	bool has_failed;
	struct writer_done now; /* What the batch came to. */
	struct kept kept;       /* Once that has reached the disk. */
	struct writer_done *done;
	size_t done_count;
	size_t done_cap;
};

static void begin(void *writer);

/* As real ones need: a batch gathers what comes while the last is written. */
static void
go_on(struct writer *w, uint64_t after_us)
{
	if (w->is_busy || w->has_failed || !w->count)
		return;
	w->is_busy = true;
	world_after(after_us, w->host, begin, NULL, w);
}

static void
report(void *writer)
{
	struct writer *w = writer;
	bool full = w->now.rc == RK_REJECTED;

	platter_settle(w->host->disk);
	if (!w->now.rc)
		w->host->kept = w->kept;
	w->done = mem_grow(w->done, &w->done_cap, w->done_count + 1,
			   sizeof *w->done);
	w->done[w->done_count++] = w->now;
	w->is_busy = w->is_written = false;
	w->has_failed = w->now.rc && !full;
	host_wake(w->host, 0);
	go_on(w, full ? FULL_RETRY_US : 0);
}

/* What the log will say once `op` is on disk. */
static void
note_op(struct kept *k, const struct log_op *op)
{
	if (op->has_hard_state)
		k->hard_state = op->hard_state;
	if (op->reset)
		k->last = op->reset_to.index;
	if (op->truncate_from && op->truncate_from <= k->last)
		k->last = op->truncate_from - 1;
	if (op->count)
		k->last = op->first + op->count - 1;
}

static void
write_batch(struct writer *w)
{
	struct writer_done *done = &w->now;
	size_t i;

	memset(done, 0, sizeof *done);
	w->batch = w->count;
	for (i = 0; i < w->batch; i++) {
		done->entries += w->ops[i].count;
		done->bytes += w->ops[i].lines.len;
	}
	done->rc = log_write(w->log, w->ops, w->batch, w->commit,
			     &done->placement, &done->err);
	if (done->rc)
		return;
	done->seq = w->seq;
	w->kept = w->host->kept;
	for (i = 0; i < w->batch; i++)
		note_op(&w->kept, &w->ops[i]);
	done->wants_segment = log_wants_segment(w->log);
	w->count -= w->batch;
	memmove(w->ops, w->ops + w->batch, w->count * sizeof *w->ops);
}

static void
begin(void *writer)
{
	struct writer *w = writer;
	uint64_t us = world_draw(w->host->sync_us / 2, w->host->sync_us + 1);

	platter_take_time(w->host->disk, true);
	write_batch(w);
	platter_take_time(w->host->disk, false);
	w->is_written = true;
	w->now.elapsed_us = us;
	world_after(us, w->host, report, NULL, w);
}

enum rk_code
writer_open(struct log *log, int event_fd, struct writer **writer,
	    struct rk_error *err)
{
	struct writer *w = mem_alloc(1, sizeof *w);

	(void)event_fd;
	(void)err;
	w->host = world_now()->running;
	w->log = log;
	*writer = w;
	return RK_OK;
}

void
writer_close(struct writer *w)
{
	struct writer_done done;

	if (!w)
		return;
	platter_settle(w->host->disk);
	if (w->is_written)
		log_placement_close(&w->now.placement);
	while (w->count && !w->has_failed) {
		write_batch(w);
		w->has_failed = w->now.rc != RK_OK;
		log_placement_close(&w->now.placement);
	}
	while (writer_poll(w, &done))
		log_placement_close(&done.placement);
	log_close(w->log);
	mem_free(w->ops);
	mem_free(w->done);
	mem_free(w);
}

void
writer_submit(struct writer *w, const struct log_op *ops, size_t count,
	      uint64_t seq, rk_index commit)
{
	assert(count > 0);
	w->ops = mem_grow(w->ops, &w->cap, w->count + count, sizeof *ops);
	memcpy(w->ops + w->count, ops, count * sizeof *ops);
	w->count += count;
	w->seq = seq;
	w->commit = commit;
	go_on(w, world_draw(1, 100));
}

bool
writer_poll(struct writer *w, struct writer_done *done)
{
	if (!w->done_count)
		return false;
	*done = w->done[0];
	w->done_count--;
	memmove(w->done, w->done + 1, w->done_count * sizeof *w->done);
	return true;
}

/* ---- the janitor ---- */

struct janitor {
	struct host *host;
	struct job *todo; /* Oldest first. */
	struct job *ran;
	bool is_busy;
};

static void
push(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	*list = job;
	job->next = NULL;
}

static struct job *
pop(struct job **list)
{
	struct job *job = *list;

	if (job)
		*list = job->next;
	return job;
}

static void
work(void *janitor)
{
	struct janitor *j = janitor;
	struct job *job = pop(&j->todo);

	job->run(job);
	push(&j->ran, job);
	host_wake(j->host, 0);
	j->is_busy = j->todo != NULL;
	if (j->is_busy)
		world_after(world_draw(100, 20000), j->host, work, NULL, j);
}

enum rk_code
janitor_open(int event_fd, struct janitor **janitor, struct rk_error *err)
{
	struct janitor *j = mem_alloc(1, sizeof *j);

	(void)event_fd;
	(void)err;
	j->host = world_now()->running;
	*janitor = j;
	return RK_OK;
}

void
janitor_submit(struct janitor *j, struct job *job)
{
	push(&j->todo, job);
	if (j->is_busy)
		return;
	j->is_busy = true;
	world_after(world_draw(100, 20000), j->host, work, NULL, j);
}

void
janitor_poll(struct janitor *j)
{
	struct job *job;

	while ((job = pop(&j->ran)))
		job->done(job);
}

void
janitor_close(struct janitor *j)
{
	struct job *job;

	if (!j)
		return;
	while ((job = pop(&j->todo))) {
		job->run(job);
		push(&j->ran, job);
	}
	janitor_poll(j);
	mem_free(j);
}
