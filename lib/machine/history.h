/* history.h - machine/history.ndjson: the applied entries, one line each.
 *
 * From index 1 on, without gaps, no-ops and configurations included; the
 * canonical lines as they came, but that a line which repeats a number of its
 * session is marked with `repeat`. Written through the page cache and synced
 * only when a snapshot is taken: the file is disposable, rebuilt from snapshot
 * and log at each start. A checksum of all its bytes is kept running, so that
 * a snapshot costs the same at any size.
 *
 * Snapshots of rising sizes share the file's inode with it, as hard links, and
 * count on the first so many bytes of it. So those bytes never change: the
 * history is only appended to while a snapshot is linked to it, and cut but
 * once, by history_open(), to the size of the newest snapshot that is whole.
 * What an older one, or one that is not whole, has behind that cut is then
 * gone; therefore it must be the newest. Removing the history's own name
 * leaves the snapshots as they are. */

#ifndef MACHINE_HISTORY_H
#define MACHINE_HISTORY_H

#include "base/bytes.h"
#include "core/types.h"

struct history;

/* Begin anew in the existing directory `dir`, with the first `bytes` of the
 * file `from` (a snapshot's payload, linked, then cut to size: see above) or
 * empty (`from` NULL). A history that is there is unlinked first, never
 * written to. The checksum of what is taken over must be `crc`, and its last
 * line that of `last` (RK_CORRUPT otherwise, and `from` is not cut). The
 * caller frees `*h`. */
RK_CHECKED enum rk_code history_open(const char *dir, const char *from,
				     uint64_t bytes, uint32_t crc,
				     rk_index last, struct history **h,
				     struct rk_error *err);
void history_free(struct history *h); /* Not synced. NULL is fine. */

/* Append lines of consecutive entries that follow the last: all, or nothing
 * and the history is as it was, so that the same may be tried again. No space
 * is RK_REJECTED, another failure of writing RK_FAILED. */
RK_CHECKED enum rk_code history_append(struct history *h, struct slice lines,
				       uint64_t count, struct rk_error *err);

rk_index history_last(const struct history *h);
uint64_t history_bytes(const struct history *h);
uint32_t history_crc32c(const struct history *h);
const char *history_path(const struct history *h);

/* Append to `out` the lines of [from, to), as many as fit into `max_bytes` but
 * at least one; `*end` is behind the last one. RK_ABSENT past the end. */
RK_CHECKED enum rk_code history_read(struct history *h, rk_index from,
				     rk_index to, size_t max_bytes,
				     struct bytes *out, rk_index *end,
				     struct rk_error *err);

/* Sync the file at `path`. Any thread; slow. */
RK_CHECKED enum rk_code history_sync(const char *path, struct rk_error *err);

/* Offline: the offset of the first line whose index is at least `index` in the
 * first `bytes` of an open history or snapshot payload that begins at `start`
 * of the file (the offset counts from the file's beginning, `start` included);
 * start + bytes if there is none. RK_CORRUPT if it meets what is no line. */
RK_CHECKED enum rk_code history_seek(int fd, uint64_t start, uint64_t bytes,
				     rk_index index, uint64_t *offset,
				     struct rk_error *err);

#endif /* MACHINE_HISTORY_H */
