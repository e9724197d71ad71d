/* log_placement.c - what a batch put where, as plain data. */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "store/log_map.h"

void
log_placement_close(struct log_placement *p)
{
	mem_free(p->parts);
	*p = (struct log_placement){0};
}

static struct log_placement_part *
add_part(struct log_placement *p, enum log_part_kind kind)
{
	struct log_placement_part *part;

	p->parts = mem_grow(p->parts, &p->cap, p->count + 1, sizeof *p->parts);
	part = &p->parts[p->count++];
	*part = (struct log_placement_part){.kind = kind};
	return part;
}

void
log_placement_segment(struct log_placement *p, const char *name, uint32_t seed)
{
	struct log_placement_part *part = add_part(p, LOG_PART_SEGMENT);

	assert(strlen(name) < sizeof part->name);
	memcpy(part->name, name, strlen(name) + 1);
	part->seed = seed;
}

void
log_placement_reset(struct log_placement *p, rk_index index)
{
	add_part(p, LOG_PART_RESET)->index = index;
}

void
log_placement_truncate(struct log_placement *p, rk_index from)
{
	add_part(p, LOG_PART_TRUNCATE)->index = from;
}

void
log_placement_entry(struct log_placement *p, rk_index index, uint64_t offset,
		    uint64_t end)
{
	struct log_placement_part *last;

	last = p->count > 0 ? &p->parts[p->count - 1] : NULL;
	if (last != NULL && last->kind == LOG_PART_ENTRIES &&
	    last->index + last->count == index &&
	    end - last->offset <= LOG_EXTENT_BYTES) {
		last->count++;
		last->end = end;
		return;
	}
	last = add_part(p, LOG_PART_ENTRIES);
	last->index = index;
	last->count = 1;
	last->offset = offset;
	last->end = end;
}
