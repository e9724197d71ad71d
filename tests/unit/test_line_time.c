/* test_line_time.c - the time in a line. */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/line.h"
#include "base/prng.h"

#define DAY_MS  UINT64_C(86400000)
#define LAST_MS UINT64_C(253402300799999)

/* What the C library makes of it. */
static void
reference(uint64_t time_ms, char text[64])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(text, 64, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, (int)(time_ms % 1000));
}

static void
assert_right(uint64_t time_ms)
{
	char text[25];
	char expected[64];
	uint64_t back = 0;

	line_format_time(time_ms, text);
	reference(time_ms, expected);
	assert_string_equal(text, expected);
	assert_true(line_parse_time(text, 24, &back));
	assert_true(back == time_ms);
}

static void
every_day_to_9999_is_written_and_read(void **state)
{
	uint64_t day;

	(void)state;
	for (day = 0; day <= LAST_MS / DAY_MS; day++)
		assert_right(day * DAY_MS + day % DAY_MS);
	assert_right(0);
	assert_right(LAST_MS);
}

static void
any_time_of_day_is_written_and_read(void **state)
{
	struct prng random;
	int i;

	(void)state;
	prng_init(&random, unit_seed());
	for (i = 0; i < 100000; i++)
		assert_right(prng_range(&random, 0, LAST_MS + 1));
}

static void
later_times_are_written_as_the_last(void **state)
{
	char text[25];

	(void)state;
	line_format_time(LAST_MS + 1, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	line_format_time(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void
other_forms_are_refused(void **state)
{
	static const char *const bad[] = {
		"2026-11-23T07:12:13.794z", "2026-11-23t07:12:13.794Z",
		"2026-11-23 07:12:13.794Z", "2026-11-23T07:12:13,794Z",
		"2026-11-23T07:12:13.794+", "2026/11/23T07:12:13.794Z",
		"1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z",
		"2026-00-23T07:12:13.794Z", "2026-13-23T07:12:13.794Z",
		"2026-11-00T07:12:13.794Z", "2026-11-31T07:12:13.794Z",
		"2026-02-29T07:12:13.794Z", "2100-02-29T07:12:13.794Z",
		"2026-11-23T24:00:00.000Z", "2026-11-23T07:60:13.794Z",
		"2026-11-23T07:12:60.000Z", "2026-11-23T07:12:1a.794Z",
		"2026-1 -23T07:12:13.794Z", "+026-11-23T07:12:13.794Z",
		"2026-11-23T07:12:13.7-4Z",
	};
	uint64_t time_ms;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++) {
		if (line_parse_time(bad[i], strlen(bad[i]), &time_ms))
			fail_msg("took %s", bad[i]);
	}
	assert_false(line_parse_time("2026-11-23T07:12:13.794Z", 23, &time_ms));
	assert_false(
		line_parse_time("2026-11-23T07:12:13.794ZZ", 25, &time_ms));
	assert_true(line_parse_time("2000-02-29T07:12:13.794Z", 24, &time_ms));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_to_9999_is_written_and_read),
		cmocka_unit_test(any_time_of_day_is_written_and_read),
		cmocka_unit_test(later_times_are_written_as_the_last),
		cmocka_unit_test(other_forms_are_refused),
	};

	return unit_run("line_time", tests, LEN(tests));
}
