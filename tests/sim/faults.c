/* faults.c - what a seed decides, and what befalls the hosts. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "network.h"
#include "operator.h"
#include "platter.h"
#include "world.h"

static struct host *
any(void)
{
	struct world *w = world_now();

	return &w->hosts[world_draw(0, w->plan.hosts)];
}

/* ---- the end of a process ---- */

static void
kill_one(void)
{
	struct host *h = any();

	if (h->node)
		host_kill(h, world_chance(1, 2));
}

/* In one of the next system calls, wherever that is. */
static void
kill_in_a_call(void)
{
	struct host *h = any();

	h->kill_calls = world_draw(1, 60);
	h->kill_is_power_cut = world_chance(1, 2);
}

static void
kill_all(void)
{
	struct world *w = world_now();
	size_t i;

	for (i = 0; i < w->plan.hosts; i++) {
		if (w->hosts[i].node)
			host_kill(&w->hosts[i], true);
	}
}

static void
pause_one(void)
{
	struct host *h = any();

	/* Draws stand in statements of their own: compilers differ in the
	 * order in which they evaluate. */
	host_pause(h, world_draw(10000, 5000000));
}

/* ---- the network ---- */

static void
mend(void *arg)
{
	(void)arg;
	network_mend();
}

static void
mend_later(void)
{
	world_after(world_draw(100000, 8000000), NULL, mend, NULL, NULL);
}

static void
isolate(void)
{
	size_t ends = world_now()->plan.hosts + 1;
	size_t one = (size_t)any()->id;
	bool in = world_chance(3, 4);
	bool out = !in || world_chance(2, 3);
	size_t i;

	for (i = 1; i < ends; i++) {
		network_cut(i, one, in && i != one);
		network_cut(one, i, out && i != one);
	}
	mend_later();
}

/* Each is on one of two sides; one may be on both. */
static void
split(void)
{
	size_t ends = world_now()->plan.hosts + 1;
	size_t bridge = world_chance(1, 3) ? (size_t)any()->id : 0;
	uint64_t sides = world_draw(0, UINT64_C(1) << ends);
	size_t i, j;

	for (i = 1; i < ends; i++) {
		for (j = 1; j < ends; j++)
			network_cut(i, j,
				    i != bridge && j != bridge &&
					    ((sides >> i ^ sides >> j) & 1));
	}
	mend_later();
}

static void
cut_some(void)
{
	size_t ends = world_now()->plan.hosts + 1;
	size_t i, j;

	for (i = 1; i < ends; i++) {
		for (j = 0; j < ends; j++)
			network_cut(i, j, world_chance(1, 4));
	}
	mend_later();
}

/* Closed by somebody on the way. */
static void
close_connections(void)
{
	struct host *h = any();

	in_say_gone(h, any()->id);
}

static void
clog_link(void)
{
	size_t from = (size_t)any()->id;
	size_t to = (size_t)any()->id;

	network_clog(from, to, world_draw(1000, 5000000));
	mend_later();
}

/* ---- the disk ---- */

static void
heal_disk(void *host)
{
	struct host *h = host;

	memset(platter_faults(h->disk), 0, sizeof(struct platter_faults));
	h->sync_us = world_draw(100, 5000);
}

static void
heal_disk_later(struct host *h)
{
	world_after(world_draw(100000, 5000000), NULL, heal_disk, NULL, h);
}

static void
slow_disk(void)
{
	struct host *h = any();

	h->sync_us = world_draw(10000, 3000000);
	heal_disk_later(h);
}

static void
failing_writes(void)
{
	struct host *h = any();

	platter_faults(h->disk)->write_fails = (unsigned)world_draw(0, 1000);
	platter_faults(h->disk)->sync_fails = (unsigned)world_draw(0, 1000);
	heal_disk_later(h);
}

static void
failing_reads(void)
{
	struct host *h = any();

	platter_faults(h->disk)->read_fails = (unsigned)world_draw(1, 1000);
	heal_disk_later(h);
}

static void
full_disk(void)
{
	struct host *h = any();

	platter_faults(h->disk)->is_limited = true;
	platter_faults(h->disk)->space = world_draw(0, 20000);
	heal_disk_later(h);
}

/* ---- time ---- */

static void
step_wall_clock(void)
{
	struct host *h = any();

	h->wall_ms = world_draw(0, UINT64_C(10) * 365 * 86400 * 1000);
}

/* ---- which, and how often ---- */

struct fault {
	const char *name;
	void (*inject)(void);
};

static const struct fault faults[] = {
	{"kill", kill_one},
	{"kill in a call", kill_in_a_call},
	{"kill all", kill_all},
	{"pause", pause_one},
	{"isolate", isolate},
	{"split", split},
	{"cut links", cut_some},
	{"clog", clog_link},
	{"closed connections", close_connections},
	{"slow disk", slow_disk},
	{"failing writes", failing_writes},
	{"failing reads", failing_reads},
	{"full disk", full_disk},
	{"wall clock", step_wall_clock},
	{"members change", operator_act},
};

const char *
faults_name(size_t kind)
{
	return kind < LEN(faults) ? faults[kind].name : NULL;
}

void
faults_plan(struct world *w)
{
	struct plan *p = &w->plan;
	size_t i;

	p->hosts = world_chance(1, 2) ? 3 : world_chance(1, 8) ? 1 : 5;
	p->clients = (size_t)world_draw(1, 9);
	p->delay_us = world_draw(100, world_chance(1, 4) ? 100000 : 5000);
	p->loss = world_chance(1, 2) ? 0 : (unsigned)world_draw(0, 100);
	p->vanish = world_chance(1, 2) ? 0 : (unsigned)world_draw(0, 200);
	p->repeat = world_chance(1, 2) ? 0 : (unsigned)world_draw(0, 100);
	p->think_us = world_draw(5000, world_chance(1, 5) ? 20000 : 1000000);
	p->fault_every_us = world_draw(200000, 10000000);
	p->segment_bytes = UINT64_C(16384) << world_draw(0, 4);
	for (i = 0; i < LEN(faults); i++)
		p->weights[i] =
			world_chance(1, 3) ? 0 : (unsigned)world_draw(1, 10);
	p->weights[3]++; /* There is always something. */
	snprintf(p->snapshot_logs, sizeof p->snapshot_logs, "%u",
		 (unsigned)world_draw(20, 400));
	snprintf(p->trailing, sizeof p->trailing, "%u",
		 (unsigned)world_draw(0, 100));
}

static void
strike(void *arg)
{
	struct world *w = world_now();
	unsigned sum = 0;
	uint64_t dice;
	size_t i;

	(void)arg;
	if (w->calm)
		return;
	for (i = 0; i < LEN(faults); i++)
		sum += w->plan.weights[i];
	dice = world_draw(0, sum);
	for (i = 0; dice >= w->plan.weights[i]; i++)
		dice -= w->plan.weights[i];
	w->faults[i]++;
	world_say(NULL, "fault: %s", faults[i].name);
	faults[i].inject();
	world_after(world_draw(1, 2 * w->plan.fault_every_us), NULL, strike,
		    NULL, NULL);
}

void
faults_begin(struct world *w)
{
	world_after(w->plan.fault_every_us, NULL, strike, NULL, NULL);
}

void
faults_heal(struct world *w)
{
	size_t i;

	network_mend();
	for (i = 0; i < w->plan.hosts; i++) {
		heal_disk(&w->hosts[i]);
		w->hosts[i].kill_calls = 0;
		w->hosts[i].paused_us = 0;
	}
	world_say(NULL, "no more faults");
	operator_restore();
}
