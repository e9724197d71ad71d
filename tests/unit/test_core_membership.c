/* test_core_membership.c - changing who decides, and handing over. */

#include "unit.h"

#include "cluster.h"
#include "core/configuration.h"
#include "lone.h"

static struct cluster *
running(size_t count, size_t voters)
{
	struct cluster *k = mem_alloc(1, sizeof *k);

	cluster_init(k, unit_seed(), count, voters);
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_run(k, 200);
	return k;
}

static void
end(struct cluster *k)
{
	cluster_check_logs(k);
	cluster_close(k);
	mem_free(k);
}

static struct core *
core_of(struct cluster *k, rk_id id)
{
	return cluster_member(k, id)->core;
}

static struct configuration
in_force(const struct core *c)
{
	struct core_status status;

	core_status(c, &status);
	return status.configuration.configuration;
}

static void
assert_voters(const struct core *c, unsigned int voters, unsigned int old)
{
	struct configuration now = in_force(c);
	struct id_set expected = cluster_set(voters);
	struct id_set expected_old = cluster_set(old);

	assert_true(id_set_equals(&now.voters, &expected));
	assert_true(id_set_equals(&now.old, &expected_old));
}

static int
configure(struct lone *l, unsigned int voters, unsigned int learners)
{
	return lone_step(
		l, (struct event){.type = EVENT_CONFIGURE,
				  .as.configure = {
					  .token = 55,
					  .voters = cluster_set(voters),
					  .learners = cluster_set(learners),
				  }});
}

static int
transfer(struct lone *l, rk_id to)
{
	return lone_step(l, (struct event){.type = EVENT_TRANSFER,
					   .as.transfer_to = to});
}

/* The leader, with its no-op committed by itself and 2. */
static void
lead(struct lone *l)
{
	lone_lead(l);
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
}

/* M1, M2 */
static void
change_waits_for_an_entry_of_the_own_term(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	assert_int_equal(configure(l, 12, 0), CORE_NOT_READY);
	assert_voters(l->core, 123, 0);
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(configure(l, 12, 0), CORE_OK);
	assert_voters(l->core, 12, 123);
}

/* M3 */
static void
second_change_is_refused_while_one_is_under_way(void **state)
{
	struct lone *l = *state;

	lead(l);
	assert_int_equal(configure(l, 123, 4), CORE_OK);
	assert_int_equal(configure(l, 123, 45), CORE_BUSY);
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(l->effects.result_count, 1);
	assert_int_equal(l->effects.results[0].token, 55);
	assert_int_equal(l->effects.results[0].index, 2);
	assert_int_equal(configure(l, 123, 45), CORE_OK);
}

static void
what_is_in_force_is_answered_at_once(void **state)
{
	struct lone *l = *state;

	lead(l);
	assert_int_equal(configure(l, 123, 0), CORE_OK);
	assert_int_equal(l->effects.result_count, 1);
	assert_int_equal(l->effects.results[0].status, RESULT_COMMITTED);
	assert_int_equal(l->effects.persist.seq, 0);
}

static void
change_to_nobody_or_to_a_contradiction_is_refused(void **state)
{
	struct lone *l = *state;

	assert_int_equal(configure(l, 12, 0), CORE_NOT_LEADER);
	lead(l);
	assert_int_equal(configure(l, 0, 123), CORE_INVALID);
	assert_int_equal(configure(l, 123, 3), CORE_INVALID);
	assert_voters(l->core, 123, 0);
}

static void
learners_change_without_a_joint_phase(void **state)
{
	struct lone *l = *state;

	lead(l);
	assert_int_equal(configure(l, 123, 4), CORE_OK);
	assert_voters(l->core, 123, 0);
	assert_int_equal(l->effects.persist.append_type,
			 RK_ENTRY_CONFIGURATION);
	assert_true(id_set_contains(&l->effects.persist.configuration->learners,
				    4));
	/* In force as soon as appended: 4 is sent to. */
	assert_non_null(lone_sent(l, MESSAGE_APPEND, 4));
}

/* M4 */
static void
empty_member_catches_up_as_a_learner_and_stalls_nothing(void **state)
{
	struct cluster *k = running(4, 3);
	uint64_t committed;
	int i;

	(void)state;
	for (i = 0; i < 50; i++)
		cluster_propose(k, 1, 10);
	cluster_run(k, 500);
	cluster_configure(k, 1, cluster_set(123), cluster_set(4));
	committed = k->results[RESULT_COMMITTED];
	for (i = 0; i < 20; i++)
		cluster_propose(k, 1, 1);
	cluster_settle(k);
	assert_int_equal(k->results[RESULT_COMMITTED], committed + 21);
	cluster_run(k, 2000);
	assert_int_equal(core_role(core_of(k, 4)), ROLE_LEARNER);
	assert_int_equal(core_last(core_of(k, 4)).index,
			 core_last(core_of(k, 1)).index);
	cluster_configure(k, 1, cluster_set(1234), cluster_set(0));
	cluster_run(k, 1000);
	assert_int_equal(core_role(core_of(k, 4)), ROLE_FOLLOWER);
	assert_voters(core_of(k, 4), 1234, 0);
	end(k);
}

/* M5 */
static void
removed_leader_commits_that_without_itself_and_steps_down(void **state)
{
	struct cluster *k = running(3, 3);
	uint64_t committed = k->results[RESULT_COMMITTED];

	(void)state;
	assert_int_equal(
		cluster_configure(k, 1, cluster_set(23), cluster_set(0)),
		CORE_OK);
	cluster_run(k, 5000);
	assert_int_equal(k->results[RESULT_COMMITTED], committed + 1);
	assert_int_equal(core_role(core_of(k, 1)), ROLE_LEARNER);
	assert_in_range(cluster_leader(k), 2, 3);
	assert_voters(core_of(k, 2), 23, 0);
	assert_voters(core_of(k, 3), 23, 0);
	end(k);
}

/* M6 */
static void
removed_member_that_never_heard_of_it_unseats_nobody(void **state)
{
	struct cluster *k = running(4, 4);
	rk_term term = core_term(core_of(k, 1));
	rk_id id;

	(void)state;
	for (id = 1; id <= 3; id++)
		k->cut[4][id] = k->cut[id][4] = true;
	cluster_configure(k, 1, cluster_set(123), cluster_set(0));
	cluster_run(k, 8000);
	for (id = 1; id <= 3; id++)
		k->cut[4][id] = k->cut[id][4] = false;
	cluster_run(k, 20000);
	assert_int_equal(cluster_leader(k), 1);
	assert_int_equal(core_term(core_of(k, 1)), term);
	assert_voters(core_of(k, 4), 1234, 0);
	end(k);
}

static void
removed_member_learns_of_its_removal(void **state)
{
	struct cluster *k = running(4, 4);
	struct core_status status;

	(void)state;
	cluster_configure(k, 1, cluster_set(123), cluster_set(0));
	cluster_run(k, 1000);
	assert_voters(core_of(k, 4), 123, 0);
	assert_int_equal(core_role(core_of(k, 4)), ROLE_LEARNER);
	/* And then its stream is gone. */
	core_status(core_of(k, 1), &status);
	assert_int_equal(status.stream_count, 2);
	end(k);
}

static void
fault_l14_unreachable_member_is_removed_all_the_same(void **state)
{
	struct cluster *k = running(4, 4);
	struct core_status status;

	(void)state;
	cluster_crash(k, 4, SIZE_MAX);
	cluster_configure(k, 1, cluster_set(123), cluster_set(0));
	cluster_run(k, 1000);
	assert_voters(core_of(k, 1), 123, 0);
	cluster_run(k, 10000);
	core_status(core_of(k, 1), &status);
	assert_int_equal(status.stream_count, 2);
	end(k);
}

/* M7, and 012 -> 234 with 3 and 4 down. */
static void
joint_configuration_needs_both_majorities(void **state)
{
	struct cluster *k = running(5, 3);
	rk_index committed;

	(void)state;
	k->cut[1][4] = k->cut[1][5] = true;
	committed = k->committed_last;
	assert_int_equal(
		cluster_configure(k, 1, cluster_set(345), cluster_set(0)),
		CORE_OK);
	cluster_propose(k, 1, 1);
	cluster_run(k, 800);
	assert_int_equal(k->committed_last, committed);
	assert_voters(core_of(k, 1), 345, 123);
	k->cut[1][4] = k->cut[1][5] = false;
	cluster_run(k, 8000);
	assert_true(k->committed_last > committed);
	assert_voters(core_of(k, 4), 345, 0);
	assert_in_range(cluster_leader(k), 3, 5);
	end(k);
}

static void
next_leader_finishes_a_joint_configuration(void **state)
{
	struct cluster *k = running(5, 3);

	(void)state;
	cluster_configure(k, 1, cluster_set(345), cluster_set(0));
	/* It gets to everybody, but 1 dies before it leaves it. */
	while (core_last(core_of(k, 5)).index < 2 ||
	       core_last(core_of(k, 3)).index < 2 ||
	       core_last(core_of(k, 2)).index < 2) {
		rk_id id;

		for (id = 2; id <= 5; id++)
			cluster_persist(k, id, SIZE_MAX);
		cluster_deliver(k, 0, false);
	}
	cluster_crash(k, 1, 0);
	cluster_run(k, 10000);
	assert_in_range(cluster_leader(k), 3, 5);
	assert_voters(core_of(k, 3), 345, 0);
	assert_voters(core_of(k, 5), 345, 0);
	end(k);
}

/* M9 */
static void
fault_s16_configuration_rolls_back_when_its_entry_is_cut(void **state)
{
	struct lone *l = *state;
	struct core_status status;

	lead(l);
	assert_int_equal(configure(l, 12345, 0), CORE_OK);
	assert_voters(l->core, 12345, 123);
	lone_append(l, 3, 2, (struct log_end){1, 1}, "2", 0);
	assert_voters(l->core, 123, 0);
	core_status(l->core, &status);
	assert_int_equal(status.stream_count, 0);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
}

static void
uncommitted_configuration_is_in_force_and_the_committed_one_is_known(
	void **state)
{
	struct lone *l = *state;
	struct configuration_at at = {
		2, {.voters = cluster_set(123), .learners = cluster_set(9)}};
	struct term_run run = {1, 3};
	struct core_status status;

	lone_receive(l,
		     (struct message){.type = MESSAGE_APPEND,
				      .from = 2,
				      .term = 1,
				      .stream = 1,
				      .as.append = {.commit = 1,
						    .count = 3,
						    .runs = &run,
						    .run_count = 1,
						    .sizes = l->sizes,
						    .configurations = &at,
						    .configuration_count = 1}});
	core_status(l->core, &status);
	assert_int_equal(status.configuration.index, 2);
	assert_int_equal(status.committed_configuration.index, 0);
}

/* M10 */
static void
snapshot_supersedes_an_uncommitted_configuration(void **state)
{
	struct lone *l = *state;
	struct snapshot_meta meta = {
		.last = {5, 2},
		.configuration = {3, {.voters = cluster_set(12)}}};

	lead(l);
	configure(l, 12345, 0);
	lone_heartbeat(l, 2, 2, 0);
	lone_step(l, (struct event){.type = EVENT_SNAPSHOT_RECEIVED,
				    .as.snapshot_received = meta});
	assert_true(l->effects.snapshot_install);
	assert_false(l->effects.install.keep_tail);
	assert_voters(l->core, 12, 0);
}

/* M12 */
static void
member_removed_and_added_again_joins_clean(void **state)
{
	struct cluster *k = running(3, 3);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		cluster_configure(k, 1, cluster_set(12), cluster_set(0));
		cluster_propose(k, 1, 5);
		cluster_run(k, 6000);
		assert_int_equal(core_role(core_of(k, 3)), ROLE_LEARNER);
		cluster_configure(k, 1, cluster_set(123), cluster_set(0));
		cluster_propose(k, 1, 5);
		cluster_run(k, 1000);
		assert_int_equal(core_role(core_of(k, 3)), ROLE_FOLLOWER);
		assert_int_equal(core_commit(core_of(k, 3)),
				 core_commit(core_of(k, 1)));
	}
	assert_int_equal(cluster_leader(k), 1);
	end(k);
}

/* S21: it may have lost what it had proven. */
static void
member_added_again_while_it_leaves_proves_itself_anew(void **state)
{
	struct cluster *k = running(3, 3);
	struct core_status status;
	size_t i;

	(void)state;
	cluster_propose(k, 1, 5);
	cluster_run(k, 500);
	cluster_crash(k, 3, 0);
	cluster_run(k, 3000);
	cluster_configure(k, 1, cluster_set(12), cluster_set(0));
	cluster_run(k, 20);
	cluster_configure(k, 1, cluster_set(12), cluster_set(3));
	cluster_run(k, 20);
	core_status(core_of(k, 1), &status);
	assert_int_equal(status.stream_count, 2);
	for (i = 0; i < status.stream_count; i++) {
		if (status.streams[i].peer == 3)
			assert_int_equal(status.streams[i].match, 0);
		else
			assert_true(status.streams[i].match > 0);
	}
	end(k);
}

/* A removal that only the removed can commit. */
static void
member_that_lost_its_vote_uncommitted_stands_for_election(void **state)
{
	struct cluster *k = running(2, 2);

	(void)state;
	cluster_configure(k, 1, cluster_set(2), cluster_set(0));
	while (core_last(core_of(k, 1)).index < 3) {
		cluster_persist(k, 1, SIZE_MAX);
		cluster_persist(k, 2, SIZE_MAX);
		cluster_deliver(k, 0, false);
	}
	/* 1 has both entries on disk, 2 the joint one only. */
	assert_int_equal(core_last(core_of(k, 2)).index, 2);
	cluster_crash(k, 1, SIZE_MAX);
	while (k->bag_count > 0)
		cluster_drop(k, 0, false);
	cluster_start(k, 1);
	cluster_run(k, 10000);
	assert_int_equal(cluster_leader(k), 2);
	assert_voters(core_of(k, 2), 2, 0);
	end(k);
}

/* M13 */
static void
leadership_is_handed_over_once_the_target_has_everything(void **state)
{
	struct lone *l = *state;

	lead(l);
	lone_propose(l, 1);
	assert_int_equal(transfer(l, 2), CORE_OK);
	assert_null(lone_sent(l, MESSAGE_TIMEOUT_NOW, 2)); /* Behind. */
	assert_int_equal(lone_propose(l, 1), CORE_BUSY);
	assert_int_equal(transfer(l, 2), CORE_OK);
	assert_int_equal(transfer(l, 3), CORE_BUSY);
	lone_ack(l, 2);
	assert_non_null(lone_sent(l, MESSAGE_TIMEOUT_NOW, 2));
	lone_persist(l); /* Once is enough. */
	assert_null(lone_sent(l, MESSAGE_TIMEOUT_NOW, 2));
}

static void
leadership_is_kept_when_the_target_is_none_or_dead(void **state)
{
	struct lone *l = *state;
	struct core_status status;

	assert_int_equal(transfer(l, 2), CORE_NOT_LEADER);
	lead(l);
	assert_int_equal(transfer(l, 9), CORE_INVALID);
	assert_int_equal(transfer(l, 1), CORE_OK); /* To itself: nothing. */
	assert_int_equal(lone_propose(l, 1), CORE_OK);
	assert_int_equal(transfer(l, 3), CORE_OK); /* It says nothing. */
	lone_persist(l);
	lone_ack(l, 2);
	lone_pass(l, l->settings.election_timeout_max_ms - 1);
	core_status(l->core, &status);
	assert_true(status.transferring);
	lone_pass(l, 1);
	core_status(l->core, &status);
	assert_false(status.transferring);
}

static void
leadership_moves_at_once_and_skips_the_pre_vote(void **state)
{
	struct cluster *k = running(3, 3);

	(void)state;
	cluster_propose(k, 1, 5);
	cluster_step(
		k, 1,
		(struct event){.type = EVENT_TRANSFER, .as.transfer_to = 3});
	cluster_settle(k); /* No time passes. */
	assert_int_equal(cluster_leader(k), 3);
	assert_int_equal(core_role(core_of(k, 1)), ROLE_FOLLOWER);
	cluster_step(k, 3, (struct event){.type = EVENT_TRANSFER});
	cluster_settle(k);
	assert_int_not_equal(cluster_leader(k), 3);
	assert_int_not_equal(cluster_leader(k), 0);
	end(k);
}

/* M8 */
static void
leadership_is_handed_over_within_a_joint_configuration(void **state)
{
	struct cluster *k = running(4, 3);

	(void)state;
	k->cut[1][4] = k->cut[1][2] = k->cut[1][3] = true;
	cluster_configure(k, 1, cluster_set(234), cluster_set(0));
	assert_int_equal(cluster_step(k, 1,
				      (struct event){.type = EVENT_TRANSFER,
						     .as.transfer_to = 2}),
			 CORE_OK);
	k->cut[1][4] = k->cut[1][2] = k->cut[1][3] = false;
	cluster_run(k, 5000);
	assert_in_range(cluster_leader(k), 2, 4);
	assert_voters(core_of(k, 2), 234, 0);
	end(k);
}

static void
change_is_answered_once_the_joint_phase_is_over(void **state)
{
	struct lone *l = *state;

	lead(l);
	assert_int_equal(configure(l, 12, 0), CORE_OK);
	assert_int_equal(configure(l, 12, 0), CORE_BUSY);
	lone_ack(l, 2);
	lone_persist(l);
	/* The joint one is committed, and left at once. */
	assert_int_equal(core_commit(l->core), 2);
	assert_int_equal(l->effects.result_count, 0);
	assert_int_equal(l->effects.persist.append_from, 3);
	assert_voters(l->core, 12, 0);
	lone_persist(l);
	assert_int_equal(l->effects.result_count, 0);
	lone_ack(l, 2);
	assert_int_equal(l->effects.result_count, 1);
	assert_int_equal(l->effects.results[0].token, 55);
	assert_int_equal(l->effects.results[0].index, 3);
}

static void
change_is_refused_while_leadership_is_handed_over(void **state)
{
	struct lone *l = *state;

	lead(l);
	assert_int_equal(transfer(l, 3), CORE_OK);
	assert_int_equal(configure(l, 12, 0), CORE_BUSY);
}

static void
leadership_goes_to_no_learner(void **state)
{
	struct lone *l = *state;

	lead(l);
	configure(l, 123, 4);
	lone_ack(l, 4);
	lone_ack(l, 3);
	lone_persist(l);
	/* 4 may be furthest, but has no vote. */
	assert_int_equal(transfer(l, 4), CORE_INVALID);
	assert_int_equal(transfer(l, 0), CORE_OK);
	assert_null(lone_sent(l, MESSAGE_TIMEOUT_NOW, 4));
}

/* Streams of members that left give way when there are too many. */
static void
leaving_members_make_room_for_new_ones(void **state)
{
	struct id_set learners = {.count = 0};
	struct core_status status;
	struct event ev = {.type = EVENT_CONFIGURE};
	struct lone l;
	rk_id id;

	(void)state;
	lone_init(&l, 123);
	for (id = 4; id <= LIMIT_MEMBERS; id++)
		id_set_add(&learners, id);
	l.start.initial.learners = learners;
	lone_start(&l);
	lead(&l);
	ev.as.configure.voters = cluster_set(123);
	ev.as.configure.learners = learners;
	ev.as.configure.learners.count -= 2; /* 15 and 16 go. */
	assert_int_equal(lone_step(&l, ev), CORE_OK);
	lone_ack(&l, 2);
	lone_persist(&l);
	core_status(l.core, &status);
	assert_int_equal(status.stream_count, LIMIT_MEMBERS - 1);
	id_set_add(&ev.as.configure.learners, 17);
	id_set_add(&ev.as.configure.learners, 18);
	assert_int_equal(lone_step(&l, ev), CORE_OK);
	core_status(l.core, &status);
	assert_int_equal(status.stream_count, LIMIT_MEMBERS);
	assert_int_equal(status.streams[LIMIT_MEMBERS - 1].peer, 18);
	lone_close(&l);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(change_waits_for_an_entry_of_the_own_term),
		TEST(second_change_is_refused_while_one_is_under_way),
		TEST(what_is_in_force_is_answered_at_once),
		TEST(change_to_nobody_or_to_a_contradiction_is_refused),
		TEST(learners_change_without_a_joint_phase),
		cmocka_unit_test(
			empty_member_catches_up_as_a_learner_and_stalls_nothing),
		cmocka_unit_test(
			removed_leader_commits_that_without_itself_and_steps_down),
		cmocka_unit_test(
			removed_member_that_never_heard_of_it_unseats_nobody),
		cmocka_unit_test(removed_member_learns_of_its_removal),
		cmocka_unit_test(
			fault_l14_unreachable_member_is_removed_all_the_same),
		cmocka_unit_test(joint_configuration_needs_both_majorities),
		cmocka_unit_test(next_leader_finishes_a_joint_configuration),
		TEST(fault_s16_configuration_rolls_back_when_its_entry_is_cut),
		TEST(uncommitted_configuration_is_in_force_and_the_committed_one_is_known),
		TEST(snapshot_supersedes_an_uncommitted_configuration),
		cmocka_unit_test(member_removed_and_added_again_joins_clean),
		cmocka_unit_test(
			member_added_again_while_it_leaves_proves_itself_anew),
		cmocka_unit_test(
			member_that_lost_its_vote_uncommitted_stands_for_election),
		TEST(leadership_is_handed_over_once_the_target_has_everything),
		TEST(leadership_is_kept_when_the_target_is_none_or_dead),
		cmocka_unit_test(
			leadership_moves_at_once_and_skips_the_pre_vote),
		cmocka_unit_test(
			leadership_is_handed_over_within_a_joint_configuration),
		TEST(change_is_answered_once_the_joint_phase_is_over),
		TEST(change_is_refused_while_leadership_is_handed_over),
		TEST(leadership_goes_to_no_learner),
		cmocka_unit_test(leaving_members_make_room_for_new_ones),
	};

	return unit_run("core_membership", tests, LEN(tests));
}
