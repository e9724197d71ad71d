/* test_prng.c - seeded random numbers, and the clock beside them. */

#include "unit.h"

#include <string.h>

#include "base/clock.h"
#include "base/prng.h"

static void
known_states_give_the_published_numbers(void **state)
{
	struct prng p = {{1, 2, 3, 4}};

	(void)state;
	assert_true(prng_next(&p) == 11520);
	assert_true(prng_next(&p) == 0);
	assert_true(prng_next(&p) == 1509978240);
	assert_true(prng_next(&p) == UINT64_C(1215971899390074240));
	prng_init(&p, 0);
	assert_true(p.state[0] == UINT64_C(0xe220a8397b1dcdaf));
}

static void
equal_seeds_give_equal_numbers(void **state)
{
	struct prng a;
	struct prng b;
	int i;

	(void)state;
	prng_init(&a, 7);
	prng_init(&b, 7);
	for (i = 0; i < 1000; i++)
		assert_true(prng_next(&a) == prng_next(&b));
	prng_init(&b, 8);
	assert_true(prng_next(&a) != prng_next(&b));
}

static void
range_reaches_every_value_and_no_other(void **state)
{
	unsigned int seen[7] = {0};
	struct prng p;
	uint64_t n;
	int i;

	(void)state;
	prng_init(&p, unit_seed());
	for (i = 0; i < 70000; i++) {
		n = prng_range(&p, 10, 17);
		assert_in_range(n, 10, 16);
		seen[n - 10]++;
	}
	for (i = 0; i < 7; i++)
		assert_in_range(seen[i], 9000, 11000);
	assert_true(prng_range(&p, 5, 6) == 5);
	assert_true(prng_range(&p, 0, UINT64_MAX) < UINT64_MAX);
}

static void
entropy_differs_each_time(void **state)
{
	(void)state;
	assert_true(prng_entropy() != prng_entropy());
}

static void
clocks_run_forward(void **state)
{
	uint64_t ms = clock_now_ms();
	uint64_t us = clock_now_us();

	(void)state;
	assert_true(us / 1000 >= ms);
	assert_true(clock_now_us() >= us);
	/* Beyond 2020, and in milliseconds. */
	assert_in_range(clock_wall_ms(), UINT64_C(1577836800000),
			UINT64_C(253402300799999));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_states_give_the_published_numbers),
		cmocka_unit_test(equal_seeds_give_equal_numbers),
		cmocka_unit_test(range_reaches_every_value_and_no_other),
		cmocka_unit_test(entropy_differs_each_time),
		cmocka_unit_test(clocks_run_forward),
	};

	return unit_run("prng", tests, LEN(tests));
}
