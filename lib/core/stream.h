/* stream.h - what the leader knows of one target, and what to send it next.
 *
 * One for each target and leader term. A pure state machine: it is told what
 * happened and asked what to send. It does no I/O, reads no clock and
 * allocates nothing. All entries come from the log by index; that the log
 * grew is only a hint.
 *
 * Two numbers that are easily taken for one: `match` is proven, moves only on
 * the target's word and never falls; `next` is a guess while it is not. What
 * an append claims as previous is always next - 1. */

#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "base/prng.h"
#include "core/core.h"
#include "core/ledger.h"
#include "core/window.h"

enum stream_event_type {
	/* From the leader. */
	STREAM_EV_REPLICATE,           /* The log grew. */
	STREAM_EV_UPDATE_COMMIT_INDEX, /* More is committed. */
	STREAM_EV_TERMINATE,           /* Leadership or membership ended. */
	STREAM_EV_TIME,                /* Deadlines may have passed. */
	/* From the target; `request` says what it answers. */
	STREAM_EV_ACKED,      /* Has everything up to `match`. */
	STREAM_EV_REJECTED,   /* Cannot agree; see `conflict`. */
	STREAM_EV_HEARD,      /* Anything at all: it is alive. */
	STREAM_EV_NEWER_TERM, /* It knows a newer leader. */
	STREAM_EV_INSTALLED,  /* Installed the snapshot, has `match`. */
	/* From the node. */
	STREAM_EV_LOST, /* A request failed; 0: all of them. */
	STREAM_EV_SNAPSHOT_FAILED,
};

struct stream_event {
	enum stream_event_type type;
	uint64_t request;
	rk_index match;
	struct log_end conflict; /* As in message_append_reply. */
};

/* What a step has to say to the leader; a set of these. */
enum stream_report {
	STREAM_RATE_UPDATE = 1,        /* Entered or left line-rate. */
	STREAM_UPDATE_MATCH_INDEX = 2, /* `match` rose. */
	STREAM_NEEDS_SNAPSHOT = 4,     /* Its next entries are compacted. */
	STREAM_REVERT_TO_FOLLOWER = 8, /* There is a newer term. */
	STREAM_ENDED = 16,             /* Entered shutdown. */
};

/* What a stream needs to see of the leader. */
struct stream_view {
	const struct core_settings *settings;
	const struct ledger *ledger;
	rk_index commit;
	uint64_t now_ms;
};

struct stream {
	rk_id target;
	uint64_t id; /* No other stream of this leader's life has it. */
	enum stream_state state;
	rk_index match;
	rk_index next;
	bool proven;          /* `match` is the target's word; else it is 0. */
	bool behind_snapshot; /* It installed one, and has not caught up. */
	uint64_t progress_ms; /* When `match` last rose; 0: never. */
	struct window window; /* Empty while snapshotting. */
	/* After failures: nothing is sent before `retry_ms`. */
	uint64_t failures; /* In a row. */
	uint64_t retry_ms;
	bool silent; /* It was not heard when it failed. */
	/* Heartbeats have timers of their own. */
	uint64_t heartbeat_ms; /* When the next one is due. */
	uint64_t commit_ms;    /* 0, or when to tell `commit` at last. */
	rk_index commit_told;  /* The newest commit index sent. */
	uint64_t round;        /* Of reads: the newest one answered. */
	uint64_t since_ms;     /* When it began. */
	uint64_t contact_ms;   /* When it last answered; 0: never. */
	uint64_t errors;       /* Requests that failed, in all. */
	uint64_t retries;      /* Attempts after a failure, in all. */
	uint64_t rejections;   /* Appends that it could not add, in all. */
	uint64_t backwards;    /* Times that it denied what it had proven. */
	struct prng jitter;
	union {
		struct {
			bool probing; /* One request at a time. */
		} lagging;
		struct {
			uint64_t request; /* Of the transfer. */
			rk_index index;   /* Last index it holds. */
		} snapshotting;
	} as;
};

/* Start lagging, with nothing proven; `last` is the leader's last index. */
void stream_init(struct stream *s, rk_id target, uint64_t id,
		 const struct stream_view *v);

/* Tell the stream of one event; a set of stream_reports. */
unsigned int stream_step(struct stream *s, const struct stream_view *v,
			 const struct stream_event *ev);

enum stream_wish_type {
	STREAM_SENDS_NOTHING,
	STREAM_SENDS_APPEND,   /* Entries [from, to), perhaps none. */
	STREAM_SENDS_SNAPSHOT, /* The newest one. */
};

struct stream_wish {
	enum stream_wish_type type;
	rk_index from;
	rk_index to;
	uint64_t deadline_ms;
};

/* What to send now, under the number `request`; it then counts as in flight.
 * Ask until it is nothing. `*reports` gains what there is to say. */
struct stream_wish stream_next(struct stream *s, const struct stream_view *v,
			       uint64_t request, unsigned int *reports);

/* Whether a heartbeat is due, or wanted `now`; it then counts as sent. It
 * carries stream_heartbeat_commit(): never more than the target is proven to
 * have. */
bool stream_heartbeat(struct stream *s, const struct stream_view *v, bool now);
rk_index stream_heartbeat_commit(const struct stream *s,
				 const struct stream_view *v);

/* Whether the target is proven to hold the whole log. */
bool stream_is_caught_up(const struct stream *s, const struct stream_view *v);

/* When STREAM_EV_TIME or a heartbeat is due at the latest. */
uint64_t stream_deadline_ms(const struct stream *s);

/* Abort unless every invariant of the current state holds. */
void stream_check(const struct stream *s, const struct stream_view *v);

#endif /* CORE_STREAM_H */
