/* test_ledger.c - the ledger against a plain array that does the same. */

#include "unit.h"

#include <string.h>

#include "base/prng.h"
#include "core/agreement.h"
#include "core/ledger.h"

#define PLAIN_MAX 4096

/* By index; what is at or below `compacted` is not looked at. */
struct plain {
	rk_term terms[PLAIN_MAX];
	uint32_t sizes[PLAIN_MAX];
	rk_index compacted;
	rk_index last;
};

static struct configuration_at
configuration(rk_index index, rk_id voter)
{
	return (struct configuration_at){
		index, {.voters = {.count = 1, .ids = {voter}}}};
}

static void
ledger_of(struct ledger *l, const char *terms)
{
	struct configuration_at base = configuration(0, 1);

	ledger_init(l, (struct log_end){0, 0}, &base);
	for (; *terms != '\0'; terms++)
		ledger_append(l, (rk_term)(*terms - '0'), 1, NULL);
}

static void
compare(const struct ledger *l, const struct plain *p, struct prng *prng)
{
	rk_index from = prng_range(prng, p->compacted + 1, p->last + 2);
	rk_index to = prng_range(prng, from, p->last + 2);
	struct term_run runs[64];
	uint64_t bytes = 0;
	size_t count;
	rk_index i;

	ledger_check(l);
	assert_int_equal(l->last, p->last);
	assert_int_equal(l->compacted.index, p->compacted);
	for (i = p->compacted; i <= p->last; i++)
		assert_int_equal(ledger_term(l, i), p->terms[i]);
	assert_int_equal(ledger_term(l, p->last + 1), 0);
	for (i = from; i < to; i++)
		bytes += p->sizes[i];
	assert_int_equal(ledger_bytes(l, from, to), bytes);
	if (from == to)
		return;
	assert_memory_equal(ledger_sizes(l, from), p->sizes + from,
			    (to - from) * sizeof p->sizes[0]);
	count = ledger_run_count(l, from, to);
	assert_in_range(count, 1, LEN(runs));
	ledger_copy_runs(l, from, to, runs);
	for (i = 0; i < count; i++)
		for (; runs[i].count > 0; runs[i].count--)
			assert_int_equal(p->terms[from++], runs[i].term);
	assert_int_equal(from, to);
}

static void
append(struct ledger *l, struct plain *p, struct prng *prng)
{
	rk_term term = p->terms[p->last] + prng_range(prng, 0, 2);
	uint64_t count = prng_range(prng, 1, 20);
	uint64_t i;

	term += term == 0;
	if (p->last + count >= PLAIN_MAX)
		return;
	for (i = 1; i <= count; i++) {
		p->terms[p->last + i] = term;
		p->sizes[p->last + i] = (uint32_t)prng_range(prng, 0, 1000);
	}
	ledger_append(l, term, count, p->sizes + p->last + 1);
	p->last += count;
}

static void
change(struct ledger *l, struct plain *p, struct prng *prng)
{
	struct snapshot_meta meta = {.configuration = configuration(0, 1)};
	rk_index at;

	append(l, p, prng);
	if (p->last > l->snapshot.last.index && prng_range(prng, 0, 4) == 0) {
		p->last = prng_range(prng, l->snapshot.last.index, p->last);
		ledger_truncate(l, p->last + 1);
	}
	at = prng_range(prng, p->compacted, p->last + 1);
	meta.last = (struct log_end){at, p->terms[at]};
	if (at > l->snapshot.last.index && prng_range(prng, 0, 4) == 0)
		ledger_note_snapshot(l, &meta);
	if (at > p->compacted && at <= l->snapshot.last.index) {
		ledger_compact(l, meta.last);
		p->compacted = at;
	}
	if (prng_range(prng, 0, 500) == 0 && p->last + 5 < PLAIN_MAX) {
		p->compacted = p->last = p->last + 5;
		p->terms[p->last] = p->terms[p->last - 5] + 1;
		meta.last = (struct log_end){p->last, p->terms[p->last]};
		ledger_reset(l, &meta);
	}
}

static void
ledger_is_as_a_plain_array_would_be(void **state)
{
	struct configuration_at base = configuration(0, 1);
	struct plain *p = mem_alloc(1, sizeof *p);
	struct prng prng;
	struct ledger l;
	int steps;

	(void)state;
	prng_init(&prng, unit_seed());
	ledger_init(&l, (struct log_end){0, 0}, &base);
	for (steps = 0; steps < 3000; steps++) {
		change(&l, p, &prng);
		compare(&l, p, &prng);
	}
	ledger_close(&l);
	mem_free(p);
}

static void
fit_is_by_bytes_but_at_least_one_entry(void **state)
{
	static const uint32_t sizes[] = {10, 20, 30, 1000, 5};
	struct configuration_at base = configuration(0, 1);
	struct ledger l;
	uint64_t bytes;

	(void)state;
	ledger_init(&l, (struct log_end){0, 0}, &base);
	ledger_append(&l, 1, LEN(sizes), sizes);
	assert_int_equal(ledger_fit(&l, 1, 6, 60, &bytes), 4);
	assert_int_equal(bytes, 60);
	assert_int_equal(ledger_fit(&l, 1, 6, 59, &bytes), 3);
	assert_int_equal(bytes, 30);
	assert_int_equal(ledger_fit(&l, 1, 2, 60, &bytes), 2);
	assert_int_equal(ledger_fit(&l, 4, 6, 60, &bytes), 5);
	assert_int_equal(bytes, 1000);
	assert_int_equal(ledger_fit(&l, 6, 6, 60, &bytes), 6);
	assert_int_equal(bytes, 0);
	ledger_close(&l);
}

static void
last_of_term_is_the_newest_that_is_old_enough(void **state)
{
	struct ledger l;

	(void)state;
	ledger_of(&l, "1114455666");
	assert_int_equal(ledger_last_of_term(&l, 10, 6), 10);
	assert_int_equal(ledger_last_of_term(&l, 99, 5), 7);
	assert_int_equal(ledger_last_of_term(&l, 6, 5), 6);
	assert_int_equal(ledger_last_of_term(&l, 10, 3), 3);
	assert_int_equal(ledger_last_of_term(&l, 10, 0), 0);
	assert_int_equal(ledger_run_start(&l, 9), 8);
	assert_int_equal(ledger_run_start(&l, 3), 1);
	ledger_close(&l);
}

static void
fault_s16_configuration_rolls_back_when_its_entry_is_cut(void **state)
{
	struct configuration_at second, third;
	struct ledger l;
	size_t count;

	(void)state;
	second = configuration(3, 2);
	third = configuration(5, 3);
	ledger_of(&l, "111111");
	ledger_append_configuration(&l, &second);
	ledger_append_configuration(&l, &third);
	ledger_check(&l);
	assert_int_equal(ledger_configuration(&l, 2)->index, 0);
	assert_int_equal(ledger_configuration(&l, 4)->index, 3);
	assert_int_equal(ledger_configuration(&l, 6)->index, 5);
	assert_int_equal(ledger_configurations(&l, 3, 6, &count)->index, 3);
	assert_int_equal(count, 2);
	assert_null(ledger_configurations(&l, 4, 5, &count));
	ledger_truncate(&l, 5);
	assert_int_equal(ledger_configuration(&l, 4)->index, 3);
	ledger_truncate(&l, 2);
	assert_int_equal(ledger_configuration(&l, 1)->index, 0);
	ledger_check(&l);
	ledger_close(&l);
}

static void
fault_s16_configuration_outlives_its_compaction(void **state)
{
	struct configuration_at second = configuration(3, 2);
	struct snapshot_meta meta = {.last = {5, 1}};
	struct ledger l;

	(void)state;
	meta.configuration = second;
	ledger_of(&l, "111111");
	ledger_append_configuration(&l, &second);
	ledger_note_snapshot(&l, &meta);
	ledger_compact(&l, (struct log_end){2, 1});
	assert_int_equal(ledger_configuration(&l, 6)->index, 3);
	ledger_compact(&l, (struct log_end){4, 1});
	assert_int_equal(ledger_configuration(&l, 6)->index, 3);
	ledger_compact(&l, (struct log_end){5, 1});
	assert_int_equal(ledger_configuration(&l, 6)->index, 3);
	ledger_truncate(&l, 6);
	assert_int_equal(ledger_configuration(&l, 5)->index, 3);
	ledger_check(&l);
	ledger_close(&l);
}

/* How many rejections it takes to agree, and at which index. */
static rk_index
search(const char *leader, const char *follower, int *rejections)
{
	struct ledger l, f;
	struct log_end prev, conflict;

	ledger_of(&l, leader);
	ledger_of(&f, follower);
	prev = ledger_last(&l);
	for (*rejections = 0; !agreement_at(&f, 0, prev, &conflict);
	     ++*rejections) {
		rk_index below = agreement_below(&l, prev.index, conflict);

		assert_true(below < prev.index);
		prev = (struct log_end){below, ledger_term(&l, below)};
	}
	ledger_close(&l);
	ledger_close(&f);
	return prev.index;
}

static void
agreement_skips_a_term_at_a_time(void **state)
{
	/* Paper, figure 7; then a tail of 30 entries of one foreign term. */
	static const struct {
		const char *leader, *follower;
		rk_index at;
		int most;
	} cases[] = {
		{"1114455666", "111445566", 9, 1},
		{"1114455666", "1114", 4, 1},
		{"1114455666", "11144556666", 10, 0},
		{"1114455666", "111445566677", 10, 0},
		{"1114455666", "1114444", 5, 2},
		{"1114455666", "11122233333", 3, 2},
		{"11166666", "111222222222222222222222222222222", 3, 1},
		{"1119", "1112", 3, 1},
		{"9", "1", 0, 1},
		{"1", "", 0, 1},
		{"", "11", 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++) {
		int rejections;

		assert_int_equal(
			search(cases[i].leader, cases[i].follower, &rejections),
			cases[i].at);
		assert_in_range(rejections, 0, cases[i].most);
	}
}

static void
agreement_is_found_between_any_two_logs(void **state)
{
	struct prng prng;
	int i, rejections;
	size_t j;

	(void)state;
	prng_init(&prng, unit_seed());
	for (i = 0; i < 20000; i++) {
		char leader[40] = "", follower[40] = "";
		size_t common = (size_t)prng_range(&prng, 0, 10);
		size_t a = (size_t)prng_range(&prng, common, 30);
		size_t b = (size_t)prng_range(&prng, common, 30);
		char term = '1';

		/* Equal up to `common`, odd terms and even ones behind. */
		for (j = 0; j < common; j++)
			leader[j] = follower[j] = term =
				(char)(term + (int)prng_range(&prng, 0, 2));
		term = (char)(term + 2 - (term - '0') % 2 + 1);
		for (j = common; j < a; j++)
			leader[j] = (char)(term + (int)j / 5 * 2);
		for (j = common; j < b; j++)
			follower[j] = (char)(term + 1 + (int)j / 4 * 2);
		assert_int_equal(search(leader, follower, &rejections), common);
		assert_in_range(rejections, 0, 12);
	}
}

static void
agreement_survives_nonsense(void **state)
{
	struct snapshot_meta meta = {.last = {4, 4},
				     .configuration = configuration(0, 1)};
	struct log_end conflict;
	struct ledger l;
	rk_index prev;

	(void)state;
	ledger_of(&l, "1114455666");
	ledger_note_snapshot(&l, &meta);
	ledger_compact(&l, meta.last);
	for (prev = 1; prev <= 10; prev++)
		for (conflict.index = 0; conflict.index < 14; conflict.index++)
			for (conflict.term = 0; conflict.term < 9;
			     conflict.term++)
				assert_true(agreement_below(&l, prev,
							    conflict) < prev);
	ledger_close(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledger_is_as_a_plain_array_would_be),
		cmocka_unit_test(fit_is_by_bytes_but_at_least_one_entry),
		cmocka_unit_test(last_of_term_is_the_newest_that_is_old_enough),
		cmocka_unit_test(
			fault_s16_configuration_rolls_back_when_its_entry_is_cut),
		cmocka_unit_test(
			fault_s16_configuration_outlives_its_compaction),
		cmocka_unit_test(agreement_skips_a_term_at_a_time),
		cmocka_unit_test(agreement_is_found_between_any_two_logs),
		cmocka_unit_test(agreement_survives_nonsense),
	};

	return unit_run("ledger", tests, LEN(tests));
}
