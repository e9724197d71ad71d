/* archive.c - the lines of a history or of a snapshot's payload, read offline.
 */

#include "node/archive.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "machine/history.h"
#include "store/file.h"

#define PIECE (1U << 20) /* What is read at a time. */

/* Read all of [offset, offset + len). */
static enum rk_code
read_exactly(const struct archive *a, void *data, size_t len, uint64_t offset,
	     struct rk_error *err)
{
	size_t got;

	if (file_read_at(a->fd, data, len, offset, &got, err))
		return error_wrap(err, "%s", a->path);
	if (got < len)
		return error_set(err, RK_CORRUPT, "%s: ends at byte %" PRIu64,
				 a->path, offset + got);
	return RK_OK;
}

/* The offset behind the last newline before `end`; a->start if there is none.
 */
static enum rk_code
last_newline(const struct archive *a, uint64_t end, uint64_t *behind,
	     struct rk_error *err)
{
	uint8_t *piece = mem_alloc(PIECE, 1);
	enum rk_code rc = RK_OK;
	const uint8_t *newline;
	size_t len;

	for (*behind = a->start; end > a->start; end -= len) {
		len = end - a->start < PIECE ? (size_t)(end - a->start) : PIECE;
		rc = read_exactly(a, piece, len, end - len, err);
		if (rc)
			break;
		newline = memrchr(piece, '\n', len);
		if (newline != NULL) {
			*behind = end - len + (uint64_t)(newline - piece) + 1;
			break;
		}
	}
	mem_free(piece);
	return rc;
}

static enum rk_code
bad_line(const struct archive *a, uint64_t offset, rk_index index,
	 struct rk_error *err)
{
	return error_set(err, RK_CORRUPT,
			 "%s: bad line at byte %" PRIu64 " (index %" PRIu64 ")",
			 a->path, offset, index);
}

/* The index of the line [from, to) of the file. */
static enum rk_code
index_at(const struct archive *a, uint64_t from, uint64_t to, rk_index *index,
	 struct rk_error *err)
{
	size_t len = (size_t)(to - from);
	struct bytes text = {.data = NULL};
	struct line line;
	enum rk_code rc;

	if (to - from > LIMIT_LINE_BYTES)
		return bad_line(a, from, 0, err);
	rc = read_exactly(a, bytes_reserve(&text, len), len, from, err);
	if (rc == RK_OK && !line_scan(text.data, len, true, &line))
		rc = bad_line(a, from, 0, err);
	if (rc == RK_OK)
		*index = line.index;
	bytes_close(&text);
	return rc;
}

/* Learn the first and the last index. */
static enum rk_code
find_ends(struct archive *a, bool whole_only, struct rk_error *err)
{
	uint64_t before_last;
	uint64_t behind;
	struct archive_cursor c;
	struct slice text;
	struct line line;
	enum rk_code rc;

	if (last_newline(a, a->end, &behind, err))
		return err->code;
	if (behind != a->end && !whole_only)
		return bad_line(a, behind, 0, err);
	a->end = behind;
	if (a->end == a->start)
		return RK_OK;
	if (last_newline(a, a->end - 1, &before_last, err) ||
	    index_at(a, before_last, a->end, &a->last, err))
		return err->code;
	c = (struct archive_cursor){.archive = a, .offset = a->start};
	rc = archive_next(&c, &text, &line, err);
	if (rc == RK_OK)
		a->first = line.index;
	archive_cursor_close(&c);
	return rc;
}

enum rk_code
archive_open(const char *path, uint64_t start, uint64_t end, struct archive *a,
	     struct rk_error *err)
{
	uint64_t size;
	enum rk_code rc;

	*a = (struct archive){.fd = -1, .start = start, .first = 1};
	rc = file_open(path, FILE_READ, &a->fd, err);
	if (rc)
		return rc;
	a->path = mem_strdup(path);
	rc = file_size(a->fd, &size, err);
	a->end = end == UINT64_MAX ? size : end;
	if (rc == RK_OK && (size < a->end || size < start))
		rc = error_set(err, RK_CORRUPT,
			       "%s: ends at byte %" PRIu64
			       ", but should have %" PRIu64,
			       path, size, a->end);
	if (rc == RK_OK)
		rc = find_ends(a, end == UINT64_MAX, err);
	if (rc)
		archive_close(a);
	return rc;
}

void
archive_close(struct archive *a)
{
	if (a->path != NULL)
		file_close(a->fd);
	mem_free(a->path);
	*a = (struct archive){.fd = -1, .first = 1};
}

enum rk_code
archive_verify(const struct archive *a, uint32_t crc, struct rk_error *err)
{
	uint8_t *piece = mem_alloc(PIECE, 1);
	enum rk_code rc = RK_OK;
	uint32_t found = 0;
	uint64_t at;
	size_t len;

	for (at = a->start; at < a->end && rc == RK_OK; at += len) {
		len = a->end - at < PIECE ? (size_t)(a->end - at) : PIECE;
		rc = read_exactly(a, piece, len, at, err);
		if (rc == RK_OK)
			found = crc32c(found, piece, len);
	}
	mem_free(piece);
	if (rc == RK_OK && found != crc)
		rc = error_set(err, RK_CORRUPT,
			       "%s: bad checksum over bytes %" PRIu64
			       " to %" PRIu64,
			       a->path, a->start, a->end);
	return rc;
}

enum rk_code
archive_seek(const struct archive *a, rk_index index, struct archive_cursor *c,
	     struct rk_error *err)
{
	*c = (struct archive_cursor){.archive = a, .offset = a->end};
	if (index > a->last || a->last < a->first)
		return RK_OK;
	c->next = index > a->first ? index : a->first;
	if (c->next == a->first)
		c->offset = a->start;
	else if (history_seek(a->fd, a->start, a->end - a->start, index,
			      &c->offset, err))
		return error_wrap(err, "%s", a->path);
	return RK_OK;
}

void
archive_cursor_close(struct archive_cursor *c)
{
	bytes_close(&c->buffer);
	*c = (struct archive_cursor){.archive = NULL};
}

/* Bring more of the file into the buffer, behind what is not used yet. */
static enum rk_code
fill(struct archive_cursor *c, struct rk_error *err)
{
	const struct archive *a = c->archive;
	uint64_t from;
	size_t len;

	bytes_consume(&c->buffer, c->at);
	c->offset += c->at;
	c->at = 0;
	from = c->offset + c->buffer.len;
	len = a->end - from < PIECE ? (size_t)(a->end - from) : PIECE;
	if (read_exactly(a, bytes_reserve(&c->buffer, len), len, from, err))
		return err->code;
	c->buffer.len += len;
	return RK_OK;
}

enum rk_code
archive_next(struct archive_cursor *c, struct slice *text, struct line *line,
	     struct rk_error *err)
{
	const struct archive *a = c->archive;
	uint64_t left = a->end - c->offset - c->at;
	const uint8_t *newline = NULL;
	size_t seen = 0;

	*text = (struct slice){NULL, 0};
	if (left == 0)
		return RK_OK;
	for (;;) {
		if (c->at + seen < c->buffer.len)
			newline = memchr(c->buffer.data + c->at + seen, '\n',
					 c->buffer.len - c->at - seen);
		if (newline != NULL)
			break;
		seen = c->buffer.len - c->at;
		if (seen == left || seen > LIMIT_LINE_BYTES)
			return bad_line(a, c->offset + c->at, c->next, err);
		if (fill(c, err))
			return err->code;
	}
	text->data = c->buffer.data + c->at;
	text->len = (size_t)(newline + 1 - text->data);
	if (!line_scan(text->data, text->len, true, line) ||
	    (c->next != 0 && line->index != c->next))
		return bad_line(a, c->offset + c->at, c->next, err);
	c->next = line->index + 1;
	c->at += text->len;
	return RK_OK;
}
