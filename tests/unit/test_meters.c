/* test_meters.c - counts and measures, and how they are exposed. */

#include "unit.h"

#include <string.h>

#include "node/exposition.h"
#include "node/meters.h"

static void
is_text(struct bytes *text, const char *wanted)
{
	bytes_append_char(text, '\0');
	assert_string_equal((const char *)text->data, wanted);
	bytes_close(text);
}

static void
histogram_counts_a_value_at_its_bound(void **state)
{
	struct histogram h = {.scale = HISTOGRAM_COUNT};

	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, 1);
	histogram_add(&h, 2);
	histogram_add(&h, 3);
	histogram_add(&h, UINT32_MAX);
	assert_int_equal(h.counts[0], 2);
	assert_int_equal(h.counts[1], 1);
	assert_int_equal(h.counts[2], 1);
	assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 1);
	assert_int_equal(h.sum, UINT64_C(6) + UINT32_MAX);
}

static void
bounds_rise(void **state)
{
	struct histogram h = {.scale = HISTOGRAM_MICROSECONDS};
	unsigned i;

	(void)state;
	for (i = 1; i < HISTOGRAM_BOUNDS; i++)
		assert_true(histogram_bound(&h, i - 1) <
			    histogram_bound(&h, i));
	h.scale = HISTOGRAM_COUNT;
	for (i = 1; i < HISTOGRAM_BOUNDS; i++)
		assert_true(histogram_bound(&h, i - 1) <
			    histogram_bound(&h, i));
}

static void
seconds_have_as_few_digits_as_say_it(void **state)
{
	struct bytes text = {.data = NULL};

	(void)state;
	exposition_seconds(&text, "a", "", 0);
	exposition_seconds(&text, "a", "", 1);
	exposition_seconds(&text, "a", "", 2500);
	exposition_seconds(&text, "a", "b=\"c\"", 12500000);
	is_text(&text, "a 0\na 0.000001\na 0.0025\na{b=\"c\"} 12.5\n");
}

static void
histogram_is_exposed_with_rising_buckets(void **state)
{
	struct histogram h = {.scale = HISTOGRAM_MICROSECONDS};
	struct bytes text = {.data = NULL};
	const char *start = "a_bucket{b=\"c\",le=\"0.00005\"} 1\n"
			    "a_bucket{b=\"c\",le=\"0.0001\"} 1\n"
			    "a_bucket{b=\"c\",le=\"0.00025\"} 2\n";
	const char *end = "a_bucket{b=\"c\",le=\"+Inf\"} 3\n"
			  "a_sum{b=\"c\"} 60.0002\na_count{b=\"c\"} 3\n";

	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, 200);
	histogram_add(&h, 60000000);
	exposition_histogram(&text, "a", "b=\"c\"", &h);
	assert_memory_equal(text.data, start, strlen(start));
	assert_memory_equal(text.data + text.len - strlen(end), end,
			    strlen(end));
	bytes_close(&text);
}

static void
peers_that_are_too_many_push_out_the_oldest(void **state)
{
	struct message m = {.type = MESSAGE_APPEND, .as.append.count = 2};
	struct meters *meters = meters_new();

	(void)state;
	for (m.to = 1; m.to <= METERS_PEERS + 1; m.to++)
		meters_sent(meters, &m);
	assert_int_equal(meters->peer_count, METERS_PEERS);
	assert_int_equal(meters->peers[0]->id, 2);
	assert_int_equal(meters->peers[METERS_PEERS - 1]->id, METERS_PEERS + 1);
	assert_int_equal(meters->peers[METERS_PEERS - 1]->entries, 2);
	meters_free(meters);
}

static void
what_failed_has_no_round_trip(void **state)
{
	struct meters *meters = meters_new();
	const struct meter_peer *p;

	(void)state;
	meters_ended(meters,
		     &(struct meters_end){2, MESSAGE_VOTE, true, 8, 70});
	meters_ended(meters,
		     &(struct meters_end){2, MESSAGE_HEARTBEAT, false, 5, 80});
	meters_ended(meters,
		     &(struct meters_end){2, MESSAGE_SNAPSHOT, false, 0, 90});
	p = meters->peers[0];
	assert_int_equal(p->round_trip[METER_HEARTBEAT].sum, 70);
	assert_int_equal(p->failures[METER_HEARTBEAT], 1);
	assert_int_equal(p->failures[METER_SNAPSHOT], 1);
	assert_int_equal(p->failures[METER_APPEND], 0);
	assert_int_equal(p->bytes[METER_HEARTBEAT], 13);
	assert_int_equal(p->bytes[METER_SNAPSHOT], 0);
	meters_free(meters);
}

static void
only_what_was_written_counts(void **state)
{
	struct writer_done done = {.elapsed_us = 5, .entries = 3, .bytes = 9};
	struct meters *meters = meters_new();

	(void)state;
	meters_written(meters, &done);
	done.rc = RK_REJECTED;
	meters_written(meters, &done);
	assert_int_equal(meters->write.sum, 5);
	assert_int_equal(meters->batch.sum, 3);
	assert_int_equal(meters->written_bytes, 9);
	meters_free(meters);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_counts_a_value_at_its_bound),
		cmocka_unit_test(bounds_rise),
		cmocka_unit_test(seconds_have_as_few_digits_as_say_it),
		cmocka_unit_test(histogram_is_exposed_with_rising_buckets),
		cmocka_unit_test(peers_that_are_too_many_push_out_the_oldest),
		cmocka_unit_test(what_failed_has_no_round_trip),
		cmocka_unit_test(only_what_was_written_counts),
	};

	return unit_run("meters", tests, LEN(tests));
}
