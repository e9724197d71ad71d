/* core.h - Raft itself: event in, effects out.
 *
 * Pure: no I/O, clock, thread, JSON or global. Time is a value in the event,
 * randomness a seed in the settings, and a disk that failed an event that
 * latches. It holds no payload: of each entry it knows the term and the size.
 *
 * The order of duty for whoever runs a core, after each core_step():
 *
 *   1. persist    hand to the disk, in order; step PERSISTED(seq) when done
 *   2. send       each message once PERSISTED(its gate) was stepped; gate 0
 *                 at once. That is the whole durability rule.
 *   3. apply      hand the range to the machine, in order; step APPLIED
 *   4. results and reads, once the machine has applied what they name
 *   5. snapshots to take, send or install; the log to compact
 *   6. call again with TIME at `deadline_ms` at the latest
 *
 * A leader's appends have gate 0, so that its disk works beside its
 * followers'; votes and append replies are gated by the write they speak of. */

#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/message.h"
#include "core/types.h"

struct core;

struct core_settings {
	rk_id id;
	uint64_t seed; /* Of the election timeouts. */
	uint64_t election_timeout_min_ms;
	uint64_t election_timeout_max_ms;   /* Drawn from [min, max). */
	uint64_t election_timeout_fixed_ms; /* Not 0: no draw. For tests. */
	uint64_t heartbeat_interval_ms;
	uint64_t max_payload_entries;   /* Of one append. */
	uint64_t max_payload_bytes;     /* But always at least one entry. */
	uint64_t max_inflight_requests; /* Appends, for each stream. */
	uint64_t max_inflight_bytes;
	uint64_t replication_lag_threshold; /* Entries; see stream.h. */
	uint64_t request_timeout_ms;        /* Base deadline of an append. */
	/* A snapshot is taken as soon as a multiple of so many entries has
	 * been applied; 0: only when asked. */
	uint64_t snapshot_logs_since_last;
	uint64_t trailing_entries;      /* Kept behind a snapshot. */
	uint64_t max_uncommitted_bytes; /* Proposals above it are refused. */
	bool pre_vote;
	/* A leader that hears no majority for election_timeout_max steps down,
	 * and who hears a leader helps nobody to unseat it. */
	bool check_quorum;
};

/* Defaults as in raft-node(1); `id` and `seed` are the caller's. */
void core_settings_init(struct core_settings *s);

/* What is wrong with the settings, as a sentence; NULL if nothing is. Static.
 */
const char *core_settings_error(const struct core_settings *s);

/* Where a core starts: what its disk held. Arrays are copied. */
struct core_start {
	struct hard_state hard_state;
	struct snapshot_meta snapshot; /* last.index 0: none. */
	/* The log begins behind `compacted`, which is at or below the
	 * snapshot's last; the runs follow one another from there. */
	struct log_end compacted;
	const struct term_run *runs;
	size_t run_count;
	const uint32_t *sizes; /* One for each entry; NULL: all 0. */
	/* Those in the log, ascending; `initial` is in force before them and
	 * where there is no snapshot. */
	const struct configuration_at *configurations;
	size_t configuration_count;
	struct configuration initial;
	/* A hint: what is known to be committed. It counts from the snapshot's
	 * last up to the end of the log: a leader may have committed what its
	 * own disk never got. */
	rk_index commit;
	rk_index applied; /* What the machine has; at most commit. */
	uint64_t now_ms;
};

enum event_type {
	EVENT_TIME,
	EVENT_RECEIVE,
	EVENT_PROPOSE,
	EVENT_CONFIGURE,
	EVENT_READ,
	EVENT_TRANSFER,
	EVENT_CAMPAIGN,
	EVENT_PERSISTED,
	EVENT_PERSIST_FAILED,
	EVENT_APPLIED,
	EVENT_SNAPSHOT_TAKEN,
	EVENT_SNAPSHOT_SENT,
	EVENT_SNAPSHOT_RECEIVED,
	EVENT_PEER_UNREACHABLE,
	EVENT_COMPACTED,
};

/* Entries of type data that a client wants appended. */
struct event_propose {
	uint64_t token; /* Given back in the result. */
	uint64_t count; /* At least 1. */
	const uint32_t *sizes;
};

/* The sets that shall be in force; the core goes there by way of a joint
 * configuration if the voters differ. */
struct event_configure {
	uint64_t token;
	struct id_set voters;
	struct id_set learners;
	/* Append an entry even if the sets are those in force: what the node
	 * keeps beside them, such as an address, has changed. */
	bool always;
};

enum snapshot_outcome {
	SNAPSHOT_INSTALLED, /* The peer says so, and names `match`. */
	SNAPSHOT_FAILED, /* Given up; the stream tries again after a pause. */
};

struct event_snapshot_sent {
	rk_id peer;
	uint64_t stream; /* As in the effect that asked for it. */
	uint64_t request;
	enum snapshot_outcome outcome;
	struct log_end match;
};

/* A peer's request failed: refused, cut off or timed out. */
struct event_peer_unreachable {
	rk_id peer;
	uint64_t stream;
	uint64_t request; /* 0: the peer as a whole; of a leader, a hint
			   * that its process has ended. */
};

struct event {
	enum event_type type;
	uint64_t now_ms; /* Monotonic; never falls. */
	union {
		const struct message *receive;
		struct event_propose propose;
		struct event_configure configure;
		uint64_t read_token;
		rk_id transfer_to;      /* 0: whoever is furthest. */
		uint64_t persisted_seq; /* And everything before it. */
		rk_index applied;
		struct snapshot_meta snapshot_taken;
		struct event_snapshot_sent snapshot_sent;
		struct snapshot_meta snapshot_received;
		struct event_peer_unreachable unreachable;
		struct log_end compacted;
	} as;
};

/* To the disk, in this order, as one unit under `seq`. */
struct effect_persist {
	uint64_t seq; /* 0: nothing to persist in this step. */
	bool has_hard_state;
	struct hard_state hard_state;
	rk_index truncate_from; /* Not 0: drop this entry and all behind it. */
	/* Append [append_from, append_to): from the event's proposal or
	 * message, or made by the core itself as below. */
	rk_index append_from;
	rk_index append_to;
	rk_term append_term; /* Of entries of one's own; 0: from the message. */
	/* Not data: an entry that the core made (a no-op on election, a
	 * configuration). It is always alone in its step. */
	enum rk_entry_type append_type;
	const struct configuration *configuration;
};

struct effect_send {
	struct message message;
	uint64_t gate;
	uint64_t deadline_ms; /* Of a request; 0 of a reply. */
};

struct effect_apply {
	rk_index from; /* [from, to); equal: nothing. */
	rk_index to;
};

enum result_status {
	RESULT_COMMITTED, /* [index, index + count) in `term`. */
	RESULT_LOST,      /* Leadership went; it may yet be committed. */
	RESULT_REFUSED,   /* Never proposed, or certain to be overwritten. */
};

/* Of a proposal, or of a configuration once the final one is committed. A
 * transfer has none: watch the role and `transferring`. */
struct effect_result {
	uint64_t token;
	rk_index index; /* Of its first entry. */
	uint64_t count;
	rk_term term;
	enum result_status status;
};

struct effect_read {
	uint64_t token;
	rk_index index; /* Serve once this is applied. */
	bool granted;   /* False: not leader (any more); ask elsewhere. */
};

struct effect_snapshot_send {
	rk_id peer;
	uint64_t stream;
	uint64_t request;
	struct snapshot_meta meta; /* The newest the core knows of. */
};

struct effect_snapshot_install {
	struct snapshot_meta meta;
	/* Persist seq under which the switch counts as durable, and whether
	 * the log behind the snapshot agrees with it and stays. */
	uint64_t seq;
	bool keep_tail;
};

struct effects {
	struct effect_persist persist;
	const struct effect_send *send;
	size_t send_count;
	struct effect_apply apply;
	const struct effect_result *results;
	size_t result_count;
	const struct effect_read *reads;
	size_t read_count;
	/* Take a snapshot of what is applied. Of exactly that, before more is:
	 * then a snapshot at an index is the same bytes on each member, and a
	 * transfer of it can go on with another leader. Who steps APPLIED at
	 * each multiple of the setting is asked at each. */
	bool snapshot_take;
	const struct effect_snapshot_send *snapshot_send;
	size_t snapshot_send_count;
	/* The chunk just received is wanted: store it, answer it (see
	 * message_snapshot_reply), step SNAPSHOT_RECEIVED when whole. */
	bool chunk_wanted;
	/* Of SNAPSHOT_RECEIVED. Without it the snapshot is of no use any more:
	 * what it holds has been committed here meanwhile. */
	bool snapshot_install;
	struct effect_snapshot_install install;
	/* Not 0: the log up to here may go. Step COMPACTED when it has. */
	struct log_end compact;
	bool role_changed;    /* Or the term, or who is known to lead. */
	uint64_t deadline_ms; /* When TIME is due at the latest; UINT64_MAX:
			       * nothing is waited for. */
};

/* NULL never; the settings and the start were checked by the caller, and
 * contradictions among them abort. core_free(NULL) is fine. */
struct core *core_new(const struct core_settings *settings,
		      const struct core_start *start);
void core_free(struct core *c);

/* Why a step was refused, the state unchanged. */
enum core_rc {
	CORE_OK = 0,
	CORE_NOT_LEADER = -1,
	CORE_BUSY = -2,      /* Another change or transfer is under way. */
	CORE_FULL = -3,      /* Too much is uncommitted. */
	CORE_SHUTDOWN = -4,  /* Latched: the disk failed. */
	CORE_INVALID = -5,   /* The event contradicts itself or the log. */
	CORE_NOT_READY = -6, /* No entry of this term is committed yet. */
};

/* Static text for a core_rc, for people. */
const char *core_rc_text(int rc);

/* One event. 0, or a core_rc with the state unchanged and no effects.
 * `effects` is borrowed until the next call. */
int core_step(struct core *c, const struct event *ev, struct effects *effects);

/* Abort unless every invariant holds. */
void core_check(const struct core *c);

struct core_stream_status {
	rk_id peer;
	enum stream_state state;
	rk_index match;
	rk_index next;
	uint64_t inflight_requests;
	uint64_t inflight_bytes;
	uint64_t contact_ms; /* When it last answered; 0: never. */
	bool voter;
	uint64_t errors; /* Requests that failed. */
	uint64_t retries;
	uint64_t rejections; /* Appends that it could not add. */
	uint64_t backwards;  /* Times that it lacked what it had proven. */
};

struct core_status {
	rk_id id;
	enum role role;
	struct hard_state hard_state;
	rk_id leader; /* 0: unknown. */
	rk_index commit;
	rk_index applied;
	struct log_end last;
	rk_index first; /* The first entry in the log; last + 1 if empty. */
	struct snapshot_meta snapshot;
	struct configuration_at configuration; /* In force. */
	struct configuration_at committed_configuration;
	uint64_t leader_contact_ms; /* When the leader was last heard. */
	uint64_t uncommitted_bytes;
	bool failed; /* Latched. */
	bool transferring;
	size_t stream_count;
	struct core_stream_status streams[LIMIT_MEMBERS];
};

void core_status(const struct core *c, struct core_status *status);

/* What a snapshot of all that is applied covers. */
void core_snapshot_meta(const struct core *c, struct snapshot_meta *meta);

/* The same, cheap, for one thing. */
enum role core_role(const struct core *c);
rk_id core_leader(const struct core *c);
struct log_end core_last(const struct core *c);
rk_term core_term(const struct core *c);
rk_index core_commit(const struct core *c);
bool core_is_transferring(const struct core *c);

/* When the leader was last heard; on the leader, when a majority was. 0:
 * never. What this server knows is at most so old. */
uint64_t core_contact_ms(const struct core *c);

/* That in force, borrowed until the next step. */
const struct configuration_at *core_configuration(const struct core *c);

/* Term of the entry at `index`; 0 if it is not known (compacted, or past the
 * end). The snapshot's and the compacted boundary's are known. */
rk_term core_term_at(const struct core *c, rk_index index);

const char *role_name(enum role role);
const char *stream_state_name(enum stream_state state);

#endif /* CORE_CORE_H */
