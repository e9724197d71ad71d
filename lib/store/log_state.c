/* log_state.c - what the records say that the log is. */

#include "store/log_state.h"

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/log_map.h"

/* What is kept of a record until its batch's end is seen. */
struct log_pending {
	enum record_kind kind;
	enum rk_entry_type type;
	rk_index index;
	rk_term term;
	rk_id vote;
	uint64_t offset;
	uint64_t end;
	uint32_t line_bytes;
	bool is_line;
};

void
log_recovered_close(struct log_recovered *r)
{
	mem_free(r->runs);
	mem_free(r->sizes);
	mem_free(r->configurations);
	*r = (struct log_recovered){0};
}

void
log_state_init(struct log_state *s, const struct segment_head *head)
{
	*s = (struct log_state){
		.now.hard_state = head->hard_state,
		.now.compacted = head->last,
		.now.commit_hint = head->commit,
		.now.batch = head->first_batch - 1,
	};
}

void
log_state_close(struct log_state *s)
{
	log_recovered_close(&s->now);
	mem_free(s->pending);
	*s = (struct log_state){0};
}

struct log_end
log_state_last(const struct log_state *s)
{
	const struct log_recovered *now = &s->now;

	if (now->count == 0)
		return now->compacted;
	return (struct log_end){now->compacted.index + now->count,
				now->runs[now->run_count - 1].term};
}

rk_term
log_state_term(const struct log_state *s, rk_index index)
{
	rk_index at = s->now.compacted.index;
	size_t i;

	assert(index > at);
	for (i = 0; i < s->now.run_count; i++) {
		at += s->now.runs[i].count;
		if (index <= at)
			return s->now.runs[i].term;
	}
	assert(false);
	return 0;
}

/* Whether it is one line, newline and all. */
static bool
is_line(struct slice payload)
{
	return payload.len > 0 && memchr(payload.data, '\n', payload.len) ==
					  payload.data + payload.len - 1;
}

void
log_state_add(struct log_state *s, const struct record *r, uint64_t offset)
{
	uint8_t crc[4];

	s->pending = mem_grow(s->pending, &s->pending_cap, s->pending_count + 1,
			      sizeof *s->pending);
	s->pending[s->pending_count++] = (struct log_pending){
		.kind = r->kind,
		.type = r->type,
		.index = r->index,
		.term = r->term,
		.vote = r->vote,
		.offset = offset,
		.end = offset + r->size,
		.line_bytes = (uint32_t)r->payload.len,
		.is_line = is_line(r->payload),
	};
	bytes_put_u32(crc, r->crc32c);
	s->pending_crc32c = crc32c(s->pending_crc32c, crc, sizeof crc);
}

bool
log_state_batch_is_whole(const struct log_state *s, const struct record *end)
{
	return end->records == s->pending_count &&
	       end->batch_crc32c == s->pending_crc32c;
}

rk_index
log_state_next_index(const struct log_state *s)
{
	const struct log_pending *p;
	size_t i;

	for (i = s->pending_count; i > 0; i--) {
		p = &s->pending[i - 1];
		if (p->kind == RECORD_ENTRY || p->kind == RECORD_RESET)
			return p->index + 1;
		if (p->kind == RECORD_TRUNCATE)
			return p->index;
	}
	return log_state_last(s).index + 1;
}

static void
append(struct log_state *s, const struct log_pending *p)
{
	struct log_recovered *now = &s->now;

	now->sizes = mem_grow(now->sizes, &s->size_cap, now->count + 1,
			      sizeof *now->sizes);
	now->sizes[now->count++] = p->line_bytes;
	if (now->run_count == 0 ||
	    now->runs[now->run_count - 1].term != p->term) {
		now->runs = mem_grow(now->runs, &s->run_cap, now->run_count + 1,
				     sizeof *now->runs);
		now->runs[now->run_count++] = (struct term_run){p->term, 0};
	}
	now->runs[now->run_count - 1].count++;
	if (p->type != RK_ENTRY_CONFIGURATION)
		return;
	now->configurations = mem_grow(
		now->configurations, &s->configuration_cap,
		now->configuration_count + 1, sizeof *now->configurations);
	now->configurations[now->configuration_count++] = p->index;
}

/* Drop `from` and all behind it. */
static void
cut_back(struct log_state *s, rk_index from)
{
	struct log_recovered *now = &s->now;
	struct term_run *last;
	uint64_t keep;
	uint64_t drop;

	if (from <= now->compacted.index) {
		/* The segment before this one is gone; it held entries that
		 * are compacted, and its last ones never counted. */
		now->compacted = (struct log_end){from - 1, 0};
		keep = 0;
	} else {
		keep = from - 1 - now->compacted.index;
	}
	for (drop = now->count > keep ? now->count - keep : 0; drop > 0;) {
		last = &now->runs[now->run_count - 1];
		if (last->count > drop) {
			last->count -= drop;
			break;
		}
		drop -= last->count;
		now->run_count--;
	}
	if (now->count > keep)
		now->count = keep;
	while (now->configuration_count > 0 &&
	       now->configurations[now->configuration_count - 1] >= from)
		now->configuration_count--;
}

void
log_state_reset(struct log_state *s, struct log_end to)
{
	s->now.compacted = to;
	s->now.count = 0;
	s->now.run_count = 0;
	s->now.configuration_count = 0;
}

/* Move the `left` items behind the first `gone` to the front. */
static void
drop_front(void *items, size_t gone, size_t left, size_t size)
{
	if (gone > 0 && left > 0)
		memmove(items, (char *)items + gone * size, left * size);
}

void
log_state_drop_to(struct log_state *s, struct log_end to)
{
	struct log_recovered *now = &s->now;
	uint64_t drop = to.index - now->compacted.index;
	size_t runs = 0;
	size_t gone = 0;

	assert(to.index >= now->compacted.index);
	assert(drop <= now->count);
	now->count -= drop;
	drop_front(now->sizes, drop, now->count, sizeof *now->sizes);
	while (runs < now->run_count && now->runs[runs].count <= drop)
		drop -= now->runs[runs++].count;
	now->run_count -= runs;
	drop_front(now->runs, runs, now->run_count, sizeof *now->runs);
	if (drop > 0)
		now->runs[0].count -= drop;
	while (gone < now->configuration_count &&
	       now->configurations[gone] <= to.index)
		gone++;
	now->configuration_count -= gone;
	drop_front(now->configurations, gone, now->configuration_count,
		   sizeof *now->configurations);
	now->compacted = to;
}

static bool
apply(struct log_state *s, const struct log_pending *p,
      struct log_placement *placement)
{
	struct log_end last = log_state_last(s);
	struct hard_state hard_state = {p->term, p->vote};

	switch (p->kind) {
	case RECORD_ENTRY:
		if (p->index != last.index + 1 || p->term < last.term ||
		    !p->is_line)
			return false;
		append(s, p);
		log_placement_entry(placement, p->index, p->offset, p->end);
		return true;
	case RECORD_HARD_STATE:
		if (p->term < s->now.hard_state.term)
			return false;
		s->now.hard_state = hard_state;
		return true;
	case RECORD_TRUNCATE:
		if (p->index == 0 || p->index > last.index + 1)
			return false;
		cut_back(s, p->index);
		log_placement_truncate(placement, p->index);
		return true;
	case RECORD_RESET:
		log_state_reset(s, (struct log_end){p->index, p->term});
		log_placement_reset(placement, p->index);
		return true;
	case RECORD_BATCH_END:
	case RECORD_SEAL:
		break;
	}
	assert(false); /* Never taken into a batch. */
	return false;
}

bool
log_state_end_batch(struct log_state *s, const struct record *end,
		    struct log_placement *placement, uint64_t *offset)
{
	size_t i;

	for (i = 0; i < s->pending_count; i++) {
		*offset = s->pending[i].offset;
		if (!apply(s, &s->pending[i], placement))
			return false;
	}
	s->now.batch = end->batch;
	if (s->now.commit_hint < end->commit)
		s->now.commit_hint = end->commit;
	log_state_drop_batch(s);
	return true;
}

void
log_state_drop_batch(struct log_state *s)
{
	s->pending_count = 0;
	s->pending_crc32c = 0;
}
