/* ledger.c - what the core knows of the log.
 *
 * What is dropped in front is only skipped over; the arrays move together
 * when more than half of them is dropped, so that compaction costs a constant
 * time for each entry, however often it comes. */

#include "core/ledger.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void
ledger_init(struct ledger *l, struct log_end compacted,
	    const struct configuration_at *base)
{
	assert(base->index <= compacted.index);
	*l = (struct ledger){.compacted = compacted, .last = compacted.index};
	l->configurations = mem_grow(NULL, &l->configuration_cap, 1,
				     sizeof l->configurations[0]);
	l->configurations[0] = *base;
	l->configuration_count = 1;
}

void
ledger_close(struct ledger *l)
{
	mem_free(l->runs);
	mem_free(l->sizes);
	mem_free(l->configurations);
	*l = (struct ledger){.runs = NULL};
}

static void
add_run(struct ledger *l, rk_index first, rk_term term)
{
	if (l->run_begin < l->run_end && l->runs[l->run_end - 1].term == term)
		return;
	l->runs = mem_grow(l->runs, &l->run_cap, l->run_end + 1,
			   sizeof l->runs[0]);
	l->runs[l->run_end++] = (struct ledger_run){first, term};
}

void
ledger_append(struct ledger *l, rk_term term, uint64_t count,
	      const uint32_t *sizes)
{
	size_t end = l->size_begin + (size_t)(l->last - l->compacted.index);
	size_t bytes = (size_t)count * sizeof l->sizes[0];

	assert(count > 0);
	assert(term >= ledger_last(l).term);
	assert(count <= LIMIT_NUMBER - l->last);
	add_run(l, l->last + 1, term);
	l->sizes = mem_grow(l->sizes, &l->size_cap, end + (size_t)count,
			    sizeof l->sizes[0]);
	if (sizes != NULL)
		memcpy(l->sizes + end, sizes, bytes);
	else
		memset(l->sizes + end, 0, bytes);
	l->last += count;
}

void
ledger_append_configuration(struct ledger *l, const struct configuration_at *at)
{
	size_t n = l->configuration_count;

	assert(at->index > l->configurations[n - 1].index);
	assert(at->index > l->compacted.index);
	assert(at->index <= l->last);
	l->configurations = mem_grow(l->configurations, &l->configuration_cap,
				     n + 1, sizeof l->configurations[0]);
	l->configurations[l->configuration_count++] = *at;
}

void
ledger_truncate(struct ledger *l, rk_index from)
{
	assert(from > l->compacted.index);
	assert(from <= l->last);
	assert(from > l->snapshot.last.index);
	l->last = from - 1;
	while (l->run_end > l->run_begin &&
	       l->runs[l->run_end - 1].first >= from)
		l->run_end--;
	/* The first one stays: it is in force behind the boundary. */
	while (l->configuration_count > 1 &&
	       l->configurations[l->configuration_count - 1].index >= from)
		l->configuration_count--;
}

/* Drop the first configurations until the first is in force at `index`. */
static void
compact_configurations(struct ledger *l, rk_index index)
{
	size_t drop = 0;

	while (drop + 1 < l->configuration_count &&
	       l->configurations[drop + 1].index <= index)
		drop++;
	if (drop == 0)
		return;
	l->configuration_count -= drop;
	memmove(l->configurations, l->configurations + drop,
		l->configuration_count * sizeof l->configurations[0]);
}

static void
compact_runs(struct ledger *l, rk_index index)
{
	/* A run goes if the next one begins at or before what stays. */
	while (l->run_begin + 1 < l->run_end &&
	       l->runs[l->run_begin + 1].first <= index + 1)
		l->run_begin++;
	if (index == l->last)
		l->run_begin = l->run_end;
	else
		l->runs[l->run_begin].first = index + 1;
	if (l->run_begin <= l->run_end - l->run_begin)
		return;
	memmove(l->runs, l->runs + l->run_begin,
		(l->run_end - l->run_begin) * sizeof l->runs[0]);
	l->run_end -= l->run_begin;
	l->run_begin = 0;
}

static void
compact_sizes(struct ledger *l, rk_index index)
{
	size_t stay = (size_t)(l->last - index);

	l->size_begin += (size_t)(index - l->compacted.index);
	if (l->size_begin <= stay)
		return;
	memmove(l->sizes, l->sizes + l->size_begin, stay * sizeof l->sizes[0]);
	l->size_begin = 0;
	if (l->size_cap / 4 <= stay || stay == 0)
		return;
	l->size_cap = 2 * stay;
	l->sizes = mem_resize(l->sizes, l->size_cap, sizeof l->sizes[0]);
}

void
ledger_compact(struct ledger *l, struct log_end to)
{
	assert(to.index > l->compacted.index);
	assert(to.index <= l->snapshot.last.index);
	assert(ledger_has(l, to));
	compact_configurations(l, to.index);
	compact_runs(l, to.index);
	compact_sizes(l, to.index);
	l->compacted = to;
}

void
ledger_note_snapshot(struct ledger *l, const struct snapshot_meta *meta)
{
	assert(meta->last.index > l->snapshot.last.index);
	assert(ledger_has(l, meta->last));
	l->snapshot = *meta;
}

void
ledger_reset(struct ledger *l, const struct snapshot_meta *meta)
{
	assert(meta->last.index > l->snapshot.last.index);
	l->snapshot = *meta;
	l->compacted = meta->last;
	l->last = meta->last.index;
	l->run_begin = l->run_end = 0;
	l->size_begin = 0;
	l->configurations[0] = meta->configuration;
	l->configuration_count = 1;
}

/* The run that holds `index`, which is in the log. */
static size_t
run_of(const struct ledger *l, rk_index index)
{
	size_t low = l->run_begin;
	size_t high = l->run_end;

	assert(index > l->compacted.index);
	assert(index <= l->last);
	/* The end of the log is what is asked for most. */
	if (l->runs[high - 1].first <= index)
		return high - 1;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (l->runs[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct log_end
ledger_last(const struct ledger *l)
{
	if (l->last == l->compacted.index)
		return l->compacted;
	return (struct log_end){l->last, l->runs[l->run_end - 1].term};
}

rk_term
ledger_term(const struct ledger *l, rk_index index)
{
	if (index == l->compacted.index)
		return l->compacted.term;
	if (index < l->compacted.index || index > l->last)
		return 0;
	return l->runs[run_of(l, index)].term;
}

bool
ledger_has(const struct ledger *l, struct log_end at)
{
	return at.index >= l->compacted.index && at.index <= l->last &&
	       ledger_term(l, at.index) == at.term;
}

rk_index
ledger_run_start(const struct ledger *l, rk_index index)
{
	return l->runs[run_of(l, index)].first;
}

rk_index
ledger_last_of_term(const struct ledger *l, rk_index index, rk_term term)
{
	size_t run;

	if (index > l->last)
		index = l->last;
	if (index <= l->compacted.index)
		return l->compacted.index;
	for (run = run_of(l, index); l->runs[run].term > term; run--) {
		index = l->runs[run].first - 1;
		if (run == l->run_begin)
			break;
	}
	return index;
}

const uint32_t *
ledger_sizes(const struct ledger *l, rk_index index)
{
	assert(index > l->compacted.index);
	if (index > l->last)
		return NULL;
	return l->sizes + l->size_begin +
	       (size_t)(index - l->compacted.index - 1);
}

uint64_t
ledger_bytes(const struct ledger *l, rk_index from, rk_index to)
{
	const uint32_t *sizes;
	uint64_t bytes = 0;
	rk_index i;

	if (from >= to)
		return 0;
	assert(to <= l->last + 1);
	sizes = ledger_sizes(l, from);
	for (i = 0; i < to - from; i++)
		bytes += sizes[i];
	return bytes;
}

rk_index
ledger_fit(const struct ledger *l, rk_index from, rk_index to,
	   uint64_t max_bytes, uint64_t *bytes)
{
	const uint32_t *sizes = ledger_sizes(l, from);
	rk_index i;

	assert(from <= to);
	assert(to <= l->last + 1);
	*bytes = 0;
	for (i = 0; i < to - from; i++) {
		if (i > 0 && *bytes + sizes[i] > max_bytes)
			break;
		*bytes += sizes[i];
	}
	return from + i;
}

size_t
ledger_run_count(const struct ledger *l, rk_index from, rk_index to)
{
	if (from >= to)
		return 0;
	return run_of(l, to - 1) - run_of(l, from) + 1;
}

void
ledger_copy_runs(const struct ledger *l, rk_index from, rk_index to,
		 struct term_run *runs)
{
	size_t run;
	rk_index end;

	for (run = run_of(l, to - 1); from < to; run--) {
		end = l->runs[run].first > from ? l->runs[run].first : from;
		runs[run - run_of(l, from)] =
			(struct term_run){l->runs[run].term, to - end};
		to = end;
	}
}

const struct configuration_at *
ledger_configuration(const struct ledger *l, rk_index index)
{
	size_t i = l->configuration_count - 1;

	assert(index >= l->compacted.index);
	while (l->configurations[i].index > index) {
		assert(i > 0);
		i--;
	}
	return &l->configurations[i];
}

const struct configuration_at *
ledger_configurations(const struct ledger *l, rk_index from, rk_index to,
		      size_t *count)
{
	size_t begin = l->configuration_count;
	size_t end;

	assert(from > l->compacted.index);
	while (begin > 0 && l->configurations[begin - 1].index >= to)
		begin--;
	end = begin;
	while (begin > 0 && l->configurations[begin - 1].index >= from)
		begin--;
	*count = end - begin;
	return *count > 0 ? l->configurations + begin : NULL;
}

static void
check_runs(const struct ledger *l)
{
	size_t i;

	assert(l->run_begin <= l->run_end);
	assert((l->run_begin == l->run_end) == (l->last == l->compacted.index));
	for (i = l->run_begin; i < l->run_end; i++) {
		assert(l->runs[i].first <= l->last);
		if (i == l->run_begin) {
			assert(l->runs[i].first == l->compacted.index + 1);
			assert(l->runs[i].term >= l->compacted.term);
		} else {
			assert(l->runs[i].first > l->runs[i - 1].first);
			assert(l->runs[i].term > l->runs[i - 1].term);
		}
	}
}

void
ledger_check(const struct ledger *l)
{
	size_t i;

	assert(l->compacted.index <= l->snapshot.last.index);
	assert(l->snapshot.last.index <= l->last);
	assert((l->compacted.index == 0) == (l->compacted.term == 0));
	if (l->snapshot.last.index > 0)
		assert(ledger_has(l, l->snapshot.last));
	assert(l->size_begin + (l->last - l->compacted.index) <= l->size_cap);
	check_runs(l);
	assert(l->configuration_count > 0);
	assert(l->configurations[0].index <= l->compacted.index);
	for (i = 1; i < l->configuration_count; i++) {
		assert(l->configurations[i].index > l->compacted.index);
		assert(l->configurations[i].index >
		       l->configurations[i - 1].index);
		assert(l->configurations[i].index <= l->last);
	}
}
