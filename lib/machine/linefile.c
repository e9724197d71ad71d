/* linefile.c - a file of canonical lines: the system calls, and its lines. */

#include "machine/linefile.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

/* To find the end of a line, read pieces of this size. */
#define PIECE 16384

#define HEAD       "{\"index\":"
#define HEAD_BYTES (sizeof HEAD - 1)

enum rk_code
linefile_read(int fd, void *data, size_t len, uint64_t offset,
	      struct rk_error *err)
{
	uint8_t *to = data;
	ssize_t got;

	while (len > 0) {
		got = pread(fd, to, len, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, RK_FAILED, "read: %s",
					 strerror(errno));
		if (got == 0)
			return error_set(err, RK_CORRUPT,
					 "ends at byte %" PRIu64
					 ", %zu bytes too early",
					 offset, len);
		to += got;
		len -= (size_t)got;
		offset += (uint64_t)got;
	}
	return RK_OK;
}

enum rk_code
linefile_write(int fd, struct slice data, uint64_t offset, struct rk_error *err)
{
	ssize_t put;

	while (data.len > 0) {
		put = pwrite(fd, data.data, data.len, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_set(err,
					 errno == ENOSPC || errno == EDQUOT
						 ? RK_REJECTED
						 : RK_FAILED,
					 "write: %s", strerror(errno));
		data.data += put;
		data.len -= (size_t)put;
		offset += (uint64_t)put;
	}
	return RK_OK;
}

enum rk_code
linefile_next(int fd, uint64_t from, uint64_t end, uint64_t *offset,
	      struct rk_error *err)
{
	const uint8_t *newline;
	uint8_t piece[PIECE];
	size_t len;

	for (; from < end; from += len) {
		len = end - from < PIECE ? (size_t)(end - from) : PIECE;
		if (linefile_read(fd, piece, len, from, err))
			return err->code;
		newline = memchr(piece, '\n', len);
		if (newline != NULL) {
			*offset = from + (uint64_t)(newline - piece) + 1;
			return RK_OK;
		}
	}
	*offset = end;
	return RK_OK;
}

enum rk_code
linefile_index(int fd, uint64_t offset, uint64_t end, rk_index *index,
	       struct rk_error *err)
{
	char head[HEAD_BYTES + 17]; /* As many digits as LIMIT_NUMBER has. */
	size_t len = sizeof head;
	size_t digits;

	assert(offset <= end);
	if (end - offset < len)
		len = (size_t)(end - offset);
	if (linefile_read(fd, head, len, offset, err))
		return err->code;
	if (len > HEAD_BYTES && memcmp(head, HEAD, HEAD_BYTES) == 0) {
		digits = 0;
		while (HEAD_BYTES + digits < len &&
		       head[HEAD_BYTES + digits] >= '0' &&
		       head[HEAD_BYTES + digits] <= '9')
			digits++;
		if (bytes_parse_u64(head + HEAD_BYTES, digits, LIMIT_NUMBER,
				    index))
			return RK_OK;
	}
	return error_set(err, RK_CORRUPT, "no entry's line at byte %" PRIu64,
			 offset);
}

enum rk_code
linefile_walk(int fd, uint64_t end, rk_index wanted, uint64_t *offset,
	      rk_index *index, struct rk_error *err)
{
	const uint8_t *newline;
	uint8_t piece[PIECE];
	uint64_t at = *offset;
	const uint8_t *p;
	size_t len;

	while (*index < wanted && at < end) {
		len = end - at < PIECE ? (size_t)(end - at) : PIECE;
		if (linefile_read(fd, piece, len, at, err))
			return err->code;
		p = piece;
		while (*index < wanted) {
			newline = memchr(p, '\n', len - (size_t)(p - piece));
			if (newline == NULL)
				break;
			p = newline + 1;
			*offset = at + (uint64_t)(p - piece);
			++*index;
		}
		at += len;
	}
	if (*index < wanted)
		*offset = end;
	return RK_OK;
}
