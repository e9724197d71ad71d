/* world.h - a cluster in one process: its hosts, its time, what happens next.
 *
 * Everything is drawn from one seed, and nothing depends on anything else, so
 * that a seed is a history. The functions that the simulator puts in place of
 * lib's own (system calls, HTTP, threads, memory) have no argument by which to
 * know whose they are; hence world_now(), the one variable of this program. */

#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "node/node.h"

#define HOSTS_MOST 7

struct block;
struct checks;
struct clients;
struct platter;
struct network;
struct task;

/* What a log that is on disk for certain says. */
struct kept {
	rk_index last;
	struct hard_state hard_state;
};

/* One member and its machine. */
struct host {
	rk_id id;
	struct platter *disk;
	struct node *node; /* NULL: it does not run. */
	struct rk_settings *settings;
	struct trace trace;
	uint64_t life;          /* Counts its starts and ends. */
	struct block *memory;   /* What it has allocated. */
	uint64_t pass_us;       /* When it runs next; UINT64_MAX: not. */
	uint64_t paused_us;     /* It does not run before. */
	uint64_t kill_calls;    /* Killed in so many system calls; 0: not. */
	bool kill_is_power_cut; /* ... and what was not synced is at stake. */
	uint64_t clock_us;      /* Its monotonic clock is ahead by this. */
	uint64_t wall_ms;       /* And its wall clock by this. */
	uint64_t sync_us;       /* How long its disk takes. */
	struct kept kept;
	char url[64];

	/* What has been seen of it in this life. */
	rk_term seen_term;
	rk_index seen_commit;
	rk_index seen_applied;
	uint64_t seen_bytes; /* Of its history, compared. */
	bool seen_leading;
};

/* What a seed decides before anything happens. */
struct plan {
	size_t hosts;
	size_t clients;
	uint64_t delay_us;       /* Of a message, at most. */
	unsigned loss;           /* Of 1000 messages; TCP sends again. */
	unsigned vanish;         /* Of 10,000, never to be seen again. */
	unsigned repeat;         /* Of 1000 requests, received twice. */
	uint64_t think_us;       /* Between a client's requests. */
	uint64_t fault_every_us; /* Mean. */
	unsigned weights[16];    /* Of the kinds of faults. */
	uint64_t segment_bytes;
	char snapshot_logs[24];
	char trailing[24];
};

struct world {
	uint64_t seed;
	uint64_t now_us;
	uint64_t events;
	uint64_t hash; /* Of all that has happened. */
	struct prng random;
	struct plan plan;
	struct host hosts[HOSTS_MOST]; /* plan.hosts of them. */
	char cluster[512];
	struct host *running; /* Whose code runs now; NULL: none. */
	jmp_buf killed;       /* Where to go if it is. */
	struct task *tasks;   /* A heap by time. */
	size_t task_count;
	size_t task_cap;
	uint64_t task_order;
	bool calm;        /* No more faults. */
	bool is_restored; /* All hosts are voters (again). */
	bool verbose;
	struct network *network;
	struct clients *clients;
	struct checks *checks;
	uint64_t faults[16]; /* How often each kind was injected. */
	uint64_t deaths;
};

struct world *world_now(void);

struct world *world_new(uint64_t seed, bool verbose);
void world_free(struct world *w);

/* Run `steps` events with faults, then heal and see the cluster serve. Aborts
 * by way of world_fail() if a promise is broken. */
void world_run(struct world *w, uint64_t steps);

/* A promise is broken: say which and how to see it again, and end. */
_Noreturn void world_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A line for people, with time and host, if they asked for it. */
void world_say(const struct host *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* In [from, to). */
uint64_t world_draw(uint64_t from, uint64_t to);
bool world_chance(unsigned of, unsigned in); /* `of` out of `in`. */
void world_note(uint64_t what);              /* Into the hash. */

/* Call `run` with `arg` in `after_us`. If `h` is not NULL only while it lives
 * this life; a paused host's tasks wait. `drop` (may be NULL) is called
 * instead of `run` if it does not come to that. */
void world_after(uint64_t after_us, struct host *h, void (*run)(void *arg),
		 void (*drop)(void *arg), void *arg);

/* ---- host.c ---- */

void host_init(struct world *w, struct host *h, rk_id id);
void host_start(struct host *h);
/* End it without a word; `power_cut`: its disk forgets, too. */
void host_kill(struct host *h, bool power_cut);
/* Have it run in `after_us` at the latest. */
void host_wake(struct host *h, uint64_t after_us);
/* Run `work` as `h`; false if it was killed meanwhile. */
bool host_run(struct host *h, void (*work)(void *arg), void *arg);
void host_pause(struct host *h, uint64_t for_us);
/* Something of it has run: look at it. */
void host_after(struct host *h);
void host_free(struct host *h);

/* ---- memory.c ---- */

/* Free all that `h` has; returns how many blocks that were. */
size_t memory_drop(struct host *h);

/* ---- faults.c ---- */

void faults_plan(struct world *w);
void faults_begin(struct world *w);
void faults_heal(struct world *w);
const char *faults_name(size_t kind);

#endif /* SIM_WORLD_H */
