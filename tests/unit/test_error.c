/* test_error.c - errors, and the names of what the library returns. */

#include "unit.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

static void
set_fills_the_error_and_clears_the_hint(void **state)
{
	struct rk_error err = {.hint = "old"};

	(void)state;
	assert_int_equal(error_set(&err, RK_ABSENT, "entry %d", 7), RK_ABSENT);
	assert_int_equal(err.code, RK_ABSENT);
	assert_string_equal(err.text, "entry 7");
	assert_string_equal(err.hint, "");
}

static void
wrap_puts_what_failed_in_front(void **state)
{
	struct rk_error err;

	(void)state;
	error_set(&err, RK_CORRUPT, "bad checksum");
	error_hint(&err, "get help");
	assert_int_equal(error_wrap(&err, "record %d", 3), RK_CORRUPT);
	error_wrap(&err, "recover %s", "/var/lib/raft");
	assert_string_equal(err.text,
			    "recover /var/lib/raft: record 3: bad checksum");
	assert_string_equal(err.hint, "get help");
}

static void
set_may_quote_the_error_itself(void **state)
{
	struct rk_error err;

	(void)state;
	error_set(&err, RK_FAILED, "disk");
	error_set(&err, RK_UNKNOWN, "again: %s", err.text);
	assert_string_equal(err.text, "again: disk");
}

static void
text_is_one_line_and_a_hint_may_be_more(void **state)
{
	struct rk_error err;

	(void)state;
	error_set(&err, RK_FAILED, "a\nb\x1b[31m\x7f");
	assert_string_equal(err.text, "a b [31m ");
	error_hint(&err, "one\ntwo");
	assert_string_equal(err.hint, "one\ntwo");
}

static void
long_text_is_cut_between_characters(void **state)
{
	struct rk_error err;
	char text[3 * sizeof err.text];
	size_t shift;
	size_t i;

	(void)state;
	for (shift = 0; shift < 4; shift++) {
		memset(text, 'a', sizeof text);
		for (i = shift; i + 4 < sizeof text; i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		text[sizeof text - 1] = '\0';
		error_set(&err, RK_FAILED, "%s", text);
		assert_in_range(strlen(err.text), sizeof err.text - 4,
				sizeof err.text - 1);
		assert_true(bytes_is_utf8(err.text, strlen(err.text)));
		error_wrap(&err, "x");
		assert_true(bytes_is_utf8(err.text, strlen(err.text)));
	}
	memset(text, '\x80', sizeof text - 1);
	error_set(&err, RK_FAILED, "%s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void
every_code_and_type_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(rk_code_name(RK_OK), "ok");
	assert_string_equal(rk_code_name(RK_NO_LEADER), "no-leader");
	assert_string_equal(rk_code_name(RK_CORRUPT), "corrupt");
	assert_string_equal(rk_code_name((enum rk_code)99), "invalid");
	assert_string_equal(rk_entry_type_name(RK_ENTRY_DATA), "data");
	assert_string_equal(rk_entry_type_name(RK_ENTRY_NOOP), "noop");
	assert_string_equal(rk_entry_type_name(RK_ENTRY_CONFIGURATION),
			    "configuration");
	assert_string_equal(rk_entry_type_name((enum rk_entry_type)99),
			    "invalid");
}

static void
version_names_the_formats(void **state)
{
	(void)state;
	assert_non_null(
		strstr(rk_version(), ", data format 1, wire protocol 1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_the_error_and_clears_the_hint),
		cmocka_unit_test(wrap_puts_what_failed_in_front),
		cmocka_unit_test(set_may_quote_the_error_itself),
		cmocka_unit_test(text_is_one_line_and_a_hint_may_be_more),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(every_code_and_type_has_a_name),
		cmocka_unit_test(version_names_the_formats),
	};

	return unit_run("error", tests, LEN(tests));
}
