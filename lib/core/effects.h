/* effects.h - collecting what a step asks for.
 *
 * The arrays are kept from step to step, so that a step allocates nothing
 * once they have grown. */

#ifndef CORE_EFFECTS_H
#define CORE_EFFECTS_H

#include "core/core.h"
#include "core/ledger.h"

struct effect_buffer {
	struct effects now; /* Its arrays are set by effects_finish(). */
	struct effect_send *sends;
	size_t send_count;
	size_t send_cap;
	struct effect_result *results;
	size_t result_count;
	size_t result_cap;
	struct effect_read *reads;
	size_t read_count;
	size_t read_cap;
	struct effect_snapshot_send *snapshots;
	size_t snapshot_count;
	size_t snapshot_cap;
	struct term_run *runs; /* Of all appends, one after another. */
	size_t run_cap;
};

void effects_close(struct effect_buffer *b);

/* Begin a step: nothing is asked for. */
void effects_begin(struct effect_buffer *b);

/* A zeroed slot; valid until the next one is asked for. */
struct effect_send *effects_send(struct effect_buffer *b);

void effects_result(struct effect_buffer *b, const struct effect_result *r);
void effects_read(struct effect_buffer *b, const struct effect_read *r);
void effects_snapshot_send(struct effect_buffer *b,
			   const struct effect_snapshot_send *s);

/* End a step: `*out` borrows all that was collected. The appends get their
 * runs, sizes and configurations from `l` here, since it may have moved
 * while the step went on. */
void effects_finish(struct effect_buffer *b, const struct ledger *l,
		    struct effects *out);

#endif /* CORE_EFFECTS_H */
