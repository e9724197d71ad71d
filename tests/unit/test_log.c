/* test_log.c - a log as it is in health: write, read, roll, compact, reopen. */

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store.h"
#include "store/file.h"
#include "store/log_writer.h"

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

static void
single_entry_batches_share_extents(void **state)
{
	struct store_fixture *f = *state;
	rk_index i;

	f->options.sync = false;
	f->options.segment_bytes = SEGMENT_BYTES_DEFAULT;
	reopen(f);
	for (i = 0; i < 20000; i++)
		assert_int_equal(store_append(f, 1, 1, 30), RK_OK);
	/* 20000 times 210 bytes in pieces of 64 KiB. */
	assert_in_range(f->map->count, 60, 80);
	store_expect(f, 1, 20001, 1, 30);
	store_expect(f, 777, 778, 1, 30);
	reopen(f);
	assert_in_range(f->map->count, 60, 80);
	store_expect(f, 1, 20001, 1, 30);
}

static void
full_segment_is_followed_by_a_new_one(void **state)
{
	struct store_fixture *f = *state;
	rk_index i;

	for (i = 0; i < 40; i++)
		assert_int_equal(store_append(f, 1, 10, 1000), RK_OK);
	assert_true(store_count_files(f, ".seg") > 5);
	store_expect(f, 1, 401, 1, 1000);
	reopen(f);
	assert_int_equal(f->recovered.count, 400);
	store_expect(f, 1, 401, 1, 1000);
	store_expect(f, 55, 345, 1, 1000);
}

static void
batch_larger_than_a_segment_gets_one_of_its_own(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(store_append(f, 1, 1, 10), RK_OK);
	assert_int_equal(store_append(f, 1, 300, 1000), RK_OK);
	assert_int_equal(store_append(f, 1, 1, 200000), RK_OK);
	assert_int_equal(store_append(f, 2, 3, 10), RK_OK);
	reopen(f);
	store_expect(f, 1, 2, 1, 10);
	store_expect(f, 2, 302, 1, 1000);
	store_expect(f, 302, 303, 1, 200000);
	store_expect(f, 303, 306, 2, 10);
}

static void
read_stops_at_max_bytes_but_takes_one_entry(void **state)
{
	struct store_fixture *f = *state;
	struct bytes out = {0};
	size_t line;
	rk_index end;

	assert_int_equal(store_append(f, 1, 9, 100), RK_OK);
	assert_int_equal(log_map_read(f->map, 1, 10, 1, &out, &end, &f->err),
			 RK_OK);
	assert_int_equal(end, 2);
	line = out.len;
	assert_int_equal(
		log_map_read(f->map, 2, 10, 3 * line, &out, &end, &f->err),
		RK_OK);
	assert_int_equal(end, 5);
	assert_int_equal(out.len, 4 * line);
	assert_int_equal(
		log_map_read(f->map, 5, 10, 2 * line - 1, &out, &end, &f->err),
		RK_OK);
	assert_int_equal(end, 6);
	bytes_close(&out);
}

static void
read_past_the_ends_is_absent(void **state)
{
	struct store_fixture *f = *state;
	struct bytes out = {0};
	rk_index end;

	assert_int_equal(log_map_read(f->map, 1, 2, 100, &out, &end, &f->err),
			 RK_ABSENT);
	assert_int_equal(store_append(f, 1, 9, 100), RK_OK);
	assert_int_equal(log_map_read(f->map, 10, 11, 100, &out, &end, &f->err),
			 RK_ABSENT);
	assert_int_equal(log_map_read(f->map, 9, 99, 1000, &out, &end, &f->err),
			 RK_OK);
	assert_int_equal(end, 10);
	bytes_close(&out);
}

static void
r8_truncated_entries_are_replaced(void **state)
{
	struct store_fixture *f = *state;
	struct log_op cut = {.truncate_from = 6};
	struct bytes out = {0};
	rk_index end;
	int i;

	assert_int_equal(store_append(f, 1, 9, 100), RK_OK);
	assert_int_equal(store_write(f, &cut), RK_OK);
	assert_int_equal(log_map_read(f->map, 6, 7, 100, &out, &end, &f->err),
			 RK_ABSENT);
	assert_int_equal(store_append(f, 2, 4, 50), RK_OK);
	cut.truncate_from = 8;
	assert_int_equal(store_write(f, &cut), RK_OK);
	assert_int_equal(store_append(f, 3, 2, 10), RK_OK);
	for (i = 0; i < 2; i++) {
		store_expect(f, 1, 6, 1, 100);
		store_expect(f, 6, 8, 2, 50);
		store_expect(f, 8, 10, 3, 10);
		store_expect(f, 6, 8, 2, 50);
		reopen(f);
		assert_int_equal(f->recovered.count, 9);
		assert_int_equal(f->recovered.run_count, 3);
		assert_int_equal(f->recovered.runs[1].count, 2);
	}
	bytes_close(&out);
}

/* A truncation and what takes the place, in one batch: a follower's. */
static void
truncation_goes_before_entries_of_its_batch(void **state)
{
	struct store_fixture *f = *state;
	struct bytes lines = {0};
	struct log_op op = {.has_hard_state = true,
			    .hard_state = {4, 0},
			    .truncate_from = 3,
			    .first = 3,
			    .count = 1};

	assert_int_equal(store_append(f, 1, 5, 10), RK_OK);
	store_line(&lines, 3, 4, 10);
	op.lines = (struct slice){lines.data, lines.len};
	assert_int_equal(store_write(f, &op), RK_OK);
	reopen(f);
	assert_int_equal(f->recovered.count, 3);
	assert_int_equal(f->recovered.hard_state.term, 4);
	store_expect(f, 1, 3, 1, 10);
	store_expect(f, 3, 4, 4, 10);
	bytes_close(&lines);
}

static void
segments_that_begin_at_one_index_have_two_names(void **state)
{
	struct store_fixture *f = *state;
	struct log_op cut = {.truncate_from = 1};
	int i;

	for (i = 0; i < 4; i++) {
		assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
		assert_int_equal(store_write(f, &cut), RK_OK);
	}
	assert_int_equal(store_append(f, 1, 5, 9), RK_OK);
	assert_int_equal(store_count_files(f, ".seg"), 4);
	reopen(f);
	assert_int_equal(f->recovered.count, 5);
	store_expect(f, 1, 6, 1, 9);
}

static void
compact(struct store_fixture *f, rk_index index, size_t files)
{
	char **names;
	size_t count;
	size_t i;

	log_map_compact(f->map, index, &names, &count);
	assert_int_equal(count, files);
	for (i = 0; i < count; i++)
		assert_int_equal(log_discard(f->dir, names[i], &f->err), RK_OK);
	file_list_free(names, count);
}

static void
compaction_frees_segments_that_hold_nothing_else(void **state)
{
	struct store_fixture *f = *state;
	struct bytes out = {0};
	rk_index end;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	assert_int_equal(store_count_files(f, ".seg"), 5);
	compact(f, 120, 2);
	assert_int_equal(store_count_files(f, ".seg"), 3);
	assert_int_equal(store_count_files(f, "next"), 1);
	assert_int_equal(
		log_map_read(f->map, 120, 121, 10, &out, &end, &f->err),
		RK_ABSENT);
	store_expect(f, 121, 251, 1, 1000);
	f->snapshot = (struct log_end){120, 1};
	reopen(f);
	assert_int_equal(f->recovered.compacted.index, 100);
	assert_int_equal(f->recovered.compacted.term, 1);
	assert_int_equal(f->recovered.count, 150);
	store_expect(f, 121, 251, 1, 1000);
	bytes_close(&out);
}

static void
recycled_segment_shows_nothing_of_what_it_held(void **state)
{
	struct store_fixture *f = *state;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	compact(f, 249, 4);
	assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	assert_int_equal(store_count_files(f, "next"), 0);
	assert_int_equal(store_append(f, 1, 1, 10), RK_OK);
	f->snapshot = (struct log_end){249, 1};
	store_crash(f);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->recovered.torn_bytes, 0);
	assert_int_equal(f->last, 301);
	store_expect(f, 250, 301, 1, 1000);
	store_expect(f, 301, 302, 1, 10);
}

static void
prepared_segment_is_used(void **state)
{
	struct store_fixture *f = *state;

	assert_false(log_wants_segment(f->log));
	assert_int_equal(store_append(f, 1, 40, 1000), RK_OK);
	assert_true(log_wants_segment(f->log));
	assert_int_equal(log_prepare(f->dir, f->options.segment_bytes, &f->err),
			 RK_OK);
	assert_int_equal(log_prepare(f->dir, f->options.segment_bytes, &f->err),
			 RK_OK);
	assert_int_equal(store_count_files(f, "next"), 1);
	assert_int_equal(store_append(f, 1, 20, 1000), RK_OK);
	assert_int_equal(store_count_files(f, "next"), 0);
	assert_false(log_wants_segment(f->log));
	reopen(f);
	store_expect(f, 1, 61, 1, 1000);
}

static void
segment_that_cannot_be_prepared_leaves_nothing_behind(void **state)
{
	struct store_fixture *f = *state;
	struct rlimit before, small;

	/* As on a disk that fills up on the way. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 20000, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_not_equal(
		log_prepare(f->dir, f->options.segment_bytes, &f->err), RK_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(store_count_files(f, "next"), 0);
	assert_int_equal(store_count_files(f, ".tmp"), 0);
	assert_int_equal(store_append(f, 1, 60, 1000), RK_OK);
}

static void
reset_empties_the_log_behind_a_snapshot(void **state)
{
	struct store_fixture *f = *state;
	struct log_op op = {.reset = true, .reset_to = {100, 7}};

	assert_int_equal(store_append(f, 1, 9, 10), RK_OK);
	assert_int_equal(store_write(f, &op), RK_OK);
	assert_int_equal(store_append(f, 7, 3, 10), RK_OK);
	store_expect(f, 101, 104, 7, 10);
	f->snapshot = op.reset_to;
	reopen(f);
	assert_int_equal(f->recovered.compacted.index, 100);
	assert_int_equal(f->recovered.compacted.term, 7);
	assert_int_equal(f->recovered.count, 3);
	store_expect(f, 101, 104, 7, 10);
}

/* s1: an installation that was cut short is finished at the next start. */
static void
s1_open_empties_a_log_that_ends_before_the_snapshot(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(store_append(f, 1, 9, 10), RK_OK);
	f->snapshot = (struct log_end){100, 7};
	reopen(f);
	assert_int_equal(f->recovered.compacted.index, 100);
	assert_int_equal(f->recovered.count, 0);
	assert_int_equal(store_append(f, 7, 3, 10), RK_OK);
	reopen(f);
	assert_int_equal(f->recovered.count, 3);
	store_expect(f, 101, 104, 7, 10);
}

/* f1: the snapshot was on disk before the term in which it was sent. */
static void
s1_open_takes_the_term_of_a_snapshot_that_is_ahead(void **state)
{
	struct log_op vote = {.has_hard_state = true, .hard_state = {6, 2}};
	struct store_fixture *f = *state;

	assert_int_equal(store_write(f, &vote), RK_OK);
	f->snapshot = (struct log_end){100, 6};
	reopen(f);
	assert_int_equal(f->recovered.hard_state.term, 6);
	assert_int_equal(f->recovered.hard_state.vote, 2);
	f->snapshot = (struct log_end){200, 7};
	reopen(f);
	assert_int_equal(f->recovered.hard_state.term, 7);
	assert_int_equal(f->recovered.hard_state.vote, 0);
	reopen(f);
	assert_int_equal(f->recovered.hard_state.term, 7);
}

static void
log_that_begins_with_a_snapshot_is_in_its_term(void **state)
{
	struct store_fixture *f = *state;

	store_close_log(f);
	store_remove_dir(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	f->snapshot = (struct log_end){100, 7};
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->recovered.hard_state.term, 7);
	reopen(f);
	assert_int_equal(f->recovered.hard_state.term, 7);
}

static void
s1_open_empties_a_log_of_another_history_than_the_snapshot(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(store_append(f, 1, 9, 10), RK_OK);
	f->snapshot = (struct log_end){5, 2};
	reopen(f);
	assert_int_equal(f->recovered.compacted.index, 5);
	assert_int_equal(f->recovered.compacted.term, 2);
	assert_int_equal(f->recovered.count, 0);
}

static void
s1_open_keeps_the_entries_behind_an_equal_one(void **state)
{
	struct store_fixture *f = *state;

	assert_int_equal(store_append(f, 1, 9, 10), RK_OK);
	f->snapshot = (struct log_end){5, 1};
	reopen(f);
	assert_int_equal(f->recovered.count, 9);
}

static void
s10_gap_between_snapshot_and_log_is_refused(void **state)
{
	struct store_fixture *f = *state;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	compact(f, 120, 2);
	f->snapshot = (struct log_end){99, 1};
	store_close_log(f);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
	assert_non_null(strstr(f->err.text, "entries 100 to 100 are missing"));
	f->snapshot = (struct log_end){100, 1};
	assert_int_equal(store_open_log(f), RK_OK);
}

/* The segment that held the last entry before a cut is gone: so is its term. */
static void
compacted_term_comes_from_the_next_entry_or_the_snapshot(void **state)
{
	struct store_fixture *f = *state;
	struct log_op cut = {.truncate_from = 41};
	rk_index at;

	assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	f->options.segment_bytes = 70U << 10;
	f->log->options.segment_bytes = 10;
	assert_int_equal(store_write(f, &cut), RK_OK);
	f->log->options.segment_bytes = 70U << 10;
	assert_int_equal(store_append(f, 2, 5, 10), RK_OK);
	compact(f, 40, 1);
	for (at = 40; at <= 42; at++) {
		f->snapshot = (struct log_end){at, at == 40 ? 1 : 2};
		reopen(f);
		assert_int_equal(f->recovered.compacted.index,
				 at == 40 ? 40 : 41);
		assert_int_equal(f->recovered.compacted.term, at == 40 ? 1 : 2);
		store_expect(f, 42, 46, 2, 10);
	}
}

static void
fault_s16_configurations_are_found_again(void **state)
{
	static const char line[] =
		"{\"index\":3,\"term\":1,\"type\":\"configuration\",\"time\":"
		"\"2026-11-23T07:12:13.794Z\",\"data\":\"{}\"}\n";
	struct store_fixture *f = *state;
	struct log_op op = {
		.first = 3,
		.count = 1,
		.lines = {(const uint8_t *)line, sizeof line - 1},
	};

	assert_int_equal(store_append(f, 1, 2, 10), RK_OK);
	assert_int_equal(store_write(f, &op), RK_OK);
	assert_int_equal(store_append(f, 1, 2, 10), RK_OK);
	reopen(f);
	assert_int_equal(f->recovered.configuration_count, 1);
	assert_int_equal(f->recovered.configurations[0], 3);
	assert_int_equal(f->recovered.count, 5);
}

static void
commit_hint_is_never_past_the_log(void **state)
{
	struct store_fixture *f = *state;
	struct log_op op = {.has_hard_state = true, .hard_state = {1, 1}};
	struct log_placement placement = {0};

	assert_int_equal(store_append(f, 1, 5, 10), RK_OK);
	assert_int_equal(log_write(f->log, &op, 1, 99, &placement, &f->err),
			 RK_OK);
	log_placement_close(&placement);
	reopen(f);
	assert_int_equal(f->recovered.commit_hint, 5);
}

struct visits {
	rk_index expect;
	rk_index stop;
};

static bool
visit(void *context, struct slice line)
{
	struct visits *v = context;
	struct bytes want = {0};

	store_line(&want, v->expect++, 1, 1000);
	assert_int_equal(line.len, want.len);
	assert_memory_equal(line.data, want.data, want.len);
	bytes_close(&want);
	return v->expect != v->stop;
}

static void
inspect_visits_what_is_live_beside_a_writer(void **state)
{
	struct store_fixture *f = *state;
	struct log_op cut = {.truncate_from = 150};
	struct log_recovered r;
	struct visits v = {.expect = 1};
	char path[256];
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(store_append(f, 1, 50, 1000), RK_OK);
	assert_int_equal(store_write(f, &cut), RK_OK);
	assert_int_equal(log_inspect(f->dir, visit, &v, &r, &f->err), RK_OK);
	assert_int_equal(v.expect, 150);
	assert_int_equal(r.count, 149);
	log_recovered_close(&r);
	v = (struct visits){.expect = 1, .stop = 10};
	assert_int_equal(log_inspect(f->dir, visit, &v, &r, &f->err), RK_OK);
	assert_int_equal(v.expect, 10);
	log_recovered_close(&r);
	store_path(f, path, sizeof path, "00000000000000000051.seg");
	v = (struct visits){.expect = 51};
	assert_int_equal(log_inspect_file(path, visit, &v, &r, &f->err), RK_OK);
	assert_int_equal(v.expect, 101);
	assert_int_equal(r.compacted.index, 50);
	log_recovered_close(&r);
}

static void
inspect_says_absent_where_there_is_no_log(void **state)
{
	struct store_fixture *f = *state;
	struct log_recovered r;

	assert_int_equal(log_inspect("/tmp/no/such", NULL, NULL, &r, &f->err),
			 RK_ABSENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(new_log_is_empty),
		TEST(read_returns_what_was_written),
		TEST(reopened_log_holds_everything),
		TEST(single_entry_batches_share_extents),
		TEST(full_segment_is_followed_by_a_new_one),
		TEST(batch_larger_than_a_segment_gets_one_of_its_own),
		TEST(read_stops_at_max_bytes_but_takes_one_entry),
		TEST(read_past_the_ends_is_absent),
		TEST(r8_truncated_entries_are_replaced),
		TEST(truncation_goes_before_entries_of_its_batch),
		TEST(segments_that_begin_at_one_index_have_two_names),
		TEST(compaction_frees_segments_that_hold_nothing_else),
		TEST(recycled_segment_shows_nothing_of_what_it_held),
		TEST(prepared_segment_is_used),
		TEST(segment_that_cannot_be_prepared_leaves_nothing_behind),
		TEST(reset_empties_the_log_behind_a_snapshot),
		TEST(s1_open_empties_a_log_that_ends_before_the_snapshot),
		TEST(s1_open_takes_the_term_of_a_snapshot_that_is_ahead),
		TEST(log_that_begins_with_a_snapshot_is_in_its_term),
		TEST(s1_open_empties_a_log_of_another_history_than_the_snapshot),
		TEST(s1_open_keeps_the_entries_behind_an_equal_one),
		TEST(s10_gap_between_snapshot_and_log_is_refused),
		TEST(compacted_term_comes_from_the_next_entry_or_the_snapshot),
		TEST(fault_s16_configurations_are_found_again),
		TEST(commit_hint_is_never_past_the_log),
		TEST(inspect_visits_what_is_live_beside_a_writer),
		TEST(inspect_says_absent_where_there_is_no_log),
	};

	return unit_run("log", tests, LEN(tests));
}
