/* test_session.c - numbers are applied once, and the table stays bounded. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/prng.h"
#include "machine/session.h"

static enum session_verdict
note(struct sessions *s, const char *id, uint64_t seq, rk_index at,
     rk_index *index)
{
	return sessions_note(s, id, strlen(id), seq, at, index);
}

static enum session_verdict
find(const struct sessions *s, const char *id, uint64_t seq)
{
	return sessions_find(s, id, strlen(id), seq).verdict;
}

static void
same_table(const struct sessions *a, const struct sessions *b)
{
	struct bytes x = {.data = NULL};
	struct bytes y = {.data = NULL};

	sessions_encode(a, &x);
	sessions_encode(b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	bytes_close(&x);
	bytes_close(&y);
}

/* Decode what `s` encodes, and free `s`. */
static struct sessions *
through_json(struct sessions *s)
{
	struct bytes text = {.data = NULL};
	struct sessions *copy;
	struct rk_error err;

	sessions_encode(s, &text);
	assert_int_equal(sessions_decode((struct slice){text.data, text.len},
					 &copy, &err),
			 RK_OK);
	same_table(s, copy);
	bytes_close(&text);
	sessions_free(s);
	return copy;
}

static void
number_noted_again_is_a_repeat_of_the_first(void **state)
{
	struct sessions *s = sessions_new();
	rk_index index = 0;

	(void)state;
	assert_int_equal(note(s, "a", 1, 10, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 2, 11, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 2, 12, &index), SESSION_REPEAT);
	assert_int_equal(index, 11);
	assert_int_equal(note(s, "a", 1, 13, &index), SESSION_REPEAT);
	assert_int_equal(index, 10);
	assert_int_equal(note(s, "b", 1, 14, &index), SESSION_FRESH);
	assert_int_equal(sessions_count(s), 2);
	sessions_free(s);
}

static void
find_changes_nothing(void **state)
{
	struct sessions *s = sessions_new();

	(void)state;
	assert_int_equal(find(s, "a", 7), SESSION_FRESH);
	assert_int_equal(find(s, "a", 7), SESSION_FRESH);
	assert_int_equal(sessions_count(s), 0);
	sessions_free(s);
}

static void
numbers_may_come_out_of_order(void **state)
{
	struct sessions *s = sessions_new();
	rk_index index = 0;

	(void)state;
	assert_int_equal(note(s, "a", 5, 1, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 3, 2, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 4, 3, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 5, 4, &index), SESSION_REPEAT);
	assert_int_equal(index, 1);
	assert_int_equal(note(s, "a", 4, 5, &index), SESSION_REPEAT);
	assert_int_equal(index, 3);
	sessions_free(s);
}

static void
consecutive_numbers_at_consecutive_indexes_are_one_run(void **state)
{
	struct sessions *s = sessions_new();
	struct bytes text = {.data = NULL};
	rk_index index;
	uint64_t seq;

	(void)state;
	for (seq = 1; seq <= 100000; seq++)
		note(s, "a", seq, 50 + seq, &index);
	sessions_encode(s, &text);
	bytes_append_char(&text, '\0');
	assert_string_equal((char *)text.data,
			    "{\"forgotten\":false,\"expired\":\"\","
			    "\"sessions\":[{\"id\":\"a\",\"used\":100050,"
			    "\"floor\":1,\"runs\":[[1,100000,51]]}]}");
	bytes_close(&text);
	sessions_free(s);
}

static void
dropped_run_makes_its_numbers_old(void **state)
{
	struct sessions *s = sessions_new();
	rk_index index;
	uint64_t i;

	(void)state;
	for (i = 0; i <= LIMIT_SESSION_RUNS; i++)
		assert_int_equal(note(s, "a", 10 * (i + 1), 2 * i + 1, &index),
				 SESSION_FRESH);
	assert_int_equal(find(s, "a", 10), SESSION_OLD);
	assert_int_equal(find(s, "a", 9), SESSION_OLD);
	assert_int_equal(find(s, "a", 11), SESSION_FRESH);
	assert_int_equal(find(s, "a", 20), SESSION_REPEAT);
	sessions_free(s);
}

static void
lowest_number_is_applied_once_when_runs_are_full(void **state)
{
	struct sessions *s = sessions_new();
	rk_index index;
	uint64_t i;

	(void)state;
	for (i = 0; i < LIMIT_SESSION_RUNS; i++)
		note(s, "a", 10 * (i + 1), 2 * i + 1, &index);
	assert_int_equal(note(s, "a", 5, 100, &index), SESSION_FRESH);
	assert_int_equal(note(s, "a", 5, 101, &index), SESSION_OLD);
	assert_int_equal(find(s, "a", 6), SESSION_FRESH);
	assert_int_equal(find(s, "a", 10), SESSION_REPEAT);
	sessions_free(s);
}

static void
c2_least_recently_used_session_expires(void **state)
{
	struct sessions *s = sessions_new();
	rk_index index;
	rk_index at = 0;
	char id[16];
	int i;

	(void)state;
	for (i = 0; i < LIMIT_SESSIONS; i++) {
		snprintf(id, sizeof id, "s%d", i);
		note(s, id, 1, ++at, &index);
		note(s, id, 2, ++at, &index);
	}
	note(s, "s0", 1, ++at, &index); /* A repeat is a use, too. */
	s = through_json(s);
	note(s, "new", 1, ++at, &index);
	assert_int_equal(sessions_count(s), LIMIT_SESSIONS);
	assert_int_equal(find(s, "s0", 2), SESSION_REPEAT);
	assert_int_equal(find(s, "s2", 2), SESSION_REPEAT);
	assert_int_equal(find(s, "s1", 2), SESSION_OLD);
	assert_int_equal(note(s, "s1", 2, ++at, &index), SESSION_OLD);
	assert_int_equal(note(s, "s1", 1, ++at, &index), SESSION_OLD);
	assert_int_equal(note(s, "other", 7, ++at, &index), SESSION_FRESH);
	assert_int_equal(sessions_count(s), LIMIT_SESSIONS);
	sessions_free(s);
}

static void
c2_session_long_idle_expires(void **state)
{
	struct sessions *s = sessions_new();
	rk_index last = 1 + LIMIT_SESSION_IDLE_ENTRIES;
	rk_index index;

	(void)state;
	note(s, "a", 1, 1, &index);
	note(s, "b", 1, 2, &index);
	assert_int_equal(note(s, "a", 1, last, &index), SESSION_REPEAT);
	s = through_json(s);
	assert_int_equal(note(s, "b", 1, last + 2, &index), SESSION_OLD);
	assert_int_equal(note(s, "b", 2, last + 3, &index), SESSION_OLD);
	assert_int_equal(note(s, "a", 1, last + 4, &index), SESSION_REPEAT);
	assert_int_equal(sessions_count(s), 1);
	sessions_free(s);
}

/* Session number `i` of many. */
static enum session_verdict
note_nth(struct sessions *s, int i, uint64_t seq, rk_index at)
{
	rk_index index;
	char id[16];

	snprintf(id, sizeof id, "s%d", i);
	return note(s, id, seq, at, &index);
}

/* 110,000 sessions later nothing is left of one but the rule that an unknown
 * session begins with 1. */
static void
c2_expired_session_is_forgotten_last_of_all(void **state)
{
	struct sessions *s = sessions_new();
	int known = LIMIT_SESSIONS + LIMIT_EXPIRED_SESSIONS;
	rk_index at = 0;
	int i;

	(void)state;
	for (i = 0; i < known; i++)
		assert_int_equal(note_nth(s, i, 1, ++at), SESSION_FRESH);
	s = through_json(s);
	assert_int_equal(note_nth(s, 0, 1, ++at), SESSION_OLD);
	assert_int_equal(note_nth(s, known, 2, ++at), SESSION_FRESH);
	assert_int_equal(note_nth(s, 0, 2, ++at), SESSION_OLD);
	assert_int_equal(note_nth(s, 1, 1, ++at), SESSION_OLD);
	assert_int_equal(note_nth(s, known + 1, 2, ++at), SESSION_OLD);
	assert_int_equal(note_nth(s, known + 1, 1, ++at), SESSION_FRESH);
	assert_int_equal(note_nth(s, known + 1, 2, ++at), SESSION_FRESH);
	s = through_json(s);
	assert_int_equal(note_nth(s, 1, 1, ++at), SESSION_FRESH);
	sessions_free(s);
}

static void
what_is_found_says_how_far_it_goes(void **state)
{
	struct sessions *s = sessions_new();
	struct session_found found;
	rk_index index;
	rk_index at;

	(void)state;
	for (at = 11; at <= 15; at++)
		note(s, "a", at - 10, at, &index);
	note(s, "a", 101, at, &index);
	found = sessions_find(s, "a", 1, 2);
	assert_int_equal(found.verdict, SESSION_REPEAT);
	assert_int_equal(found.index, 12);
	assert_int_equal(found.count, 4);
	found = sessions_find(s, "a", 1, 6);
	assert_int_equal(found.verdict, SESSION_FRESH);
	assert_int_equal(found.count, 95);
	found = sessions_find(s, "a", 1, 102);
	assert_int_equal(found.verdict, SESSION_FRESH);
	assert_true(found.count == UINT64_MAX);
	found = sessions_find(s, "c", 1, 5);
	assert_int_equal(found.verdict, SESSION_FRESH);
	assert_true(found.count == UINT64_MAX);
	sessions_free(s);
}

/* Nothing is applied twice, whatever comes in whatever order; and a table that
 * went through a snapshot goes on like one that did not. */
static void
random_numbers_are_applied_at_most_once(void **state)
{
	static const char *const ids[] = {"a", "b", "c", "d"};
	static rk_index applied[4][400]; /* 0: not yet. */
	struct sessions *s = sessions_new();
	struct sessions *other = sessions_new();
	enum session_verdict verdict;
	struct prng prng;
	rk_index index;
	rk_index same;
	uint64_t seq;
	rk_index at;
	size_t id;

	(void)state;
	prng_init(&prng, unit_seed());
	for (at = 1; at < 20000; at++) {
		id = prng_range(&prng, 0, LEN(ids));
		seq = prng_range(&prng, at / 60 + 1, at / 60 + 60);
		index = same = 0;
		verdict = note(s, ids[id], seq, at, &index);
		assert_int_equal(note(other, ids[id], seq, at, &same), verdict);
		assert_int_equal(same, index);
		if (verdict == SESSION_FRESH) {
			assert_int_equal(applied[id][seq], 0);
			applied[id][seq] = at;
		} else if (verdict == SESSION_REPEAT) {
			assert_int_equal(applied[id][seq], index);
		}
		if (at % 1000 == 0)
			other = through_json(other);
	}
	same_table(s, other);
	sessions_free(s);
	sessions_free(other);
}

static void
what_is_no_table_is_corrupt(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"forgotten\":false}",
		"{\"forgotten\":false,\"sessions\":[]}",
		"{\"forgotten\":0,\"expired\":\"\",\"sessions\":[]}",
		"{\"forgotten\":false,\"expired\":0,\"sessions\":[]}",
		"{\"forgotten\":false,\"expired\":\"AAAA\",\"sessions\":[]}",
		"{\"forgotten\":false,\"expired\":\"A\",\"sessions\":[]}",
#define TABLE(sessions)                                                        \
	"{\"forgotten\":false,\"expired\":\"AAAAAAAAAAA=\",\"sessions\":"      \
	"[" sessions "]}"
#define ONE(id, used, floor, runs)                                             \
	"{\"id\":\"" id "\",\"used\":" used ",\"floor\":" floor                \
	",\"runs\":" runs "}"
		TABLE("1"),
		TABLE(ONE("a", "9", "0", "[[1,1,1]]")),
		TABLE(ONE("a", "9", "1", "[]")),
		TABLE(ONE("a", "9", "1", "[[1,1]]")),
		TABLE(ONE("a", "9", "1", "[[0,1,1]]")),
		TABLE(ONE("a", "9", "1", "[[1,0,1]]")),
		TABLE(ONE("a", "9", "1", "[[1,1,0]]")),
		TABLE(ONE("a", "9", "1", "[[1,1,-1]]")),
		TABLE(ONE("a", "9", "5", "[[4,1,1]]")),
		TABLE(ONE("a", "9", "1", "[[1,5,1],[5,1,9]]")),
		TABLE(ONE("a", "9", "1", "[[9007199254740991,2,1]]")),
		TABLE(ONE("a", "9", "1", "[[1,2,9]]")),
		TABLE(ONE("a", "9", "1", "[[1,1,10]]")),
		TABLE(ONE("a b", "9", "1", "[[1,1,1]]")),
		TABLE(ONE("a", "8", "1", "[[1,1,1]]") "," ONE("a", "9", "1",
							      "[[1,1,1]]")),
		TABLE(ONE("a", "9", "1", "[[1,1,1]]") "," ONE("b", "9", "1",
							      "[[2,1,2]]")),
	};
	static const char good[] = TABLE(ONE("a", "9", "1", "[[1,1,9]]"));
	struct sessions *s;
	struct rk_error err;
	struct slice text;
	size_t i;

	(void)state;
	text.data = (const uint8_t *)good;
	text.len = strlen(good);
	assert_int_equal(sessions_decode(text, &s, &err), RK_OK);
	sessions_free(s);
	for (i = 0; i < LEN(bad); i++) {
		text = (struct slice){(const uint8_t *)bad[i], strlen(bad[i])};
		assert_int_equal(sessions_decode(text, &s, &err), RK_CORRUPT);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_noted_again_is_a_repeat_of_the_first),
		cmocka_unit_test(find_changes_nothing),
		cmocka_unit_test(numbers_may_come_out_of_order),
		cmocka_unit_test(
			consecutive_numbers_at_consecutive_indexes_are_one_run),
		cmocka_unit_test(dropped_run_makes_its_numbers_old),
		cmocka_unit_test(
			lowest_number_is_applied_once_when_runs_are_full),
		cmocka_unit_test(c2_least_recently_used_session_expires),
		cmocka_unit_test(c2_session_long_idle_expires),
		cmocka_unit_test(c2_expired_session_is_forgotten_last_of_all),
		cmocka_unit_test(what_is_found_says_how_far_it_goes),
		cmocka_unit_test(random_numbers_are_applied_at_most_once),
		cmocka_unit_test(what_is_no_table_is_corrupt),
	};

	return unit_run("session", tests, LEN(tests));
}
