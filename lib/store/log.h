/* log.h - the log on disk: DIR/log/<first index>.seg, only ever appended to.
 *
 * Two sides that share nothing but files. The writer side (struct log) is
 * used by the writer thread alone; the reader side (struct log_map) by the
 * thread that owns the core. What was written where goes from one to the
 * other as plain data, in struct log_placement.
 *
 * One call of log_write() is one batch: one write and one fdatasync over all
 * its records, term and vote included, so that "term before entries" holds by
 * order. */

#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "base/bytes.h"
#include "core/types.h"
#include "store/identity.h"

struct log;
struct log_map;

/* One unit of persistence; in this order on disk. */
struct log_op {
	bool has_hard_state;
	struct hard_state hard_state;
	bool reset;              /* A snapshot replaced the log: it now */
	struct log_end reset_to; /* begins behind this. */
	rk_index truncate_from;  /* Not 0: drop it and all behind it. */
	/* `count` canonical lines, one after another, from index `first`. */
	rk_index first;
	uint64_t count;
	struct slice lines;
};

/* Where things went; the caller passes it to log_map_note() and frees it
 * with log_placement_close(). Opaque to the caller. */
struct log_placement {
	struct log_placement_part *parts;
	size_t count;
	size_t cap;
};
void log_placement_close(struct log_placement *p);

struct log_options {
	uint64_t segment_bytes; /* SEGMENT_BYTES_DEFAULT; less in tests. */
	bool sync;              /* False: no fdatasync. */
};

/* What is in the log at start-up. The caller frees it with
 * log_recovered_close(). */
struct log_recovered {
	struct hard_state hard_state;
	struct log_end compacted; /* The log begins behind this. */
	struct term_run *runs;
	size_t run_count;
	uint32_t *sizes; /* Of each entry's line. */
	uint64_t count;
	rk_index *configurations; /* Entries of that type, ascending. */
	size_t configuration_count;
	rk_index commit_hint; /* Committed for certain. */
	uint64_t batch;       /* Number of the last batch. */
	/* A torn last batch was cut: how much, and where its copy is. */
	uint64_t torn_bytes;
	char torn_copy[256];
	/* Files in DIR/log that are none of ours, left alone; the first one's
	 * name. */
	size_t unknown_files;
	char unknown_file[64];
};
void log_recovered_close(struct log_recovered *r);

/* Open DIR/log (making it if it is not there): sync and drop from the cache
 * every file, scan it, cut a torn end (keeping a copy). RK_CORRUPT with file,
 * byte and index for damage that has a valid batch behind it, or a gap
 * between segments; nothing is changed then. `snapshot` is the newest valid
 * one: a log that does not reach it or disagrees with it (other term at its
 * index) is emptied behind it, as an installation that was cut short would
 * have done (see snapshot.h). */
RK_CHECKED enum rk_code log_open(const char *dir, const struct identity *id,
				 const struct log_options *options,
				 struct log_end snapshot, struct log **log,
				 struct log_map **map,
				 struct log_recovered *recovered,
				 struct rk_error *err);

/* Writer side. NULL is fine. A clean close proves the last batch. */
void log_close(struct log *log);

/* One batch, durable on return. Appends to `*placement`. After a failure that
 * is not RK_REJECTED every later call fails the same (the kernel may have
 * dropped what it could not write). RK_REJECTED: no space; nothing of the
 * batch counts, and the caller may try again. `commit` is kept as a hint. */
RK_CHECKED enum rk_code log_write(struct log *log, const struct log_op *ops,
				  size_t count, rk_index commit,
				  struct log_placement *placement,
				  struct rk_error *err);

/* Whether the current segment is so full that a next one should be at hand
 * (see log_prepare). Writer side. */
bool log_wants_segment(const struct log *log);

/* Make a zero-filled segment file aside, or recycle one. Any thread; slow. */
RK_CHECKED enum rk_code log_prepare(const char *dir, uint64_t segment_bytes,
				    struct rk_error *err);

/* Reader side. */
void log_map_free(struct log_map *map);
void log_map_note(struct log_map *map, const struct log_placement *placement);

/* Append the lines of [from, to) to `out`, as many as fit into `max_bytes`
 * but at least one; `*end` is behind the last one taken. Checksums are
 * verified. RK_ABSENT: not in the log (any more). */
RK_CHECKED enum rk_code log_map_read(struct log_map *map, rk_index from,
				     rk_index to, size_t max_bytes,
				     struct bytes *out, rk_index *end,
				     struct rk_error *err);

/* Forget everything up to `index`, and name the files that hold nothing else:
 * the caller has them removed or recycled (log_discard) on another thread and
 * frees the names with file_list_free(). */
void log_map_compact(struct log_map *map, rk_index index, char ***files,
		     size_t *count);

/* Remove or recycle one segment file. Any thread; slow. */
RK_CHECKED enum rk_code log_discard(const char *dir, const char *file,
				    struct rk_error *err);

/* Offline, read-only, no lock, safe beside a running member: check and visit
 * all records in order of the log as it now is (what was truncated is not
 * visited). `visit` returns false to stop. A torn end is reported in
 * `*recovered` and is no error. With RK_CORRUPT, what is good before the damage
 * has been visited, and `*recovered` is as it was. RK_ABSENT: there is no log,
 * or the member compacted entries before they were visited: they are in a
 * snapshot now. */
RK_CHECKED enum rk_code
log_inspect(const char *dir, bool (*visit)(void *context, struct slice line),
	    void *context, struct log_recovered *recovered,
	    struct rk_error *err);

/* The same for one segment file. */
RK_CHECKED enum rk_code
log_inspect_file(const char *path,
		 bool (*visit)(void *context, struct slice line), void *context,
		 struct log_recovered *recovered, struct rk_error *err);

#endif /* STORE_LOG_H */
