/* sample.h - what tests of files begin with: a directory, and some lines. */

#ifndef UNIT_SAMPLE_H
#define UNIT_SAMPLE_H

#include "base/bytes.h"
#include "raftkit.h"

/* An empty directory under $TMPDIR; removed, with all in it, by
 * sample_dir_remove(), which frees the name. */
char *sample_dir(void);
void sample_dir_remove(char *dir);

/* `dir/name`, to be freed with mem_free(). */
char *sample_path(const char *dir, const char *name);

/* Append the canonical line of a data entry in term 1; `session` may be NULL.
 */
void sample_line(struct bytes *out, rk_index index, const char *session,
		 uint64_t seq, const char *data);

/* Append the lines of [from, to), each with its index as data. */
void sample_lines(struct bytes *out, rk_index from, rk_index to);

/* All of a file, which ends with a NUL that the length does not count. */
struct bytes sample_read(const char *path);
void sample_write(const char *path, const void *data, size_t len);

#endif /* UNIT_SAMPLE_H */
