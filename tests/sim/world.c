/* world.c - the order in which things happen. */

#include "world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "clients.h"
#include "network.h"

/* In this time a cluster that nothing ails must have healed. */
#define HEAL_US UINT64_C(60000000)

struct task {
	uint64_t at_us;
	uint64_t order; /* Of those of the same time. */
	struct host *host;
	uint64_t life;
	void (*run)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

/* The one world there is; see world.h. */
static struct world *the_world;

struct world *
world_now(void)
{
	return the_world;
}

/* ---- speaking ---- */

void
world_say(const struct host *h, const char *format, ...)
{
	const struct world *w = the_world;
	va_list args;

	if (!w->verbose)
		return;
	fprintf(stderr, "%" PRIu64 ".%06" PRIu64 " ", w->now_us / 1000000,
		w->now_us % 1000000);
	fprintf(stderr, "%" PRIu64 ": ", h ? h->id : 0);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void
world_fail(const char *format, ...)
{
	const struct world *w = the_world;
	va_list args;

	printf("# seed %" PRIu64 ", event %" PRIu64 ", second %" PRIu64
	       ".%06" PRIu64 ": ",
	       w->seed, w->events, w->now_us / 1000000, w->now_us % 1000000);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nnot ok - seed %" PRIu64 "\n", w->seed);
	fflush(stdout);
	abort();
}

/* ---- chance ---- */

uint64_t
world_draw(uint64_t from, uint64_t to)
{
	return prng_range(&the_world->random, from, to);
}

bool
world_chance(unsigned of, unsigned in)
{
	return of && world_draw(0, in) < of;
}

void
world_note(uint64_t what)
{
	the_world->hash = (the_world->hash ^ what) * UINT64_C(0x100000001b3);
}

/* ---- the heap of what is to come ---- */

static bool
is_before(const struct task *a, const struct task *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
swap(struct task *a, struct task *b)
{
	struct task c = *a;

	*a = *b;
	*b = c;
}

static void
push(struct world *w, const struct task *task)
{
	size_t i = w->task_count;

	if (i == w->task_cap) {
		w->task_cap = w->task_cap * 2 + 256;
		w->tasks = realloc(w->tasks, w->task_cap * sizeof *w->tasks);
		assert(w->tasks);
	}
	w->tasks[w->task_count++] = *task;
	for (; i > 0 && is_before(&w->tasks[i], &w->tasks[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&w->tasks[i], &w->tasks[(i - 1) / 2]);
}

static struct task
pop(struct world *w)
{
	struct task first = w->tasks[0];
	size_t i = 0;
	size_t child;

	w->tasks[0] = w->tasks[--w->task_count];
	while ((child = 2 * i + 1) < w->task_count) {
		if (child + 1 < w->task_count &&
		    is_before(&w->tasks[child + 1], &w->tasks[child]))
			child++;
		if (!is_before(&w->tasks[child], &w->tasks[i]))
			break;
		swap(&w->tasks[child], &w->tasks[i]);
		i = child;
	}
	return first;
}

void
world_after(uint64_t after_us, struct host *h, void (*run)(void *arg),
	    void (*drop)(void *arg), void *arg)
{
	struct world *w = the_world;
	struct task task = {
		.at_us = w->now_us + after_us,
		.order = ++w->task_order,
		.host = h,
		.life = h ? h->life : 0,
		.run = run,
		.drop = drop,
		.arg = arg,
	};

	push(w, &task);
}

/* ---- a step ---- */

static void
run_task(struct world *w, struct task *t)
{
	struct host *h = t->host;

	if (h && h->life != t->life) {
		if (t->drop)
			t->drop(t->arg);
		return;
	}
	if (h && h->paused_us > w->now_us) {
		t->at_us = h->paused_us;
		push(w, t);
		return;
	}
	w->events++;
	world_note(w->now_us);
	if (!h) {
		t->run(t->arg);
		return;
	}
	world_note(h->id);
	if (host_run(h, t->run, t->arg))
		host_after(h);
}

static void
step(struct world *w)
{
	struct task t;

	assert(w->task_count);
	t = pop(w);
	assert(t.at_us >= w->now_us);
	w->now_us = t.at_us;
	run_task(w, &t);
}

/* ---- a run ---- */

struct world *
world_new(uint64_t seed, bool verbose)
{
	struct world *w = calloc(1, sizeof *w);
	size_t i, len = 0;

	assert(w);
	assert(!the_world);
	the_world = w;
	w->seed = seed;
	w->verbose = verbose;
	w->hash = UINT64_C(0xcbf29ce484222325);
	prng_init(&w->random, seed);
	faults_plan(w);
	w->network = network_new();
	w->checks = checks_new();
	w->clients = clients_new(w->plan.clients);
	for (i = 0; i < w->plan.hosts; i++) {
		host_init(w, &w->hosts[i], i + 1);
		len += (size_t)snprintf(w->cluster + len,
					sizeof w->cluster - len, "%s%zu=%s",
					i ? "," : "", i + 1, w->hosts[i].url);
	}
	return w;
}

void
world_free(struct world *w)
{
	struct task t;
	size_t i;

	while (w->task_count) {
		t = pop(w);
		if (t.drop)
			t.drop(t.arg);
	}
	for (i = 0; i < w->plan.hosts; i++)
		host_free(&w->hosts[i]);
	clients_free(w->clients);
	checks_free(w->checks);
	network_free(w->network);
	free(w->tasks);
	the_world = NULL;
	free(w);
}

/* Nothing ails it any more: it must elect, serve, and become equal. */
static void
see_it_heal(struct world *w)
{
	uint64_t until = w->now_us + HEAL_US;
	uint64_t wanted = clients_served() + 2 * w->plan.clients;

	faults_heal(w);
	w->calm = true;
	while (clients_served() < wanted || !w->is_restored ||
	       !checks_are_equal()) {
		if (w->now_us > until)
			world_fail("it does not heal: %" PRIu64
				   " requests served, %" PRIu64 " wanted",
				   clients_served(), wanted);
		step(w);
	}
}

void
world_run(struct world *w, uint64_t steps)
{
	size_t i;

	for (i = 0; i < w->plan.hosts; i++) {
		if (world_chance(1, 3))
			w->hosts[i].kill_calls = world_draw(1, 50);
		w->hosts[i].kill_is_power_cut = world_chance(1, 2);
		host_start(&w->hosts[i]);
	}
	clients_begin();
	faults_begin(w);
	while (w->events < steps)
		step(w);
	see_it_heal(w);
}
