/* test_tail.c - the newest lines of the log, in memory. */

#include "node/tail.h"

#include <string.h>

#include "unit.h"

static const uint32_t sizes[] = {2, 3, 4};

/* The lines "a\n" "bb\n" "ccc\n" from `first` on. */
static struct chunk *
append(struct tail *t, rk_index first)
{
	return tail_append(t, first, 3, (const uint8_t *)"a\nbb\nccc\n", sizes);
}

static void
assert_read(const struct tail *t, rk_index from, rk_index to, size_t max,
	    const char *expected, rk_index end)
{
	struct bytes out = {0};

	assert_int_equal(tail_read(t, from, to, max, &out), end);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	bytes_close(&out);
}

static void
reads_across_chunks(void **state)
{
	struct tail t = {0};

	(void)state;
	append(&t, 5);
	append(&t, 8);
	assert_int_equal(tail_first(&t), 5);
	assert_int_equal(tail_last(&t), 10);
	assert_read(&t, 6, 10, 100, "bb\nccc\na\nbb\n", 10);
	assert_read(&t, 10, 11, 100, "ccc\n", 11);
	tail_close(&t);
}

static void
reads_at_least_one_line_and_no_more_than_fit(void **state)
{
	struct tail t = {0};

	(void)state;
	append(&t, 1);
	assert_read(&t, 3, 4, 1, "ccc\n", 4);
	assert_read(&t, 1, 4, 5, "a\nbb\n", 3);
	assert_read(&t, 1, 4, 4, "a\n", 2);
	tail_close(&t);
}

static void
r8_truncates_within_a_chunk_and_leaves_its_bytes(void **state)
{
	struct tail t = {0};
	struct chunk *c;

	(void)state;
	append(&t, 1);
	c = append(&t, 4);
	c->refs++; /* As the writer's queue does. */
	tail_truncate(&t, 5);
	assert_int_equal(tail_last(&t), 4);
	assert_int_equal(c->lines.len, 9);
	append(&t, 5);
	assert_read(&t, 4, 7, 100, "a\na\nbb\n", 7);
	tail_truncate(&t, 1);
	assert_int_equal(tail_first(&t), 0);
	assert_memory_equal(c->lines.data, "a\nbb\n", 5);
	chunk_unref(c);
	tail_close(&t);
}

static void
trims_only_what_is_safe(void **state)
{
	struct tail t = {0};
	rk_index i;

	(void)state;
	for (i = 0; i < 100; i++)
		append(&t, 1 + 3 * i);
	tail_trim(&t, 150, 0);
	assert_int_equal(tail_first(&t), 151);
	tail_trim(&t, 152, 0);
	assert_int_equal(tail_first(&t), 151);
	tail_trim(&t, 300, 18);
	assert_int_equal(tail_first(&t), 295);
	/* It goes on from there, whatever was dropped. */
	for (i = 100; i < 400; i++) {
		append(&t, 1 + 3 * i);
		tail_trim(&t, 3 * i, 18);
	}
	assert_read(&t, 1200, 1201, 100, "ccc\n", 1201);
	tail_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_across_chunks),
		cmocka_unit_test(reads_at_least_one_line_and_no_more_than_fit),
		cmocka_unit_test(
			r8_truncates_within_a_chunk_and_leaves_its_bytes),
		cmocka_unit_test(trims_only_what_is_safe),
	};

	return unit_run("tail", tests, LEN(tests));
}
