/* test_fetch.c - how snapshots are named over HTTP, and parts of them. */

#include "unit.h"

#include <string.h>

#include "node/fetch.h"

static void
id_is_what_the_list_shows(void **state)
{
	struct snapshot_header h = {
		.meta.last = {.index = 90211, .term = 3},
		.machine = "log",
		.bytes = 17,
		.time_ms = 0,
	};
	static const char expected[] =
		"{\"id\":\"90211-3\",\"index\":90211,\"term\":3,\"bytes\":17,"
		"\"time\":\"1970-01-01T00:00:00.000Z\",\"machine\":\"log\"}";
	struct bytes text = {0};
	struct log_end last;

	(void)state;
	fetch_encode(&text, &h);
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.data, expected, text.len);
	bytes_close(&text);
	assert_true(fetch_parse_id("90211-3", &last));
	assert_int_equal(last.index, 90211);
	assert_int_equal(last.term, 3);
}

static void
id_of_another_form_is_none(void **state)
{
	static const char *const wrong[] = {
		"",     "7",    "-",    "7-",   "-3",
		"7-3-", "7--3", "07-3", "7-3 ", "9007199254740992-1",
	};
	struct log_end last;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(wrong); i++)
		assert_false(fetch_parse_id(wrong[i], &last));
}

static void
range_from_within_asks_for_the_rest(void **state)
{
	uint64_t from;

	(void)state;
	assert_int_equal(fetch_parse_range("bytes=0-", 10, &from), FETCH_REST);
	assert_int_equal(from, 0);
	assert_int_equal(fetch_parse_range("bytes=9-", 10, &from), FETCH_REST);
	assert_int_equal(from, 9);
}

static void
range_from_the_end_has_nothing(void **state)
{
	uint64_t from;

	(void)state;
	assert_int_equal(fetch_parse_range("bytes=10-", 10, &from), FETCH_PAST);
	assert_int_equal(
		fetch_parse_range("bytes=18446744073709551615-", 10, &from),
		FETCH_PAST);
}

static void
range_of_another_form_asks_for_all(void **state)
{
	static const char *const other[] = {
		NULL,         "",
		"bytes=",     "bytes=-",
		"bytes=-5",   "bytes=1-2",
		"lines=1-",   "bytes=1-,3-",
		"bytes=0x1-", "bytes=01-",
		"bytes= 1-",  "bytes=18446744073709551616-",
	};
	uint64_t from;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(other); i++) {
		assert_int_equal(fetch_parse_range(other[i], 10, &from),
				 FETCH_ALL);
		assert_int_equal(from, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_is_what_the_list_shows),
		cmocka_unit_test(id_of_another_form_is_none),
		cmocka_unit_test(range_from_within_asks_for_the_rest),
		cmocka_unit_test(range_from_the_end_has_nothing),
		cmocka_unit_test(range_of_another_form_asks_for_all),
	};

	return unit_run("fetch", tests, LEN(tests));
}
