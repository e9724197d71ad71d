/* message.h - what the members of a cluster say to one another.
 *
 * Requests carry the sender's stream and request numbers, and the reply
 * carries them back, so that a late reply is known as such. Each request gets
 * one reply, unless the receiver's disk has failed. Arrays are borrowed: in an
 * event for the call of core_step(), in effects until the next one. */

#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/types.h"

enum message_type {
	MESSAGE_VOTE, /* RequestVote, or pre-vote (thesis, 9.6). */
	MESSAGE_VOTE_REPLY,
	MESSAGE_APPEND, /* AppendEntries; without entries a probe. */
	MESSAGE_APPEND_REPLY,
	MESSAGE_HEARTBEAT, /* An append without entries or a claim about */
	MESSAGE_HEARTBEAT_REPLY, /* the log: keeps leadership, proves reads. */
	MESSAGE_SNAPSHOT,        /* One chunk of InstallSnapshot. */
	MESSAGE_SNAPSHOT_REPLY,
	MESSAGE_TIMEOUT_NOW, /* Leadership transfer (thesis, 3.10). */
	MESSAGE_TIMEOUT_NOW_REPLY,
};

struct message_vote {
	bool pre;            /* Asks without raising anybody's term. */
	bool transfer;       /* By a leader's wish: stickiness does not hold. */
	struct log_end last; /* The candidate's. */
};

struct message_vote_reply {
	bool pre;
	bool granted;
};

struct message_append {
	struct log_end prev;
	rk_index commit; /* The leader's. */
	/* The entries [prev.index + 1, prev.index + count]. */
	uint64_t count;
	const struct term_run *runs; /* Their terms; counts add up to count. */
	size_t run_count;
	const uint32_t *sizes; /* Of each entry, in bytes. */
	const struct configuration_at *configurations; /* Those among them. */
	size_t configuration_count;
};

struct message_append_reply {
	bool success;
	/* Success: everything up to here is on the follower's disk and equal
	 * to the leader's. */
	rk_index match;
	/* Rejected: the log cannot agree at or above `conflict.index`;
	 * conflict.term is the term of the follower's entries from
	 * conflict.index up to the request's prev, or 0 if its log ends
	 * before conflict.index. */
	struct log_end conflict;
	rk_index last; /* The follower's last index. */
};

struct message_heartbeat {
	rk_index commit; /* At most what the target has proven to hold. */
	uint64_t round;  /* Given back by the reply; proves reads (6.4). */
};

struct message_heartbeat_reply {
	uint64_t round;
	rk_index last; /* The follower's; below its match is an alarm. */
};

/* A chunk's bytes are not here: the node moves them. */
struct message_snapshot {
	struct snapshot_meta meta;
	uint64_t transfer;    /* The same for one file from one sender. */
	uint64_t offset;      /* Of this chunk, in bytes. */
	uint64_t chunk_bytes; /* Length of this chunk. */
	uint64_t total_bytes; /* Of header and payload together. */
	uint32_t total_crc32c;
	bool done; /* This is the last chunk. */
};

struct message_snapshot_reply {
	bool installed;       /* `match` holds; nothing more is wanted. */
	struct log_end match; /* What the follower now has for certain. */
	uint64_t transfer;
	uint64_t offset; /* Wanted next. */
};

struct message {
	enum message_type type;
	rk_id from;
	rk_id to;
	rk_term term;     /* Of the sender; of a pre-vote, the one it wants. */
	uint64_t stream;  /* Of the sender of the request; 0 for votes. */
	uint64_t request; /* Rising within a sender's life. */
	union {
		struct message_vote vote;
		struct message_vote_reply vote_reply;
		struct message_append append;
		struct message_append_reply append_reply;
		struct message_heartbeat heartbeat;
		struct message_heartbeat_reply heartbeat_reply;
		struct message_snapshot snapshot;
		struct message_snapshot_reply snapshot_reply;
	} as;
};

#endif /* CORE_MESSAGE_H */
