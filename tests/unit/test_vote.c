/* test_vote.c - who may be voted for, and the ballot of a campaign. */

#include "unit.h"

#include "core/vote.h"

static void
fault_s8_grant_compares_the_term_before_the_index(void **state)
{
	static const struct {
		struct log_end own, theirs;
		bool grants;
	} cases[] = {
		{{0, 0}, {0, 0}, true}, {{5, 2}, {5, 2}, true},
		{{5, 2}, {6, 2}, true}, {{5, 2}, {4, 2}, false},
		{{5, 2}, {1, 3}, true}, {{1, 3}, {9, 2}, false},
		{{0, 0}, {1, 1}, true}, {{1, 1}, {0, 0}, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++)
		assert_int_equal(vote_may_grant(cases[i].own, cases[i].theirs),
				 cases[i].grants);
}

static void
grant_is_never_refused_both_ways(void **state)
{
	struct log_end a, b;

	(void)state;
	/* Else no candidate could win. */
	for (a.index = 0; a.index < 4; a.index++)
		for (a.term = 0; a.term < 4; a.term++)
			for (b.index = 0; b.index < 4; b.index++)
				for (b.term = 0; b.term < 4; b.term++)
					assert_true(vote_may_grant(a, b) ||
						    vote_may_grant(b, a));
}

static void
ballot_hears_voters_only_and_the_first_word_counts(void **state)
{
	struct configuration c = {.voters = {.count = 3, .ids = {1, 2, 3}},
				  .learners = {.count = 1, .ids = {4}}};
	struct ballot b = {.count = 0};

	(void)state;
	ballot_add(&b, &c, (struct quorum_vote){1, true});
	ballot_add(&b, &c, (struct quorum_vote){4, true});
	ballot_add(&b, &c, (struct quorum_vote){9, true});
	assert_int_equal(ballot_verdict(&b, &c), QUORUM_OPEN);
	ballot_add(&b, &c, (struct quorum_vote){2, false});
	ballot_add(&b, &c, (struct quorum_vote){2, true});
	assert_int_equal(ballot_verdict(&b, &c), QUORUM_OPEN);
	ballot_add(&b, &c, (struct quorum_vote){3, true});
	assert_int_equal(ballot_verdict(&b, &c), QUORUM_WON);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fault_s8_grant_compares_the_term_before_the_index),
		cmocka_unit_test(grant_is_never_refused_both_ways),
		cmocka_unit_test(
			ballot_hears_voters_only_and_the_first_word_counts),
	};

	return unit_run("vote", tests, LEN(tests));
}
