/* janitor.c - a thread for work that takes long and that nobody waits for. */

#include "node/janitor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

/* First in, first out. */
struct job_queue {
	struct job *head;
	struct job **tail;
};

struct janitor {
	pthread_t thread;
	pthread_mutex_t lock; /* Of the two queues and `stop`. */
	pthread_cond_t wake;
	struct job_queue todo;
	struct job_queue ran;
	bool stop;
	int event_fd;
};

static void
push(struct job_queue *q, struct job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct job *
pop(struct job_queue *q)
{
	struct job *job = q->head;

	if (job) {
		q->head = job->next;
		if (!q->head)
			q->tail = &q->head;
	}
	return job;
}

static void
notify(const struct janitor *j)
{
	const uint64_t one = 1;
	ssize_t n = write(j->event_fd, &one, sizeof one);

	/* Only a counter at its end can refuse, and then it is readable. */
	(void)n;
}

static void *
work(void *arg)
{
	struct janitor *j = arg;
	struct job *job;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		job = pop(&j->todo);
		if (!job && j->stop)
			break;
		if (!job) {
			pthread_cond_wait(&j->wake, &j->lock);
			continue;
		}
		pthread_mutex_unlock(&j->lock);
		job->run(job);
		pthread_mutex_lock(&j->lock);
		push(&j->ran, job);
		notify(j);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

enum rk_code
janitor_open(int event_fd, struct janitor **janitor, struct rk_error *err)
{
	struct janitor *j = mem_alloc(1, sizeof *j);
	int rc;

	j->event_fd = event_fd;
	j->todo.tail = &j->todo.head;
	j->ran.tail = &j->ran.head;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->wake, NULL);
	rc = pthread_create(&j->thread, NULL, work, j);
	if (rc) {
		mem_free(j);
		return error_set(err, RK_FAILED, "start the janitor: %s",
				 strerror(rc));
	}
	*janitor = j;
	return RK_OK;
}

void
janitor_close(struct janitor *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	janitor_poll(j);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->lock);
	mem_free(j);
}

void
janitor_submit(struct janitor *j, struct job *job)
{
	assert(job->run);
	assert(job->done);
	pthread_mutex_lock(&j->lock);
	push(&j->todo, job);
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
}

void
janitor_poll(struct janitor *j)
{
	struct job *job;

	for (;;) {
		pthread_mutex_lock(&j->lock);
		job = pop(&j->ran);
		pthread_mutex_unlock(&j->lock);
		if (!job)
			return;
		job->done(job);
	}
}
