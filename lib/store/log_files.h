/* log_files.h - which segments are in DIR/log; inside the store. */

#ifndef STORE_LOG_FILES_H
#define STORE_LOG_FILES_H

#include "store/log_map.h"

/* A segment made ready beforehand, and names that are only ever used aside:
 * what bears one at start-up was left by a crash. */
#define LOG_NEXT_NAME     "next"
#define LOG_NEXT_TMP_NAME "next.tmp"
#define LOG_ROLL_TMP_NAME "roll.tmp"

/* Stands in DIR, not in DIR/log, from the first segment on: a log without
 * segments is one that was lost, then. */
#define LOG_BEGUN_NAME "log.begun"

struct log_file {
	char name[SEGMENT_NAME_BYTES];
	struct segment_head head;
	uint32_t seed;
};

/* Segments in the order in which they were written. */
struct log_files {
	struct log_file *files;
	size_t count;
	size_t cap;
	bool alone;           /* One segment, whatever is beside it. */
	bool open_ended;      /* A later one may have appeared since. */
	size_t unknown_count; /* Other files, left alone; the first is named. */
	char unknown[64];
};
void log_files_close(struct log_files *f);

/* What to do with each file while it is listed. */
enum log_files_mode {
	LOG_FILES_LOOK,    /* Nothing: another process may own them. */
	LOG_FILES_RECOVER, /* Sync it and drop it from the cache; remove what a
			    * crash left. */
};

/* Read the headers of all segments in `log_dir`. RK_CORRUPT for a damaged
 * header or a file that is not what its name says, RK_USAGE for segments of
 * another member or cluster than `id` (NULL: of the first segment's). */
RK_CHECKED enum rk_code log_files_load(struct log_files *f, const char *log_dir,
				       const struct identity *id,
				       enum log_files_mode mode,
				       struct rk_error *err);

/* Just that one file, whatever its name. */
RK_CHECKED enum rk_code
log_files_load_one(struct log_files *f, const char *path, struct rk_error *err);

/* DIR/log; the caller frees it with mem_free(). */
char *log_dir_path(const char *dir);

/* The name of the segment that `head` begins; the second one is for when the
 * first is taken. */
void log_file_name(char name[SEGMENT_NAME_BYTES],
		   const struct segment_head *head, bool second);

/* A cluster's id, as in an identity, as a number. */
uint64_t log_cluster_number(const struct identity *id);

#endif /* STORE_LOG_FILES_H */
