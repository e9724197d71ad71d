/* test_core_replication.c - logs that must become equal, and commits that
 * must or must not happen. */

#include "unit.h"

#include <string.h>

#include "cluster.h"
#include "lone.h"

static struct cluster *
cluster_of(size_t count)
{
	struct cluster *k = mem_alloc(1, sizeof *k);

	cluster_init(k, unit_seed(), count, count);
	return k;
}

static void
end(struct cluster *k)
{
	cluster_check_logs(k);
	cluster_close(k);
	mem_free(k);
}

static void
assert_log(struct cluster *k, rk_id id, const char *terms)
{
	char text[64];

	assert_string_equal(cluster_log(k, id, text), terms);
}

/* F7 a to f: figure 7 of the paper. */
static void
figure_7_logs_converge(void **state)
{
	static const char *const logs[] = {
		"1114455666",   "111445566", "1114",       "11144556666",
		"111445566677", "1114444",   "11122233333"};
	struct cluster *k = cluster_of(7);
	rk_id id;

	(void)state;
	for (id = 1; id <= 7; id++)
		cluster_set_log(k, id, logs[id - 1]);
	/* Term 8 is in progress: all but one voted for nobody. */
	for (id = 1; id <= 7; id++)
		cluster_member(k, id)->disk.hard_state.term = 7;
	cluster_start_all(k);
	cluster_elect(k, 1);
	assert_int_equal(core_term(cluster_member(k, 1)->core), 8);
	cluster_run(k, 3000);
	for (id = 1; id <= 7; id++) {
		assert_log(k, id, "11144556668");
		assert_int_equal(core_commit(cluster_member(k, id)->core), 11);
	}
	end(k);
}

static void
figure_7_c_and_d_refuse_their_vote(void **state)
{
	static const char *const logs[] = {"111445566",   "1114",
					   "11144556666", "111445566677",
					   "1114444",     "11122233333"};
	static const bool grants[] = {true, true, false, false, true, true};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(logs); i++) {
		struct lone l;

		lone_init(&l, 123);
		lone_log(&l, logs[i]);
		lone_start(&l);
		lone_vote(&l, 2, 8, (struct log_end){10, 6});
		assert_int_equal(lone_granted(&l), grants[i]);
		lone_close(&l);
	}
}

/* F8, R1: figure 8 of the paper. Members as there; term 4 is what S1 leads
 * last. */
static struct cluster *
figure_8_c(void)
{
	struct cluster *k = cluster_of(5);
	rk_id id;

	cluster_set_log(k, 1, "12");
	cluster_set_log(k, 2, "12");
	cluster_set_log(k, 3, "1");
	cluster_set_log(k, 4, "1");
	cluster_set_log(k, 5, "13");
	for (id = 1; id <= 5; id++)
		cluster_member(k, id)->disk.hard_state.term = 3;
	k->settings.check_quorum = false;
	k->settings.pre_vote = false;
	cluster_start_all(k);
	k->cut[1][5] = k->cut[5][1] = true;
	return k;
}

/* What S1 is told by `from`. */
static void
deliver_replies(struct cluster *k, rk_id from)
{
	size_t i = 0;

	while (i < k->bag_count)
		if (k->bag[i].message.from == from &&
		    k->bag[i].message.type == MESSAGE_APPEND_REPLY)
			cluster_deliver(k, i, false);
		else
			i++;
}

/* What S1 knows that `peer` has. */
static rk_index
match_of(struct cluster *k, rk_id peer)
{
	struct core_status status;

	core_status(cluster_member(k, 1)->core, &status);
	assert_int_equal(status.streams[peer - 2].peer, peer);
	return status.streams[peer - 2].match;
}

static void
figure_8_old_term_is_not_committed_by_counting(void **state)
{
	struct cluster *k = figure_8_c();
	struct cluster_member *s1 = cluster_member(k, 1);

	(void)state;
	/* S1 leads term 4, but its own entry reaches nobody's disk: only the
	 * old entry at 2 gets to S3. */
	cluster_step(k, 1, (struct event){.type = EVENT_CAMPAIGN});
	cluster_persist(k, 1, SIZE_MAX);
	while (core_role(s1->core) != ROLE_LEADER) {
		cluster_deliver(k, 0, false);
		cluster_persist(k, 2, SIZE_MAX);
		cluster_persist(k, 3, SIZE_MAX);
		cluster_persist(k, 4, SIZE_MAX);
	}
	/* The probe with the no-op is refused by S3; then 2 alone arrives. */
	while (core_last(cluster_member(k, 3)->core).index < 2) {
		cluster_persist(k, 3, SIZE_MAX);
		cluster_deliver(k, 0, false);
	}
	assert_int_equal(core_term_at(cluster_member(k, 3)->core, 2), 2);
	/* S1 hears from S2 and S3 that they have it: a majority. */
	cluster_persist(k, 2, SIZE_MAX);
	cluster_persist(k, 3, SIZE_MAX);
	deliver_replies(k, 2);
	deliver_replies(k, 3);
	assert_true(match_of(k, 2) >= 2);
	assert_int_equal(match_of(k, 3), 2);
	assert_int_equal(core_commit(s1->core), 0);
	/* d: S5 may win, with 3 and 4 whose logs are older, and erase it. */
	cluster_crash(k, 1, SIZE_MAX);
	cluster_crash(k, 2, SIZE_MAX);
	cluster_crash(k, 3, 0);
	while (k->bag_count > 0)
		cluster_drop(k, 0, false);
	cluster_start(k, 3);
	cluster_elect(k, 5);
	cluster_run(k, 3000);
	cluster_start(k, 1);
	cluster_start(k, 2);
	k->cut[1][5] = k->cut[5][1] = false;
	cluster_run(k, 3000);
	assert_int_equal(core_term_at(s1->core, 2), 3);
	assert_int_equal(k->committed[2].term, 3);
	end(k);
}

static void
figure_8_e_own_term_on_a_majority_commits_both(void **state)
{
	struct cluster *k = figure_8_c();
	int tries;

	(void)state;
	cluster_elect(k, 1);
	cluster_settle(k);
	assert_int_equal(k->committed[2].term, 2);
	assert_true(core_commit(cluster_member(k, 1)->core) >= 3);
	cluster_crash(k, 1, SIZE_MAX);
	for (tries = 0; tries < 5; tries++) {
		cluster_pass(k, 500);
		cluster_step(k, 5, (struct event){.type = EVENT_CAMPAIGN});
		cluster_settle(k);
		/* Not with its own entry there. */
		if (cluster_leader(k) == 5)
			assert_int_equal(
				core_term_at(cluster_member(k, 5)->core, 2), 2);
	}
	end(k);
}

/* R2: duplicates, reordering and delay. */
static void
duplicates_and_reordering_change_no_outcome(void **state)
{
	struct cluster *k = cluster_of(3);
	int i;

	(void)state;
	k->settings.max_payload_entries = 2;
	cluster_start_all(k);
	cluster_elect(k, 1);
	for (i = 0; i < 300; i++) {
		cluster_propose(k, 1, 3);
		while (k->bag_count > 20) {
			size_t any =
				(size_t)prng_range(&k->prng, 0, k->bag_count);

			cluster_deliver(k, any,
					prng_range(&k->prng, 0, 3) == 0);
			cluster_persist(k, prng_range(&k->prng, 1, 4), 1);
		}
	}
	cluster_run(k, 3000);
	assert_int_equal(cluster_leader(k), 1);
	for (i = 1; i <= 3; i++)
		assert_true(core_commit(cluster_member(k, (rk_id)i)->core) >=
			    900);
	end(k);
}

/* R3 */
static void
fault_s17_append_over_a_compacted_log_appends_nothing(void **state)
{
	struct lone *l = *state;
	struct event taken = {.type = EVENT_SNAPSHOT_TAKEN};

	lone_append(l, 2, 1, (struct log_end){0, 0}, "11111", 5);
	lone_persist(l);
	lone_step(l, (struct event){.type = EVENT_APPLIED, .as.applied = 5});
	core_snapshot_meta(l->core, &taken.as.snapshot_taken);
	lone_step(l, taken);
	lone_step(l, (struct event){.type = EVENT_COMPACTED,
				    .as.compacted = {4, 1}});
	lone_append(l, 2, 1, (struct log_end){0, 0}, "111111", 5);
	assert_true(lone_reply(l)->success);
	assert_int_equal(lone_reply(l)->match, 6);
	assert_int_equal(l->effects.persist.append_from, 6);
	assert_int_equal(l->effects.persist.append_to, 7);
	/* Below the boundary all is equal by definition. */
	lone_append(l, 2, 1, (struct log_end){2, 1}, "", 5);
	assert_true(lone_reply(l)->success);
	assert_int_equal(lone_reply(l)->match, 2);
	assert_int_equal(core_last(l->core).index, 6);
}

/* What an append from the first entry on says is compared like the rest. */
static void
fault_s7_append_from_the_beginning_is_compared_too(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 2, (struct log_end){0, 0}, "1122", 0);
	lone_persist(l);
	lone_append(l, 2, 2, (struct log_end){0, 0}, "11", 0);
	assert_int_equal(lone_reply(l)->match, 2);
	assert_int_equal(l->effects.persist.seq, 0);
	lone_append(l, 2, 2, (struct log_end){0, 0}, "11222", 0);
	assert_int_equal(l->effects.persist.append_from, 5);
	assert_int_equal(l->effects.persist.truncate_from, 0);
	lone_append(l, 3, 3, (struct log_end){0, 0}, "113", 2);
	assert_int_equal(l->effects.persist.truncate_from, 3);
	assert_string_equal(lone_terms(l, text), "113");
	/* What is committed stays, whoever says otherwise. */
	assert_int_equal(lone_append(l, 3, 3, (struct log_end){0, 0}, "13", 2),
			 CORE_INVALID);
	assert_string_equal(lone_terms(l, text), "113");
}

/* R4 */
static void
fault_s6_heartbeat_commits_no_tail_that_nobody_verified(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 1, (struct log_end){0, 0}, "11", 0);
	lone_heartbeat(l, 3, 2, 0);
	assert_int_equal(core_commit(l->core), 0);
	/* A leader that claims more than is here is not followed blindly. */
	lone_heartbeat(l, 3, 2, 9);
	assert_int_equal(core_commit(l->core), 0);
	/* Nor one that claims what only an older leader has vouched for. */
	lone_heartbeat(l, 3, 2, 2);
	assert_int_equal(core_commit(l->core), 0);
	/* With an entry of its term, all of the log is the leader's. */
	lone_append(l, 3, 2, (struct log_end){2, 1}, "2", 0);
	lone_heartbeat(l, 3, 2, 9);
	assert_int_equal(core_commit(l->core), 0);
	lone_heartbeat(l, 3, 2, 3);
	assert_int_equal(core_commit(l->core), 3);
}

/* R7 */
static void
late_confirmation_of_overwritten_entries_proves_nothing(void **state)
{
	struct lone *l = *state;
	uint64_t old;

	lone_append(l, 2, 2, (struct log_end){0, 0}, "22", 0);
	old = l->seq;
	lone_append(l, 3, 3, (struct log_end){0, 0}, "33", 0);
	assert_int_equal(l->effects.send[0].gate, l->seq);
	lone_step(l, (struct event){.type = EVENT_PERSISTED,
				    .as.persisted_seq = old});
	lone_append(l, 3, 3, (struct log_end){0, 0}, "33", 0);
	assert_int_equal(l->effects.send[0].gate, l->seq);
	assert_true(l->seq > old);
}

/* R9 */
static void
sole_voter_commits_nothing_before_its_own_disk(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 1);
	lone_start(&l);
	lone_pass(&l, 0);
	lone_persist(&l);
	lone_persist(&l);
	assert_int_equal(core_commit(l.core), 1);
	lone_propose(&l, 2);
	assert_int_equal(core_commit(l.core), 1);
	assert_int_equal(l.effects.result_count, 0);
	assert_int_equal(l.effects.apply.from, l.effects.apply.to);
	lone_persist(&l);
	assert_int_equal(core_commit(l.core), 3);
	assert_int_equal(l.effects.result_count, 1);
	assert_int_equal(l.effects.results[0].index, 2);
	assert_int_equal(l.effects.results[0].count, 2);
	lone_close(&l);
}

/* R10 */
static void
leader_slower_than_its_followers_forgets_what_it_did_not_store(void **state)
{
	struct cluster *k = cluster_of(3);
	rk_index committed;

	(void)state;
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_settle(k);
	cluster_propose(k, 1, 3);
	while (core_commit(cluster_member(k, 1)->core) < 4) {
		cluster_persist(k, 2, SIZE_MAX);
		cluster_persist(k, 3, SIZE_MAX);
		cluster_deliver(k, 0, false);
	}
	committed = k->committed_last;
	assert_int_equal(cluster_member(k, 1)->disk.last, 1);
	cluster_crash(k, 1, 0);
	cluster_start(k, 1);
	cluster_run(k, 5000);
	assert_true(core_commit(cluster_member(k, 1)->core) > committed);
	end(k);
}

/* R11, and conflicts longer than any window. */
static void
long_conflict_is_found_and_replaced(void **state)
{
	struct cluster *k = cluster_of(3);
	char tail[300];
	size_t i;

	(void)state;
	memset(tail, '2', sizeof tail);
	memcpy(tail, "1111", 4);
	tail[sizeof tail - 1] = '\0';
	k->settings.max_payload_entries = 1;
	k->settings.max_inflight_requests = 1;
	cluster_set_log(k, 1, "1111333");
	cluster_set_log(k, 2, "1111333");
	cluster_set_log(k, 3, tail);
	for (i = 1; i <= 3; i++)
		cluster_member(k, i)->disk.hard_state.term = 3;
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_run(k, 500);
	assert_log(k, 3, "11113334");
	end(k);
}

/* An old tail, one peer that disagrees, one that is
 * away; nothing may be committed on the leader's word alone. */
static void
fault_s1_unproven_match_commits_nothing(void **state)
{
	struct cluster *k = cluster_of(3);

	(void)state;
	cluster_set_log(k, 1, "1111222222");
	cluster_set_log(k, 2, "1111");
	cluster_set_log(k, 3, "11113");
	cluster_member(k, 1)->disk.hard_state.term = 3;
	cluster_start_all(k);
	/* With 2's vote; then 2 is gone, and 3 only answers with conflicts. */
	k->cut[1][3] = true;
	cluster_step(k, 1, (struct event){.type = EVENT_CAMPAIGN});
	while (cluster_leader(k) != 1) {
		cluster_persist(k, 1, SIZE_MAX);
		cluster_persist(k, 2, SIZE_MAX);
		cluster_deliver(k, 0, false);
	}
	while (k->bag_count > 0)
		cluster_drop(k, 0, false);
	k->cut[1][2] = true;
	k->cut[1][3] = false;
	k->cut[3][1] = true;
	cluster_run(k, 900);
	assert_int_equal(k->committed_last, 0);
	end(k);
}

/* The limits of a window hold. */
static void
fault_l1_silent_follower_costs_no_more_than_its_window(void **state)
{
	struct cluster *k = cluster_of(3);
	struct core_status status;
	size_t i;

	(void)state;
	k->settings.max_inflight_requests = 4;
	k->settings.max_payload_entries = 2;
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_run(k, 100);
	for (i = 0; i < 100; i++)
		cluster_propose(k, 1, 1);
	core_status(cluster_member(k, 1)->core, &status);
	for (i = 0; i < status.stream_count; i++) {
		assert_in_range(status.streams[i].inflight_requests, 1, 4);
		assert_true(status.streams[i].next <
			    status.streams[i].match + 9);
	}
	end(k);
}

static void
proposals_over_the_limit_are_refused_and_taken_later(void **state)
{
	struct lone *l = *state;
	size_t i;

	core_free(l->core);
	l->settings.max_uncommitted_bytes = 1000;
	lone_start(l);
	for (i = 0; i < LEN(l->sizes); i++)
		l->sizes[i] = 600;
	lone_lead(l);
	lone_ack(l, 2);
	lone_persist(l);
	/* One that is too large by itself goes while nothing waits. */
	assert_int_equal(lone_propose(l, 3), CORE_OK);
	assert_int_equal(lone_propose(l, 1), CORE_FULL);
	assert_int_equal(l->effects.persist.seq, 0);
	lone_persist(l);
	assert_int_equal(lone_propose(l, 1), CORE_FULL);
}

static void
fault_s1_what_is_merely_sent_commits_nothing(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_ack(l, 2);
	lone_ack(l, 3);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
	lone_propose(l, 1);
	assert_non_null(lone_sent(l, MESSAGE_APPEND, 2));
	assert_non_null(lone_sent(l, MESSAGE_APPEND, 3));
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
	lone_ack(l, 3);
	assert_int_equal(core_commit(l->core), 2);
}

/* A request that never left, for its entries could not be read, say, is the
 * matter of one stream. */
static void
fault_l17_request_that_fails_stops_no_other_stream(void **state)
{
	struct lone *l = *state;
	struct event ev = {.type = EVENT_PEER_UNREACHABLE};

	lone_lead(l);
	lone_ack(l, 2);
	lone_ack(l, 3);
	lone_persist(l);
	lone_propose(l, 1);
	ev.as.unreachable.peer = 3;
	ev.as.unreachable.stream = l->appends[3].stream;
	ev.as.unreachable.request = l->appends[3].request;
	assert_int_equal(lone_step(l, ev), CORE_OK);
	assert_null(lone_sent(l, MESSAGE_APPEND, 3));
	lone_propose(l, 1);
	assert_null(lone_sent(l, MESSAGE_APPEND, 3));
	assert_non_null(lone_sent(l, MESSAGE_APPEND, 2));
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 3);
	/* And after a pause it goes on, where it was. */
	lone_pass(l, l->settings.election_timeout_min_ms);
	assert_non_null(lone_sent(l, MESSAGE_APPEND, 3));
	assert_int_equal(l->appends[3].as.append.prev.index, 1);
}

/* C4 */
static void
c4_fault_l15_proposals_in_flight_are_lost_when_deposed(void **state)
{
	struct lone *l = *state;

	lone_lead(l);
	lone_propose(l, 2);
	lone_propose(l, 1);
	lone_heartbeat(l, 2, 9, 0);
	assert_int_equal(l->effects.result_count, 2);
	assert_int_equal(l->effects.results[0].status, RESULT_LOST);
	assert_int_equal(l->effects.results[0].token, 77);
	assert_int_equal(l->effects.results[0].index, 2);
	assert_int_equal(l->effects.results[1].index, 4);
	assert_int_equal(l->effects.results[0].term, 1);
	assert_int_equal(lone_propose(l, 1), CORE_NOT_LEADER);
}

static void
followers_learn_of_a_commit_soon_without_further_writes(void **state)
{
	struct cluster *k = cluster_of(3);

	(void)state;
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_run(k, 200);
	cluster_propose(k, 1, 1);
	cluster_settle(k);
	cluster_pass(k, 15);
	cluster_settle(k);
	assert_int_equal(core_commit(cluster_member(k, 2)->core), 2);
	assert_int_equal(core_commit(cluster_member(k, 3)->core), 2);
	end(k);
}

/* What nobody writes after is replicated all the same. */
static void
fault_l5_old_tail_reaches_everybody_without_a_client(void **state)
{
	struct cluster *k = cluster_of(2);

	(void)state;
	cluster_set_log(k, 1, "1122");
	cluster_set_log(k, 2, "1");
	cluster_member(k, 2)->disk.hard_state.term = 2;
	cluster_start_all(k);
	cluster_run(k, 5000);
	assert_log(k, 2, "11223");
	assert_int_equal(k->committed_last, 5);
	end(k);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_7_logs_converge),
		cmocka_unit_test(figure_7_c_and_d_refuse_their_vote),
		cmocka_unit_test(
			figure_8_old_term_is_not_committed_by_counting),
		cmocka_unit_test(
			figure_8_e_own_term_on_a_majority_commits_both),
		cmocka_unit_test(duplicates_and_reordering_change_no_outcome),
		TEST(fault_s17_append_over_a_compacted_log_appends_nothing),
		TEST(fault_s7_append_from_the_beginning_is_compared_too),
		TEST(fault_s1_what_is_merely_sent_commits_nothing),
		TEST(fault_l17_request_that_fails_stops_no_other_stream),
		TEST(fault_s6_heartbeat_commits_no_tail_that_nobody_verified),
		TEST(late_confirmation_of_overwritten_entries_proves_nothing),
		cmocka_unit_test(
			sole_voter_commits_nothing_before_its_own_disk),
		cmocka_unit_test(
			leader_slower_than_its_followers_forgets_what_it_did_not_store),
		cmocka_unit_test(long_conflict_is_found_and_replaced),
		cmocka_unit_test(fault_s1_unproven_match_commits_nothing),
		cmocka_unit_test(
			fault_l1_silent_follower_costs_no_more_than_its_window),
		TEST(proposals_over_the_limit_are_refused_and_taken_later),
		TEST(c4_fault_l15_proposals_in_flight_are_lost_when_deposed),
		cmocka_unit_test(
			followers_learn_of_a_commit_soon_without_further_writes),
		cmocka_unit_test(
			fault_l5_old_tail_reaches_everybody_without_a_client),
	};

	return unit_run("core_replication", tests, LEN(tests));
}
