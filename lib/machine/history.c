/* history.c - machine/history.ndjson: the applied entries, one line each.
 *
 * Where a line is, a sparse index in memory tells: one mark in each 64 KiB,
 * from which lines are counted. */

#include "machine/history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "machine/linefile.h"

#define NAME       "history.ndjson"
#define MARK_EVERY 65536
#define PIECE      262144 /* To checksum, read pieces of this size. */

/* The line with this index starts at this offset. */
struct mark {
	rk_index index;
	uint64_t offset;
};

struct history {
	char *path;
	int fd;
	rk_index first; /* Index of the first line; of the next if empty. */
	rk_index last;
	uint64_t bytes;
	uint32_t crc;
	struct mark *marks; /* Ascending, at least MARK_EVERY apart. */
	size_t mark_count;
	size_t mark_cap;
	struct mark read; /* Where the last read ended; the next goes on. */
};

static void
add_mark(struct history *h, rk_index index, uint64_t offset)
{
	h->marks = mem_grow(h->marks, &h->mark_cap, h->mark_count + 1,
			    sizeof h->marks[0]);
	h->marks[h->mark_count++] =
		(struct mark){.index = index, .offset = offset};
}

/* Mark what lies behind the last mark. Marks only save counting, so that the
 * caller may leave a failure for later. */
static enum rk_code
extend_marks(struct history *h, struct rk_error *err)
{
	uint64_t offset;
	rk_index index;

	if (h->mark_count == 0 && h->bytes > 0)
		add_mark(h, h->first, 0);
	while (h->bytes > 0 &&
	       h->bytes - h->marks[h->mark_count - 1].offset > MARK_EVERY) {
		offset = h->marks[h->mark_count - 1].offset + MARK_EVERY - 1;
		if (linefile_next(h->fd, offset, h->bytes, &offset, err))
			return err->code;
		if (offset == h->bytes)
			break;
		if (linefile_index(h->fd, offset, h->bytes, &index, err))
			return err->code;
		add_mark(h, index, offset);
	}
	return RK_OK;
}

/* The nearest known place at or before a line that is there. */
static struct mark
nearest(const struct history *h, rk_index index)
{
	size_t low = 0;
	size_t high = h->mark_count;
	size_t middle;
	struct mark mark = {.index = h->first};

	while (low < high) {
		middle = low + (high - low) / 2;
		if (h->marks[middle].index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0)
		mark = h->marks[low - 1];
	if (h->read.index <= index && h->read.index > mark.index)
		mark = h->read;
	return mark;
}

static enum rk_code
checksum(struct history *h, uint32_t wanted, struct rk_error *err)
{
	uint8_t *piece = mem_alloc(PIECE, 1);
	enum rk_code rc = RK_OK;
	uint64_t at;
	size_t len;

	for (at = 0; at < h->bytes && rc == RK_OK; at += len) {
		len = h->bytes - at < PIECE ? (size_t)(h->bytes - at) : PIECE;
		rc = linefile_read(h->fd, piece, len, at, err);
		if (rc == RK_OK)
			h->crc = crc32c(h->crc, piece, len);
	}
	mem_free(piece);
	if (rc == RK_OK && h->crc != wanted)
		rc = error_set(err, RK_CORRUPT,
			       "bad checksum over %" PRIu64 " bytes", h->bytes);
	return rc;
}

/* That what is taken over ends with the line of `last`, whole. */
static enum rk_code
check_end(struct history *h, rk_index last, struct rk_error *err)
{
	struct mark mark = nearest(h, last);
	rk_index index;
	uint64_t end;

	if (linefile_walk(h->fd, h->bytes, last, &mark.offset, &mark.index,
			  err) ||
	    linefile_index(h->fd, mark.offset, h->bytes, &index, err) ||
	    linefile_next(h->fd, h->bytes - 1, h->bytes, &end, err) ||
	    linefile_next(h->fd, mark.offset, h->bytes, &end, err))
		return err->code;
	if (index != last || end != h->bytes)
		return error_set(err, RK_CORRUPT,
				 "does not end with entry %" PRIu64, last);
	h->last = last;
	return RK_OK;
}

/* Take over a snapshot's payload, open under the history's name already. */
static enum rk_code
take_over(struct history *h, uint64_t bytes, uint32_t crc, rk_index last,
	  struct rk_error *err)
{
	h->bytes = bytes;
	if (bytes > 0 && linefile_index(h->fd, 0, bytes, &h->first, err))
		return err->code;
	if (checksum(h, crc, err) || extend_marks(h, err))
		return err->code;
	if (bytes > 0 && check_end(h, last, err))
		return err->code;
	if (bytes == 0 && last != 0)
		return error_set(err, RK_CORRUPT,
				 "empty, but covers entry %" PRIu64, last);
	if (ftruncate(h->fd, (off_t)bytes) < 0)
		return error_set(err, RK_FAILED, "cut to size: %s",
				 strerror(errno));
	return RK_OK;
}

enum rk_code
history_open(const char *dir, const char *from, uint64_t bytes, uint32_t crc,
	     rk_index last, struct history **history, struct rk_error *err)
{
	struct history *h = mem_alloc(1, sizeof *h);
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	struct bytes path = {.data = NULL};
	enum rk_code rc = RK_OK;

	bytes_printf(&path, "%s/" NAME, dir);
	bytes_append_char(&path, '\0');
	h->path = (char *)path.data;
	h->first = 1;
	h->fd = -1;
	if (unlink(h->path) < 0 && errno != ENOENT)
		rc = error_set(err, RK_FAILED, "remove: %s", strerror(errno));
	else if (from != NULL && link(from, h->path) < 0)
		rc = error_set(err, RK_FAILED, "link %s: %s", from,
			       strerror(errno));
	if (rc)
		goto fail;
	h->fd = open(h->path, from != NULL ? flags : flags | O_CREAT | O_EXCL,
		     0600);
	if (h->fd < 0)
		rc = error_set(err, RK_FAILED, "open: %s", strerror(errno));
	else if (from != NULL)
		rc = take_over(h, bytes, crc, last, err);
	if (rc)
		goto fail;
	*history = h;
	return RK_OK;

fail:
	error_wrap(err, "%s", h->path);
	history_free(h);
	return rc;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		close(h->fd);
	mem_free(h->marks);
	mem_free(h->path);
	mem_free(h);
}

enum rk_code
history_append(struct history *h, struct slice lines, uint64_t count,
	       struct rk_error *err)
{
	struct rk_error ignored;
	int rc;

	assert(count > 0 || lines.len == 0);
	if (count == 0)
		return RK_OK;
	assert(lines.data[lines.len - 1] == '\n');
	if (linefile_write(h->fd, lines, h->bytes, err)) {
		/* Whoever reads the file should not meet half a line. If this
		 * fails too, the next attempt writes over it all the same. */
		rc = ftruncate(h->fd, (off_t)h->bytes);
		(void)rc;
		return error_wrap(err, "%s", h->path);
	}
	h->crc = crc32c(h->crc, lines.data, lines.len);
	h->bytes += lines.len;
	h->last += count;
	rc = (int)extend_marks(h, &ignored);
	(void)rc;
	return RK_OK;
}

rk_index
history_last(const struct history *h)
{
	return h->last;
}

uint64_t
history_bytes(const struct history *h)
{
	return h->bytes;
}

uint32_t
history_crc32c(const struct history *h)
{
	return h->crc;
}

const char *
history_path(const struct history *h)
{
	return h->path;
}

/* Read into `out` from `at`, a line's start, up to `max` bytes: but at least
 * one line, and whole ones alone. */
static enum rk_code
read_lines(const struct history *h, uint64_t at, size_t max, struct bytes *out,
	   struct rk_error *err)
{
	size_t before = out->len;
	const uint8_t *newline;
	uint64_t end;
	size_t len;

	len = h->bytes - at < max ? (size_t)(h->bytes - at) : max;
	if (linefile_read(h->fd, bytes_reserve(out, len), len, at, err))
		return err->code;
	newline = memrchr(out->data + before, '\n', len);
	if (newline != NULL) {
		out->len = (size_t)(newline + 1 - out->data);
		return RK_OK;
	}
	/* The first line is longer than that. */
	if (linefile_next(h->fd, at + len, h->bytes, &end, err))
		return err->code;
	if (linefile_read(h->fd, bytes_reserve(out, (size_t)(end - at)),
			  (size_t)(end - at), at, err))
		return err->code;
	out->len = before + (size_t)(end - at);
	return RK_OK;
}

/* Cut what was appended behind `before` after the line to - 1. */
static void
cut_lines(struct bytes *out, size_t before, rk_index from, rk_index to,
	  rk_index *end)
{
	const uint8_t *p = out->data + before;
	const uint8_t *stop = out->data + out->len;

	for (*end = from; *end < to && p < stop; ++*end)
		p = (const uint8_t *)memchr(p, '\n', (size_t)(stop - p)) + 1;
	out->len = (size_t)(p - out->data);
}

/* The offset of a known place behind line to - 1, so that a short range is not
 * read along with much more. */
static uint64_t
bound(const struct history *h, rk_index to)
{
	struct mark mark = nearest(h, to);
	size_t next;

	if (mark.index == to)
		return mark.offset;
	next = h->mark_count;
	while (next > 0 && h->marks[next - 1].index >= to)
		next--;
	return next < h->mark_count ? h->marks[next].offset : h->bytes;
}

enum rk_code
history_read(struct history *h, rk_index from, rk_index to, size_t max_bytes,
	     struct bytes *out, rk_index *end, struct rk_error *err)
{
	size_t before = out->len;
	struct mark mark;
	uint64_t most;

	assert(from < to);
	if (from < h->first || from > h->last)
		return error_set(err, RK_ABSENT, "%s: no entry %" PRIu64,
				 h->path, from);
	mark = nearest(h, from);
	if (linefile_walk(h->fd, h->bytes, from, &mark.offset, &mark.index,
			  err))
		return error_wrap(err, "%s", h->path);
	most = bound(h, to) - mark.offset;
	if (most > max_bytes)
		most = max_bytes;
	if (read_lines(h, mark.offset, (size_t)most, out, err)) {
		out->len = before;
		return error_wrap(err, "%s", h->path);
	}
	cut_lines(out, before, from, to, end);
	h->read = (struct mark){.index = *end,
				.offset = mark.offset + out->len - before};
	return RK_OK;
}

enum rk_code
history_sync(const char *path, struct rk_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rk_code rc = RK_OK;

	if (fd < 0 || fdatasync(fd) < 0)
		rc = error_set(err, RK_FAILED, "sync %s: %s", path,
			       strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

enum rk_code
history_seek(int fd, uint64_t start, uint64_t bytes, rk_index index,
	     uint64_t *offset, struct rk_error *err)
{
	uint64_t end = start + bytes;
	uint64_t low = start; /* A line's start, at or before the one. */
	uint64_t high = end;
	rk_index at = 0;
	uint64_t middle;

	*offset = end;
	if (bytes == 0)
		return RK_OK;
	if (linefile_index(fd, low, end, &at, err))
		return err->code;
	while (high - low > MARK_EVERY) {
		rk_index found;

		if (linefile_next(fd, low + (high - low) / 2, high, &middle,
				  err))
			return err->code;
		if (middle == high) {
			/* One line fills the rest of it. */
			high = low + (high - low) / 2;
			continue;
		}
		if (linefile_index(fd, middle, end, &found, err))
			return err->code;
		if (found <= index) {
			low = middle;
			at = found;
		} else {
			high = middle;
		}
	}
	*offset = low;
	return linefile_walk(fd, end, index, offset, &at, err);
}
