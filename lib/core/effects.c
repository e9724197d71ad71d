/* effects.c - collecting what a step asks for. */

#include "core/effects.h"

#include <assert.h>

#include "base/mem.h"

void
effects_close(struct effect_buffer *b)
{
	mem_free(b->sends);
	mem_free(b->results);
	mem_free(b->reads);
	mem_free(b->snapshots);
	mem_free(b->runs);
	*b = (struct effect_buffer){.sends = NULL};
}

void
effects_begin(struct effect_buffer *b)
{
	b->now = (struct effects){.send = NULL};
	b->send_count = 0;
	b->result_count = 0;
	b->read_count = 0;
	b->snapshot_count = 0;
}

struct effect_send *
effects_send(struct effect_buffer *b)
{
	struct effect_send *slot;

	b->sends = mem_grow(b->sends, &b->send_cap, b->send_count + 1,
			    sizeof b->sends[0]);
	slot = &b->sends[b->send_count++];
	*slot = (struct effect_send){.gate = 0};
	return slot;
}

void
effects_result(struct effect_buffer *b, const struct effect_result *r)
{
	b->results = mem_grow(b->results, &b->result_cap, b->result_count + 1,
			      sizeof b->results[0]);
	b->results[b->result_count++] = *r;
}

void
effects_read(struct effect_buffer *b, const struct effect_read *r)
{
	b->reads = mem_grow(b->reads, &b->read_cap, b->read_count + 1,
			    sizeof b->reads[0]);
	b->reads[b->read_count++] = *r;
}

void
effects_snapshot_send(struct effect_buffer *b,
		      const struct effect_snapshot_send *s)
{
	b->snapshots = mem_grow(b->snapshots, &b->snapshot_cap,
				b->snapshot_count + 1, sizeof b->snapshots[0]);
	b->snapshots[b->snapshot_count++] = *s;
}

/* Fill in what the entries of an append are. */
static void
describe(struct message_append *a, const struct ledger *l,
	 struct term_run *runs)
{
	rk_index from = a->prev.index + 1;
	rk_index to = from + a->count;

	if (a->count == 0)
		return;
	assert(a->prev.index >= l->compacted.index);
	ledger_copy_runs(l, from, to, runs);
	a->runs = runs;
	a->sizes = ledger_sizes(l, from);
	a->configurations =
		ledger_configurations(l, from, to, &a->configuration_count);
}

static void
describe_all(struct effect_buffer *b, const struct ledger *l)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < b->send_count; i++) {
		struct message *m = &b->sends[i].message;
		struct message_append *a = &m->as.append;

		if (m->type != MESSAGE_APPEND)
			continue;
		a->run_count = ledger_run_count(l, a->prev.index + 1,
						a->prev.index + 1 + a->count);
		used += a->run_count;
	}
	b->runs = mem_grow(b->runs, &b->run_cap, used, sizeof b->runs[0]);
	for (i = 0, used = 0; i < b->send_count; i++) {
		struct message *m = &b->sends[i].message;

		if (m->type != MESSAGE_APPEND)
			continue;
		describe(&m->as.append, l, b->runs + used);
		used += m->as.append.run_count;
	}
}

void
effects_finish(struct effect_buffer *b, const struct ledger *l,
	       struct effects *out)
{
	describe_all(b, l);
	if (b->now.persist.append_type == RK_ENTRY_CONFIGURATION)
		b->now.persist.configuration =
			&ledger_configuration(l, b->now.persist.append_from)
				 ->configuration;
	b->now.send = b->sends;
	b->now.send_count = b->send_count;
	b->now.results = b->results;
	b->now.result_count = b->result_count;
	b->now.reads = b->reads;
	b->now.read_count = b->read_count;
	b->now.snapshot_send = b->snapshots;
	b->now.snapshot_send_count = b->snapshot_count;
	*out = b->now;
}
