/* test_settings.c - what a member is told on its command line. */

#include "node/settings.h"

#include <string.h>

#include "unit.h"

static const char *
value_of(const struct rk_settings *s, const char *name, const char **origin)
{
	struct rk_setting setting;
	size_t i;

	for (i = 0; rk_settings_get(s, i, &setting); i++) {
		if (strcmp(setting.name, name) == 0) {
			*origin = setting.origin;
			return setting.value;
		}
	}
	return NULL;
}

static void
defaults_are_valid_and_are_the_cores(void **state)
{
	struct core_settings core;
	struct node_settings n;
	struct rk_error err;

	(void)state;
	core_settings_init(&core);
	assert_int_equal(node_settings_read(NULL, &n, &err), RK_OK);
	assert_int_equal(n.core.election_timeout_min_ms,
			 core.election_timeout_min_ms);
	assert_int_equal(n.core.election_timeout_max_ms,
			 core.election_timeout_max_ms);
	assert_int_equal(n.core.heartbeat_interval_ms,
			 core.heartbeat_interval_ms);
	assert_int_equal(n.core.max_payload_bytes, core.max_payload_bytes);
	assert_int_equal(n.core.trailing_entries, core.trailing_entries);
	assert_true(n.sync);
}

static void
values_take_units_and_are_checked(void **state)
{
	struct rk_settings *s = rk_settings_new();
	struct node_settings n;
	struct rk_error err;
	const char *origin;

	(void)state;
	assert_int_equal(rk_settings_set(s, "heartbeat-interval", "0.1s",
					 "option", &err),
			 RK_USAGE);
	assert_int_equal(
		rk_settings_set(s, "heartbeat-interval", "50", "option", &err),
		RK_USAGE);
	assert_int_equal(
		rk_settings_set(s, "max-payload-bytes", "0", "option", &err),
		RK_USAGE);
	assert_int_equal(rk_settings_set(s, "no-such", "1", "option", &err),
			 RK_ABSENT);
	assert_int_equal(rk_settings_set(s, "heartbeat-interval", "50ms",
					 "option", &err),
			 RK_OK);
	assert_int_equal(
		rk_settings_set(s, "max-entry-bytes", "64KiB", "option", &err),
		RK_OK);
	assert_string_equal(value_of(s, "heartbeat-interval", &origin), "50ms");
	assert_string_equal(origin, "option");
	assert_int_equal(node_settings_read(s, &n, &err), RK_OK);
	assert_int_equal(n.core.heartbeat_interval_ms, 50);
	assert_int_equal(n.max_entry_bytes, 65536);
	rk_settings_free(s);
}

static void
timeouts_that_contradict_the_heartbeat_are_refused(void **state)
{
	struct rk_settings *s = rk_settings_new();
	struct node_settings n;
	struct rk_error err;

	(void)state;
	assert_int_equal(rk_settings_set(s, "heartbeat-interval", "400ms",
					 "option", &err),
			 RK_OK);
	assert_int_equal(node_settings_read(s, &n, &err), RK_USAGE);
	assert_non_null(strstr(err.text, "heartbeat"));
	rk_settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_valid_and_are_the_cores),
		cmocka_unit_test(values_take_units_and_are_checked),
		cmocka_unit_test(
			timeouts_that_contradict_the_heartbeat_are_refused),
	};

	return unit_run("settings", tests, LEN(tests));
}
