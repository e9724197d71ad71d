/* test_core_read.c - reads are granted only by who surely leads. */

#include "unit.h"

#include "lone.h"

static int
ask(struct lone *l, uint64_t token)
{
	return lone_step(
		l, (struct event){.type = EVENT_READ, .as.read_token = token});
}

/* Answer the heartbeat that the last step sent to `from`. */
static struct message
answer_to(const struct lone *l, rk_id from)
{
	const struct effect_send *send = lone_sent(l, MESSAGE_HEARTBEAT, from);

	assert_non_null(send);
	return (struct message){
		.type = MESSAGE_HEARTBEAT_REPLY,
		.from = from,
		.term = send->message.term,
		.stream = send->message.stream,
		.request = send->message.request,
		.as.heartbeat_reply = {
			.round = send->message.as.heartbeat.round, .last = 1}};
}

static void
lead(struct lone *l)
{
	lone_lead(l);
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 1);
}

/* Q1 */
static void
read_waits_for_an_entry_of_the_own_term(void **state)
{
	struct lone *l = *state;
	struct message answer;

	lone_lead(l);
	ask(l, 7);
	answer = answer_to(l, 2);
	lone_receive(l, answer);
	assert_int_equal(l->effects.read_count, 0);
	lone_ack(l, 2);
	assert_int_equal(l->effects.read_count, 0);
	lone_persist(l);
	assert_int_equal(l->effects.read_count, 1);
	assert_true(l->effects.reads[0].granted);
	assert_int_equal(l->effects.reads[0].token, 7);
	assert_int_equal(l->effects.reads[0].index, 1);
}

static void
fault_s9_read_needs_a_majority_that_was_asked_after_it(void **state)
{
	struct lone *l = *state;
	struct message early, answer;

	lead(l);
	lone_pass(l, l->settings.heartbeat_interval_ms);
	early = answer_to(l, 2);
	ask(l, 1);
	answer = answer_to(l, 3);
	lone_receive(l, early); /* To a heartbeat from before the read. */
	assert_int_equal(l->effects.read_count, 0);
	answer.term = 0; /* Of another term. */
	lone_receive(l, answer);
	assert_int_equal(l->effects.read_count, 0);
	answer.term = 1;
	lone_receive(l, answer);
	assert_int_equal(l->effects.read_count, 1);
	assert_true(l->effects.reads[0].granted);
}

static void
reads_that_wait_share_the_next_round(void **state)
{
	struct lone *l = *state;
	struct message first, second;

	lead(l);
	ask(l, 1);
	first = answer_to(l, 2);
	ask(l, 2);
	assert_null(lone_sent(l, MESSAGE_HEARTBEAT, 2));
	ask(l, 3);
	lone_receive(l, first);
	assert_int_equal(l->effects.read_count, 1);
	assert_int_equal(l->effects.reads[0].token, 1);
	second = answer_to(l, 2);
	lone_receive(l, first); /* Once more: proves nothing new. */
	assert_int_equal(l->effects.read_count, 0);
	lone_receive(l, second);
	assert_int_equal(l->effects.read_count, 2);
	assert_int_equal(l->effects.reads[0].token, 2);
	assert_int_equal(l->effects.reads[1].token, 3);
}

static void
lost_round_is_asked_again_by_the_next_heartbeat(void **state)
{
	struct lone *l = *state;
	struct message answer;

	lead(l);
	ask(l, 1);
	lone_pass(l, l->settings.heartbeat_interval_ms);
	answer = answer_to(l, 3);
	lone_receive(l, answer);
	assert_int_equal(l->effects.read_count, 1);
}

/* Q2, Q3 */
static void
deposed_leader_grants_nothing(void **state)
{
	struct lone *l = *state;
	struct message answer;

	lead(l);
	ask(l, 1);
	answer = answer_to(l, 2);
	lone_heartbeat(l, 3, 2, 0);
	assert_int_equal(l->effects.read_count, 1);
	assert_false(l->effects.reads[0].granted);
	lone_receive(l, answer);
	assert_int_equal(l->effects.read_count, 0);
	assert_int_equal(ask(l, 2), CORE_NOT_LEADER);
}

static void
read_names_what_was_committed_when_it_came(void **state)
{
	struct lone *l = *state;
	struct message answer;

	lead(l);
	lone_propose(l, 3);
	ask(l, 1);
	answer = answer_to(l, 2);
	lone_ack(l, 2);
	lone_persist(l);
	assert_int_equal(core_commit(l->core), 4);
	ask(l, 2);
	lone_receive(l, answer);
	assert_int_equal(l->effects.reads[0].index, 1);
	answer = answer_to(l, 2);
	lone_receive(l, answer);
	assert_int_equal(l->effects.reads[0].index, 4);
}

static void
sole_voter_grants_at_once(void **state)
{
	struct lone l;

	(void)state;
	lone_init(&l, 1);
	lone_start(&l);
	lone_pass(&l, 0);
	lone_persist(&l);
	ask(&l, 1);
	assert_int_equal(l.effects.read_count, 0); /* Q1 here, too. */
	lone_persist(&l);
	assert_int_equal(l.effects.read_count, 1);
	ask(&l, 2);
	assert_int_equal(l.effects.read_count, 1);
	assert_int_equal(l.effects.reads[0].index, 1);
	lone_close(&l);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(read_waits_for_an_entry_of_the_own_term),
		TEST(fault_s9_read_needs_a_majority_that_was_asked_after_it),
		TEST(reads_that_wait_share_the_next_round),
		TEST(lost_round_is_asked_again_by_the_next_heartbeat),
		TEST(deposed_leader_grants_nothing),
		TEST(read_names_what_was_committed_when_it_came),
		cmocka_unit_test(sole_voter_grants_at_once),
	};

	return unit_run("core_read", tests, LEN(tests));
}
