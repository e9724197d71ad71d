/* test_core_walk.c - random walks of a few cores over a bad network, with
 * disks that forget; see cluster.h for what is watched. SEED and STEPS in the
 * environment repeat or lengthen a walk. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster.h"
#include "core/configuration.h"

/* What the walk does, how often; drawn anew for each walk. */
struct habits {
	uint64_t loss;        /* Of 100 messages. */
	uint64_t duplication; /* Of 100 messages. */
	uint64_t crash;       /* Of 10000 steps. */
	uint64_t cut;         /* Of 10000 steps. */
	uint64_t pause;       /* Of 10000 steps. */
	uint64_t configure;   /* Of 10000 steps. */
	uint64_t transfer;    /* Of 10000 steps. */
	uint64_t lazy_disk;   /* Of 100: that a disk is slow to confirm. */
};

static bool
chance(struct cluster *k, uint64_t of, uint64_t in)
{
	return prng_range(&k->prng, 0, in) < of;
}

static rk_id
anybody(struct cluster *k)
{
	return prng_range(&k->prng, 1, k->count + 1);
}

static rk_id
leader_or_anybody(struct cluster *k)
{
	rk_id leader = cluster_leader(k);

	if (leader == 0 || cluster_member(k, leader)->paused ||
	    chance(k, 1, 10))
		leader = anybody(k);
	return leader;
}

static void
configure(struct cluster *k)
{
	struct id_set voters = {.count = 0};
	struct id_set learners = {.count = 0};
	rk_id id;

	for (id = 1; id <= k->count; id++) {
		if (chance(k, 1, 2))
			id_set_add(&voters, id);
		else if (chance(k, 1, 2))
			id_set_add(&learners, id);
	}
	cluster_configure(k, leader_or_anybody(k), voters, learners);
}

static void
work(struct cluster *k, const struct habits *h)
{
	/* One draw a statement: C leaves the order of arguments open, and a
	 * seed must mean the same walk to every compiler. */
	rk_id id = anybody(k);
	rk_id leader = leader_or_anybody(k);
	rk_id other = anybody(k);

	if (chance(k, 1, 8))
		cluster_propose(k, leader, prng_range(&k->prng, 1, 8));
	if (chance(k, 1, 30))
		cluster_read(k, leader);
	if (chance(k, h->configure, 10000))
		configure(k);
	if (chance(k, h->transfer, 10000))
		cluster_step(k, leader,
			     (struct event){.type = EVENT_TRANSFER,
					    .as.transfer_to = other});
	if (!chance(k, h->lazy_disk, 100))
		cluster_persist(k, id, (size_t)prng_range(&k->prng, 1, 4));
	cluster_apply(k, anybody(k));
	if (chance(k, 1, 4))
		cluster_snapshot(k, anybody(k));
}

static void
trouble(struct cluster *k, const struct habits *h)
{
	rk_id id = anybody(k);
	rk_id other = anybody(k);

	if (chance(k, h->crash, 10000) && cluster_member(k, id)->core != NULL)
		cluster_crash(k, id, (size_t)prng_range(&k->prng, 0, 4));
	if (cluster_member(k, id)->core == NULL && chance(k, 1, 50))
		cluster_start(k, id);
	if (chance(k, h->pause, 10000) && cluster_member(k, id)->core != NULL)
		cluster_member(k, id)->paused = true;
	if (chance(k, 1, 200))
		cluster_member(k, other)->paused = false;
	if (chance(k, h->cut, 10000))
		k->cut[id][other] = true;
	if (chance(k, 1, 300))
		k->cut[id][other] = false;
	if (chance(k, 1, 1000)) {
		for (other = 1; other <= k->count; other++)
			k->cut[id][other] = k->cut[other][id] = chance(k, 1, 2);
	}
}

static void
network(struct cluster *k, const struct habits *h)
{
	size_t i;

	if (k->bag_count == 0)
		return;
	/* Mostly in order, at times not. */
	i = chance(k, 3, 4) ? 0 : (size_t)prng_range(&k->prng, 0, k->bag_count);
	if (chance(k, h->loss, 100))
		cluster_drop(k, i, chance(k, 1, 2));
	else
		cluster_deliver(k, i, chance(k, h->duplication, 100));
}

static void
draw(struct cluster *k, struct habits *h)
{
	struct core_settings *s = &k->settings;

	h->loss = prng_range(&k->prng, 0, 20);
	h->duplication = prng_range(&k->prng, 0, 20);
	h->crash = prng_range(&k->prng, 0, 40);
	h->cut = prng_range(&k->prng, 0, 40);
	h->pause = prng_range(&k->prng, 0, 20);
	h->configure = prng_range(&k->prng, 0, 60);
	h->transfer = prng_range(&k->prng, 0, 30);
	h->lazy_disk = prng_range(&k->prng, 0, 90);
	s->max_payload_entries = prng_range(&k->prng, 1, 20);
	s->max_payload_bytes = prng_range(&k->prng, 100, 2000);
	s->max_inflight_requests = prng_range(&k->prng, 1, 8);
	s->max_inflight_bytes = s->max_payload_bytes * 3;
	s->replication_lag_threshold = prng_range(&k->prng, 1, 50);
	s->snapshot_logs_since_last = prng_range(&k->prng, 5, 100);
	s->trailing_entries = prng_range(&k->prng, 0, 50);
	s->max_uncommitted_bytes = 20000;
	s->pre_vote = chance(k, 3, 4);
	s->check_quorum = chance(k, 3, 4);
	/* Without stickiness a removed member may unseat leaders for ever
	 * (thesis, 4.2.3). */
	if (!s->check_quorum)
		h->configure = 0;
}

static void
print_set(const char *name, const struct id_set *set)
{
	size_t i;

	printf(" %s", name);
	for (i = 0; i < set->count; i++)
		printf(" %" PRIu64, set->ids[i]);
}

/* What one needs to see of a walk that failed. */
static void
print_members(struct cluster *k)
{
	size_t i;

	for (i = 0; i < k->count; i++) {
		struct core_status s;

		core_status(k->members[i].core, &s);
		printf("# %" PRIu64 ": %s term %" PRIu64 " vote %" PRIu64
		       " last %" PRIu64 "/%" PRIu64 " commit %" PRIu64
		       " configuration %" PRIu64,
		       s.id, role_name(s.role), s.hard_state.term,
		       s.hard_state.vote, s.last.index, s.last.term, s.commit,
		       s.configuration.index);
		print_set("voters", &s.configuration.configuration.voters);
		print_set("old", &s.configuration.configuration.old);
		print_set("learners", &s.configuration.configuration.learners);
		printf("\n");
	}
	fflush(stdout);
}

/* After all faults end, the cluster heals and serves. */
static void
heal(struct cluster *k)
{
	rk_index committed = k->committed_last;
	rk_id id;
	rk_id other;

	for (id = 1; id <= k->count; id++)
		for (other = 1; other <= k->count; other++)
			k->cut[id][other] = false;
	for (id = 1; id <= k->count; id++)
		cluster_member(k, id)->paused = false;
	for (id = 1; id <= k->count; id++)
		if (cluster_member(k, id)->core == NULL)
			cluster_start(k, id);
	cluster_run(k, 30000);
	id = cluster_leader(k);
	if (id == 0)
		print_members(k);
	assert_int_not_equal(id, 0);
	assert_int_equal(cluster_propose(k, id, 1), CORE_OK);
	k->read_count = 0; /* Crashes took those that wait. */
	assert_int_equal(cluster_read(k, id), CORE_OK);
	cluster_run(k, 3000);
	assert_int_equal(cluster_leader(k), id);
	assert_true(k->committed_last > committed);
	assert_int_equal(k->read_count, 0);
	for (other = 1; other <= k->count; other++) {
		struct core_status status;

		core_status(cluster_member(k, id)->core, &status);
		if (configuration_is_voter(&status.configuration.configuration,
					   other))
			assert_int_equal(
				core_commit(cluster_member(k, other)->core),
				status.commit);
	}
}

static void
walk(uint64_t seed, uint64_t steps)
{
	static const size_t sizes[][2] = {{3, 3}, {5, 3}, {4, 2},
					  {5, 5}, {3, 1}, {7, 4}};
	struct cluster k;
	struct habits habits;
	size_t size = (size_t)(seed % LEN(sizes));

	cluster_init(&k, seed, sizes[size][0], sizes[size][1]);
	draw(&k, &habits);
	cluster_start_all(&k);
	while (k.steps < steps) {
		work(&k, &habits);
		trouble(&k, &habits);
		network(&k, &habits);
		network(&k, &habits);
		network(&k, &habits);
		if (chance(&k, 1, 3))
			cluster_pass(&k, prng_range(&k.prng, 0, 20));
		if (chance(&k, 1, 500))
			cluster_check_logs(&k);
		if (k.bag_count > 500)
			cluster_drop(&k, 0, true);
	}
	heal(&k);
	cluster_check_logs(&k);
	printf("# %" PRIu64 ": %zu members, %" PRIu64 " steps, %" PRIu64
	       " committed, %" PRIu64 " lost, %" PRIu64 " reads, %" PRIu64
	       " installed, last %" PRIu64 "\n",
	       seed, sizes[size][0], k.steps, k.results[RESULT_COMMITTED],
	       k.results[RESULT_LOST], k.reads_granted, k.installs,
	       k.committed_last);
	cluster_close(&k);
}

static void
walks_keep_every_promise(void **state)
{
	const char *text = getenv("STEPS");
	uint64_t steps = text != NULL ? strtoull(text, NULL, 0) : 30000;
	uint64_t seed = unit_seed();
	uint64_t i;

	(void)state;
	for (i = 0; i < 12; i++) {
		printf("# walk SEED=%" PRIu64 "\n", seed + i);
		fflush(stdout);
		walk(seed + i, steps);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_keep_every_promise),
	};

	return unit_run("core_walk", tests, LEN(tests));
}
