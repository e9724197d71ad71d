/* log_map_read.c - the lines of a range of entries, checked and copied. */

#include <assert.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/log_map.h"

/* Files kept open: all readers are near the end, or one file behind. */
#define OPEN_MAX 8

/* Read at once; larger ones gain nothing. */
#define CHUNK_MAX (256U << 10)

/* One call of log_map_read(). */
struct reading {
	rk_index from;
	rk_index to;
	size_t room; /* Bytes that still fit. */
	struct bytes *out;
	struct log_mark at;
	bool any; /* The first line is taken, whatever its size. */
	bool full;
};

static struct log_map_file *
file_of(const struct log_map *map, uint64_t number)
{
	assert(number >= map->files_before);
	assert(number - map->files_before < map->file_count);
	return &map->files[number - map->files_before];
}

static void
close_oldest_file(struct log_map *map)
{
	struct log_map_file *oldest = NULL;
	size_t open = 0;
	size_t i;

	for (i = 0; i < map->file_count; i++) {
		if (map->files[i].fd < 0)
			continue;
		open++;
		if (oldest == NULL || map->files[i].used < oldest->used)
			oldest = &map->files[i];
	}
	if (open < OPEN_MAX)
		return;
	file_close(oldest->fd);
	oldest->fd = -1;
}

static enum rk_code
open_file(struct log_map *map, struct log_map_file *file, struct rk_error *err)
{
	char *path;
	enum rk_code rc;

	file->used = ++map->clock;
	if (file->fd >= 0)
		return RK_OK;
	close_oldest_file(map);
	path = file_path(map->dir, file->name);
	rc = file_open(path, FILE_READ, &file->fd, err);
	mem_free(path);
	/* The map says that the entry is there. */
	return rc == RK_ABSENT ? err->code = RK_CORRUPT : rc;
}

/* The extent that holds `index`, or the last one. */
static size_t
find_extent(const struct log_map *map, rk_index index)
{
	size_t low = 0;
	size_t high = map->count;
	size_t middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (map->extents[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Where to begin to look for `from`: at its extent's start, or where a former
 * read came to it. */
static struct log_mark
starting_point(const struct log_map *map, const struct log_extent *e,
	       rk_index from)
{
	size_t i;

	/* Not a mark at the end of the extent before: what was cut off there
	 * lies between the two. */
	for (i = 0; i < LOG_MAP_MARKS && from > e->first; i++)
		if (map->marks[i].index == from &&
		    map->marks[i].file == e->file)
			return map->marks[i];
	return (struct log_mark){e->first, e->file, e->offset};
}

/* Remember where this read came to, in place of where it began. */
static void
set_mark(struct log_map *map, rk_index from, const struct log_mark *to)
{
	size_t i;

	for (i = 0; i < LOG_MAP_MARKS; i++)
		if (map->marks[i].index == from ||
		    map->marks[i].index == to->index)
			break;
	if (i == LOG_MAP_MARKS)
		i = map->next_mark++ % LOG_MAP_MARKS;
	map->marks[i] = *to;
}

static enum rk_code
damaged(const struct log_map *map, const struct log_mark *at,
	struct rk_error *err)
{
	error_set(err, RK_CORRUPT,
		  "%s/%s: bad checksum at byte %llu (index %llu)", map->dir,
		  file_of(map, at->file)->name, (unsigned long long)at->offset,
		  (unsigned long long)at->index);
	return error_hint(err, "the disk damaged this file after it was "
			       "written; see: raft-dump --check");
}

/* Go to the next record that is an entry, and past it. */
static enum rk_code
next_entry(struct log_map *map, struct log_mark *at, uint64_t end,
	   struct record *record, struct rk_error *err)
{
	uint32_t seed = file_of(map, at->file)->seed;
	struct log_mark next = *at;
	enum rk_code rc;
	bool valid;

	do {
		rc = segment_reader_record(&map->reader, next.offset, seed,
					   record, &valid, err);
		if (rc != RK_OK)
			return rc;
		if (!valid || next.offset >= end)
			return damaged(map, &next, err);
		next.offset += record->size;
	} while (record->kind != RECORD_ENTRY);
	if (record->index != at->index)
		return damaged(map, at, err);
	next.index++;
	*at = next;
	return RK_OK;
}

/* Take what is wanted of one extent. */
static enum rk_code
read_extent(struct log_map *map, struct reading *r, const struct log_extent *e,
	    struct rk_error *err)
{
	rk_index stop = e->first + e->count;
	struct log_mark before;
	struct record record;
	enum rk_code rc;

	if (stop > r->to)
		stop = r->to;
	while (r->at.index < stop) {
		before = r->at;
		rc = next_entry(map, &r->at, e->end, &record, err);
		if (rc != RK_OK)
			return rc;
		if (before.index < r->from)
			continue;
		if (r->any && record.payload.len > r->room) {
			r->at = before;
			r->full = true;
			return RK_OK;
		}
		bytes_append(r->out, record.payload.data, record.payload.len);
		r->any = true;
		r->room -= record.payload.len < r->room ? record.payload.len
							: r->room;
	}
	return RK_OK;
}

/* Point the reader at extent `i`'s file; it reads no further than extents that
 * are wanted. */
static enum rk_code
enter_file(struct log_map *map, const struct reading *r, size_t i,
	   struct rk_error *err)
{
	const struct log_extent *e = &map->extents[i];
	struct log_map_file *file = file_of(map, e->file);
	uint64_t bytes;
	enum rk_code rc;

	rc = open_file(map, file, err);
	if (rc != RK_OK)
		return rc;
	while (i + 1 < map->count && map->extents[i + 1].file == e->file &&
	       map->extents[i + 1].first < r->to)
		i++;
	bytes = map->extents[i].end - r->at.offset;
	if (bytes > CHUNK_MAX)
		bytes = CHUNK_MAX;
	segment_reader_forget(&map->reader);
	map->reader.fd = file->fd;
	map->reader.chunk =
		bytes > RECORD_HEAD_BYTES ? (size_t)bytes : RECORD_HEAD_BYTES;
	return RK_OK;
}

static enum rk_code
read_extents(struct log_map *map, struct reading *r, struct rk_error *err)
{
	size_t i = find_extent(map, r->from);
	const struct log_extent *e = &map->extents[i];
	uint64_t entered = UINT64_MAX;
	enum rk_code rc = RK_OK;

	r->at = starting_point(map, e, r->from);
	while (rc == RK_OK && r->at.index < r->to && !r->full) {
		if (e->file != entered)
			rc = enter_file(map, r, i, err);
		entered = e->file;
		if (rc == RK_OK)
			rc = read_extent(map, r, e, err);
		if (r->at.index >= r->to || r->full)
			break;
		e = &map->extents[++i];
		r->at = (struct log_mark){e->first, e->file, e->offset};
	}
	return rc;
}

enum rk_code
log_map_read(struct log_map *map, rk_index from, rk_index to, size_t max_bytes,
	     struct bytes *out, rk_index *end, struct rk_error *err)
{
	struct reading r = {
		.from = from, .to = to, .room = max_bytes, .out = out};
	rk_index behind = log_map_end(map);
	enum rk_code rc;

	assert(from < to);
	*end = from;
	if (from <= map->base || from >= behind)
		return error_set(err, RK_ABSENT,
				 "no entry %llu; the log holds %llu to %llu",
				 (unsigned long long)from,
				 (unsigned long long)map->base + 1,
				 (unsigned long long)behind - 1);
	if (r.to > behind)
		r.to = behind;
	rc = read_extents(map, &r, err);
	if (rc != RK_OK)
		return rc;
	assert(r.at.index > from);
	*end = r.at.index;
	set_mark(map, from, &r.at);
	return RK_OK;
}
