/* raftkit.h - consensus for the command line, as a library.
 *
 * The one installed header. A program is a client of a cluster
 * (rk_client_...), a reader of a data directory or a saved snapshot
 * (rk_reader_...), or one member of a cluster (rk_serve). Nothing here prints
 * or exits, except that running out of memory aborts; see raftkit(3).
 *
 * Functions that can fail return an enum rk_code and fill `err`, which is
 * never NULL and is untouched on success. One object is used by one thread at
 * a time; different objects are independent. */

#ifndef RAFTKIT_H
#define RAFTKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RK_API     __attribute__((visibility("default")))
#define RK_CHECKED __attribute__((warn_unused_result))

/* At most 2^53 - 1, so that every reader of JSON keeps them exact. 0 is
 * "none". */
typedef uint64_t rk_id;
typedef uint64_t rk_term;
typedef uint64_t rk_index;

/* What a failure lets the caller do. The values are the programs' exit
 * statuses. */
enum rk_code {
	RK_OK = 0,
	RK_FAILED = 1,      /* Definite; nothing changed. I/O and the like. */
	RK_USAGE = 2,       /* The caller asked for what cannot be. */
	RK_ABSENT = 3,      /* No such index, member or snapshot. */
	RK_UNREACHABLE = 4, /* No endpoint could be reached. */
	RK_NO_LEADER = 5,   /* Reached, but no quorum; nothing was proposed. */
	RK_UNKNOWN = 6,     /* Cut off after proposing; it may be committed. */
	RK_REJECTED = 7,    /* A limit or a precondition said no. */
	RK_DENIED = 8,      /* Wrong cluster, or not allowed. */
	RK_CORRUPT = 9,     /* Damage that is not a torn end. Get help. */
};

struct rk_error {
	enum rk_code code;
	char text[512]; /* `what failed: why`, without a newline. */
	char hint[512]; /* What to do about it; empty if there is no advice. */
};

/* "0.1.0 (commit), data format 1, wire protocol 1". Static. */
RK_API const char *rk_version(void);

/* The name of a code: "ok", "failed", "unknown", ... Static. */
RK_API const char *rk_code_name(enum rk_code code);

enum rk_entry_type {
	RK_ENTRY_DATA,
	RK_ENTRY_NOOP,
	RK_ENTRY_CONFIGURATION,
};

RK_API const char *rk_entry_type_name(enum rk_entry_type type);

/* One entry of the log. All pointers are borrowed: from the caller when the
 * entry goes in, from the reader or client until its next call when it comes
 * out. */
struct rk_entry {
	rk_index index;
	rk_term term;
	enum rk_entry_type type;
	uint64_t time_ms;    /* Unix time at which the leader took it in. */
	const char *session; /* NUL-terminated; NULL if it is in no session. */
	uint64_t seq;        /* The session's number of it; 0 without one. */
	const void *data;
	size_t len;
	rk_index repeat;  /* Not 0: repeats the entry at this index. */
	bool committed;   /* False only for the tail of an offline log. */
	const char *line; /* Its canonical JSON line, newline included. */
	size_t line_len;
};

#ifdef __cplusplus
}
#endif

#endif /* RAFTKIT_H */
