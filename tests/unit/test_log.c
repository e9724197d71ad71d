/* test_log.c - a log as it is in health: write, read, roll, compact, reopen. */

#include <string.h>

#include "store.h"

static int
setup(void **state)
{
	struct store_fixture *f = mem_alloc(1, sizeof *f);

	store_init(f);
	*state = f;
	assert_int_equal(store_open_log(f), RK_OK);
	return 0;
}

static int
teardown(void **state)
{
	store_close(*state);
	mem_free(*state);
	return 0;
}

static void
reopen(struct store_fixture *f)
{
	store_close_log(f);
	if (store_open_log(f) != RK_OK)
		fail_msg("%s", f->err.text);
}

static void
new_log_is_empty(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(f->recovered.count, 0);
	assert_int_equal(f->recovered.hard_state.term, 0);
	assert_int_equal(f->recovered.compacted.index, 0);
	assert_int_equal(f->recovered.commit_hint, 0);
	assert_int_equal(f->recovered.torn_bytes, 0);
}

static void
read_returns_what_was_written(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(store_append(f, 1, 10, 20), RK_OK);
	store_expect(f, 1, 11, 1, 20);
	store_expect(f, 4, 6, 1, 20);
}

static void
reopened_log_holds_everything(void **state)
{
	struct store_fixture *f = *state;
	struct log_op vote = {.has_hard_state = true, .hard_state = {3, 2}};
	size_t i;

	assert_int_equal(store_append(f, 1, 7, 20), RK_OK);
	assert_int_equal(store_append(f, 3, 5, 9), RK_OK);
	assert_int_equal(store_write(f, &vote), RK_OK);
	reopen(f);
	assert_int_equal(f->recovered.count, 12);
	assert_int_equal(f->recovered.run_count, 2);
	assert_int_equal(f->recovered.runs[0].term, 1);
	assert_int_equal(f->recovered.runs[0].count, 7);
	assert_int_equal(f->recovered.runs[1].term, 3);
	assert_int_equal(f->recovered.runs[1].count, 5);
	assert_int_equal(f->recovered.hard_state.term, 3);
	assert_int_equal(f->recovered.hard_state.vote, 2);
	assert_int_equal(f->recovered.commit_hint, 12);
	for (i = 1; i < 7; i++)
		assert_int_equal(f->recovered.sizes[i], f->recovered.sizes[0]);
	store_expect(f, 1, 8, 1, 20);
	store_expect(f, 8, 13, 3, 9);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(new_log_is_empty, setup,
						teardown),
		cmocka_unit_test_setup_teardown(read_returns_what_was_written,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reopened_log_holds_everything,
						setup, teardown),
	};

	return unit_run("log", tests, LEN(tests));
}
