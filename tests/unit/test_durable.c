/* test_durable.c - what is on disk, what is on its way, what waits for it. */

#include "unit.h"

#include "core/durable.h"

static void
append(struct durable *d, rk_index last)
{
	durable_begin(d, 0);
	durable_add_entries(d, last);
	durable_check(d, last);
}

static void
confirm_makes_everything_before_it_stable(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 10);
	append(&d, 12);
	append(&d, 15);
	append(&d, 20);
	assert_int_equal(d.stable, 10);
	durable_confirm(&d, 2);
	assert_int_equal(d.stable, 15);
	durable_confirm(&d, 1); /* Late. */
	assert_int_equal(d.stable, 15);
	durable_confirm(&d, 3);
	assert_int_equal(d.stable, 20);
	durable_close(&d);
}

static void
confirm_of_overwritten_entries_proves_nothing_of_the_new(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 2);
	append(&d, 5); /* Write 1: 3 to 5. */
	durable_begin(&d, 0);
	durable_truncate(&d, 4);
	durable_add_entries(&d, 6); /* Write 2: other 4 to 6. */
	durable_confirm(&d, 1);
	assert_int_equal(d.stable, 3);
	durable_confirm(&d, 2);
	assert_int_equal(d.stable, 6);
	durable_close(&d);
}

static void
truncate_takes_back_what_was_stable(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 9);
	durable_begin(&d, 0);
	durable_truncate(&d, 5);
	assert_int_equal(d.stable, 4);
	durable_add_entries(&d, 5);
	durable_check(&d, 5);
	durable_close(&d);
}

static void
gate_names_the_first_write_that_suffices(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 3);
	assert_int_equal(durable_gate(&d, 3), 0);
	append(&d, 5);
	append(&d, 8);
	assert_int_equal(durable_gate(&d, 3), 0);
	assert_int_equal(durable_gate(&d, 4), 1);
	assert_int_equal(durable_gate(&d, 5), 1);
	assert_int_equal(durable_gate(&d, 6), 2);
	durable_confirm(&d, 1);
	assert_int_equal(durable_gate(&d, 5), 0);
	durable_close(&d);
}

static void
gate_never_opens_before_term_and_vote_are_stored(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 3);
	append(&d, 4);
	durable_begin(&d, 0);
	durable_add_hard_state(&d);
	assert_int_equal(durable_gate(&d, 0), 2);
	assert_int_equal(durable_gate(&d, 4), 2);
	durable_confirm(&d, 1);
	assert_int_equal(durable_gate(&d, 4), 2);
	durable_confirm(&d, 2);
	assert_int_equal(durable_gate(&d, 4), 0);
	durable_close(&d);
}

static void
hangs_by_the_oldest_write(void **state)
{
	struct durable d;

	(void)state;
	durable_init(&d, 0);
	assert_false(durable_hangs(&d, 1000000, 1));
	durable_begin(&d, 100);
	durable_begin(&d, 500);
	assert_false(durable_hangs(&d, 599, 500));
	assert_true(durable_hangs(&d, 600, 500));
	durable_confirm(&d, 1);
	assert_false(durable_hangs(&d, 600, 500));
	assert_int_equal(durable_oldest_ms(&d), 500);
	durable_close(&d);
}

static void
thousands_under_way_are_confirmed_in_any_portions(void **state)
{
	struct durable d;
	uint64_t seq;

	(void)state;
	durable_init(&d, 0);
	for (seq = 1; seq <= 5000; seq++) {
		append(&d, seq * 2);
		if (seq % 7 == 0)
			durable_confirm(&d, seq - 3);
		durable_check(&d, seq * 2);
	}
	durable_confirm(&d, 5000);
	assert_int_equal(d.stable, 10000);
	durable_close(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(confirm_makes_everything_before_it_stable),
		cmocka_unit_test(
			confirm_of_overwritten_entries_proves_nothing_of_the_new),
		cmocka_unit_test(truncate_takes_back_what_was_stable),
		cmocka_unit_test(gate_names_the_first_write_that_suffices),
		cmocka_unit_test(
			gate_never_opens_before_term_and_vote_are_stored),
		cmocka_unit_test(hangs_by_the_oldest_write),
		cmocka_unit_test(
			thousands_under_way_are_confirmed_in_any_portions),
	};

	return unit_run("durable", tests, LEN(tests));
}
