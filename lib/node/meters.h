/* meters.h - what a member counts and measures while it works.
 *
 * Only what nobody else knows: where Raft stands, the core says. Numbers rise
 * from the start of the process; metrics.c prints them. */

#ifndef NODE_METERS_H
#define NODE_METERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/message.h"
#include "machine/machine.h"
#include "node/histogram.h"
#include "node/writer.h"

/* Members come and go; of so many the numbers are kept. */
#define METERS_PEERS (2 * LIMIT_MEMBERS)

enum meter_kind {
	METER_APPEND,    /* With entries or as a probe. */
	METER_HEARTBEAT, /* And whatever else is small: votes. */
	METER_SNAPSHOT,  /* A chunk. */
	METER_KINDS,
};

/* One that requests are sent to. */
struct meter_peer {
	rk_id id;
	uint64_t requests[METER_KINDS];
	uint64_t bytes[METER_KINDS];
	uint64_t failures[METER_KINDS]; /* No answer, or none of use. */
	uint64_t entries;
	struct histogram round_trip[METER_KINDS]; /* Of those answered. */
};

/* Requests of one kind that had one outcome. */
struct meter_replies {
	const char *method;
	const char *path; /* As in the table of routes. Static. */
	int status;
	uint64_t count;
};

struct meters {
	struct meter_peer *peers[METERS_PEERS];
	size_t peer_count;
	struct meter_replies *replies;
	size_t replies_count;
	size_t replies_cap;
	struct histogram write; /* One write and its fdatasync. */
	struct histogram batch; /* Entries in one. */
	uint64_t written_bytes;
	struct histogram append; /* A request: proposed to applied. */
	uint64_t applied_entries;
	uint64_t applied_bytes;
	uint64_t repeated_entries; /* Applied before, and not again. */
	uint64_t leader_changes;
};

struct meters *meters_new(void);
void meters_free(struct meters *m); /* NULL is fine. */

/* A request has been started; it has come to an end. */
void meters_sent(struct meters *m, const struct message *message);
struct meters_end {
	rk_id peer;
	enum message_type type;
	bool is_answered;
	size_t bytes; /* That left: 0 if the peer was not reached. */
	uint64_t elapsed_us;
};
void meters_ended(struct meters *m, const struct meters_end *end);

/* The disk has answered; only what was written counts. */
void meters_written(struct meters *m, const struct writer_done *done);

void meters_applied(struct meters *m, const struct machine_reply *replies,
		    uint64_t count, size_t bytes);

/* `method` and `path` are static. */
void meters_replied(struct meters *m, const char *method, const char *path,
		    int status);

#endif /* NODE_METERS_H */
