/* durable.h - the writes handed to the disk that it has not confirmed yet.
 *
 * Each step that writes anything has one write, numbered by `seq`; the disk
 * confirms them in order. What was truncated meanwhile is taken out of the
 * writes under way, so that a late confirmation of old entries can never make
 * new ones at the same indexes count as stored. */

#ifndef CORE_DURABLE_H
#define CORE_DURABLE_H

#include "core/types.h"

struct durable_write {
	uint64_t seq;
	rk_index last;     /* Last entry it stores; 0: stores none. */
	uint64_t since_ms; /* When it was handed over. */
};

struct durable {
	struct durable_write *writes; /* Under way: [begin, end). */
	size_t begin;
	size_t end;
	size_t cap;
	uint64_t seq;            /* Of the newest write. */
	uint64_t confirmed;      /* Every write up to this one is on disk. */
	uint64_t hard_state_seq; /* Of the newest term or vote. */
	rk_index stable; /* The log up to here is on disk, as it now is. */
};

/* `last` is what the disk holds. */
void durable_init(struct durable *d, rk_index last);
void durable_close(struct durable *d);

/* Begin a write; returns its number. */
uint64_t durable_begin(struct durable *d, uint64_t now_ms);

/* The newest write also stores the log up to `last`; or term and vote. */
void durable_add_entries(struct durable *d, rk_index last);
void durable_add_hard_state(struct durable *d);

/* Entries from `from` on are no more, on disk or on their way there. */
void durable_truncate(struct durable *d, rk_index from);

/* Everything up to write `seq` is on disk; `seq` was begun. */
void durable_confirm(struct durable *d, uint64_t seq);

/* The write to wait for before one may say that the log up to `index` is on
 * disk, and term and vote with it; 0: none. */
uint64_t durable_gate(const struct durable *d, rk_index index);

/* Whether the oldest write has been under way for `limit_ms`. */
bool durable_hangs(const struct durable *d, uint64_t now_ms, uint64_t limit_ms);

/* When the oldest write was handed over; UINT64_MAX: there is none. */
uint64_t durable_oldest_ms(const struct durable *d);

void durable_check(const struct durable *d, rk_index last);

#endif /* CORE_DURABLE_H */
