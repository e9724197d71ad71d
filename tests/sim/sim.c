/* sim.c - run a simulated cluster from a seed, or many, and check it.
 *
 *   sim-run [--seed=N] [--steps=N] [--count=N] [--verbose]
 *
 * Prints the seed before it begins, and at the end a hash of all that has
 * happened, which is the same for the same seed. TAP. */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checks.h"
#include "clients.h"
#include "world.h"

struct options {
	uint64_t seed;
	uint64_t steps;
	uint64_t count;
	bool verbose;
};

struct sums {
	uint64_t us;
	uint64_t events;
	uint64_t faults[16];
	uint64_t deaths;
	uint64_t entries;
	uint64_t acknowledged;
};

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"seed", required_argument, NULL, 's'},
		{"steps", required_argument, NULL, 'n'},
		{"count", required_argument, NULL, 'c'},
		{"verbose", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o->steps = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			o->count = strtoull(optarg, NULL, 10);
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

static void
run_one(const struct options *o, uint64_t seed, struct sums *sums)
{
	struct world *w;
	size_t i;

	printf("# seed %" PRIu64 ": sim-run --seed=%" PRIu64 " --steps=%" PRIu64
	       "\n",
	       seed, seed, o->steps);
	fflush(stdout);
	w = world_new(seed, o->verbose);
	world_run(w, o->steps);
	sums->us += w->now_us;
	sums->events += w->events;
	sums->deaths += w->deaths;
	sums->entries += checks_entries();
	sums->acknowledged += checks_acknowledgements();
	for (i = 0; i < 16; i++)
		sums->faults[i] += w->faults[i];
	printf("ok - seed %" PRIu64 ": %" PRIu64 " s, %zu members, %" PRIu64
	       " entries, hash %016" PRIx64 "\n",
	       seed, w->now_us / 1000000, w->plan.hosts, checks_entries(),
	       w->hash);
	world_free(w);
}

static void
print_sums(const struct sums *sums, double seconds)
{
	size_t i;

	printf("# %" PRIu64 " simulated seconds in %.1f s: %.0f times as fast; "
	       "%" PRIu64 " events\n",
	       sums->us / 1000000, seconds, (double)sums->us / 1e6 / seconds,
	       sums->events);
	printf("# %" PRIu64 " entries, %" PRIu64 " acknowledged and none lost; "
	       "%" PRIu64 " ends of processes\n",
	       sums->entries, sums->acknowledged, sums->deaths);
	for (i = 0; faults_name(i); i++)
		printf("# %s: %" PRIu64 "\n", faults_name(i), sums->faults[i]);
}

static double
seconds_now(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.seed = (uint64_t)time(NULL), .steps = 20000, .count = 1};
	struct sums sums = {0};
	double start = seconds_now();
	uint64_t i;

	if (!read_options(argc, argv, &o)) {
		fprintf(stderr, "usage: sim-run [--seed=N] [--steps=N] "
				"[--count=N] [--verbose]\n");
		return 2;
	}
	for (i = 0; i < o.count; i++)
		run_one(&o, o.seed + i, &sums);
	print_sums(&sums, seconds_now() - start);
	printf("1..%" PRIu64 "\n", o.count);
	return 0;
}
