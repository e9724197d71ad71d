/* test_segment_damage.c - files that were damaged, moved, copied or lost.
 *
 * Whatever it is: it is noticed, or it is harmless. Never is anything lost
 * without a word that was there before the last batch. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "store.h"
#include "store/file.h"
#include "store/log_writer.h"

/* What a reader makes of the log, in short. */
struct digest {
	uint32_t crc32c;
	uint64_t count;
	struct hard_state hard_state;
};

/* A log of five segments: entries 1 to 40, votes, a truncation. */
struct damage {
	struct store_fixture f;
	char copy[160]; /* The directory as it was. */
	char names[5][64];
	struct digest whole;
	char newest[64];
	uint64_t
		proven; /* In the newest: up to the last batch, an empty one. */
};

static bool
add_line(void *context, struct slice line)
{
	struct digest *d = context;

	d->crc32c = crc32c(d->crc32c, line.data, line.len);
	d->count++;
	return true;
}

static enum rk_code
look(const char *dir, struct digest *d, struct rk_error *err)
{
	struct log_recovered r;
	enum rk_code rc;

	*d = (struct digest){0};
	rc = log_inspect(dir, add_line, d, &r, err);
	if (rc != RK_OK)
		return rc;
	d->hard_state = r.hard_state;
	log_recovered_close(&r);
	return RK_OK;
}

static void
fill(struct store_fixture *f)
{
	struct log_op vote = {.has_hard_state = true};
	struct log_op cut = {.truncate_from = 0};
	rk_term term;

	for (term = 1; term <= 4; term++) {
		vote.hard_state = (struct hard_state){term, term % 3};
		assert_int_equal(store_write(f, &vote), RK_OK);
		assert_int_equal(store_append(f, term, 9, 40), RK_OK);
		cut.truncate_from = f->last - 1;
		assert_int_equal(store_write(f, &cut), RK_OK);
		assert_int_equal(store_append(f, term, 5, 60), RK_OK);
	}
}

static int
setup(void **state)
{
	struct damage *d = mem_alloc(1, sizeof *d);
	struct store_fixture *f = &d->f;
	char path[256];
	char **names;
	size_t count;
	size_t i;
	size_t segments = 0;

	store_init(f);
	*state = d;
	f->options.segment_bytes = 3072;
	assert_int_equal(store_open_log(f), RK_OK);
	fill(f);
	d->proven = f->log->at;
	snprintf(d->newest, sizeof d->newest, "%s", f->log->name);
	store_close_log(f);
	snprintf(d->copy, sizeof d->copy, "%s.copy", f->dir);
	store_copy_dir(f->dir, d->copy);
	store_path(f, path, sizeof path, "");
	assert_int_equal(file_list(path, &names, &count, &f->err), RK_OK);
	for (i = 0; i < count && segments < LEN(d->names); i++)
		snprintf(d->names[segments++], sizeof d->names[0], "%s",
			 names[i]);
	file_list_free(names, count);
	assert_int_equal(segments, LEN(d->names));
	assert_int_equal(look(f->dir, &d->whole, &f->err), RK_OK);
	assert_int_equal(d->whole.count, f->last);
	return 0;
}

static int
teardown(void **state)
{
	struct damage *d = *state;

	store_remove_dir(d->copy);
	store_close(&d->f);
	mem_free(d);
	return 0;
}

static void
restore(struct damage *d)
{
	store_remove_dir(d->f.dir);
	store_copy_dir(d->copy, d->f.dir);
}

/* Both the reader and the member itself, which must agree. */
static enum rk_code
try_both(struct damage *d, struct digest *found)
{
	struct rk_error err;
	enum rk_code rc = look(d->f.dir, found, &err);
	enum rk_code second = store_open_log(&d->f);

	assert_int_equal(rc, second);
	if (second == RK_OK)
		store_crash(&d->f);
	return rc;
}

static void
expect_refused(struct damage *d, enum rk_code code, const char *text)
{
	struct digest found;

	assert_int_equal(try_both(d, &found), code);
	if (strstr(d->f.err.text, text) == NULL)
		fail_msg("%s\nshould have: %s", d->f.err.text, text);
}

static void
segment_path(struct damage *d, size_t i, char *path, size_t size)
{
	store_path(&d->f, path, size, d->names[i]);
}

/* F9, S7 of the figures: every byte of a whole directory. */
static void
f9_every_flipped_byte_is_noticed_or_harmless(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	struct digest found;
	struct rk_error err;
	size_t sure;
	char path[256];
	enum rk_code rc;
	size_t i;
	size_t at;

	for (i = 0; i < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		store_read_file(path, &data);
		for (sure = data.len; data.data[sure - 1] == 0;)
			sure--; /* Behind the seal. */
		if (strcmp(d->names[i], d->newest) == 0)
			sure = (size_t)d->proven;
		for (at = 0; at < data.len; at++) {
			store_flip(path, at, (uint8_t)(1U << at % 8));
			rc = look(d->f.dir, &found, &err);
			store_flip(path, at, (uint8_t)(1U << at % 8));
			assert_int_equal(rc, at < sure ? RK_CORRUPT : RK_OK);
			if (rc == RK_OK)
				assert_memory_equal(&found, &d->whole,
						    sizeof found);
			else
				assert_non_null(strstr(err.text, d->names[i]));
		}
	}
	bytes_close(&data);
}

static void
f9_member_refuses_what_the_reader_refuses(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	struct digest found;
	char path[256];
	size_t i;
	size_t at;

	for (i = 0; i < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		store_read_file(path, &data);
		for (at = i; at < data.len; at += 251) {
			store_flip(path, at, 0x40);
			if (try_both(d, &found) == RK_OK)
				assert_memory_equal(&found, &d->whole,
						    sizeof found);
			restore(d);
		}
	}
	bytes_close(&data);
}

static void
f13_segment_cut_short_is_refused(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	char path[256];
	size_t i;

	for (i = 0; i + 1 < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		store_read_file(path, &data);
		while (data.data[data.len - 1] == 0)
			data.len--;
		for (data.len -= 8; data.len > 300; data.len -= 400) {
			store_write_file(path, &data);
			expect_refused(d, RK_CORRUPT, d->names[i]);
		}
		restore(d);
	}
	bytes_close(&data);
}

static void
f13_missing_segment_is_named(void **state)
{
	struct damage *d = *state;
	char path[256];
	size_t i;

	for (i = 1; i < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		assert_int_equal(unlink(path), 0);
		expect_refused(d, RK_CORRUPT, "a segment is missing");
		assert_non_null(strstr(d->f.err.text, d->names[i - 1]));
		restore(d);
	}
	segment_path(d, 0, path, sizeof path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_open_log(&d->f), RK_CORRUPT);
	assert_non_null(strstr(d->f.err.text, "are missing between"));
}

static void
f13_copied_segment_is_refused(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	char path[256];
	size_t i;

	for (i = 0; i < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		store_read_file(path, &data);
		store_path(&d->f, path, sizeof path,
			   "00000000000000000777.seg");
		store_write_file(path, &data);
		expect_refused(d, RK_CORRUPT, "is the segment ");
		restore(d);
	}
	bytes_close(&data);
}

static void
f13_renamed_segment_is_refused(void **state)
{
	struct damage *d = *state;
	char from[256];
	char to[256];
	size_t i;

	for (i = 1; i < LEN(d->names); i++) {
		segment_path(d, i, from, sizeof from);
		store_path(&d->f, to, sizeof to, "00000000000000000777.seg");
		assert_int_equal(rename(from, to), 0);
		expect_refused(d, RK_CORRUPT, "is the segment ");
		store_path(&d->f, from, sizeof from, "old.seg");
		assert_int_equal(rename(to, from), 0);
		expect_refused(d, RK_CORRUPT, "a segment is missing");
		restore(d);
	}
}

static void
f13_empty_segment_is_refused(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	char path[256];
	size_t i;

	for (i = 0; i < LEN(d->names); i++) {
		segment_path(d, i, path, sizeof path);
		store_write_file(path, &data);
		expect_refused(d, RK_CORRUPT, "0 bytes; a header has 128");
		restore(d);
	}
}

static void
f13_extra_file_is_left_alone(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	struct digest found;
	char path[256];

	store_path(&d->f, path, sizeof path, "core");
	store_write_file(path, &data);
	assert_int_equal(try_both(d, &found), RK_OK);
	assert_memory_equal(&found, &d->whole, sizeof found);
	assert_int_equal(store_count_files(&d->f, "core"), 1);
}

static void
f15_log_of_another_member_or_cluster_is_refused(void **state)
{
	struct damage *d = *state;
	struct store_fixture *f = &d->f;

	f->id.node = 2;
	assert_int_equal(store_open_log(f), RK_USAGE);
	assert_non_null(strstr(f->err.text, "belongs to member 1 "));
	f->id.node = 1;
	f->id.cluster[0] = '7';
	assert_int_equal(store_open_log(f), RK_USAGE);
	assert_non_null(strstr(f->err.text, "of cluster 00000000005c1e00"));
}

static void
f15_segment_of_another_member_among_ours_is_refused(void **state)
{
	struct damage *d = *state;
	struct store_fixture other;
	struct bytes data = {0};
	struct digest found;
	char path[256];

	store_init(&other);
	other.id.node = 2;
	other.options = d->f.options;
	assert_int_equal(store_open_log(&other), RK_OK);
	fill(&other);
	store_close_log(&other);
	store_path(&other, path, sizeof path, d->names[2]);
	store_read_file(path, &data);
	segment_path(d, 2, path, sizeof path);
	store_write_file(path, &data);
	assert_int_equal(try_both(d, &found), RK_USAGE);
	store_close(&other);
	bytes_close(&data);
}

/* F17: a write that went to another place of the file. */
static void
f17_misdirected_write_is_refused(void **state)
{
	struct damage *d = *state;
	struct bytes data = {0};
	struct digest found;
	char path[256];

	segment_path(d, 0, path, sizeof path);
	store_read_file(path, &data);
	memmove(data.data + 512, data.data + 256, 256);
	store_write_file(path, &data);
	assert_int_equal(try_both(d, &found), RK_CORRUPT);
	bytes_close(&data);
}

/* D2: the map reads what the disk gives later, and notices. */
static void
d2_damage_after_the_start_is_noticed_by_the_read(void **state)
{
	struct damage *d = *state;
	struct store_fixture *f = &d->f;
	struct bytes out = {0};
	char path[256];
	rk_index end;

	assert_int_equal(store_open_log(f), RK_OK);
	segment_path(d, 0, path, sizeof path);
	store_flip(path, 400, 1);
	assert_int_equal(log_map_read(f->map, 1, 10, 4096, &out, &end, &f->err),
			 RK_CORRUPT);
	assert_non_null(strstr(f->err.text, d->names[0]));
	assert_int_equal(end, 1);
	bytes_close(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(f9_every_flipped_byte_is_noticed_or_harmless),
		TEST(f9_member_refuses_what_the_reader_refuses),
		TEST(f13_segment_cut_short_is_refused),
		TEST(f13_missing_segment_is_named),
		TEST(f13_copied_segment_is_refused),
		TEST(f13_renamed_segment_is_refused),
		TEST(f13_empty_segment_is_refused),
		TEST(f13_extra_file_is_left_alone),
		TEST(f15_log_of_another_member_or_cluster_is_refused),
		TEST(f15_segment_of_another_member_among_ours_is_refused),
		TEST(f17_misdirected_write_is_refused),
		TEST(d2_damage_after_the_start_is_noticed_by_the_read),
	};

	return unit_run("segment damage", tests, LEN(tests));
}
