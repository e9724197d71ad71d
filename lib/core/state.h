/* state.h - what a core holds. For the files of the core alone.
 *
 * A step goes: core.c checks and dispatches; election, follower and leader
 * change the state and collect effects; core.c drives the streams, computes
 * the deadline and hands the effects out. Nothing in here is changed before
 * the event is known to be valid. */

#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "base/prng.h"
#include "core/core.h"
#include "core/durable.h"
#include "core/effects.h"
#include "core/ledger.h"
#include "core/stream.h"
#include "core/vote.h"

/* Entries are proposed up to here; what a leader appends by itself then still
 * has room below the limit of all numbers. */
#define STATE_INDEX_MAX (LIMIT_NUMBER - 1024)

/* A proposal that is not committed yet. */
struct pending_proposal {
	uint64_t token;
	rk_index index;
	uint64_t count;
};

/* A read that waits for a round of heartbeats. */
struct pending_read {
	uint64_t token;
	rk_index index;
	uint64_t round;
};

/* Oldest first, in [begin, end). */
struct proposal_queue {
	struct pending_proposal *items;
	size_t begin;
	size_t end;
	size_t cap;
};

struct read_queue {
	struct pending_read *items;
	size_t count;
	size_t cap;
};

/* A member that the newest configuration lacks still gets the entries, so
 * that it learns of it, until it has them or it took too long. */
struct leaving {
	rk_index index;    /* Of the configuration; 0: it stays. */
	uint64_t until_ms; /* Then it goes in any case. */
};

/* Valid while the role is ROLE_LEADER. */
struct leadership {
	rk_index term_start; /* The first entry of the leader's term. */
	uint64_t since_ms;
	struct stream streams[LIMIT_MEMBERS]; /* By target, ascending. */
	struct leaving leaving[LIMIT_MEMBERS];
	size_t stream_count;
	uint64_t round; /* The newest round of heartbeats begun. */
	rk_id transfer_to;
	uint64_t transfer_until_ms;
	bool transfer_sent; /* TimeoutNow left. */
	bool configuring;   /* `configure_token` waits. */
	uint64_t configure_token;
};

struct core {
	struct core_settings settings;
	struct prng prng;
	uint64_t now_ms;
	enum role role;
	bool failed; /* Latched. */
	rk_id leader;
	struct hard_state hard_state;
	struct ledger ledger;
	struct durable durable;
	rk_index commit;
	rk_index handed;  /* What the machine was given to apply. */
	rk_index applied; /* What it has applied. */
	uint64_t uncommitted_bytes;
	uint64_t last_request; /* The newest request number. */
	uint64_t last_stream;  /* The newest stream number. */
	uint64_t election_ms;  /* When the election timer runs out. */
	uint64_t contact_ms;   /* When the leader was last heard. */
	struct ballot ballot;
	uint64_t campaign_request; /* Its first request. */
	uint64_t campaign_seq;     /* Write of the vote for oneself. */
	struct leadership lead;
	struct proposal_queue proposals;
	struct read_queue reads;
	rk_index snapshot_asked; /* Applied when one was last asked for. */
	rk_index compact_asked;  /* Where the log was asked to begin. */
	struct effect_buffer out;
};

/* Helpers that every file of the core needs. */

const struct configuration *state_configuration(const struct core *c);

/* Whether this server is a voter in the committed configuration or in any
 * behind it. One that lost its vote by an entry not yet committed must go on
 * standing for election: it may be the only one that can commit that entry
 * (thesis, 4.2.2). */
bool state_is_voter(const struct core *c);

/* The number of this step's write, begun if there is none yet. */
uint64_t state_write(struct core *c);

/* A new term, or a vote in this one, to be persisted. */
void state_set_hard_state(struct core *c, struct hard_state hard_state);

/* Append one entry that the core makes itself, alone in its step. Returns its
 * index. `configuration` only for a configuration. */
rk_index state_append_own(struct core *c, enum rk_entry_type type,
			  const struct configuration *configuration);

/* Raise the commit index; hand over to the machine. Not above the last. */
void state_commit(struct core *c, rk_index index);

/* A message to `to` with the next request number. */
struct effect_send *state_request(struct core *c, enum message_type type,
				  rk_id to);

/* The reply to `request`, gated by the newest term and vote. */
struct effect_send *state_reply(struct core *c, const struct message *request,
				enum message_type type);

#endif /* CORE_STATE_H */
