/* durable.c - the writes handed to the disk, not confirmed yet. */

#include "core/durable.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void
durable_init(struct durable *d, rk_index last)
{
	*d = (struct durable){.stable = last};
}

void
durable_close(struct durable *d)
{
	mem_free(d->writes);
	*d = (struct durable){.writes = NULL};
}

uint64_t
durable_begin(struct durable *d, uint64_t now_ms)
{
	/* Reuse what is confirmed, once it is worth moving the rest. */
	if (d->end == d->cap && d->begin > d->cap / 2) {
		memmove(d->writes, d->writes + d->begin,
			(d->end - d->begin) * sizeof d->writes[0]);
		d->end -= d->begin;
		d->begin = 0;
	}
	d->writes =
		mem_grow(d->writes, &d->cap, d->end + 1, sizeof d->writes[0]);
	d->writes[d->end++] = (struct durable_write){
		.seq = ++d->seq,
		.since_ms = now_ms,
	};
	return d->seq;
}

static struct durable_write *
newest(struct durable *d)
{
	assert(d->begin < d->end);
	assert(d->writes[d->end - 1].seq == d->seq);
	return &d->writes[d->end - 1];
}

void
durable_add_entries(struct durable *d, rk_index last)
{
	assert(last >= newest(d)->last);
	newest(d)->last = last;
}

void
durable_add_hard_state(struct durable *d)
{
	d->hard_state_seq = newest(d)->seq;
}

void
durable_truncate(struct durable *d, rk_index from)
{
	size_t i;

	assert(from > 0);
	if (d->stable >= from)
		d->stable = from - 1;
	for (i = d->begin; i < d->end; i++)
		if (d->writes[i].last >= from)
			d->writes[i].last = from - 1;
}

void
durable_confirm(struct durable *d, uint64_t seq)
{
	assert(seq <= d->seq);
	while (d->begin < d->end && d->writes[d->begin].seq <= seq) {
		if (d->writes[d->begin].last > d->stable)
			d->stable = d->writes[d->begin].last;
		d->begin++;
	}
	if (d->begin == d->end)
		d->begin = d->end = 0;
	if (seq > d->confirmed)
		d->confirmed = seq;
}

uint64_t
durable_gate(const struct durable *d, rk_index index)
{
	uint64_t gate = 0;
	size_t i;

	if (d->hard_state_seq > d->confirmed)
		gate = d->hard_state_seq;
	if (index <= d->stable)
		return gate;
	for (i = d->begin; i < d->end; i++)
		if (d->writes[i].last >= index)
			return d->writes[i].seq > gate ? d->writes[i].seq
						       : gate;
	assert(false); /* Beyond the log. */
	return d->seq;
}

uint64_t
durable_oldest_ms(const struct durable *d)
{
	return d->begin < d->end ? d->writes[d->begin].since_ms : UINT64_MAX;
}

bool
durable_hangs(const struct durable *d, uint64_t now_ms, uint64_t limit_ms)
{
	uint64_t since_ms = durable_oldest_ms(d);

	return since_ms <= now_ms && now_ms - since_ms >= limit_ms;
}

void
durable_check(const struct durable *d, rk_index last)
{
	rk_index reach = d->stable;
	size_t i;

	assert(d->begin <= d->end);
	assert(d->end <= d->cap);
	assert(d->confirmed <= d->seq);
	assert(d->hard_state_seq <= d->seq);
	assert(d->stable <= last);
	for (i = d->begin; i < d->end; i++) {
		assert(d->writes[i].seq > d->confirmed);
		assert(d->writes[i].seq == d->seq - (d->end - 1 - i));
		assert(d->writes[i].last <= last);
		if (d->writes[i].last > reach)
			reach = d->writes[i].last;
	}
	/* Every entry is on disk or on its way there. */
	assert(reach == last);
}
