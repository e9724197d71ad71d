/* test_log_recovery.c - what a crash may leave, and what is made of it.
 *
 * A crash loses any part of what was written since the last sync: the last
 * batch alone. So every start-up here must find the log as it was before that
 * batch or after it. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prng.h"
#include "store.h"
#include "store/log_writer.h"

#define SECTOR 512

/* A log whose last batch is not proven, as bytes. */
struct crash {
	struct store_fixture f;
	char path[256];      /* The newest segment. */
	struct bytes before; /* Its bytes before the last batch, */
	struct bytes after;  /* and with it. */
	uint64_t from;       /* Where the last batch is. */
	uint64_t to;
	rk_index
		last_before; /* Entries before it, of term 1, 100 bytes each. */
};

static int
setup(void **state)
{
	struct crash *c = mem_alloc(1, sizeof *c);

	store_init(&c->f);
	*state = c;
	assert_int_equal(store_open_log(&c->f), RK_OK);
	assert_int_equal(store_append(&c->f, 1, 3, 100), RK_OK);
	assert_int_equal(store_append(&c->f, 1, 2, 100), RK_OK);
	store_newest(&c->f, c->path, sizeof c->path);
	store_read_file(c->path, &c->before);
	c->last_before = c->f.last;
	c->from = c->f.log->at;
	assert_int_equal(store_append(&c->f, 2, 4, 150), RK_OK);
	c->to = c->f.log->at;
	store_read_file(c->path, &c->after);
	store_crash(&c->f);
	return 0;
}

static int
teardown(void **state)
{
	struct crash *c = *state;

	store_close(&c->f);
	bytes_close(&c->before);
	bytes_close(&c->after);
	mem_free(c);
	return 0;
}

/* Start with the newest segment as it is: everything before the last batch
 * must be there, the batch itself wholly or not at all; and then the log must
 * be of use. Returns whether the batch is there. */
static bool
start(struct crash *c)
{
	struct store_fixture *f = &c->f;
	bool there;

	if (store_open_log(f) != RK_OK)
		fail_msg("%s", f->err.text);
	there = f->last > c->last_before;
	store_expect(f, 1, c->last_before + 1, 1, 100);
	if (there) {
		assert_int_equal(f->last, c->last_before + 4);
		store_expect(f, c->last_before + 1, f->last + 1, 2, 150);
	}
	return there;
}

static void
crash_after_a_whole_batch_keeps_it(void **state)
{
	struct crash *c = *state;

	assert_true(start(c));
	assert_int_equal(c->f.recovered.torn_bytes, 0);
	store_crash(&c->f);
}

static void
d1_last_batch_cut_short_at_any_byte_is_cut(void **state)
{
	struct crash *c = *state;
	struct bytes torn = {0};
	uint64_t at;

	for (at = c->from; at < c->to; at++) {
		torn.len = 0;
		bytes_append(&torn, c->after.data, (size_t)at);
		store_write_file(c->path, &torn);
		assert_false(start(c));
		/* Less than a word of a record may be zeros by chance. */
		if (at >= c->from + 8)
			assert_true(c->f.recovered.torn_bytes > 0);
		store_crash(&c->f);
	}
	bytes_close(&torn);
}

static void
d1_last_batch_zero_from_any_byte_is_cut(void **state)
{
	struct crash *c = *state;
	uint64_t at;

	for (at = c->from; at < c->to - 8; at += 3) {
		memcpy(c->before.data + c->from, c->after.data + c->from,
		       at - c->from);
		store_write_file(c->path, &c->before);
		assert_false(start(c));
		store_crash(&c->f);
	}
}

static void
d1_copy_of_what_was_cut_is_kept(void **state)
{
	struct crash *c = *state;
	struct bytes copy = {0};

	store_flip(c->path, c->to - 20, 1);
	assert_false(start(c));
	assert_int_equal(c->f.recovered.torn_bytes, c->to - c->from);
	store_read_file(c->f.recovered.torn_copy, &copy);
	assert_int_equal(copy.len, c->to - c->from);
	assert_memory_equal(copy.data, c->after.data + c->from, 100);
	bytes_close(&copy);
	store_crash(&c->f);
	/* Cut once, and for good. */
	assert_false(start(c));
	assert_int_equal(c->f.recovered.torn_bytes, 0);
	store_crash(&c->f);
}

static void
d1_batch_without_its_first_sector_is_cut(void **state)
{
	struct crash *c = *state;

	memset(c->after.data + c->from, 0, 40);
	store_write_file(c->path, &c->after);
	assert_false(start(c));
	assert_int_equal(c->f.recovered.torn_bytes, c->to - c->from);
	store_crash(&c->f);
}

/* Any of its sectors may be on disk without the others (etcd's bug of
 * reordered sectors). */
static void
d1_any_sectors_of_the_last_batch_may_be_missing(void **state)
{
	struct crash *c = *state;
	struct bytes torn = {0};
	struct prng prng;
	uint64_t sector;
	bool all;
	int i;

	prng_init(&prng, unit_seed());
	for (i = 0; i < 200; i++) {
		torn.len = 0;
		bytes_append(&torn, c->before.data, c->before.len);
		all = true;
		for (sector = c->from / SECTOR; sector * SECTOR < c->to;
		     sector++) {
			if (prng_range(&prng, 0, 2) == 0) {
				all = false;
				continue;
			}
			memcpy(torn.data + sector * SECTOR,
			       c->after.data + sector * SECTOR, SECTOR);
		}
		store_write_file(c->path, &torn);
		assert_int_equal(start(c), all);
		store_crash(&c->f);
	}
	bytes_close(&torn);
}

static void
cut_log_goes_on(void **state)
{
	struct crash *c = *state;

	store_flip(c->path, c->from + 50, 4);
	assert_false(start(c));
	/* The number of the batch that was cut is given again. */
	assert_int_equal(store_append(&c->f, 3, 2, 30), RK_OK);
	store_close_log(&c->f);
	assert_int_equal(store_open_log(&c->f), RK_OK);
	assert_int_equal(c->f.recovered.count, c->last_before + 2);
	store_expect(&c->f, c->last_before + 1, c->f.last + 1, 3, 30);
}

static void
d2_flip_before_the_last_batch_is_refused_by_place(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	struct bytes before = {0};
	struct bytes after = {0};
	char want[512];

	store_flip(c->path, SEGMENT_HEAD_BYTES + 60, 1);
	store_read_file(c->path, &before);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
	snprintf(want, sizeof want,
		 "%s: bad checksum at byte 128 (index 1); 2 valid batches "
		 "follow",
		 c->path);
	assert_string_equal(f->err.text, want);
	store_read_file(c->path, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	bytes_close(&before);
	bytes_close(&after);
}

static void
d2_hint_says_what_is_good(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	char want[512];

	store_flip(c->path, c->from - 100, 1);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
	assert_non_null(strstr(f->err.text, "1 valid batch follows"));
	snprintf(
		want, sizeof want,
		"the disk or a copy damaged this file. Good up to 4: raft-dump "
		"-i :4 %s",
		f->dir);
	assert_string_equal(f->err.hint, want);
}

static bool
count_line(void *context, struct slice line)
{
	assert_int_equal(line.data[line.len - 1], '\n');
	++*(uint64_t *)context;
	return true;
}

static void
d2_reader_visits_what_is_good_before_the_damage(void **state)
{
	struct crash *c = *state;
	struct log_recovered r;
	struct rk_error err;
	uint64_t in_dir = 0;
	uint64_t in_file = 0;

	/* In the second of three batches: the first one's entries are good. */
	store_flip(c->path, c->from - 100, 1);
	assert_int_equal(log_inspect(c->f.dir, count_line, &in_dir, &r, &err),
			 RK_CORRUPT);
	assert_int_equal(in_dir, 3);
	assert_int_equal(
		log_inspect_file(c->path, count_line, &in_file, &r, &err),
		RK_CORRUPT);
	assert_int_equal(in_file, 3);
}

static void
f10_clean_close_proves_the_last_batch(void **state)
{
	struct crash *c = *state;

	assert_int_equal(store_open_log(&c->f), RK_OK);
	store_close_log(&c->f);
	store_flip(c->path, c->to - 20, 1);
	assert_int_equal(store_open_log(&c->f), RK_CORRUPT);
}

/* D7: term and vote are in the same write as the entries, before them. */
static void
d7_term_is_there_when_its_entries_are(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	struct bytes lines = {0};
	struct log_op op = {.has_hard_state = true, .hard_state = {5, 2}};
	struct bytes whole = {0};
	struct bytes torn = {0};
	uint64_t from;
	uint64_t to;
	uint64_t at;

	assert_int_equal(store_open_log(f), RK_OK);
	from = f->log->at;
	store_line(&lines, f->last + 1, 5, 150);
	op.first = f->last + 1;
	op.count = 1;
	op.lines = (struct slice){lines.data, lines.len};
	assert_int_equal(store_write(f, &op), RK_OK);
	to = f->log->at;
	store_crash(f);
	store_read_file(c->path, &whole);
	for (at = from; at <= to; at++) {
		torn.len = 0;
		bytes_append(&torn, whole.data, (size_t)at);
		store_write_file(c->path, &torn);
		assert_int_equal(store_open_log(f), RK_OK);
		assert_int_equal(f->recovered.hard_state.term,
				 at == to ? 5 : 0);
		assert_int_equal(f->last, c->last_before + 4 + (at == to));
		store_crash(f);
	}
	bytes_close(&lines);
	bytes_close(&whole);
	bytes_close(&torn);
}

/* ---- between two segments ---- */

/* Fill segments until a new one begins with the last batch. */
static void
roll(struct crash *c)
{
	struct store_fixture *f = &c->f;
	uint64_t at;

	assert_int_equal(store_open_log(f), RK_OK);
	do {
		at = f->log->at;
		assert_int_equal(store_append(f, 2, 5, 1000), RK_OK);
	} while (f->log->at > at);
}

static void
d8_crash_before_the_first_batch_of_a_segment(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	struct rk_error err;
	rk_index last;
	char path[256];

	assert_int_equal(store_open_log(f), RK_OK);
	last = f->last;
	assert_int_equal(log_roll(f->log, &err), RK_OK);
	store_crash(f);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->last, last);
	assert_int_equal(store_count_files(f, ".seg"), 2);
	store_crash(f);
	/* And before the seal of the one before. */
	store_newest(f, path, sizeof path);
	assert_string_not_equal(path, c->path);
	store_write_file(c->path, &c->after);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->last, last);
	assert_int_equal(store_append(f, 2, 5, 1000), RK_OK);
	store_close_log(f);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->last, last + 5);
	assert_int_equal(store_count_files(f, ".seg"), 2);
}

static void
torn_first_batch_of_a_segment_is_cut(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	rk_index last;
	char path[256];

	roll(c);
	last = f->last;
	store_crash(f);
	store_newest(f, path, sizeof path);
	store_flip(path, 300, 1);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->last, last - 5);
	assert_true(f->recovered.torn_bytes > 0);
}

static void
seal_is_needed_when_the_next_segment_is_not_empty(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	struct bytes data = {0};

	roll(c);
	store_crash(f);
	store_read_file(c->path, &data);
	while (data.data[data.len - 1] == 0)
		data.len--;
	data.data[data.len - 1] ^= 1; /* In the seal. */
	store_write_file(c->path, &data);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
	assert_non_null(strstr(f->err.text, c->path));
	bytes_close(&data);
}

static void
files_left_by_a_crash_are_removed(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	char path[256];

	store_path(f, path, sizeof path, "next.tmp");
	store_write_file(path, &c->before);
	store_path(f, path, sizeof path, "roll.tmp");
	store_write_file(path, &c->before);
	store_path(f, path, sizeof path, "notes.txt");
	store_write_file(path, &c->before);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(store_count_files(f, ".tmp"), 0);
	assert_int_equal(store_count_files(f, "notes.txt"), 1);
	assert_int_equal(f->recovered.unknown_files, 1);
	assert_string_equal(f->recovered.unknown_file, "notes.txt");
}

/* R5: who voted may not forget it. */
static void
f14_log_that_is_gone_is_not_begun_anew(void **state)
{
	struct crash *c = *state;
	struct store_fixture *f = &c->f;
	char path[256];

	assert_int_equal(unlink(c->path), 0);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
	assert_non_null(strstr(f->err.text, "the log is lost"));
	store_path(f, path, sizeof path, "");
	store_remove_dir(path);
	assert_int_equal(store_open_log(f), RK_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(crash_after_a_whole_batch_keeps_it),
		TEST(d1_last_batch_cut_short_at_any_byte_is_cut),
		TEST(d1_last_batch_zero_from_any_byte_is_cut),
		TEST(d1_copy_of_what_was_cut_is_kept),
		TEST(d1_batch_without_its_first_sector_is_cut),
		TEST(d1_any_sectors_of_the_last_batch_may_be_missing),
		TEST(cut_log_goes_on),
		TEST(d2_flip_before_the_last_batch_is_refused_by_place),
		TEST(d2_hint_says_what_is_good),
		TEST(d2_reader_visits_what_is_good_before_the_damage),
		TEST(f10_clean_close_proves_the_last_batch),
		TEST(d7_term_is_there_when_its_entries_are),
		TEST(d8_crash_before_the_first_batch_of_a_segment),
		TEST(torn_first_batch_of_a_segment_is_cut),
		TEST(seal_is_needed_when_the_next_segment_is_not_empty),
		TEST(files_left_by_a_crash_are_removed),
		TEST(f14_log_that_is_gone_is_not_begun_anew),
	};

	return unit_run("log recovery", tests, LEN(tests));
}
