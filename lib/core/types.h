/* types.h - the plain data that the core and everything around it speak of.
 *
 * No behaviour. store, wire and machine may include this and message.h, and
 * nothing else of the core. */

#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "raftkit.h"

/* A place in a log: an entry's index and term. {0, 0} is before the first. */
struct log_end {
	rk_index index;
	rk_term term;
};

/* Consecutive entries of one term, as in a run-length index of terms. */
struct term_run {
	rk_term term;
	uint64_t count;
};

/* A set of members, in ascending order. */
struct id_set {
	size_t count;
	rk_id ids[LIMIT_MEMBERS];
};

/* Who decides. While `old` is not empty the configuration is joint (thesis,
 * 4.3): elections and commits need a majority of `voters` and of `old`. */
struct configuration {
	struct id_set voters;
	struct id_set old;
	struct id_set learners; /* Receive entries; count for nothing. */
};

/* A configuration as it stands in the log. */
struct configuration_at {
	rk_index index; /* 0: given at the start, not by an entry. */
	struct configuration configuration;
};

/* What must be on disk before a server answers (thesis, figure 3.1). */
struct hard_state {
	rk_term term;
	rk_id vote; /* 0: none in this term. */
};

/* What a snapshot covers. */
struct snapshot_meta {
	struct log_end last;
	struct configuration_at configuration; /* In force at `last`. */
};

enum role {
	ROLE_LEARNER,
	ROLE_FOLLOWER,
	ROLE_PRE_CANDIDATE,
	ROLE_CANDIDATE,
	ROLE_LEADER,
	ROLE_SHUTDOWN, /* Final: the disk failed. */
};

enum stream_state {
	STREAM_LAGGING,      /* Match unproven, or far behind. */
	STREAM_LINE_RATE,    /* Proven and near the end. */
	STREAM_SNAPSHOTTING, /* Needs entries that are compacted. */
	STREAM_SHUTDOWN,     /* Final. */
};

#endif /* CORE_TYPES_H */
