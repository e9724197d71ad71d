/* log_map.c - where in which file each entry is. */

#include "store/log_map.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "store/file.h"

static rk_index
extent_end(const struct log_extent *e)
{
	return e->first + e->count;
}

struct log_map *
log_map_new(const char *log_dir, rk_index base)
{
	struct log_map *map = mem_alloc(1, sizeof *map);

	map->dir = mem_strdup(log_dir);
	map->base = base;
	segment_reader_init(&map->reader, -1, RECORD_HEAD_BYTES);
	return map;
}

void
log_map_free(struct log_map *map)
{
	size_t i;

	if (map == NULL)
		return;
	for (i = 0; i < map->file_count; i++)
		file_close(map->files[i].fd);
	segment_reader_close(&map->reader);
	mem_free(map->files);
	mem_free(map->extents);
	mem_free(map->dir);
	mem_free(map);
}

static void
forget_marks(struct log_map *map)
{
	memset(map->marks, 0, sizeof map->marks);
}

rk_index
log_map_end(const struct log_map *map)
{
	return map->count > 0 ? extent_end(&map->extents[map->count - 1])
			      : map->base + 1;
}

static void
note_segment(struct log_map *map, const struct log_placement_part *part)
{
	struct log_map_file *file;

	map->files = mem_grow(map->files, &map->file_cap, map->file_count + 1,
			      sizeof *map->files);
	file = &map->files[map->file_count++];
	*file = (struct log_map_file){.fd = -1, .seed = part->seed};
	memcpy(file->name, part->name, sizeof file->name);
	map->closed = true;
}

static void
note_truncate(struct log_map *map, rk_index from)
{
	struct log_extent *last;

	while (map->count > 0 && map->extents[map->count - 1].first >= from)
		map->count--;
	if (map->count > 0) {
		last = &map->extents[map->count - 1];
		if (extent_end(last) > from)
			last->count = from - last->first;
	} else if (map->base >= from) {
		map->base = from - 1;
	}
	map->closed = true;
	forget_marks(map);
}

static void
note_entries(struct log_map *map, const struct log_placement_part *part)
{
	uint64_t file = map->files_before + map->file_count - 1;
	struct log_extent *last;

	assert(map->file_count > 0);
	assert(part->index == log_map_end(map));
	last = map->count > 0 ? &map->extents[map->count - 1] : NULL;
	if (last != NULL && !map->closed &&
	    part->end - last->offset <= LOG_EXTENT_BYTES) {
		last->count += part->count;
		last->end = part->end;
		return;
	}
	map->extents = mem_grow(map->extents, &map->cap, map->count + 1,
				sizeof *map->extents);
	map->extents[map->count++] = (struct log_extent){
		.first = part->index,
		.count = part->count,
		.offset = part->offset,
		.end = part->end,
		.file = file,
	};
	map->closed = false;
}

void
log_map_note(struct log_map *map, const struct log_placement *placement)
{
	const struct log_placement_part *part;
	size_t i;

	for (i = 0; i < placement->count; i++) {
		part = &placement->parts[i];
		switch (part->kind) {
		case LOG_PART_SEGMENT:
			note_segment(map, part);
			break;
		case LOG_PART_RESET:
			map->count = 0;
			map->base = part->index;
			forget_marks(map);
			break;
		case LOG_PART_TRUNCATE:
			note_truncate(map, part->index);
			break;
		case LOG_PART_ENTRIES:
			note_entries(map, part);
			break;
		}
	}
}

void
log_map_drop_to(struct log_map *map, rk_index index)
{
	size_t gone = 0;

	if (index <= map->base)
		return;
	assert(index < log_map_end(map));
	map->base = index;
	while (gone < map->count &&
	       extent_end(&map->extents[gone]) <= index + 1)
		gone++;
	map->count -= gone;
	if (gone > 0 && map->count > 0)
		memmove(map->extents, map->extents + gone,
			map->count * sizeof *map->extents);
	forget_marks(map);
}

/* How many files at the front hold no live entry. The newest stays: the writer
 * may be in it. */
static size_t
dead_files(const struct log_map *map)
{
	if (map->count > 0)
		return (size_t)(map->extents[0].file - map->files_before);
	return map->file_count > 0 ? map->file_count - 1 : 0;
}

void
log_map_compact(struct log_map *map, rk_index index, char ***files,
		size_t *count)
{
	size_t dead;
	size_t i;

	log_map_drop_to(map, index);
	dead = dead_files(map);
	*files = mem_alloc(dead, sizeof **files);
	*count = dead;
	for (i = 0; i < dead; i++) {
		file_close(map->files[i].fd);
		(*files)[i] = mem_strdup(map->files[i].name);
	}
	map->files_before += dead;
	map->file_count -= dead;
	if (dead > 0)
		memmove(map->files, map->files + dead,
			map->file_count * sizeof *map->files);
}
