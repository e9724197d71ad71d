/* reader.h - inside of rk_reader: what was found at a path.
 *
 * Private to reader*.c. The first part of the entries is in a file of lines
 * (a history, a snapshot's payload), the rest, which only the log has, in
 * memory: at a member that runs well that is next to nothing. */

#ifndef NODE_READER_H
#define NODE_READER_H

#include "node/archive.h"
#include "store/snapshot.h"

struct rk_reader {
	char *path;
	struct archive archive; /* Without a path: there is none. */
	struct bytes tail;      /* Lines that follow archive.last. */
	rk_index first;
	rk_index last; /* first - 1: nothing is held. */
	rk_index committed;
	uint64_t torn_bytes;
	bool has_log;           /* Some entry of a log was seen. */
	struct rk_error damage; /* code not RK_OK: why it ends at `last`. */
	struct bytes data;      /* Of the entry at hand, if decoded. */
	char session[LIMIT_SESSION_ID + 1];
};

/* What rk_reader_open() found out about the path, one function for each; `r`
 * is empty but for its path. */
RK_CHECKED enum rk_code reader_open_directory(struct rk_reader *r,
					      struct rk_error *err);
RK_CHECKED enum rk_code reader_open_file(struct rk_reader *r,
					 struct rk_error *err);

/* `dir/name`; the caller frees it with mem_free(). */
char *reader_join(const char *dir, const char *name);

/* The newest snapshot of `dir` by its header. If there is none, or none that
 * is whole, meta.last.index is 0. The caller closes `*h`. */
RK_CHECKED enum rk_code reader_newest_snapshot(const char *dir,
					       struct snapshot_header *h,
					       struct rk_error *err);

/* The machine's history of `dir`, or the payload of `snapshot` if that goes
 * further; without a path if there is neither. A history that is no good
 * counts as none, as it can be made again, unless `strict`: RK_CORRUPT. The
 * caller closes `*a`. */
RK_CHECKED enum rk_code
reader_open_history(const char *dir, const struct snapshot_header *snapshot,
		    bool strict, struct archive *a, struct rk_error *err);

#endif /* NODE_READER_H */
