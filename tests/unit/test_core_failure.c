/* test_core_failure.c - a disk that fails or hangs, settings that cannot be,
 * a core that starts in the middle of things. */

#include "unit.h"

#include <string.h>

#include "lone.h"

static const struct log_end none = {0, 0};

/* D3 */
static void
failed_disk_ends_everything_for_good(void **state)
{
	struct lone *l = *state;
	struct core_status status;
	struct event read = {.type = EVENT_READ, .as.read_token = 5};

	lone_lead(l);
	lone_step(l, read);
	lone_propose(l, 1);
	lone_step(l, (struct event){.type = EVENT_PERSIST_FAILED});
	assert_int_equal(l->effects.result_count, 1);
	assert_int_equal(l->effects.results[0].status, RESULT_LOST);
	assert_int_equal(l->effects.read_count, 1);
	assert_false(l->effects.reads[0].granted);
	core_status(l->core, &status);
	assert_true(status.failed);
	assert_int_equal(status.role, ROLE_SHUTDOWN);
	assert_int_equal(l->effects.deadline_ms, UINT64_MAX);
	assert_int_equal(lone_vote(l, 2, 9, none), CORE_SHUTDOWN);
	assert_int_equal(lone_append(l, 2, 9, none, "9", 0), CORE_SHUTDOWN);
	assert_int_equal(lone_propose(l, 1), CORE_SHUTDOWN);
	assert_int_equal(lone_step(l, read), CORE_SHUTDOWN);
	/* A confirmation that comes after all changes nothing. */
	lone_persist(l);
	lone_time_out(l);
	assert_int_equal(l->rc, CORE_OK);
	assert_int_equal(l->effects.send_count, 0);
	assert_int_equal(core_role(l->core), ROLE_SHUTDOWN);
}

/* D5 */
static void
leader_with_a_hanging_disk_steps_down(void **state)
{
	struct lone *l = *state;
	uint64_t hung_ms = 0;

	core_free(l->core);
	l->settings.check_quorum = false; /* Only the disk is at fault. */
	lone_start(l);
	lone_lead(l);
	lone_persist(l);
	lone_propose(l, 1);
	while (core_role(l->core) == ROLE_LEADER && hung_ms < 10000) {
		lone_pass(l, 50);
		hung_ms += 50;
	}
	assert_int_equal(hung_ms, l->settings.election_timeout_max_ms);
	assert_int_equal(l->effects.results[0].status, RESULT_LOST);
	/* It does not stand again before the disk answers. */
	lone_time_out(l);
	lone_time_out(l);
	assert_int_equal(core_role(l->core), ROLE_FOLLOWER);
	assert_int_equal(l->effects.send_count, 0);
	lone_persist(l);
	lone_time_out(l);
	assert_int_equal(core_role(l->core), ROLE_PRE_CANDIDATE);
}

static void
write_that_was_never_begun_is_not_confirmed(void **state)
{
	struct lone *l = *state;
	struct event ev = {.type = EVENT_PERSISTED, .as.persisted_seq = 1};

	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	assert_int_equal(lone_step(l, (struct event){.type = EVENT_APPLIED,
						     .as.applied = 1}),
			 CORE_INVALID);
}

static void
message_for_somebody_else_is_refused(void **state)
{
	struct lone *l = *state;
	struct message m = {
		.type = MESSAGE_HEARTBEAT, .from = 2, .to = 3, .term = 1};
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = &m};

	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	m.to = 1;
	m.from = 1;
	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	m.from = 0;
	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	m.from = 2;
	m.term = LIMIT_NUMBER + 1;
	assert_int_equal(lone_step(l, ev), CORE_INVALID);
	assert_int_equal(core_term(l->core), 0);
}

static void
what_was_committed_before_the_start_is_applied_at_once(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	lone_log(l, "111222");
	l->start.commit = 5;
	l->start.applied = 2;
	lone_start(l);
	lone_pass(l, 0);
	assert_int_equal(l->effects.apply.from, 3);
	assert_int_equal(l->effects.apply.to, 6);
	lone_pass(l, 0);
	assert_int_equal(l->effects.apply.from, l->effects.apply.to);
}

static void
commit_at_the_start_is_held_within_snapshot_and_log(void **state)
{
	struct lone *l = *state;

	core_free(l->core);
	lone_log(l, "111222");
	l->start.commit = 9; /* Committed by others, and lost here. */
	lone_start(l);
	core_check(l->core);
	assert_int_equal(core_commit(l->core), 6);
	core_free(l->core);
	l->start.snapshot.last = (struct log_end){4, 2};
	l->start.applied = 4;
	l->start.commit = 0;
	lone_start(l);
	assert_int_equal(core_commit(l->core), 4);
}

static void
start_knows_the_configurations_of_snapshot_and_log(void **state)
{
	struct lone l;
	struct configuration_at in_log = {
		6, {.voters = {.count = 2, .ids = {1, 2}}}};
	struct core_status status;

	(void)state;
	lone_init(&l, 9);
	lone_log(&l, "1222");
	l.start.compacted = (struct log_end){3, 1};
	l.start.snapshot = (struct snapshot_meta){
		{5, 2}, {4, {.voters = {.count = 3, .ids = {1, 2, 3}}}}};
	l.start.configurations = &in_log;
	l.start.configuration_count = 1;
	l.start.commit = l.start.applied = 5;
	lone_start(&l);
	core_check(l.core);
	core_status(l.core, &status);
	assert_int_equal(status.configuration.index, 6);
	assert_int_equal(status.committed_configuration.index, 4);
	assert_int_equal(status.role, ROLE_FOLLOWER);
	assert_int_equal(status.first, 4);
	assert_int_equal(status.last.index, 7);
	lone_close(&l);
}

static void
settings_have_defaults_that_are_valid_and_ranges(void **state)
{
	struct core_settings s;

	(void)state;
	core_settings_init(&s);
	assert_non_null(core_settings_error(&s)); /* The id is missing. */
	s.id = 1;
	assert_null(core_settings_error(&s));
	s.heartbeat_interval_ms = 167;
	assert_non_null(strstr(core_settings_error(&s), "third"));
	core_settings_init(&s);
	s.id = 1;
	s.election_timeout_max_ms = s.election_timeout_min_ms;
	assert_non_null(core_settings_error(&s));
	core_settings_init(&s);
	s.id = LIMIT_NUMBER + 1;
	assert_non_null(core_settings_error(&s));
	core_settings_init(&s);
	s.id = 1;
	s.max_inflight_requests = 65;
	assert_non_null(core_settings_error(&s));
}

static void
names_and_refusals_are_for_people(void **state)
{
	int rc;

	(void)state;
	assert_string_equal(role_name(ROLE_PRE_CANDIDATE), "pre-candidate");
	assert_string_equal(stream_state_name(STREAM_LINE_RATE), "line-rate");
	for (rc = CORE_NOT_READY; rc <= CORE_OK; rc++)
		assert_string_not_equal(core_rc_text(rc), "unknown");
	assert_string_equal(core_rc_text(99), "unknown");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(failed_disk_ends_everything_for_good),
		TEST(leader_with_a_hanging_disk_steps_down),
		TEST(write_that_was_never_begun_is_not_confirmed),
		TEST(message_for_somebody_else_is_refused),
		TEST(what_was_committed_before_the_start_is_applied_at_once),
		TEST(commit_at_the_start_is_held_within_snapshot_and_log),
		cmocka_unit_test(
			start_knows_the_configurations_of_snapshot_and_log),
		cmocka_unit_test(
			settings_have_defaults_that_are_valid_and_ranges),
		cmocka_unit_test(names_and_refusals_are_for_people),
	};

	return unit_run("core_failure", tests, LEN(tests));
}
