/* archive.h - the lines of a history or of a snapshot's payload, read offline.
 *
 * Only reads, and only what was there when it was opened: a member may be
 * appending to the file meanwhile. */

#ifndef NODE_ARCHIVE_H
#define NODE_ARCHIVE_H

#include "base/bytes.h"
#include "base/line.h"
#include "core/types.h"

struct archive {
	int fd;
	char *path;
	uint64_t start; /* The lines are [start, end) of the file. */
	uint64_t end;
	rk_index first; /* 1 if there is none. */
	rk_index last;  /* first - 1 if there is none. */
};

/* Open the file. `end` may be UINT64_MAX: all whole lines that there are, a
 * half one at the end left out. RK_ABSENT if the file is not there, RK_CORRUPT
 * if it is shorter than that or does not begin and end with a line. The caller
 * closes `*a`. */
RK_CHECKED enum rk_code archive_open(const char *path, uint64_t start,
				     uint64_t end, struct archive *a,
				     struct rk_error *err);
void archive_close(struct archive *a);

/* RK_CORRUPT unless the checksum of all lines is `crc`. */
RK_CHECKED enum rk_code archive_verify(const struct archive *a, uint32_t crc,
				       struct rk_error *err);

/* Where a reader is. The caller closes it. */
struct archive_cursor {
	const struct archive *archive;
	struct bytes buffer;
	size_t at;       /* The next line, in the buffer. */
	uint64_t offset; /* What the buffer begins with, in the file. */
	rk_index next;
};

/* Go to the line of `index`, or to the end if it is not there. */
RK_CHECKED enum rk_code archive_seek(const struct archive *a, rk_index index,
				     struct archive_cursor *c,
				     struct rk_error *err);
void archive_cursor_close(struct archive_cursor *c);

/* The next line, valid until the next call; an empty `*text` at the end.
 * RK_CORRUPT, naming byte and index, if it is not canonical or not the one
 * that should follow. */
RK_CHECKED enum rk_code archive_next(struct archive_cursor *c,
				     struct slice *text, struct line *line,
				     struct rk_error *err);

#endif /* NODE_ARCHIVE_H */
