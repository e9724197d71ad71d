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
	const char *kind;                /* As in struct rk_meta. */
	struct identity identity;        /* Of a directory; else zero. */
	struct snapshot_header snapshot; /* meta.last.index 0: none. */
	struct hard_state hard_state;    /* Of the log; zero: not known. */
	struct bytes members;            /* As rk_reader_meta() found them. */
	struct archive archive;          /* Without a path: there is none. */
	struct bytes tail;               /* Lines that follow archive.last. */
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

/* A place among the entries. The caller closes it. */
struct reader_cursor {
	const struct rk_reader *reader;
	struct archive_cursor archive;
	rk_index from;
	size_t at; /* In the tail. */
};

/* Go to entry `from`, or to the first one behind it that is held. */
RK_CHECKED enum rk_code reader_seek(const struct rk_reader *r, rk_index from,
				    struct reader_cursor *c,
				    struct rk_error *err);
void reader_cursor_close(struct reader_cursor *c);

/* The next entry's line, valid until the next call; empty at the end. */
RK_CHECKED enum rk_code reader_next(struct reader_cursor *c, struct slice *text,
				    struct line *line, struct rk_error *err);

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
