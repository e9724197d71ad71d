/* test_quorum.c - majorities of one set and of two. */

#include "unit.h"

#include "core/quorum.h"

static struct id_set
first(size_t count)
{
	struct id_set set = {.count = count};
	size_t i;

	for (i = 0; i < count; i++)
		set.ids[i] = i + 1;
	return set;
}

static void
reached_is_what_a_majority_has(void **state)
{
	/* By members: 9, 7, 5, 3, 1. */
	static const struct quorum_value values[] = {
		{5, 1}, {4, 3}, {3, 5}, {2, 7}, {1, 9}};
	static const uint64_t expected[] = {0, 9, 7, 7, 5, 5};
	size_t count;

	(void)state;
	for (count = 0; count < LEN(expected); count++) {
		struct configuration c = {.voters = first(count)};

		assert_int_equal(quorum_reached(&c, values, LEN(values)),
				 expected[count]);
	}
}

static void
reached_counts_an_unknown_voter_as_nothing(void **state)
{
	static const struct quorum_value values[] = {{1, 9}, {7, 9}, {8, 9}};
	struct configuration c = {.voters = first(3)};

	(void)state;
	assert_int_equal(quorum_reached(&c, values, LEN(values)), 0);
}

static void
fault_s10_reached_needs_both_majorities_when_joint(void **state)
{
	static const struct quorum_value values[] = {
		{1, 5}, {2, 5}, {3, 5}, {4, 2}, {5, 2}};
	struct configuration c = {
		.voters = {.count = 3, .ids = {3, 4, 5}},
		.old = {.count = 3, .ids = {1, 2, 3}},
	};

	(void)state;
	assert_int_equal(quorum_reached(&c, values, LEN(values)), 2);
	c.old = c.voters;
	c.voters = first(3); /* Whichever set is behind. */
	assert_int_equal(quorum_reached(&c, values, LEN(values)), 2);
	c.voters = c.old;
	c.old.count = 0;
	assert_int_equal(quorum_reached(&c, values, LEN(values)), 2);
	c.voters = first(3);
	assert_int_equal(quorum_reached(&c, values, LEN(values)), 5);
}

static void
verdict_is_open_until_a_majority_spoke(void **state)
{
	static const struct quorum_vote votes[] = {
		{1, true}, {2, false}, {3, true}, {4, true}};
	static const enum quorum_verdict expected[] = {
		QUORUM_OPEN, QUORUM_OPEN, QUORUM_OPEN, QUORUM_OPEN, QUORUM_WON};
	struct configuration c = {.voters = first(5)};
	size_t count;

	(void)state;
	for (count = 0; count < LEN(expected); count++)
		assert_int_equal(quorum_verdict(&c, votes, count),
				 expected[count]);
}

static void
verdict_is_lost_once_no_majority_is_left(void **state)
{
	static const struct quorum_vote votes[] = {
		{1, true}, {2, false}, {3, false}};
	struct configuration c = {.voters = first(4)};

	(void)state;
	/* Two of four are no majority, so two refusals decide. */
	assert_int_equal(quorum_verdict(&c, votes, 2), QUORUM_OPEN);
	assert_int_equal(quorum_verdict(&c, votes, 3), QUORUM_LOST);
}

static void
verdict_passes_over_strangers_and_second_words(void **state)
{
	static const struct quorum_vote votes[] = {
		{1, true}, {8, true}, {1, true}, {9, true}};
	struct configuration c = {.voters = first(3)};

	(void)state;
	assert_int_equal(quorum_verdict(&c, votes, LEN(votes)), QUORUM_OPEN);
}

static void
fault_s10_verdict_needs_both_sets_and_loses_with_either(void **state)
{
	static const struct quorum_vote votes[] = {
		{1, true}, {2, true}, {4, false}, {5, false}};
	struct configuration c = {
		.voters = {.count = 3, .ids = {3, 4, 5}},
		.old = {.count = 3, .ids = {1, 2, 3}},
	};

	(void)state;
	assert_int_equal(quorum_verdict(&c, votes, 2), QUORUM_OPEN);
	assert_int_equal(quorum_verdict(&c, votes, 3), QUORUM_OPEN);
	assert_int_equal(quorum_verdict(&c, votes, 4), QUORUM_LOST);
	c.old = c.voters;
	c.voters = first(3);
	assert_int_equal(quorum_verdict(&c, votes, 2), QUORUM_OPEN);
	assert_int_equal(quorum_verdict(&c, votes, 3), QUORUM_OPEN);
	assert_int_equal(quorum_verdict(&c, votes, 4), QUORUM_LOST);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reached_is_what_a_majority_has),
		cmocka_unit_test(reached_counts_an_unknown_voter_as_nothing),
		cmocka_unit_test(
			fault_s10_reached_needs_both_majorities_when_joint),
		cmocka_unit_test(verdict_is_open_until_a_majority_spoke),
		cmocka_unit_test(verdict_is_lost_once_no_majority_is_left),
		cmocka_unit_test(
			verdict_passes_over_strangers_and_second_words),
		cmocka_unit_test(
			fault_s10_verdict_needs_both_sets_and_loses_with_either),
	};

	return unit_run("quorum", tests, LEN(tests));
}
