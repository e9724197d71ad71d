/* store.c - what the tests of the store share. */

#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/file.h"
#include "store/log_writer.h"

void
store_init(struct store_fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct store_fixture){
		.id = {.format = STORE_FORMAT,
		       .cluster = "00000000005c1e00",
		       .node = 1,
		       .incarnation = "0123456789abcdef"},
		.options = {.segment_bytes = 64U << 10, .sync = true},
	};
	snprintf(f->dir, sizeof f->dir,
		 "%s/rk-store-XX"
		 "XX"
		 "XX",
		 tmp != NULL && strlen(tmp) < 80 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
}

void
store_close(struct store_fixture *f)
{
	store_close_log(f);
	store_remove_dir(f->dir);
}

enum rk_code
store_open_log(struct store_fixture *f)
{
	enum rk_code rc;

	rc = log_open(f->dir, &f->id, &f->options, f->snapshot, &f->log,
		      &f->map, &f->recovered, &f->err);
	if (rc != RK_OK) {
		f->log = NULL;
		f->map = NULL;
		f->recovered = (struct log_recovered){0};
		return rc;
	}
	f->last = f->recovered.compacted.index + f->recovered.count;
	return RK_OK;
}

void
store_close_log(struct store_fixture *f)
{
	log_close(f->log);
	log_map_free(f->map);
	log_recovered_close(&f->recovered);
	f->log = NULL;
	f->map = NULL;
}

void
store_crash(struct store_fixture *f)
{
	error_set(&f->log->failed, RK_FAILED, "crashed");
	store_close_log(f);
}

void
store_line(struct bytes *out, rk_index index, rk_term term, size_t size)
{
	size_t i;

	bytes_printf(out,
		     "{\"index\":%llu,\"term\":%llu,\"type\":\"data\","
		     "\"time\":\"2026-11-23T07:12:13.794Z\",\"data\":\"",
		     (unsigned long long)index, (unsigned long long)term);
	for (i = 0; i < size; i++)
		bytes_append_char(out, (char)('a' + (index + i) % 26));
	bytes_append_text(out, "\"}\n");
}

enum rk_code
store_write(struct store_fixture *f, const struct log_op *op)
{
	struct log_placement placement = {0};
	enum rk_code rc;

	rc = log_write(f->log, op, 1, f->last, &placement, &f->err);
	log_map_note(f->map, &placement);
	log_placement_close(&placement);
	if (rc == RK_OK && op->truncate_from != 0)
		f->last = op->truncate_from - 1;
	if (rc == RK_OK && op->reset)
		f->last = op->reset_to.index;
	if (rc == RK_OK)
		f->last += op->count;
	return rc;
}

enum rk_code
store_append(struct store_fixture *f, rk_term term, uint64_t count, size_t size)
{
	struct log_op op = {.first = f->last + 1, .count = count};
	struct bytes lines = {0};
	enum rk_code rc;
	uint64_t i;

	for (i = 0; i < count; i++)
		store_line(&lines, f->last + 1 + i, term, size);
	op.lines = (struct slice){lines.data, lines.len};
	rc = store_write(f, &op);
	bytes_close(&lines);
	return rc;
}

void
store_expect(struct store_fixture *f, rk_index from, rk_index to, rk_term term,
	     size_t size)
{
	struct bytes want = {0};
	struct bytes got = {0};
	rk_index end = from;
	rk_index i;

	for (i = from; i < to; i++)
		store_line(&want, i, term, size);
	while (end < to) {
		from = end;
		assert_int_equal(log_map_read(f->map, from, to, want.len, &got,
					      &end, &f->err),
				 RK_OK);
		assert_true(end > from);
	}
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	bytes_close(&want);
	bytes_close(&got);
}

void
store_path(const struct store_fixture *f, char *path, size_t size,
	   const char *name)
{
	assert_true(snprintf(path, size, "%s/log/%s", f->dir, name) <
		    (int)size);
}

static bool
ends_with(const char *text, const char *ending)
{
	size_t len = strlen(text);
	size_t end = strlen(ending);

	return len >= end && strcmp(text + len - end, ending) == 0;
}

size_t
store_count_files(const struct store_fixture *f, const char *ending)
{
	struct rk_error err;
	char path[256];
	char **names;
	size_t count;
	size_t found = 0;
	size_t i;

	store_path(f, path, sizeof path, "");
	assert_int_equal(file_list(path, &names, &count, &err), RK_OK);
	for (i = 0; i < count; i++)
		found += ends_with(names[i], ending);
	file_list_free(names, count);
	return found;
}

void
store_newest(const struct store_fixture *f, char *path, size_t size)
{
	struct rk_error err;
	char dir[256];
	char **names;
	size_t count;
	size_t i;

	path[0] = '\0';
	store_path(f, dir, sizeof dir, "");
	assert_int_equal(file_list(dir, &names, &count, &err), RK_OK);
	for (i = 0; i < count; i++)
		if (ends_with(names[i], ".seg"))
			store_path(f, path, size, names[i]);
	file_list_free(names, count);
	assert_true(path[0] != '\0');
}

void
store_read_file(const char *path, struct bytes *out)
{
	struct rk_error err;

	out->len = 0;
	assert_int_equal(file_read_whole(path, SIZE_MAX, out, &err), RK_OK);
}

void
store_write_file(const char *path, const struct bytes *data)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data->data, data->len), data->len);
	close(fd);
}

void
store_flip(const char *path, uint64_t offset, uint8_t mask)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= mask;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

/* Calls `each` for all in a directory, with both paths. */
static void
for_each(const char *from, const char *to,
	 void (*each)(const char *, const char *))
{
	struct dirent *entry;
	char one[512];
	char other[512];
	DIR *dir = opendir(from);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(one, sizeof one, "%s/%s", from, entry->d_name);
		snprintf(other, sizeof other, "%s/%s", to, entry->d_name);
		each(one, other);
	}
	closedir(dir);
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
copy_one(const char *from, const char *to)
{
	struct bytes data = {0};

	if (is_dir(from)) {
		store_copy_dir(from, to);
		return;
	}
	store_read_file(from, &data);
	store_write_file(to, &data);
	bytes_close(&data);
}

void
store_copy_dir(const char *from, const char *to)
{
	if (!is_dir(to))
		assert_int_equal(mkdir(to, 0700), 0);
	for_each(from, to, copy_one);
}

static void
remove_one(const char *path, const char *ignored)
{
	(void)ignored;
	if (is_dir(path))
		store_remove_dir(path);
	else
		unlink(path);
}

void
store_remove_dir(const char *dir)
{
	for_each(dir, dir, remove_one);
	rmdir(dir);
}
