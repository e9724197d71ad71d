/* test_core_election.c - elections that must come out right: split votes,
 * partitions of every kind, members that come back, members that know less. */

#include "unit.h"

#include "cluster.h"
#include "lone.h"

static const struct log_end none = {0, 0};

static struct cluster *
cluster_of(size_t count, size_t voters)
{
	struct cluster *k = mem_alloc(1, sizeof *k);

	cluster_init(k, unit_seed(), count, voters);
	return k;
}

static struct cluster *
running(size_t count, size_t voters)
{
	struct cluster *k = cluster_of(count, voters);

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

static enum role
role_of(struct cluster *k, rk_id id)
{
	return core_role(cluster_member(k, id)->core);
}

static rk_term
term_of(struct cluster *k, rk_id id)
{
	return core_term(cluster_member(k, id)->core);
}

/* Cut both ways between `id` and everybody else. */
static void
isolate(struct cluster *k, rk_id id, bool cut)
{
	rk_id other;

	for (other = 1; other <= k->count; other++)
		k->cut[id][other] = k->cut[other][id] = cut;
}

/* E2 */
static void
split_vote_ends(void **state)
{
	struct cluster *k = cluster_of(4, 4);
	rk_id id;

	(void)state;
	k->settings.pre_vote = false;
	cluster_start_all(k);
	cluster_pass(k, 400);
	for (id = 1; id <= 4; id++) {
		cluster_step(k, id, (struct event){.type = EVENT_CAMPAIGN});
		cluster_persist(k, id, SIZE_MAX);
	}
	cluster_settle(k);
	assert_int_equal(cluster_leader(k), 0);
	cluster_run(k, 15000);
	assert_int_not_equal(cluster_leader(k), 0);
	end(k);
}

/* E4 */
static void
partitioned_member_comes_back_and_unseats_nobody(void **state)
{
	struct cluster *k = running(3, 3);
	rk_term term = term_of(k, 1);

	(void)state;
	isolate(k, 3, true);
	cluster_run(k, 20000);
	assert_int_equal(role_of(k, 3), ROLE_PRE_CANDIDATE);
	isolate(k, 3, false);
	cluster_run(k, 5000);
	assert_int_equal(cluster_leader(k), 1);
	assert_int_equal(term_of(k, 1), term);
	assert_int_equal(role_of(k, 3), ROLE_FOLLOWER);
	end(k);
}

/* E5 */
static void
pre_vote_changes_nothing_in_who_answers(void **state)
{
	struct lone *l = *state;
	uint64_t deadline_ms;

	lone_append(l, 2, 2, none, "112", 0);
	lone_persist(l);
	deadline_ms = l->effects.deadline_ms;
	l->now_ms += l->settings.election_timeout_min_ms;
	lone_pre_vote(l, 3, 9, (struct log_end){2, 1});
	assert_false(lone_granted(l));
	lone_pre_vote(l, 3, 9, (struct log_end){3, 2});
	assert_true(lone_granted(l));
	assert_int_equal(core_term(l->core), 2);
	assert_int_equal(l->effects.persist.seq, 0);
	assert_int_equal(l->effects.deadline_ms, deadline_ms);
}

/* E6 */
static void
pre_vote_never_touches_the_real_vote(void **state)
{
	struct lone *l = *state;
	struct core_status status;

	lone_vote(l, 2, 3, none);
	lone_persist(l);
	l->now_ms += l->settings.election_timeout_min_ms;
	lone_pre_vote(l, 3, 4, none);
	assert_true(lone_granted(l));
	core_status(l->core, &status);
	assert_int_equal(status.hard_state.vote, 2);
	lone_time_out(l); /* And its own pre-vote neither. */
	assert_int_equal(core_role(l->core), ROLE_PRE_CANDIDATE);
	core_status(l->core, &status);
	assert_int_equal(status.hard_state.vote, 2);
	lone_vote(l, 3, 3, none);
	assert_false(lone_granted(l));
}

/* E7 */
static void
late_pre_votes_are_not_counted(void **state)
{
	struct lone *l = *state;
	struct message late = {
		.type = MESSAGE_VOTE_REPLY,
		.from = 2,
		.as.vote_reply = {.pre = true, .granted = true},
	};

	lone_time_out(l);
	late.request = lone_sent(l, MESSAGE_VOTE, 2)->message.request;
	lone_time_out(l); /* The next campaign. */
	lone_receive(l, late);
	assert_int_equal(core_role(l->core), ROLE_PRE_CANDIDATE);
	lone_time_out(l);
	late.request = lone_sent(l, MESSAGE_VOTE, 2)->message.request;
	lone_receive(l, late);
	assert_int_equal(core_role(l->core), ROLE_CANDIDATE);
	lone_receive(l, late); /* Nor does it count as a real one. */
	lone_persist(l);
	assert_int_equal(core_role(l->core), ROLE_CANDIDATE);
}

/* E8 */
static void
voter_of_a_lower_term_helps_an_election_to_its_end(void **state)
{
	struct cluster *k = cluster_of(3, 3);

	(void)state;
	cluster_member(k, 1)->disk.hard_state.term = 5;
	cluster_member(k, 2)->disk.hard_state.term = 3;
	cluster_member(k, 3)->disk.hard_state.term = 9;
	cluster_member(k, 3)->disk.hard_state.vote = 3;
	cluster_start_all(k);
	cluster_run(k, 10000);
	assert_int_not_equal(cluster_leader(k), 0);
	end(k);
}

/* E9 */
static void
leader_that_campaigns_anew_is_not_refused_for_itself(void **state)
{
	struct lone *l = *state;

	lone_heartbeat(l, 2, 1, 0);
	lone_pre_vote(l, 3, 2, none);
	assert_false(lone_granted(l));
	lone_pre_vote(l, 2, 2, none);
	assert_true(lone_granted(l));
}

/* E10 */
static void
learner_votes_for_those_who_know_that_it_may(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 23);
	lone_start(&l);
	assert_int_equal(core_role(l.core), ROLE_LEARNER);
	lone_vote(&l, 2, 1, none);
	assert_true(lone_granted(&l));
	lone_persist(&l);
	lone_time_out(&l); /* But it does not stand. */
	assert_int_equal(core_role(l.core), ROLE_LEARNER);
	assert_int_equal(l.effects.deadline_ms, UINT64_MAX);
	lone_close(&l);
}

/* E11 */
static void
partly_connected_cluster_keeps_one_leader(void **state)
{
	struct cluster *k = running(5, 5);
	rk_id id, other;
	rk_id leader;
	rk_term term;

	(void)state;
	for (id = 1; id <= 5; id++)
		for (other = 1; other <= 5; other++)
			k->cut[id][other] = true;
	for (id = 1; id <= 3; id++)
		for (other = 1; other <= 3; other++)
			k->cut[id][other] = false;
	k->cut[2][4] = k->cut[4][2] = false;
	k->cut[3][5] = k->cut[5][3] = false;
	cluster_run(k, 10000);
	leader = cluster_leader(k);
	assert_in_range(leader, 1, 3);
	term = term_of(k, leader);
	cluster_run(k, 20000);
	assert_int_equal(cluster_leader(k), leader);
	assert_int_equal(term_of(k, leader), term);
	end(k);
}

/* E12 a */
static void
leader_that_hears_nobody_steps_down(void **state)
{
	struct cluster *k = running(3, 3);
	uint64_t reads = k->reads_granted;

	(void)state;
	k->cut[2][1] = k->cut[3][1] = true;
	cluster_propose(k, 1, 1);
	cluster_read(k, 1);
	cluster_run(k, 1500);
	assert_int_not_equal(role_of(k, 1), ROLE_LEADER);
	assert_int_equal(k->results[RESULT_LOST], 1);
	assert_int_equal(k->reads_granted, reads);
	assert_int_equal(cluster_propose(k, 1, 1), CORE_NOT_LEADER);
	cluster_run(k, 10000);
	assert_in_range(cluster_leader(k), 2, 3);
	end(k);
}

/* E12 b */
static void
follower_that_is_not_heard_stays_quiet(void **state)
{
	struct cluster *k = running(3, 3);
	rk_term term = term_of(k, 1);

	(void)state;
	k->cut[3][1] = k->cut[3][2] = true;
	cluster_run(k, 20000);
	assert_int_equal(role_of(k, 3), ROLE_FOLLOWER);
	assert_int_equal(cluster_leader(k), 1);
	assert_int_equal(term_of(k, 1), term);
	end(k);
}

/* E13 */
static void
refused_append_is_contact_with_a_leader_all_the_same(void **state)
{
	struct lone *l = *state;
	int i;

	for (i = 0; i < 20; i++) {
		lone_append(l, 2, 1, (struct log_end){9, 1}, "1", 0);
		assert_false(lone_reply(l)->success);
		lone_persist(l);
		lone_pass(l, l->settings.election_timeout_min_ms / 2);
		assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	}
}

/* E14 */
static void
fault_l20_stranger_with_a_newer_term_unseats_nobody(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_vote(l, 9, 50, (struct log_end){9, 40});
	assert_false(lone_granted(l));
	assert_int_equal(core_role(l->core), ROLE_LEADER);
	assert_int_equal(core_term(l->core), 1);
}

static void
stranger_stands_for_no_election(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 234);
	lone_log(&l, "555");
	lone_start(&l);
	lone_time_out(&l);
	assert_int_equal(l.effects.send_count, 0);
	assert_int_equal(lone_step(&l, (struct event){.type = EVENT_CAMPAIGN}),
			 CORE_INVALID);
	lone_close(&l);
}

static void
fault_l20_stickiness_ends_with_the_least_timeout(void **state)
{
	struct lone *l = *state;
	struct message wish = {
		.type = MESSAGE_VOTE,
		.from = 3,
		.term = 2,
		.as.vote.transfer = true,
	};

	lone_heartbeat(l, 2, 1, 0);
	l->now_ms += l->settings.election_timeout_min_ms - 1;
	lone_vote(l, 3, 2, none);
	assert_false(lone_granted(l));
	assert_int_equal(core_term(l->core), 1);
	lone_receive(l, wish);
	assert_true(lone_granted(l));
	lone_heartbeat(l, 3, 2, 0);
	l->now_ms += l->settings.election_timeout_min_ms;
	lone_vote(l, 2, 3, none);
	assert_true(lone_granted(l));
}

static void
forged_term_is_not_taken_on(void **state)
{
	struct lone *l = *state;
	rk_term far = LIMIT_TERM_STEP + 2;

	lone_heartbeat(l, 2, 1, 0);
	lone_append(l, 3, far, none, "", 0);
	assert_false(lone_reply(l)->success);
	assert_int_equal(core_term(l->core), 1);
	lone_vote(l, 3, far, none);
	assert_false(lone_granted(l));
	assert_int_equal(
		lone_receive(l, (struct message){.type = MESSAGE_VOTE_REPLY,
						 .from = 3,
						 .term = far}),
		CORE_INVALID);
	assert_int_equal(core_term(l->core), 1);
	assert_int_equal(core_leader(l->core), 2);
}

static void
second_leader_of_a_term_is_not_believed(void **state)
{
	struct lone *l = *state;

	lone_heartbeat(l, 2, 1, 0);
	assert_int_equal(lone_heartbeat(l, 3, 1, 0), CORE_INVALID);
	assert_int_equal(lone_append(l, 3, 1, none, "1", 0), CORE_INVALID);
	assert_int_equal(core_last(l->core).index, 0);
}

static void
fault_s18_sole_voter_leads_at_once_in_a_new_term(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 1);
	lone_log(&l, "11");
	lone_start(&l);
	lone_pass(&l, 0);
	assert_int_equal(core_role(l.core), ROLE_CANDIDATE);
	lone_persist(&l);
	assert_int_equal(core_role(l.core), ROLE_LEADER);
	assert_int_equal(core_term(l.core), 2);
	lone_close(&l);
}

static void
timeouts_are_drawn_anew_within_their_bounds(void **state)
{
	struct lone *l = *state;
	uint64_t least_ms = UINT64_MAX;
	uint64_t most_ms = 0;
	int i;

	for (i = 0; i < 200; i++) {
		uint64_t ms;

		lone_heartbeat(l, 2, 1, 0);
		ms = l->effects.deadline_ms - l->now_ms;
		least_ms = ms < least_ms ? ms : least_ms;
		most_ms = ms > most_ms ? ms : most_ms;
	}
	assert_in_range(least_ms, 500, 520);
	assert_in_range(most_ms, 980, 999);
}

static void
stickiness_is_off_together_with_check_quorum(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.check_quorum = false;
	lone_start(l);
	lone_heartbeat(l, 2, 1, 0);
	lone_vote(l, 3, 2, none);
	assert_true(lone_granted(l));
}

static void
stickiness_needs_a_leader_of_the_term(void **state)
{
	struct lone *l = *state;

	lone_heartbeat(l, 2, 1, 0);
	l->now_ms += l->settings.election_timeout_min_ms;
	lone_append(l, 2, 1, none, "11", 0);
	lone_receive(l, (struct message){.type = MESSAGE_VOTE,
					 .from = 3,
					 .term = 2,
					 .as.vote.transfer = true});
	assert_false(lone_granted(l)); /* Its log is older. */
	/* The leader went with its term; the next candidate is welcome. */
	lone_vote(l, 2, 3, (struct log_end){2, 1});
	assert_true(lone_granted(l));
}

static void
refused_vote_is_not_used_up(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 1, none, "11", 0);
	l->now_ms += l->settings.election_timeout_min_ms;
	lone_vote(l, 3, 2, (struct log_end){1, 1});
	assert_false(lone_granted(l));
	assert_int_equal(l->effects.persist.hard_state.vote, 0);
	lone_vote(l, 2, 2, (struct log_end){2, 1});
	assert_true(lone_granted(l));
}

static void
far_term_is_refused_where_no_leader_is_known_too(void **state)
{
	struct lone *l = *state;

	lone_vote(l, 3, LIMIT_TERM_STEP + 1, none);
	assert_false(lone_granted(l));
	assert_int_equal(core_term(l->core), 0);
	lone_vote(l, 3, LIMIT_TERM_STEP, none);
	assert_true(lone_granted(l));
}

static void
only_voters_are_asked(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 123);
	l.start.initial.learners = cluster_set(45);
	lone_start(&l);
	lone_time_out(&l);
	assert_int_equal(l.effects.send_count, 2);
	assert_null(lone_sent(&l, MESSAGE_VOTE, 4));
	lone_close(&l);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

/* All that is known of the leader is that its connections closed. */
static void
hear_that_it_is_gone(struct cluster *k, rk_id id, rk_id leader)
{
	cluster_step(k, id,
		     (struct event){.type = EVENT_PEER_UNREACHABLE,
				    .as.unreachable.peer = leader});
}

static void
hint_of_a_dead_leader_is_followed_within_two_heartbeats(void **state)
{
	struct cluster *k = running(3, 3);
	rk_term term = term_of(k, 1);

	(void)state;
	isolate(k, 1, true);
	hear_that_it_is_gone(k, 2, 1);
	hear_that_it_is_gone(k, 3, 1);
	cluster_run(k, 2 * k->settings.heartbeat_interval_ms);
	/* They may split the vote, but they have asked for it. */
	assert_true(term_of(k, 2) > term || term_of(k, 3) > term);
	isolate(k, 1, false);
	cluster_run(k, 3000);
	end(k);
}

static void
wrong_hint_unseats_nobody(void **state)
{
	struct cluster *k = running(3, 3);
	rk_term term = term_of(k, 1);

	(void)state;
	hear_that_it_is_gone(k, 2, 1);
	hear_that_it_is_gone(k, 3, 2);
	cluster_run(k, 3000);
	assert_int_equal(role_of(k, 1), ROLE_LEADER);
	assert_int_equal(term_of(k, 1), term);
	end(k);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_vote_ends),
		cmocka_unit_test(
			partitioned_member_comes_back_and_unseats_nobody),
		TEST(pre_vote_changes_nothing_in_who_answers),
		TEST(pre_vote_never_touches_the_real_vote),
		TEST(late_pre_votes_are_not_counted),
		cmocka_unit_test(
			voter_of_a_lower_term_helps_an_election_to_its_end),
		TEST(leader_that_campaigns_anew_is_not_refused_for_itself),
		cmocka_unit_test(learner_votes_for_those_who_know_that_it_may),
		cmocka_unit_test(partly_connected_cluster_keeps_one_leader),
		cmocka_unit_test(leader_that_hears_nobody_steps_down),
		cmocka_unit_test(follower_that_is_not_heard_stays_quiet),
		TEST(refused_append_is_contact_with_a_leader_all_the_same),
		TEST(fault_l20_stranger_with_a_newer_term_unseats_nobody),
		cmocka_unit_test(stranger_stands_for_no_election),
		TEST(fault_l20_stickiness_ends_with_the_least_timeout),
		TEST(forged_term_is_not_taken_on),
		TEST(second_leader_of_a_term_is_not_believed),
		cmocka_unit_test(
			fault_s18_sole_voter_leads_at_once_in_a_new_term),
		TEST(timeouts_are_drawn_anew_within_their_bounds),
		TEST(stickiness_is_off_together_with_check_quorum),
		TEST(stickiness_needs_a_leader_of_the_term),
		TEST(refused_vote_is_not_used_up),
		TEST(far_term_is_refused_where_no_leader_is_known_too),
		cmocka_unit_test(only_voters_are_asked),
		cmocka_unit_test(
			hint_of_a_dead_leader_is_followed_within_two_heartbeats),
		cmocka_unit_test(wrong_hint_unseats_nobody),
	};

	return unit_run("core_election", tests, LEN(tests));
}
