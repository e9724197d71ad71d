/* ledger.h - what the core knows of the log: terms, sizes, configurations.
 *
 * Not the entries. Terms are kept as runs, so that what was the term of an
 * entry, and where a conflict began, is answered without the disk. An entry
 * costs four bytes, for its size. */

#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "core/types.h"

/* Entries from `first` to the next run's first, or to the end. */
struct ledger_run {
	rk_index first;
	rk_term term;
};

struct ledger {
	struct log_end compacted; /* The log begins behind this. */
	rk_index last;
	struct snapshot_meta snapshot; /* The newest; last.index 0: none. */
	struct ledger_run *runs;       /* [run_begin, run_end). */
	size_t run_begin;
	size_t run_end;
	size_t run_cap;
	uint32_t *sizes; /* Of entry i at size_begin + i - compacted - 1. */
	size_t size_begin;
	size_t size_cap;
	/* Ascending; the first is in force at the compacted boundary. */
	struct configuration_at *configurations;
	size_t configuration_count;
	size_t configuration_cap;
};

/* An empty log behind `compacted`, where `base` is in force. */
void ledger_init(struct ledger *l, struct log_end compacted,
		 const struct configuration_at *base);
void ledger_close(struct ledger *l);

/* Append `count` entries of `term`, which is not below the last one's.
 * `sizes` NULL: all 0. */
void ledger_append(struct ledger *l, rk_term term, uint64_t count,
		   const uint32_t *sizes);

/* The entry at `at->index`, which is in the log, behind every configuration
 * known so far, is a configuration. Copied. */
void ledger_append_configuration(struct ledger *l,
				 const struct configuration_at *at);

/* Drop the entry at `from` and all behind it; a configuration among them is
 * in force no longer. */
void ledger_truncate(struct ledger *l, rk_index from);

/* Drop everything up to `to`, which is in the log. */
void ledger_compact(struct ledger *l, struct log_end to);

/* Take note of a snapshot whose last entry is in the log. */
void ledger_note_snapshot(struct ledger *l, const struct snapshot_meta *meta);

/* A snapshot takes the place of the whole log. */
void ledger_reset(struct ledger *l, const struct snapshot_meta *meta);

struct log_end ledger_last(const struct ledger *l);

/* 0 if it is not known: compacted, or past the end. */
rk_term ledger_term(const struct ledger *l, rk_index index);

/* Whether the entry `at` is in the log or its compacted boundary. */
bool ledger_has(const struct ledger *l, struct log_end at);

/* The first index that is held of those of one term that end at `index`,
 * which is in the log. */
rk_index ledger_run_start(const struct ledger *l, rk_index index);

/* The last index at or below `index` whose term is at most `term`; the
 * compacted boundary if none in the log is. */
rk_index ledger_last_of_term(const struct ledger *l, rk_index index,
			     rk_term term);

/* Sizes of the entries from `index` on; NULL past the end. */
const uint32_t *ledger_sizes(const struct ledger *l, rk_index index);

/* Bytes of [from, to). */
uint64_t ledger_bytes(const struct ledger *l, rk_index from, rk_index to);

/* How far a payload from `from` reaches: at most to `to`, `max_bytes`, but
 * one entry at least if there is one. `*bytes` is its size. */
rk_index ledger_fit(const struct ledger *l, rk_index from, rk_index to,
		    uint64_t max_bytes, uint64_t *bytes);

/* How many runs [from, to) touches, and those runs, cut to the range. */
size_t ledger_run_count(const struct ledger *l, rk_index from, rk_index to);
void ledger_copy_runs(const struct ledger *l, rk_index from, rk_index to,
		      struct term_run *runs);

/* The configuration in force at `index`, which is not below the boundary. */
const struct configuration_at *ledger_configuration(const struct ledger *l,
						    rk_index index);

/* The configurations among the entries [from, to). */
const struct configuration_at *ledger_configurations(const struct ledger *l,
						     rk_index from, rk_index to,
						     size_t *count);

void ledger_check(const struct ledger *l);

#endif /* CORE_LEDGER_H */
