/* linefile.h - a file of canonical lines: the system calls, and its lines.
 *
 * Private to machine/. Errors do not name the file; the caller wraps them. */

#ifndef MACHINE_LINEFILE_H
#define MACHINE_LINEFILE_H

#include "base/bytes.h"
#include "core/types.h"

/* Read all of [offset, offset + len); RK_CORRUPT if the file is shorter. */
RK_CHECKED enum rk_code linefile_read(int fd, void *data, size_t len,
				      uint64_t offset, struct rk_error *err);

/* Write all of it. ENOSPC and EDQUOT are RK_REJECTED, the rest RK_FAILED. */
RK_CHECKED enum rk_code linefile_write(int fd, struct slice data,
				       uint64_t offset, struct rk_error *err);

/* The offset behind the first newline in [from, end); `end` if there is none.
 */
RK_CHECKED enum rk_code linefile_next(int fd, uint64_t from, uint64_t end,
				      uint64_t *offset, struct rk_error *err);

/* The index of the line that starts at `offset`. RK_CORRUPT, naming the byte,
 * if none does. */
RK_CHECKED enum rk_code linefile_index(int fd, uint64_t offset, uint64_t end,
				       rk_index *index, struct rk_error *err);

/* Go on from the start of the line with index `*index` at `*offset` to that of
 * `wanted`, or to `end` if there is none: by counting lines. */
RK_CHECKED enum rk_code linefile_walk(int fd, uint64_t end, rk_index wanted,
				      uint64_t *offset, rk_index *index,
				      struct rk_error *err);

#endif /* MACHINE_LINEFILE_H */
