/* test_history.c - the applied entries' file: appended, read, taken over. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/line.h"
#include "base/prng.h"
#include "machine/history.h"
#include "sample.h"

static struct history *
open_empty(const char *dir)
{
	struct history *h;
	struct rk_error err;

	assert_int_equal(history_open(dir, NULL, 0, 0, 0, &h, &err), RK_OK);
	return h;
}

static void
append(struct history *h, const struct bytes *lines, uint64_t count)
{
	struct slice text = {lines->data, lines->len};
	struct rk_error err;

	assert_int_equal(history_append(h, text, count, &err), RK_OK);
}

static struct history *
open_with(const char *dir, rk_index from, rk_index to)
{
	struct history *h = open_empty(dir);
	struct bytes lines = {.data = NULL};

	sample_lines(&lines, from, to);
	append(h, &lines, to - from);
	bytes_close(&lines);
	return h;
}

/* That [from, to) reads as the lines it should, in pieces of max bytes. */
static void
reads_as(struct history *h, rk_index from, rk_index to, size_t max)
{
	struct bytes got = {.data = NULL};
	struct bytes want = {.data = NULL};
	struct rk_error err;
	rk_index end = from;
	rk_index at;

	sample_lines(&want, from, to);
	while (end < to) {
		at = end;
		assert_int_equal(history_read(h, at, to, max, &got, &end, &err),
				 RK_OK);
		assert_true(end > at);
		assert_true(end <= to);
	}
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	bytes_close(&got);
	bytes_close(&want);
}

static void
file_is_the_lines_that_were_appended(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_with(dir, 1, 1000);
	struct bytes want = {.data = NULL};
	struct bytes file;

	(void)state;
	sample_lines(&want, 1, 1000);
	file = sample_read(history_path(h));
	assert_int_equal(file.len, want.len);
	assert_memory_equal(file.data, want.data, want.len);
	assert_int_equal(history_last(h), 999);
	assert_int_equal(history_bytes(h), want.len);
	assert_int_equal(history_crc32c(h), crc32c(0, want.data, want.len));
	history_free(h);
	bytes_close(&want);
	bytes_close(&file);
	sample_dir_remove(dir);
}

static void
any_range_reads_as_its_lines(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_with(dir, 1, 30000);
	struct prng prng;
	rk_index from;
	int i;

	(void)state;
	prng_init(&prng, unit_seed());
	reads_as(h, 1, 30000, 100000);
	reads_as(h, 29999, 30000, 1);
	reads_as(h, 1, 50, 1);
	for (i = 0; i < 300; i++) {
		from = prng_range(&prng, 1, 30000);
		reads_as(h, from, prng_range(&prng, from + 1, 30001),
			 (size_t)prng_range(&prng, 1, 200000));
	}
	history_free(h);
	sample_dir_remove(dir);
}

static void
reading_past_the_end_is_absent(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_with(dir, 1, 10);
	struct bytes out = {.data = NULL};
	struct rk_error err;
	rk_index end;

	(void)state;
	assert_int_equal(history_read(h, 10, 11, 100, &out, &end, &err),
			 RK_ABSENT);
	assert_int_equal(history_read(h, 9, 100, 10000, &out, &end, &err),
			 RK_OK);
	assert_int_equal(end, 10);
	bytes_close(&out);
	history_free(h);
	sample_dir_remove(dir);
}

static void
line_longer_than_asked_for_comes_whole(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_with(dir, 1, 3);
	struct bytes lines = {.data = NULL};
	struct bytes out = {.data = NULL};
	char *data = mem_alloc(300001, 1);
	struct rk_error err;
	size_t long_len;
	rk_index end;

	(void)state;
	memset(data, 'x', 300000);
	sample_line(&lines, 3, NULL, 0, data);
	long_len = lines.len;
	sample_lines(&lines, 4, 6);
	append(h, &lines, 3);
	assert_int_equal(history_read(h, 3, 6, 50, &out, &end, &err), RK_OK);
	assert_int_equal(end, 4);
	assert_int_equal(out.len, long_len);
	assert_memory_equal(out.data, lines.data, long_len);
	reads_as(h, 4, 6, 1000);
	mem_free(data);
	bytes_close(&lines);
	bytes_close(&out);
	history_free(h);
	sample_dir_remove(dir);
}

static void
snapshot_is_taken_over_and_grows_on(void **state)
{
	char *dir = sample_dir();
	char *snapshot = sample_path(dir, "snapshot");
	struct history *h = open_with(dir, 1, 5001);
	uint64_t bytes = history_bytes(h);
	uint32_t crc = history_crc32c(h);
	struct bytes more = {.data = NULL};
	struct rk_error err;

	(void)state;
	assert_int_equal(link(history_path(h), snapshot), 0);
	sample_lines(&more, 5001, 6001);
	append(h, &more, 1000);
	history_free(h);
	assert_int_equal(
		history_open(dir, snapshot, bytes, crc, 5000, &h, &err), RK_OK);
	assert_int_equal(history_last(h), 5000);
	assert_int_equal(history_bytes(h), bytes);
	assert_int_equal(history_crc32c(h), crc);
	reads_as(h, 1, 5001, 65536);
	append(h, &more, 1000);
	reads_as(h, 1, 6001, 65536);
	history_free(h);
	bytes_close(&more);
	mem_free(snapshot);
	sample_dir_remove(dir);
}

static void
snapshot_is_left_alone_when_history_begins_anew(void **state)
{
	char *dir = sample_dir();
	char *snapshot = sample_path(dir, "snapshot");
	struct history *h = open_with(dir, 1, 100);
	uint64_t bytes = history_bytes(h);
	struct bytes file;

	(void)state;
	assert_int_equal(link(history_path(h), snapshot), 0);
	history_free(h);
	h = open_with(dir, 1, 3);
	file = sample_read(snapshot);
	assert_int_equal(file.len, bytes);
	bytes_close(&file);
	history_free(h);
	mem_free(snapshot);
	sample_dir_remove(dir);
}

static void
damaged_snapshot_is_corrupt_and_not_cut(void **state)
{
	char *dir = sample_dir();
	char *snapshot = sample_path(dir, "snapshot");
	struct bytes lines = {.data = NULL};
	struct history *h;
	struct rk_error err;
	struct bytes file;
	uint64_t bytes;
	uint32_t crc;

	(void)state;
	sample_lines(&lines, 1, 101);
	bytes = lines.len;
	crc = crc32c(0, lines.data, lines.len);
	sample_lines(&lines, 101, 111);
	sample_write(snapshot, lines.data, lines.len);
	assert_int_equal(history_open(dir, snapshot, bytes, crc, 99, &h, &err),
			 RK_CORRUPT);
	assert_int_equal(
		history_open(dir, snapshot, bytes, crc ^ 1, 100, &h, &err),
		RK_CORRUPT);
	assert_int_equal(
		history_open(dir, snapshot, lines.len + 1, crc, 100, &h, &err),
		RK_CORRUPT);
	assert_non_null(strstr(err.text, "history.ndjson: ends at byte"));
	file = sample_read(snapshot);
	assert_int_equal(file.len, lines.len);
	assert_int_equal(history_open(dir, snapshot, bytes, crc, 100, &h, &err),
			 RK_OK);
	history_free(h);
	bytes_close(&file);
	bytes_close(&lines);
	mem_free(snapshot);
	sample_dir_remove(dir);
}

/* A limit on the size of files stands for a disk that does not take more. */
static void
failed_append_leaves_the_history_as_it_was(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_with(dir, 1, 1001);
	struct rlimit before;
	struct rlimit tight;
	struct bytes more = {.data = NULL};
	struct slice text;
	struct rk_error err;
	struct bytes file;

	(void)state;
	sample_lines(&more, 1001, 2001);
	text = (struct slice){more.data, more.len};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = history_bytes(h) + 1000;
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(history_append(h, text, 1000, &err), RK_FAILED);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(history_last(h), 1000);
	file = sample_read(history_path(h));
	assert_int_equal(file.len, history_bytes(h));
	append(h, &more, 1000);
	reads_as(h, 1, 2001, 65536);
	bytes_close(&file);
	bytes_close(&more);
	history_free(h);
	sample_dir_remove(dir);
}

/* This process's only descriptor on the file. */
static int
descriptor_of(const char *path)
{
	char name[32];
	char target[512];
	ssize_t len;
	int fd;

	for (fd = 3; fd < 256; fd++) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		len = readlink(name, target, sizeof target - 1);
		target[len > 0 ? len : 0] = '\0';
		if (strcmp(target, path) == 0)
			return fd;
	}
	fail_msg("%s is not open", path);
	return -1;
}

static void
full_disk_is_rejected(void **state)
{
	char *dir = sample_dir();
	struct history *h = open_empty(dir);
	struct bytes lines = {.data = NULL};
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct slice text;
	struct rk_error err;

	(void)state;
	sample_lines(&lines, 1, 2);
	text = (struct slice){lines.data, lines.len};
	assert_true(dup2(full, descriptor_of(history_path(h))) >= 0);
	assert_int_equal(history_append(h, text, 1, &err), RK_REJECTED);
	assert_int_equal(history_last(h), 0);
	close(full);
	history_free(h);
	bytes_close(&lines);
	sample_dir_remove(dir);
}

static void
seek_finds_each_line(void **state)
{
	char *dir = sample_dir();
	char *path = sample_path(dir, "saved");
	struct bytes text = {.data = NULL};
	struct bytes want = {.data = NULL};
	struct rk_error err;
	uint64_t offset;
	rk_index index;
	size_t start;
	uint64_t len;
	int fd;

	(void)state;
	bytes_append_text(&text, "{\"a header\":1}\n");
	start = text.len;
	sample_lines(&text, 1, 20001);
	len = text.len - start;
	sample_write(path, text.data, text.len);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (index = 1; index <= 20000; index += 97) {
		assert_int_equal(
			history_seek(fd, start, len, index, &offset, &err),
			RK_OK);
		want.len = 0;
		sample_lines(&want, index, index + 1);
		assert_memory_equal(text.data + offset, want.data, want.len);
	}
	assert_int_equal(history_seek(fd, start, len, 20001, &offset, &err),
			 RK_OK);
	assert_int_equal(offset, text.len);
	close(fd);
	bytes_close(&text);
	bytes_close(&want);
	mem_free(path);
	sample_dir_remove(dir);
}

static void
seek_over_what_is_no_line_is_corrupt(void **state)
{
	char *dir = sample_dir();
	char *path = sample_path(dir, "saved");
	char *text = mem_alloc(200000, 1);
	struct rk_error err;
	uint64_t offset;
	int fd;

	(void)state;
	memset(text, '\n', 200000);
	sample_write(path, text, 200000);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(history_seek(fd, 0, 200000, 5, &offset, &err),
			 RK_CORRUPT);
	close(fd);
	mem_free(text);
	mem_free(path);
	sample_dir_remove(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_the_lines_that_were_appended),
		cmocka_unit_test(any_range_reads_as_its_lines),
		cmocka_unit_test(reading_past_the_end_is_absent),
		cmocka_unit_test(line_longer_than_asked_for_comes_whole),
		cmocka_unit_test(snapshot_is_taken_over_and_grows_on),
		cmocka_unit_test(
			snapshot_is_left_alone_when_history_begins_anew),
		cmocka_unit_test(damaged_snapshot_is_corrupt_and_not_cut),
		cmocka_unit_test(failed_append_leaves_the_history_as_it_was),
		cmocka_unit_test(full_disk_is_rejected),
		cmocka_unit_test(seek_finds_each_line),
		cmocka_unit_test(seek_over_what_is_no_line_is_corrupt),
	};

	return unit_run("history", tests, LEN(tests));
}
