/* writer.c - the thread that puts the log on disk. */

#include "node/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

/* How long a full disk is left alone before it is tried again. */
#define FULL_RETRY_MS 200

/* Operations and the sequence number of the last. */
struct op_list {
	struct log_op *ops;
	size_t count;
	size_t cap;
	uint64_t seq;
	rk_index commit;
};

struct writer {
	pthread_t thread;
	pthread_mutex_t lock; /* Of `queue`, `done` and `stop`. */
	pthread_cond_t wake;
	struct op_list queue;
	struct writer_done *done;
	size_t done_count;
	size_t done_cap;
	bool stop;
	int event_fd;
	struct log *log;      /* The thread's alone. */
	struct op_list batch; /* The thread's alone. */
};

static void
op_list_move(struct op_list *to, struct op_list *from)
{
	if (!from->count)
		return;
	to->ops = mem_grow(to->ops, &to->cap, to->count + from->count,
			   sizeof *to->ops);
	memcpy(to->ops + to->count, from->ops, from->count * sizeof *to->ops);
	to->count += from->count;
	to->seq = from->seq;
	to->commit = from->commit;
	from->count = 0;
}

static void
report(struct writer *w, const struct writer_done *done)
{
	const uint64_t one = 1;
	ssize_t n;

	pthread_mutex_lock(&w->lock);
	w->done = mem_grow(w->done, &w->done_cap, w->done_count + 1,
			   sizeof *w->done);
	w->done[w->done_count++] = *done;
	pthread_mutex_unlock(&w->lock);
	n = write(w->event_fd, &one, sizeof one);
	/* Only a counter at its end can refuse, and then it is readable. */
	(void)n;
}

/* Wait for work, or for the disk to have space again; false: end. */
static bool
gather(struct writer *w, bool full)
{
	struct timespec until;
	bool go_on;

	pthread_mutex_lock(&w->lock);
	if (full && !w->stop) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += FULL_RETRY_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
	while (!w->queue.count && !w->batch.count && !w->stop)
		pthread_cond_wait(&w->wake, &w->lock);
	op_list_move(&w->batch, &w->queue);
	go_on = w->batch.count && !(full && w->stop);
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void
measure(const struct op_list *batch, struct writer_done *done)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		done->entries += batch->ops[i].count;
		done->bytes += batch->ops[i].lines.len;
	}
}

static void *
work(void *arg)
{
	struct writer *w = arg;
	struct writer_done done;
	bool full = false;
	uint64_t start;

	while (gather(w, full)) {
		memset(&done, 0, sizeof done);
		start = clock_now_us();
		done.rc =
			log_write(w->log, w->batch.ops, w->batch.count,
				  w->batch.commit, &done.placement, &done.err);
		done.elapsed_us = clock_now_us() - start;
		measure(&w->batch, &done);
		if (done.rc == RK_OK) {
			done.seq = w->batch.seq;
			done.wants_segment = log_wants_segment(w->log);
			w->batch.count = 0;
		}
		full = done.rc == RK_REJECTED;
		report(w, &done);
		if (done.rc != RK_OK && !full)
			break;
	}
	return NULL;
}

enum rk_code
writer_open(struct log *log, int event_fd, struct writer **writer,
	    struct rk_error *err)
{
	struct writer *w = mem_alloc(1, sizeof *w);
	pthread_condattr_t attr;
	int rc;

	w->log = log;
	w->event_fd = event_fd;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&w->thread, NULL, work, w);
	if (rc) {
		mem_free(w);
		return error_set(err, RK_FAILED, "start the writer: %s",
				 strerror(rc));
	}
	*writer = w;
	return RK_OK;
}

void
writer_close(struct writer *w)
{
	struct writer_done done;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	while (writer_poll(w, &done))
		log_placement_close(&done.placement);
	log_close(w->log);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	mem_free(w->queue.ops);
	mem_free(w->batch.ops);
	mem_free(w->done);
	mem_free(w);
}

void
writer_submit(struct writer *w, const struct log_op *ops, size_t count,
	      uint64_t seq, rk_index commit)
{
	struct op_list *q = &w->queue;

	assert(count > 0);
	assert(seq > 0);
	pthread_mutex_lock(&w->lock);
	q->ops = mem_grow(q->ops, &q->cap, q->count + count, sizeof *q->ops);
	memcpy(q->ops + q->count, ops, count * sizeof *ops);
	q->count += count;
	q->seq = seq;
	q->commit = commit;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

bool
writer_poll(struct writer *w, struct writer_done *done)
{
	bool found;

	pthread_mutex_lock(&w->lock);
	found = w->done_count > 0;
	if (found) {
		*done = w->done[0];
		w->done_count--;
		memmove(w->done, w->done + 1, w->done_count * sizeof *w->done);
	}
	pthread_mutex_unlock(&w->lock);
	return found;
}
