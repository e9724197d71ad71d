/* test_paper.c - one test for each rule of the thesis' figure 3.1 and of the
 * sections named: one core, with the test as everybody else. */

#include "unit.h"

#include "lone.h"

static const struct log_end none = {0, 0};

/* Servers. */

static void
thesis_3_3_newer_term_in_a_request_makes_a_follower(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_append(l, 2, core_term(l->core) + 1, none, "", 0);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	assert_int_equal(core_term(l->core), 2);
	assert_int_equal(core_leader(l->core), 2);
	assert_true(l->effects.persist.has_hard_state);
	assert_int_equal(l->effects.persist.hard_state.term, 2);
	assert_int_equal(l->effects.persist.hard_state.vote, 0);
}

static void
thesis_3_3_newer_term_in_a_reply_makes_a_follower(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_receive(l, (struct message){.type = MESSAGE_HEARTBEAT_REPLY,
					 .from = 3,
					 .term = 9,
					 .stream = 1});
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	assert_int_equal(core_term(l->core), 9);
	assert_int_equal(core_leader(l->core), 0);
}

static void
thesis_3_3_stale_term_is_refused_with_the_own(void **state)
{
	struct lone *l = *state;

	lone_heartbeat(l, 2, 5, 0);
	lone_append(l, 3, 4, none, "4", 1);
	assert_false(lone_reply(l)->success);
	assert_int_equal(l->effects.send[0].message.term, 5);
	assert_int_equal(core_last(l->core).index, 0);
	assert_int_equal(core_leader(l->core), 2);
	lone_vote(l, 3, 4, (struct log_end){9, 9});
	assert_false(lone_granted(l));
	assert_int_equal(l->effects.send[0].message.term, 5);
}

static void
fault_s15_what_is_committed_is_handed_over_once_in_order(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 1, none, "111", 2);
	assert_int_equal(l->effects.apply.from, 1);
	assert_int_equal(l->effects.apply.to, 3);
	lone_append(l, 2, 1, none, "111", 2);
	assert_int_equal(l->effects.apply.from, l->effects.apply.to);
	lone_heartbeat(l, 2, 1, 3);
	assert_int_equal(l->effects.apply.from, 3);
	assert_int_equal(l->effects.apply.to, 4);
}

static void
fault_s19_answers_wait_for_the_disk(void **state)
{
	struct lone *l = *state;

	lone_vote(l, 2, 1, none);
	assert_true(lone_granted(l));
	assert_true(l->effects.persist.seq > 0);
	assert_int_equal(l->effects.send[0].gate, l->effects.persist.seq);
	lone_append(l, 2, 1, none, "1", 0);
	assert_int_equal(l->effects.send[0].gate, l->effects.persist.seq);
	/* A copy that comes before the disk has spoken waits as well. */
	lone_append(l, 2, 1, none, "1", 0);
	assert_int_equal(l->effects.persist.seq, 0);
	assert_int_equal(l->effects.send[0].gate, l->seq);
	lone_persist(l);
	lone_append(l, 2, 1, none, "1", 0);
	assert_int_equal(l->effects.send[0].gate, 0);
}

/* Followers and RequestVote. */

static void
thesis_3_4_follower_campaigns_when_it_hears_no_leader(void **state)
{
	struct lone *l = *state;

	lone_pass(l, l->settings.election_timeout_min_ms - 1);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	lone_heartbeat(l, 2, 1, 0);
	lone_persist(l);
	lone_pass(l, l->settings.election_timeout_min_ms - 1);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	lone_time_out(l);
	assert_int_equal(core_role(l->core), ROLE_PRE_CANDIDATE);
}

static void
thesis_3_4_one_vote_a_term_first_come_first_served(void **state)
{
	struct lone *l = *state;

	lone_vote(l, 2, 3, none);
	assert_true(lone_granted(l));
	lone_vote(l, 3, 3, (struct log_end){9, 2});
	assert_false(lone_granted(l));
	lone_vote(l, 2, 3, none); /* Once more, to the same. */
	assert_true(lone_granted(l));
	lone_vote(l, 3, 4, none);
	assert_true(lone_granted(l));
}

static void
thesis_3_4_vote_outlives_a_restart(void **state)
{
	struct lone *l = *state;

	lone_vote(l, 2, 3, none);
	l->start.hard_state = l->effects.persist.hard_state;
	core_free(l->core);
	lone_start(l);
	lone_vote(l, 3, 3, none);
	assert_false(lone_granted(l));
}

static void
thesis_3_6_1_vote_goes_to_logs_that_are_at_least_as_new(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 3, none, "1233", 0);
	lone_pass(l, l->settings.election_timeout_min_ms);
	lone_vote(l, 3, 4, (struct log_end){9, 2});
	assert_false(lone_granted(l));
	lone_vote(l, 3, 5, (struct log_end){3, 3});
	assert_false(lone_granted(l));
	lone_vote(l, 3, 6, (struct log_end){4, 3});
	assert_true(lone_granted(l));
	lone_vote(l, 3, 7, (struct log_end){1, 4});
	assert_true(lone_granted(l));
}

/* AppendEntries. */

static void
thesis_3_5_append_is_refused_where_the_previous_entry_differs(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 2, none, "1122", 0);
	lone_append(l, 2, 3, (struct log_end){6, 3}, "3", 0);
	assert_false(lone_reply(l)->success);
	assert_int_equal(lone_reply(l)->conflict.index, 5);
	assert_int_equal(lone_reply(l)->conflict.term, 0);
	lone_append(l, 2, 3, (struct log_end){4, 3}, "3", 0);
	assert_false(lone_reply(l)->success);
	assert_int_equal(lone_reply(l)->conflict.index, 3);
	assert_int_equal(lone_reply(l)->conflict.term, 2);
	assert_string_equal(lone_terms(l, text), "1122");
}

static void
fault_s5_append_cuts_from_the_first_real_conflict_only(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 2, none, "112222", 0);
	lone_append(l, 3, 3, (struct log_end){2, 1}, "2233", 0);
	assert_true(lone_reply(l)->success);
	assert_int_equal(lone_reply(l)->match, 6);
	assert_int_equal(l->effects.persist.truncate_from, 5);
	assert_int_equal(l->effects.persist.append_from, 5);
	assert_int_equal(l->effects.persist.append_to, 7);
	assert_string_equal(lone_terms(l, text), "112233");
}

static void
fault_s5_short_old_append_cuts_nothing(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 2, none, "112222", 0);
	lone_append(l, 2, 2, none, "11", 0);
	assert_int_equal(l->effects.persist.seq, 0);
	assert_int_equal(lone_reply(l)->match, 2);
	lone_append(l, 2, 2, (struct log_end){3, 2}, "", 0);
	assert_int_equal(lone_reply(l)->match, 3);
	assert_string_equal(lone_terms(l, text), "112222");
}

static void
fault_s6_commit_is_clamped_to_what_the_message_verified(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 2, none, "112222", 0);
	/* The tail may be of an older leader: only 1 and 2 are verified. */
	lone_append(l, 3, 3, none, "11", 6);
	assert_int_equal(core_commit(l->core), 2);
	lone_append(l, 3, 3, (struct log_end){3, 2}, "", 6);
	assert_int_equal(core_commit(l->core), 3);
	lone_append(l, 3, 3, none, "1", 1); /* And it never falls. */
	assert_int_equal(core_commit(l->core), 3);
}

static void
thesis_3_5_committed_entries_are_never_cut(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 1, none, "1111", 3);
	assert_int_equal(lone_append(l, 3, 2, (struct log_end){1, 1}, "22", 0),
			 CORE_INVALID);
	assert_int_equal(lone_append(l, 3, 2, (struct log_end){3, 2}, "2", 0),
			 CORE_INVALID);
	assert_int_equal(core_term(l->core), 1); /* Not even the term moved. */
	assert_string_equal(lone_terms(l, text), "1111");
	lone_append(l, 3, 2, (struct log_end){3, 1}, "2", 0);
	assert_string_equal(lone_terms(l, text), "1112");
}

/* Candidates. */

static void
thesis_3_4_candidate_votes_for_itself_and_asks_all(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.pre_vote = false;
	lone_start(l);
	lone_time_out(l);
	assert_int_equal(core_role(l->core), ROLE_CANDIDATE);
	assert_int_equal(core_term(l->core), 1);
	assert_int_equal(l->effects.persist.hard_state.vote, 1);
	assert_int_equal(lone_sent(l, MESSAGE_VOTE, 2)->gate, l->seq);
	assert_int_equal(lone_sent(l, MESSAGE_VOTE, 3)->message.term, 1);
	lone_persist(l);
	/* Nobody answers: another term, after another timeout. */
	lone_time_out(l);
	assert_int_equal(core_term(l->core), 2);
}

static void
thesis_3_4_candidate_leads_with_a_majority(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	assert_int_equal(core_leader(l->core), 1);
	/* With an entry of its term, sent to all at once, gate 0. */
	assert_int_equal(l->effects.persist.append_type, RK_ENTRY_NOOP);
	assert_int_equal(lone_sent(l, MESSAGE_APPEND, 2)->gate, 0);
	assert_int_equal(
		lone_sent(l, MESSAGE_APPEND, 3)->message.as.append.count, 1);
}

static void
thesis_3_4_candidate_gives_way_to_the_leader_of_its_term(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.pre_vote = false;
	lone_start(l);
	lone_time_out(l);
	lone_append(l, 3, 1, none, "1", 0);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	assert_true(lone_reply(l)->success);
}

/* Leaders. */

static void
thesis_3_5_leader_sends_proposals_before_its_disk_answers(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_ack(l, 2);
	lone_propose(l, 3);
	assert_int_equal(l->effects.persist.append_from, 2);
	assert_int_equal(l->effects.persist.append_to, 5);
	assert_int_equal(lone_sent(l, MESSAGE_APPEND, 2)->gate, 0);
	assert_int_equal(
		lone_sent(l, MESSAGE_APPEND, 2)->message.as.append.prev.index,
		1);
	/* 3 has proven nothing yet: one probe at a time. */
	assert_null(lone_sent(l, MESSAGE_APPEND, 3));
}

static void
thesis_3_5_leader_commits_what_a_majority_stored(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_ack(l, 2);
	assert_int_equal(core_commit(l->core), 0); /* Its own is in flight. */
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
	lone_propose(l, 1);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
	assert_int_equal(l->effects.result_count, 0);
}

static void
thesis_10_2_1_leader_commits_without_its_own_disk(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_ack(l, 2);
	assert_int_equal(core_commit(l->core), 0);
	lone_ack(l, 3);
	assert_int_equal(core_commit(l->core), 1);
}

static void
fault_s2_leader_commits_only_entries_of_its_term(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	lone_log(l, "122");
	lone_start(l);
	lone_lead(l); /* Term 3; its no-op is at 4. */
	lone_persist(l);
	/* A majority has the old entries: not enough (figure 3.7). */
	lone_receive(l, (struct message){
				.type = MESSAGE_APPEND_REPLY,
				.from = 2,
				.term = 3,
				.stream = 1,
				.request = 5,
				.as.append_reply = {.success = false,
						    .conflict = {2, 0}},
			});
	lone_ack(l, 2);
	assert_int_equal(core_commit(l->core), 0);
	lone_ack(l, 2);
	assert_int_equal(core_commit(l->core), 4);
}

static void
thesis_3_4_leader_keeps_its_followers_by_heartbeats(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_pass(l, l->settings.heartbeat_interval_ms);
	assert_non_null(lone_sent(l, MESSAGE_HEARTBEAT, 2));
	assert_non_null(lone_sent(l, MESSAGE_HEARTBEAT, 3));
	assert_true(l->effects.deadline_ms <=
		    l->now_ms + l->settings.heartbeat_interval_ms);
}

static void
thesis_3_9_two_terms_never_mix_in_a_log(void **state)
{
	struct lone *l = *state;

	/* Terms that fall, or lie beyond the sender's, are of no log. */
	assert_int_equal(lone_append(l, 2, 3, none, "21", 0), CORE_INVALID);
	assert_int_equal(lone_append(l, 2, 3, none, "4", 0), CORE_INVALID);
	assert_int_equal(lone_append(l, 2, 3, (struct log_end){0, 1}, "1", 0),
			 CORE_INVALID);
	assert_int_equal(core_last(l->core).index, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(thesis_3_3_newer_term_in_a_request_makes_a_follower),
		TEST(thesis_3_3_newer_term_in_a_reply_makes_a_follower),
		TEST(thesis_3_3_stale_term_is_refused_with_the_own),
		TEST(fault_s15_what_is_committed_is_handed_over_once_in_order),
		TEST(fault_s19_answers_wait_for_the_disk),
		TEST(thesis_3_4_follower_campaigns_when_it_hears_no_leader),
		TEST(thesis_3_4_one_vote_a_term_first_come_first_served),
		TEST(thesis_3_4_vote_outlives_a_restart),
		TEST(thesis_3_6_1_vote_goes_to_logs_that_are_at_least_as_new),
		TEST(thesis_3_5_append_is_refused_where_the_previous_entry_differs),
		TEST(fault_s5_append_cuts_from_the_first_real_conflict_only),
		TEST(fault_s5_short_old_append_cuts_nothing),
		TEST(fault_s6_commit_is_clamped_to_what_the_message_verified),
		TEST(thesis_3_5_committed_entries_are_never_cut),
		TEST(thesis_3_4_candidate_votes_for_itself_and_asks_all),
		TEST(thesis_3_4_candidate_leads_with_a_majority),
		TEST(thesis_3_4_candidate_gives_way_to_the_leader_of_its_term),
		TEST(thesis_3_5_leader_sends_proposals_before_its_disk_answers),
		TEST(thesis_3_5_leader_commits_what_a_majority_stored),
		TEST(thesis_10_2_1_leader_commits_without_its_own_disk),
		TEST(fault_s2_leader_commits_only_entries_of_its_term),
		TEST(thesis_3_4_leader_keeps_its_followers_by_heartbeats),
		TEST(thesis_3_9_two_terms_never_mix_in_a_log),
	};

	return unit_run("paper", tests, LEN(tests));
}
