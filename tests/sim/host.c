/* host.c - one member's life: started, run, paused, killed, started again. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "network.h"
#include "platter.h"
#include "world.h"

/* The reactor needs this long for a pass, at least. */
#define PASS_US 20

/* How long it takes until somebody starts it again. */
#define RESTART_MOST_US 3000000

static void
set(struct rk_settings *s, const char *name, const char *value)
{
	struct rk_error err;

	if (rk_settings_set(s, name, value, "the plan", &err))
		world_fail("%s", err.text);
}

void
host_init(struct world *w, struct host *h, rk_id id)
{
	h->id = id;
	h->disk = platter_new();
	h->settings = rk_settings_new();
	set(h->settings, "snapshot-logs-since-last", w->plan.snapshot_logs);
	set(h->settings, "trailing-entries", w->plan.trailing);
	set(h->settings, "snapshot-max-chunk-size", "4096");
	h->trace = (struct trace){.fd = 2, .level = TRACE_DEBUG, .name = "n"};
	h->pass_us = UINT64_MAX;
	h->sync_us = world_draw(100, 5000);
	h->clock_us = world_draw(1000000, 1000000000);
	snprintf(h->url, sizeof h->url, "http://127.0.0.1:740%" PRIu64, id);
}

void
host_free(struct host *h)
{
	struct world *w = world_now();

	if (h->node) {
		in_cut_all(h);
		out_drop_all(h);
	}
	w->running = NULL;
	memory_drop(h);
	platter_free(h->disk);
	rk_settings_free(h->settings);
}

/* ---- an end ---- */

static void
forget(struct host *h)
{
	struct world *w = world_now();
	size_t i;

	for (i = 0; i < w->plan.hosts; i++)
		in_say_gone(&w->hosts[i], h->id);
	h->node = NULL;
	h->life++;
	h->pass_us = UINT64_MAX;
	h->paused_us = 0;
	h->kill_calls = 0;
	h->seen_term = 0;
	h->seen_commit = 0;
	h->seen_applied = 0;
	h->seen_bytes = 0;
	h->seen_leading = false;
	world_now()->deaths++;
}

static void
restart(void *host)
{
	struct host *h = host;

	if (!h->node)
		host_start(h);
}

static void
restart_later(struct host *h)
{
	struct world *w = world_now();

	world_after(world_draw(1000, w->calm ? 50000 : RESTART_MOST_US), NULL,
		    restart, NULL, h);
}

void
host_kill(struct host *h, bool power_cut)
{
	world_say(h, power_cut ? "power cut" : "killed");
	if (h->node) {
		in_cut_all(h);
		out_drop_all(h);
	}
	memory_drop(h);
	if (power_cut)
		platter_power_cut(h->disk);
	else
		platter_close_all(h->disk);
	forget(h);
	restart_later(h);
}

bool
host_run(struct host *h, void (*work)(void *arg), void *arg)
{
	struct world *w = world_now();

	assert(!w->running);
	w->running = h;
	if (setjmp(w->killed)) {
		w->running = NULL;
		host_kill(h, h->kill_is_power_cut);
		return false;
	}
	work(arg);
	w->running = NULL;
	return true;
}

/* As raft-node ends: what is held is answered, then all is closed. */
static void
end_orderly(void *host)
{
	struct host *h = host;
	struct node *n = h->node;

	append_stop(n);
	peers_stop(n);
	n->stopping = true;
	proxy_tick(n);
	read_tick(n);
	in_run(h);
	h->node = NULL;
	node_close(n);
}

static void
stop(struct host *h)
{
	size_t left;

	if (!host_run(h, end_orderly, h))
		return;
	left = memory_drop(h);
	if (left)
		world_fail("member %" PRIu64 " closed, and %zu pieces of "
			   "memory are left",
			   h->id, left);
	platter_close_all(h->disk);
	forget(h);
	restart_later(h);
}

/* ---- a pass ---- */

static void pass(void *host);

static void
pass_in(struct host *h, uint64_t after_us)
{
	h->pass_us = world_now()->now_us + after_us;
	world_after(after_us, h, pass, NULL, h);
}

void
host_wake(struct host *h, uint64_t after_us)
{
	if (world_now()->now_us + after_us < h->pass_us)
		pass_in(h, after_us);
}

static uint64_t
sooner(uint64_t us, int ms)
{
	return ms >= 0 && (uint64_t)ms * 1000 < us ? (uint64_t)ms * 1000 : us;
}

/* Runs as the host, as all of its tasks do. */
static void
pass(void *host)
{
	struct host *h = host;
	struct node *n = h->node;
	uint64_t us = 1000000;

	if (!n || world_now()->now_us < h->pass_us)
		return;
	h->pass_us = UINT64_MAX;
	node_begin(n);
	node_collect(n);
	inbound_run(n->in);
	outbound_run(n->out);
	node_end(n);
	us = sooner(us, node_timeout_ms(n));
	us = sooner(us, inbound_timeout_ms(n->in));
	us = sooner(us, outbound_timeout_ms(n->out));
	host_wake(h, us < PASS_US ? PASS_US : us);
}

void
host_after(struct host *h)
{
	if (!h->node)
		return;
	if (h->node->fatal)
		stop(h);
	else
		checks_host(h);
}

void
host_pause(struct host *h, uint64_t for_us)
{
	h->paused_us = world_now()->now_us + for_us;
}

/* ---- a start ---- */

struct opening {
	struct host *host;
	struct node *node;
	enum rk_code rc;
	struct rk_error err;
};

static void
open_node(void *arg)
{
	struct opening *o = arg;
	struct host *h = o->host;
	struct rk_member member = {
		.dir = "/data/raft",
		.id = h->id,
		.cluster = world_now()->cluster,
		.ready_fd = -1,
		.settings = h->settings,
	};
	struct node_start start = {
		.member = &member,
		.trace = &h->trace,
		.event_fd = -1,
		.segment_bytes = world_now()->plan.segment_bytes,
	};

	o->rc = node_open(&start, &o->node, &o->err);
}

static void
open_door(void *host)
{
	in_open(host);
}

void
host_start(struct host *h)
{
	struct opening o = {.host = h};
	struct core_status s;
	const struct platter_faults *f = platter_faults(h->disk);
	size_t left;

	h->life++;
	world_say(h, "starts");
	if (!host_run(h, open_node, &o))
		return;
	if (o.rc) {
		world_say(h, "does not start: %s", o.err.text);
		left = memory_drop(h);
		platter_close_all(h->disk);
		if (left)
			world_fail("member %" PRIu64 " did not start, and %zu "
				   "pieces of memory are left",
				   h->id, left);
		if (!f->read_fails && !f->write_fails && !f->sync_fails &&
		    !f->is_limited)
			world_fail("member %" PRIu64 " does not start: %s",
				   h->id, o.err.text);
		restart_later(h);
		return;
	}
	h->node = o.node;
	core_status(h->node->core, &s);
	h->kept = (struct kept){s.last.index, s.hard_state};
	if (host_run(h, open_door, h))
		host_wake(h, 0);
}
