/* test_core_snapshot.c - snapshots taken, sent and installed, and how much
 * log they let go. */

#include "unit.h"

#include "cluster.h"
#include "lone.h"

static const struct log_end none = {0, 0};

static struct cluster *
cluster_of(size_t count, uint64_t every, uint64_t trailing)
{
	struct cluster *k = mem_alloc(1, sizeof *k);

	cluster_init(k, unit_seed(), count, count);
	k->settings.snapshot_logs_since_last = every;
	k->settings.trailing_entries = trailing;
	return k;
}

static struct cluster *
running(size_t count, uint64_t every, uint64_t trailing)
{
	struct cluster *k = cluster_of(count, every, trailing);

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

static struct core_status
status_of(const struct core *c)
{
	struct core_status status;

	core_status(c, &status);
	return status;
}

static void
applied(struct lone *l, rk_index index)
{
	lone_step(l,
		  (struct event){.type = EVENT_APPLIED, .as.applied = index});
}

/* A snapshot of all that is applied. */
static void
taken(struct lone *l)
{
	struct event ev = {.type = EVENT_SNAPSHOT_TAKEN};

	core_snapshot_meta(l->core, &ev.as.snapshot_taken);
	lone_step(l, ev);
}

static int
chunk(struct lone *l, rk_term term, struct log_end last)
{
	return lone_receive(
		l,
		(struct message){
			.type = MESSAGE_SNAPSHOT,
			.from = 2,
			.term = term,
			.stream = 4,
			.as.snapshot = {.meta = {last, {0, l->start.initial}},
					.transfer = 8,
					.total_bytes = 99}});
}

static int
received(struct lone *l, struct log_end last)
{
	return lone_step(l,
			 (struct event){.type = EVENT_SNAPSHOT_RECEIVED,
					.as.snapshot_received = {
						last, {0, l->start.initial}}});
}

static void
snapshot_is_asked_for_by_the_number_of_applied_entries(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.snapshot_logs_since_last = 3;
	l->settings.trailing_entries = 0;
	lone_start(l);
	lone_append(l, 2, 1, none, "11111111", 8);
	assert_false(l->effects.snapshot_take);
	applied(l, 2);
	assert_false(l->effects.snapshot_take);
	applied(l, 3);
	assert_true(l->effects.snapshot_take);
	applied(l, 4); /* It is being taken. */
	assert_false(l->effects.snapshot_take);
	taken(l);
	assert_int_equal(status_of(l->core).snapshot.last.index, 4);
	assert_int_equal(l->effects.compact.index, 4);
	applied(l, 7);
	assert_true(l->effects.snapshot_take);
	applied(l, 8);
	assert_false(l->effects.snapshot_take);
}

static void
fault_l18_snapshot_that_never_came_is_asked_for_again(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.snapshot_logs_since_last = 2;
	lone_start(l);
	lone_append(l, 2, 1, none, "11111111", 8);
	applied(l, 2);
	assert_true(l->effects.snapshot_take);
	applied(l, 3);
	assert_false(l->effects.snapshot_take);
	applied(l, 4);
	assert_true(l->effects.snapshot_take);
}

static void
trailing_entries_stay_behind_a_snapshot(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	l->settings.trailing_entries = 3;
	lone_start(l);
	lone_append(l, 2, 1, none, "11111111", 8);
	applied(l, 2);
	taken(l);
	assert_int_equal(l->effects.compact.index, 0);
	applied(l, 8);
	taken(l);
	assert_int_equal(l->effects.compact.index, 5);
	assert_int_equal(l->effects.compact.term, 1);
	lone_step(l, (struct event){.type = EVENT_COMPACTED,
				    .as.compacted = {5, 1}});
	assert_int_equal(status_of(l->core).first, 6);
	assert_int_equal(core_term_at(l->core, 5), 1);
	assert_int_equal(core_term_at(l->core, 4), 0);
}

static void
snapshot_of_what_the_log_contradicts_is_refused(void **state)
{
	struct lone *l = *state;
	struct event ev = {.type = EVENT_SNAPSHOT_TAKEN,
			   .as.snapshot_taken = {.last = {3, 1}}};

	lone_append(l, 2, 2, none, "1112", 4);
	assert_int_equal(lone_step(l, ev), CORE_INVALID); /* Not applied. */
	applied(l, 4);
	ev.as.snapshot_taken.last.term = 2;
	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	ev.as.snapshot_taken.last.term = 1;
	assert_int_equal(lone_step(l, ev), CORE_OK);
	assert_int_equal(lone_step(l, (struct event){.type = EVENT_COMPACTED,
						     .as.compacted = {4, 2}}),
			 CORE_INVALID);
}

/* S9 */
static void
older_one_of_two_snapshots_is_passed_over(void **state)
{
	struct lone *l = *state;
	struct event ev = {.type = EVENT_SNAPSHOT_TAKEN,
			   .as.snapshot_taken = {.last = {4, 1}}};

	lone_append(l, 2, 1, none, "11111", 5);
	applied(l, 5);
	lone_step(l, ev);
	ev.as.snapshot_taken.last.index = 2;
	assert_int_equal(lone_step(l, ev), CORE_OK);
	assert_int_equal(status_of(l->core).snapshot.last.index, 4);
}

/* S1: thesis, figure 5.3, rules 6 and 7. */
static void
installing_keeps_a_tail_that_agrees(void **state)
{
	struct lone *l = *state;
	char text[64];

	lone_append(l, 2, 2, none, "11222", 1);
	lone_persist(l);
	chunk(l, 2, (struct log_end){3, 2});
	assert_true(l->effects.chunk_wanted);
	assert_int_equal(l->effects.send_count, 0); /* The node answers. */
	received(l, (struct log_end){3, 2});
	assert_true(l->effects.snapshot_install);
	assert_true(l->effects.install.keep_tail);
	assert_int_equal(l->effects.install.seq, l->effects.persist.seq);
	assert_string_equal(lone_terms(l, text), "11222");
	assert_int_equal(core_commit(l->core), 3);
	assert_int_equal(status_of(l->core).applied, 3);
}

static void
installing_drops_a_log_that_differs_or_is_shorter(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 2, none, "11222", 1);
	lone_heartbeat(l, 3, 4, 0);
	received(l, (struct log_end){3, 4});
	assert_true(l->effects.snapshot_install);
	assert_false(l->effects.install.keep_tail);
	assert_int_equal(core_last(l->core).index, 3);
	assert_int_equal(core_last(l->core).term, 4);
	received(l, (struct log_end){9, 4});
	assert_false(l->effects.install.keep_tail);
	assert_int_equal(core_last(l->core).index, 9);
	assert_int_equal(status_of(l->core).first, 10);
	/* The log goes on behind it, once that is on disk. */
	lone_append(l, 3, 4, (struct log_end){9, 4}, "", 9);
	assert_true(lone_reply(l)->success);
	assert_int_equal(l->effects.send[0].gate, l->seq);
}

/* S4 */
static void
fault_s13_snapshot_of_what_is_committed_is_not_wanted(void **state)
{
	struct lone *l = *state;
	const struct message_snapshot_reply *reply;

	lone_append(l, 2, 1, none, "11111", 4);
	chunk(l, 1, (struct log_end){3, 1});
	assert_false(l->effects.chunk_wanted);
	reply = &l->effects.send[0].message.as.snapshot_reply;
	assert_true(reply->installed);
	assert_int_equal(reply->match.index, 4);
	assert_int_equal(reply->match.term, 1);
	assert_int_equal(reply->transfer, 8);
	assert_int_equal(l->effects.send[0].gate, l->seq);
	received(l, (struct log_end){3, 1});
	assert_false(l->effects.snapshot_install);
	assert_int_equal(core_commit(l->core), 4);
}

static void
fault_s14_machine_behind_an_installation_takes_nothing_back(void **state)
{
	struct lone *l = *state;

	lone_append(l, 2, 1, none, "11111", 4); /* 1 to 4 go to it. */
	received(l, (struct log_end){20, 1});
	applied(l, 4); /* Late. */
	assert_int_equal(status_of(l->core).applied, 20);
	lone_append(l, 2, 1, (struct log_end){20, 1}, "1", 21);
	assert_int_equal(l->effects.apply.from, 21);
	assert_int_equal(l->effects.apply.to, 22);
}

/* S7 */
static void
chunks_are_contact_with_a_leader(void **state)
{
	struct lone *l = *state;
	int i;

	for (i = 0; i < 20; i++) {
		chunk(l, 1, (struct log_end){30, 1});
		assert_true(l->effects.chunk_wanted);
		lone_persist(l);
		lone_pass(l, l->settings.election_timeout_min_ms - 1);
		assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	}
	lone_heartbeat(l, 3, 2, 0); /* A new leader meanwhile. */
	chunk(l, 1, (struct log_end){30, 1});
	assert_false(l->effects.chunk_wanted);
	assert_int_equal(l->effects.send[0].message.type,
			 MESSAGE_SNAPSHOT_REPLY);
	assert_int_equal(l->effects.send[0].message.term, 2);
}

static void
snapshot_that_cannot_be_one_is_refused(void **state)
{
	struct lone *l = *state;

	assert_int_equal(chunk(l, 1, none), CORE_INVALID);
	assert_int_equal(chunk(l, 1, (struct log_end){3, 2}), CORE_INVALID);
	assert_int_equal(received(l, (struct log_end){3, 9}), CORE_INVALID);
	assert_int_equal(core_term(l->core), 0);
}

/* By what is available, with whatever snapshot there is. */
static void
follower_behind_the_log_gets_the_newest_snapshot(void **state)
{
	struct cluster *k = running(3, 20, 5);
	int i;

	(void)state;
	cluster_crash(k, 3, SIZE_MAX);
	for (i = 0; i < 50; i++) {
		cluster_propose(k, 1, 4);
		cluster_settle(k);
	}
	cluster_run(k, 500);
	assert_true(status_of(cluster_member(k, 1)->core).first > 50);
	cluster_start(k, 3);
	cluster_run(k, 3000);
	assert_int_equal(k->installs, 1);
	assert_int_equal(core_commit(cluster_member(k, 3)->core),
			 core_commit(cluster_member(k, 1)->core));
	end(k);
}

static void
follower_within_the_log_gets_entries_and_no_snapshot(void **state)
{
	struct cluster *k = running(3, 20, 500);
	int i;

	(void)state;
	cluster_crash(k, 3, SIZE_MAX);
	for (i = 0; i < 50; i++)
		cluster_propose(k, 1, 4);
	cluster_run(k, 500);
	cluster_start(k, 3);
	cluster_run(k, 3000);
	assert_int_equal(k->snapshots_sent, 0);
	assert_int_equal(core_commit(cluster_member(k, 3)->core),
			 core_commit(cluster_member(k, 1)->core));
	end(k);
}

/* S2 */
static void
snapshot_at_the_last_index_suffices_without_a_write(void **state)
{
	struct cluster *k = cluster_of(3, 0, 0);

	(void)state;
	cluster_set_log(k, 1, "11111");
	cluster_set_log(k, 2, "11111");
	cluster_member(k, 1)->disk.snapshot.last = (struct log_end){5, 1};
	cluster_member(k, 1)->disk.snapshot.configuration.configuration =
		k->initial;
	cluster_member(k, 1)->disk.compacted = (struct log_end){5, 1};
	cluster_start_all(k);
	cluster_elect(k, 1);
	cluster_run(k, 2000);
	assert_int_equal(k->installs, 1);
	assert_int_equal(core_commit(cluster_member(k, 3)->core), 6);
	end(k);
}

/* S5: what a transfer under way continues with is kept. */
static void
log_behind_a_snapshot_under_way_is_kept(void **state)
{
	struct cluster *k = running(3, 10, 0);
	rk_index under_way = 0;
	size_t i;

	(void)state;
	cluster_crash(k, 3, SIZE_MAX);
	for (i = 0; i < 30; i++) {
		cluster_propose(k, 1, 4);
		cluster_settle(k);
	}
	cluster_start(k, 3);
	for (;;) {
		for (i = 0; i < k->bag_count; i++)
			if (k->bag[i].message.type == MESSAGE_SNAPSHOT)
				break;
		if (i < k->bag_count)
			break;
		for (i = 1; i <= 3; i++)
			cluster_persist(k, i, SIZE_MAX);
		if (k->bag_count == 0)
			cluster_pass(k, 100);
		else
			cluster_deliver(k, 0, false);
	}
	under_way = k->bag[i].message.as.snapshot.meta.last.index;
	k->cut[1][3] = true; /* It takes its time. */
	for (i = 0; i < 30; i++) {
		size_t j;

		cluster_propose(k, 1, 4);
		for (j = 1; j <= 2; j++) {
			cluster_persist(k, j, SIZE_MAX);
			cluster_apply(k, j);
			cluster_snapshot(k, j);
		}
		for (j = 0; j < k->bag_count;)
			if (k->bag[j].message.type == MESSAGE_SNAPSHOT)
				j++;
			else
				cluster_deliver(k, j, false);
	}
	assert_true(status_of(cluster_member(k, 1)->core).snapshot.last.index >
		    under_way);
	assert_int_equal(status_of(cluster_member(k, 1)->core).first,
			 under_way + 1);
	k->cut[1][3] = false;
	cluster_run(k, 3000);
	assert_int_equal(core_commit(cluster_member(k, 3)->core),
			 core_commit(cluster_member(k, 1)->core));
	assert_int_equal(k->installs, 1);
	/* And is let go when that is over. */
	assert_true(status_of(cluster_member(k, 1)->core).first >
		    under_way + 1);
	end(k);
}

static void
whole_cluster_restarts_from_snapshots(void **state)
{
	struct cluster *k = running(3, 10, 2);
	rk_index committed;
	size_t i;

	(void)state;
	for (i = 0; i < 30; i++) {
		cluster_propose(k, 1, 4);
		cluster_settle(k);
	}
	committed = k->committed_last;
	for (i = 1; i <= 3; i++)
		cluster_crash(k, i, 0);
	cluster_start_all(k);
	cluster_run(k, 5000);
	assert_true(k->committed_last > committed);
	end(k);
}

static int
sent(struct lone *l, const struct effect_snapshot_send *to, uint64_t stream,
     struct log_end match)
{
	return lone_step(
		l, (struct event){
			   .type = EVENT_SNAPSHOT_SENT,
			   .as.snapshot_sent = {.peer = to->peer,
						.stream = stream,
						.request = to->request,
						.outcome = SNAPSHOT_INSTALLED,
						.match = match}});
}

static rk_index
match_of(const struct lone *l, rk_id peer)
{
	struct core_status status = status_of(l->core);

	assert_int_equal(status.streams[peer - 2].peer, peer);
	return status.streams[peer - 2].match;
}

/* A leader in term 3 that holds a snapshot up to 4 and the log behind it, and
 * has to send it to 2. */
static struct effect_snapshot_send
lead_and_send(struct lone *l)
{
	core_free(l->core);
	lone_log(l, "11222");
	l->start.compacted = (struct log_end){4, 2};
	l->start.snapshot =
		(struct snapshot_meta){{4, 2}, {0, l->start.initial}};
	l->start.runs += 4;
	l->start.run_count -= 4;
	l->start.commit = l->start.applied = 4;
	lone_start(l);
	lone_lead(l);
	lone_receive(l, (struct message){.type = MESSAGE_APPEND_REPLY,
					 .from = 2,
					 .term = 3,
					 .stream = l->appends[2].stream,
					 .request = l->appends[2].request,
					 .as.append_reply.conflict = {1, 0}});
	assert_int_equal(l->effects.snapshot_send_count, 1);
	return l->effects.snapshot_send[0];
}

static void
fault_s11_only_the_peers_own_word_on_this_log_is_proof(void **state)
{
	struct lone *l = *state;
	struct effect_snapshot_send to;

	to = lead_and_send(l);
	assert_int_equal(to.peer, 2);
	assert_int_equal(to.meta.last.index, 4);
	assert_int_equal(match_of(l, 2), 0); /* Sent is not installed. */
	sent(l, &to, to.stream + 9, to.meta.last);
	assert_int_equal(match_of(l, 2), 0); /* Of another stream. */
	sent(l, &to, to.stream, to.meta.last);
	assert_int_equal(match_of(l, 2), 4);
	assert_int_equal(
		lone_sent(l, MESSAGE_APPEND, 2)->message.as.append.prev.index,
		4);
}

static void
peer_that_names_another_log_has_installed_nothing(void **state)
{
	struct lone *l = *state;
	struct effect_snapshot_send to;

	to = lead_and_send(l);
	sent(l, &to, to.stream, (struct log_end){5, 1});
	assert_int_equal(match_of(l, 2), 0);
	assert_int_equal(status_of(l->core).streams[0].state, STREAM_LAGGING);
	/* And it is tried again, after a pause. */
	lone_pass(l, l->settings.election_timeout_min_ms);
	assert_int_equal(l->effects.snapshot_send_count, 1);
}

/* The log that a peer goes on with, which has just installed a snapshot. */
static void
s5_log_behind_an_installed_snapshot_is_kept(void **state)
{
	struct lone *l = *state;
	struct effect_snapshot_send to;

	l->settings.trailing_entries = 0;
	l->settings.check_quorum = false;
	l->settings.max_payload_entries = 3;
	l->settings.max_inflight_requests = 1;
	to = lead_and_send(l);
	lone_propose(l, 4);
	lone_persist(l);
	while (core_commit(l->core) < core_last(l->core).index)
		lone_ack(l, 3);
	applied(l, core_commit(l->core));
	taken(l);
	assert_int_equal(l->effects.compact.index, 0);
	sent(l, &to, to.stream, to.meta.last);
	assert_int_equal(l->effects.compact.index, 0);
	lone_ack(l, 2);
	lone_pass(l, 1);
	assert_true(match_of(l, 2) < core_last(l->core).index);
	assert_int_equal(l->effects.compact.index, 0);
	lone_ack(l, 2);
	lone_pass(l, 1);
	assert_int_equal(match_of(l, 2), core_last(l->core).index);
	assert_int_equal(l->effects.compact.index, core_last(l->core).index);
}

static void
s5_log_is_not_kept_for_a_peer_that_gets_nowhere(void **state)
{
	struct lone *l = *state;
	struct effect_snapshot_send to;
	int i;

	l->settings.trailing_entries = 0;
	l->settings.check_quorum = false;
	to = lead_and_send(l);
	lone_propose(l, 4);
	lone_persist(l);
	while (core_commit(l->core) < core_last(l->core).index)
		lone_ack(l, 3);
	applied(l, core_commit(l->core));
	taken(l);
	sent(l, &to, to.stream, to.meta.last);
	for (i = 0; i < 19; i++) {
		lone_pass(l, l->settings.election_timeout_max_ms);
		assert_int_equal(l->effects.compact.index, 0);
	}
	lone_pass(l, l->settings.election_timeout_max_ms);
	assert_int_equal(l->effects.compact.index, core_last(l->core).index);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(snapshot_is_asked_for_by_the_number_of_applied_entries),
		TEST(fault_l18_snapshot_that_never_came_is_asked_for_again),
		TEST(trailing_entries_stay_behind_a_snapshot),
		TEST(snapshot_of_what_the_log_contradicts_is_refused),
		TEST(older_one_of_two_snapshots_is_passed_over),
		TEST(installing_keeps_a_tail_that_agrees),
		TEST(installing_drops_a_log_that_differs_or_is_shorter),
		TEST(fault_s13_snapshot_of_what_is_committed_is_not_wanted),
		TEST(fault_s14_machine_behind_an_installation_takes_nothing_back),
		TEST(chunks_are_contact_with_a_leader),
		TEST(snapshot_that_cannot_be_one_is_refused),
		cmocka_unit_test(
			follower_behind_the_log_gets_the_newest_snapshot),
		cmocka_unit_test(
			follower_within_the_log_gets_entries_and_no_snapshot),
		cmocka_unit_test(
			snapshot_at_the_last_index_suffices_without_a_write),
		cmocka_unit_test(log_behind_a_snapshot_under_way_is_kept),
		cmocka_unit_test(whole_cluster_restarts_from_snapshots),
		TEST(fault_s11_only_the_peers_own_word_on_this_log_is_proof),
		TEST(peer_that_names_another_log_has_installed_nothing),
		TEST(s5_log_behind_an_installed_snapshot_is_kept),
		TEST(s5_log_is_not_kept_for_a_peer_that_gets_nowhere),
	};

	return unit_run("core_snapshot", tests, LEN(tests));
}
