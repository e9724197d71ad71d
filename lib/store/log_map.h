/* log_map.h - where in which file each entry is; inside the store.
 *
 * An extent is a run of consecutive entries in one file, about
 * LOG_EXTENT_BYTES long, whatever else lies between them; so a million entries
 * that came one by one take as little memory as one batch of a million. */

#ifndef STORE_LOG_MAP_H
#define STORE_LOG_MAP_H

#include "store/log.h"
#include "store/segment.h"
#include "store/segment_reader.h"

/* An entry is found by walking half an extent on average: 64 KiB is read in
 * 20 us, and a million small entries need some thousands of extents. */
#define LOG_EXTENT_BYTES (64U << 10)

/* A segment's name, NUL included: two numbers of 20 digits, `-`, `.seg`. */
#define SEGMENT_NAME_BYTES 48

/* Places at which a read ended: the next one of the same reader goes on
 * there, without a walk. One for each stream and reader that is likely. */
#define LOG_MAP_MARKS 16

enum log_part_kind {
	LOG_PART_SEGMENT,  /* From here on in the file `name`. */
	LOG_PART_RESET,    /* The log is empty behind `index`. */
	LOG_PART_TRUNCATE, /* `index` and all behind it are gone. */
	LOG_PART_ENTRIES,  /* `count` from `index`, in [offset, end). */
};

struct log_placement_part {
	enum log_part_kind kind;
	rk_index index;
	uint64_t count;
	uint64_t offset;
	uint64_t end;
	uint32_t seed; /* Of the segment's checksums. */
	char name[SEGMENT_NAME_BYTES];
};

void log_placement_segment(struct log_placement *p, const char *name,
			   uint32_t seed);
void log_placement_reset(struct log_placement *p, rk_index index);
void log_placement_truncate(struct log_placement *p, rk_index from);
void log_placement_entry(struct log_placement *p, rk_index index,
			 uint64_t offset, uint64_t end);

struct log_map_file {
	char name[SEGMENT_NAME_BYTES];
	uint32_t seed;
	int fd; /* -1: closed. */
	uint64_t used;
};

struct log_extent {
	rk_index first;
	uint64_t count;
	uint64_t offset;
	uint64_t end;
	uint64_t file; /* Its number: that of files[0] is `files_before`. */
};

struct log_mark {
	rk_index index; /* 0: none. */
	uint64_t file;
	uint64_t offset; /* Its record is here, or behind others. */
};

/* Files and extents are in the order in which they were written, which is
 * also the order of indexes: an entry is only ever written behind the live
 * ones. */
struct log_map {
	char *dir;
	rk_index base; /* Nothing up to here is in the map. */
	struct log_map_file *files;
	size_t file_count;
	size_t file_cap;
	uint64_t files_before;
	struct log_extent *extents;
	size_t count;
	size_t cap;
	bool closed; /* The last extent may not grow. */
	struct log_mark marks[LOG_MAP_MARKS];
	size_t next_mark;
	uint64_t clock; /* Counts uses, to close the file used longest ago. */
	struct segment_reader reader;
};

/* An empty map of the segments in `log_dir` (copied), behind `base`. */
struct log_map *log_map_new(const char *log_dir, rk_index base);

/* Behind the last entry. */
rk_index log_map_end(const struct log_map *map);

/* Forget up to `index`, which is in the map or before it. */
void log_map_drop_to(struct log_map *map, rk_index index);

#endif /* STORE_LOG_MAP_H */
