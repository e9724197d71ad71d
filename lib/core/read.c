/* read.c - linearizable reads without writing to the log. */

#include "core/read.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/replication.h"

int
read_on_read(struct core *c, uint64_t token)
{
	struct read_queue *q = &c->reads;
	rk_index index = c->commit;

	if (c->role != ROLE_LEADER)
		return CORE_NOT_LEADER;
	/* What earlier leaders committed is all below our own first entry. */
	if (index < c->lead.term_start)
		index = c->lead.term_start;
	q->items =
		mem_grow(q->items, &q->cap, q->count + 1, sizeof q->items[0]);
	/* The round under way began before this read: it needs the next. */
	q->items[q->count++] = (struct pending_read){
		.token = token, .index = index, .round = c->lead.round + 1};
	return CORE_OK;
}

/* The newest round that a majority has answered. */
static uint64_t
proven_round(const struct core *c)
{
	struct quorum_value values[LIMIT_MEMBERS + 1];
	size_t count = 0;
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++)
		values[count++] = (struct quorum_value){
			c->lead.streams[i].target, c->lead.streams[i].round};
	values[count++] = (struct quorum_value){c->settings.id, c->lead.round};
	return quorum_reached(state_configuration(c), values, count);
}

static void
grant(struct core *c)
{
	struct read_queue *q = &c->reads;
	uint64_t proven = proven_round(c);
	size_t granted = 0;

	if (c->commit < c->lead.term_start)
		return;
	while (granted < q->count && q->items[granted].round <= proven) {
		struct effect_read r = {
			.token = q->items[granted].token,
			.index = q->items[granted].index,
			.granted = true,
		};

		effects_read(&c->out, &r);
		granted++;
	}
	q->count -= granted;
	if (granted > 0)
		memmove(q->items, q->items + granted,
			q->count * sizeof q->items[0]);
}

void
read_pump(struct core *c)
{
	struct read_queue *q = &c->reads;

	if (q->count == 0)
		return;
	grant(c);
	/* One round at a time; what comes meanwhile shares the next. */
	if (q->count == 0 || q->items[q->count - 1].round <= c->lead.round ||
	    proven_round(c) < c->lead.round)
		return;
	c->lead.round++;
	replication_heartbeats(c);
	grant(c); /* Where this server is the majority. */
}

void
read_refuse_all(struct core *c)
{
	struct read_queue *q = &c->reads;
	size_t i;

	for (i = 0; i < q->count; i++) {
		struct effect_read r = {.token = q->items[i].token};

		effects_read(&c->out, &r);
	}
	q->count = 0;
}
