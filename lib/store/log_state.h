/* log_state.h - what the records say that the log is; inside the store. */

#ifndef STORE_LOG_STATE_H
#define STORE_LOG_STATE_H

#include "store/log.h"
#include "store/segment.h"

/* A log_recovered under construction. Batch by batch; the batch in hand does
 * not count until log_state_end_batch(). */
struct log_state {
	struct log_recovered now;
	size_t run_cap;
	size_t size_cap;
	size_t configuration_cap;
	struct log_pending *pending;
	size_t pending_count;
	size_t pending_cap;
	uint32_t pending_crc32c;
};

/* Begin with what the first segment's header says. */
void log_state_init(struct log_state *s, const struct segment_head *head);
void log_state_close(struct log_state *s);

/* The log's last entry; its term is 0 if it is not known. */
struct log_end log_state_last(const struct log_state *s);

/* The term of an entry in (compacted, last]. */
rk_term log_state_term(const struct log_state *s, rk_index index);

/* Take a record at `offset` into the batch in hand. */
void log_state_add(struct log_state *s, const struct record *r,
		   uint64_t offset);

/* Whether `end` is the end of the batch in hand. */
bool log_state_batch_is_whole(const struct log_state *s,
			      const struct record *end);

/* Apply the batch in hand; `placement` is told. False if one of its records
 * cannot be (`*offset` says which): they are sound by their checksums, so no
 * disk did this. */
bool log_state_end_batch(struct log_state *s, const struct record *end,
			 struct log_placement *placement, uint64_t *offset);
void log_state_drop_batch(struct log_state *s);

/* The index that the next record would be about: for messages. */
rk_index log_state_next_index(const struct log_state *s);

void log_state_reset(struct log_state *s, struct log_end to);

/* Forget entries up to `to`, which is in the log or just before it. */
void log_state_drop_to(struct log_state *s, struct log_end to);

#endif /* STORE_LOG_STATE_H */
