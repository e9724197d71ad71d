/* node.h - one member: runs a core, and does what it asks for.
 *
 * The one place that joins core, store, machine and wire. Everything here
 * runs on the reactor's thread; the writer and the janitor are told what to
 * do by value and report through an eventfd. Internal to lib/node.
 *
 * A pass of the reactor:
 *
 *   node_begin     take the time
 *   (inbound, outbound, writer and janitor call in: node_step() and friends)
 *   node_end       propose what clients brought, apply, hand the disk its
 *                  work: once a pass, not once a request
 *
 * node_step() is never called from within itself: what an effect leads to is
 * remembered in struct node and stepped in node_end(). */

#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <inttypes.h>

#include "base/trace.h"
#include "core/core.h"
#include "machine/machine.h"
#include "node/janitor.h"
#include "node/meters.h"
#include "node/record.h"
#include "node/settings.h"
#include "node/tail.h"
#include "node/writer.h"
#include "store/file.h"
#include "store/identity.h"
#include "store/segment.h"
#include "store/snapshot.h"
#include "wire/codec_members.h"
#include "wire/codec_peer.h"
#include "wire/inbound.h"
#include "wire/outbound.h"
#include "wire/problem.h"

/* Lanes of outbound: what is in one never waits for another. */
enum lane {
	LANE_APPEND,
	LANE_HEARTBEAT, /* And votes. */
	LANE_SNAPSHOT,
	LANE_CLIENT, /* Requests forwarded to the leader. */
	LANE_STATUS,
};

/* The bytes that a step's entries have: given with a proposal or a message. */
struct step_lines {
	rk_index first;
	uint64_t count;
	const uint8_t *lines;
	const uint32_t *sizes;
};

/* What waits behind the disk: ops of this pass, and chunks that ops of
 * earlier passes still refer to. */
struct disk_queue {
	struct log_op *ops;
	size_t count;
	size_t cap;
	uint64_t submitted;        /* Seq of the last op handed over. */
	uint64_t seq;              /* Seq of the last op queued. */
	uint64_t durable;          /* Seq reported durable. */
	struct held_chunk *chunks; /* Ascending by seq. */
	size_t chunk_count;
	size_t chunk_cap;
	bool full; /* The disk has no space now. */
};

struct node {
	struct node_settings settings;
	struct identity identity;
	struct peer_identity self;
	const struct trace *trace;
	char *dir;
	int lock_fd;
	uint64_t segment_bytes;    /* Of the log. */
	char url[LIMIT_URL_BYTES]; /* One's own, as others reach it. */

	uint64_t now_ms;
	uint64_t started_ms;
	uint64_t deadline_ms; /* Of the core. */
	struct core *core;
	struct machine *machine;
	struct log_map *map;
	struct tail tail;
	struct addresses addresses; /* Those in force; members.c keeps it. */
	struct writer *writer;
	struct janitor *janitor;
	struct inbound *in;
	struct outbound *out;
	struct disk_queue disk;
	struct record *record; /* NULL: none is kept. */
	struct meters *meters;

	/* Set when the member cannot go on; the reactor then ends. */
	enum rk_code fatal;
	struct rk_error fatal_error;
	bool stopping;
	bool closing; /* In node_close(): no more steps, sends or answers. */

	struct id_set down;          /* contact.c */
	struct members *members;     /* members.c */
	struct changes *changes;     /* changes.c */
	struct handover *handovers;  /* handover.c */
	struct join *join;           /* join.c; NULL: no --join. */
	struct peers *peers;         /* peers.c */
	struct appends *appends;     /* append.c */
	struct confirms *confirms;   /* confirm.c */
	struct reads *reads;         /* read.c */
	struct proxies *proxies;     /* proxy.c */
	struct snapshots *snapshots; /* snapshots.c */
	struct transfers *transfers; /* transfers.c */
	struct installs *installs;   /* install.c */

	bool stepping;      /* Within node_step(). */
	struct bytes slice; /* Lines being applied. */
	rk_index apply_to;  /* Committed: apply what is before it. */
	bool apply_paused;  /* While a snapshot is being installed. */
	rk_id known_leader; /* As last traced. */
	enum role known_role;
	bool segment_wanted;         /* The janitor is making one. */
	uint64_t segment_retry_ms;   /* Not before: it could not. */
	uint64_t retry_apply_ms;     /* The machine's disk was full... */
	uint64_t unapplied_since_ms; /* ...first at this time. */
};

/* ---- node.c: life, and the pass ---- */

struct node_start {
	const struct rk_member *member;
	const struct trace *trace;
	int event_fd;           /* Written by writer and janitor. */
	uint64_t segment_bytes; /* Of the log; 0: SEGMENT_BYTES_DEFAULT. */
};
RK_CHECKED enum rk_code node_open(const struct node_start *start,
				  struct node **node, struct rk_error *err);
void node_close(struct node *n);

void node_begin(struct node *n);
void node_end(struct node *n);

/* Milliseconds until the next pass is due at the latest. */
int node_timeout_ms(struct node *n);

/* Take what the writer and the janitor have finished. */
void node_collect(struct node *n);

/* One event to the core, its effects carried out. `lines` (may be NULL) are
 * those of the event's entries. Returns core_step()'s answer. */
int node_step(struct node *n, struct event *ev, const struct step_lines *lines);

/* Trace the error and end the member with its code. */
void node_fail(struct node *n, const struct rk_error *err);

/* The lines of [from, to), all in the log, from memory or disk; as many as fit
 * into `max_bytes` but at least one. */
RK_CHECKED enum rk_code node_read_lines(struct node *n, rk_index from,
					rk_index to, size_t max_bytes,
					struct bytes *out, rk_index *end,
					struct rk_error *err);

bool node_is_leader(const struct node *n);

/* The leader's URL, or NULL. */
const char *node_leader_url(const struct node *n);

/* ---- recover.c: from a directory to a core ---- */

RK_CHECKED enum rk_code node_recover(struct node *n,
				     const struct rk_member *member,
				     int event_fd, struct rk_error *err);

/* ---- disk.c: persist effects, the writer, what it reports ---- */

/* Queue what the core wants persisted. */
void disk_persist(struct node *n, const struct effect_persist *p,
		  const struct step_lines *lines);
void disk_reset(struct node *n, uint64_t seq, struct log_end to,
		bool keep_tail);
void disk_submit(struct node *n);  /* Once a pass. */
void disk_collect(struct node *n); /* What the writer reports. */
void disk_close(struct node *n);

/* ---- peers.c: messages out, replies in; requests in, replies out ---- */

struct peers *peers_new(void);
void peers_free(struct peers *p);
void peers_send(struct node *n, const struct effect_send *send);
void peers_release(struct node *n); /* The gates up to disk.durable. */
void peers_handle(struct node *n, struct inbound_request *r);
void peers_gone(void *node, uint64_t peer); /* All its connections. */
void peers_tick(struct node *n);
uint64_t peers_deadline_ms(const struct node *n); /* 0: none. */
void peers_stop(struct node *n);                  /* Answer all that is held. */

/* Answer a peer's snapshot chunk by the node itself; or with a problem, where
 * `reply` says which request is meant. Nothing happens if it has gone. */
void peers_reply(struct node *n, const struct message *reply);
void peers_refuse(struct node *n, const struct message *reply,
		  enum problem_kind kind, const char *why);

/* ---- members.c: who they are, by the configuration in force ---- */

/* Whether this member is one, and if not, why. */
enum standing {
	STANDING_MEMBER,
	STANDING_JOINING,  /* It has asked to be added. */
	STANDING_REMOVED,  /* It was one. */
	STANDING_REPLACED, /* Its id belongs to another data directory. */
};

struct members *members_new(void);
void members_free(struct members *m);

/* At the start: what is in force from `index` on, in ascending order. */
void members_push(struct node *n, rk_index index, const struct addresses *a);
/* Whether one of those pushed lists this member; its URL there, or NULL. */
bool members_was_one(const struct node *n);
const char *members_own_url(const struct node *n);

/* The URL at which this member listens goes before the recorded one. */
void members_listen_at(struct node *n, const char *url);

/* Whether the cluster knows it by another URL. */
bool members_moved(const struct node *n);

/* Follow the core's configuration after a step has changed the log. */
void members_truncate(struct node *n, rk_index from);
void members_follow(struct node *n);
/* A snapshot is put in force: its configuration is that of `index`. */
void members_install(struct node *n, rk_index index, const struct addresses *a);
/* The addresses that belong to the configuration of entry `index`. */
const struct addresses *members_at(struct node *n, rk_index index);

/* What a configuration entry that the core makes shall say besides the sets:
 * `next` while it is set, else what is in force; of the members of `c`. */
void members_propose(struct node *n, const struct addresses *next);
void members_encode_own(struct node *n, const struct configuration *c,
			struct bytes *out);

/* Also of one that has just left, and is to be told; NULL: not known. */
const char *members_url(const struct node *n, rk_id id);

/* Identity with the addressee's recorded incarnation, for peer_encode(). */
struct peer_identity members_identity(const struct node *n, rk_id to);

/* Whether a peer's request is to be refused: `*kind` and `why` say how. */
bool members_refuse(struct node *n, const struct peer_message *m,
		    enum problem_kind *kind, char why[256]);
#define MEMBERS_OTHER                                                          \
	"its data directory was lost or replaced; remove the member and add "  \
	"it again"
/* Whether a reply is from the member that it claims to be from. */
bool members_accept_reply(struct node *n, const struct peer_message *m);
/* A peer has refused a message of ours. */
void members_note_refusal(struct node *n, struct slice problem,
			  const char *why);
/* Whether a request for a vote may leave now. */
bool members_may_campaign(struct node *n);
/* The incarnations seen under this term that are not recorded yet. */
const struct addresses *members_seen(const struct node *n);

enum standing members_standing(const struct node *n);
const char *standing_name(enum standing standing); /* For STATUS's role. */
/* What is the matter and what to do; NULL for a member. */
const char *members_trouble(const struct node *n);
void members_set_joining(struct node *n, bool joining);

/* ---- changes.c, members_api.c: /v1/members ---- */

struct changes *changes_new(void);
void changes_free(struct changes *changes);
void members_handle(struct node *n, struct inbound_request *r);
/* Whether it is that of a change. */
bool changes_result(struct node *n, const struct effect_result *result);
void changes_tick(struct node *n);
uint64_t changes_deadline_ms(const struct node *n);
void changes_stop(struct node *n);

/* ---- join.c: a new member ---- */

/* Before the directory is opened: the members and the cluster to start with;
 * `cluster` is empty if the directory is there and has one. */
RK_CHECKED enum rk_code join_begin(struct node *n,
				   const struct rk_member *member,
				   struct configuration *initial,
				   struct addresses *addresses,
				   char cluster[17], struct rk_error *err);
void join_tick(struct node *n);
uint64_t join_deadline_ms(const struct node *n);
void join_free(struct join *j);

/* ---- handover.c: POST /v1/leader/transfer ---- */

void handover_handle(struct node *n, struct inbound_request *r);
void handover_tick(struct node *n);
uint64_t handover_deadline_ms(const struct node *n);
void handovers_free(struct handover *list);

/* ---- contact.c: who can be reached, for the trace ---- */

void contact_lost(struct node *n, rk_id id, const char *why);
void contact_found(struct node *n, rk_id id);

/* ---- append.c: POST /v1/log ---- */

struct appends *appends_new(void);
void appends_free(struct appends *a);
void append_handle(struct node *n, struct inbound_request *r);
void append_propose(struct node *n); /* All that came in this pass. */
void append_result(struct node *n, const struct effect_result *result);
/* The entries [first, first + count) have been applied. */
void append_applied(struct node *n, rk_index first, uint64_t count,
		    const struct machine_reply *replies);
void append_stop(struct node *n); /* Answer all that wait. */

/* ---- apply.c ---- */

void apply_some(struct node *n);

/* ---- confirm.c: rounds that make reads linearizable ---- */

struct confirms *confirms_new(void);
void confirms_free(struct confirms *c);
/* The number of the round that a read which begins now waits for, until
 * `until_ms` at the latest. */
uint64_t confirm_want(struct node *n, uint64_t until_ms);
/* Whether that round, or one that began later, has succeeded; what is applied
 * up to `*index` is then safe to read. */
bool confirm_is_done(const struct node *n, uint64_t round, rk_index *index);
void confirm_released(struct node *n, const struct effect_read *read);
/* This process stood still for long: a round from before is worth nothing. */
void confirm_distrust(struct node *n);
void confirm_tick(struct node *n);
uint64_t confirm_deadline_ms(const struct node *n);

/* ---- read.c: GET /v1/log ---- */

struct reads *reads_new(void);
void reads_free(struct reads *r);
void read_handle(struct node *n, struct inbound_request *r);
void read_entry_handle(struct node *n, struct inbound_request *r,
		       const char *index);
void read_applied(struct node *n); /* More has been applied. */
void read_tick(struct node *n);
uint64_t read_deadline_ms(const struct node *n);

/* ---- proxy.c: to the leader, one hop ---- */

struct proxies *proxies_new(void);
void proxies_free(struct proxies *p);
/* How long a request may wait for a leader, in ms. */
uint64_t proxy_patience_ms(const struct inbound_request *r);

/* Forward, or park until there is a leader, or refuse. Consumes `r`. */
void proxy_handle(struct node *n, struct inbound_request *r,
		  void (*local)(struct node *n, struct inbound_request *r));
void proxy_tick(struct node *n);
uint64_t proxy_deadline_ms(const struct node *n);

/* ---- snapshots.c: take, list, fetch, compact ---- */

struct snapshots *snapshots_new(void);
void snapshots_free(struct snapshots *s);
void snapshot_handle(struct node *n, struct inbound_request *r, const char *id);
void snapshot_wanted(struct node *n); /* The core's wish. */
/* More has been applied: if one is wanted, it is of exactly this. */
void snapshot_applied(struct node *n);
/* The machine is being replaced by the leader's. */
void snapshot_replaced(struct node *n);
void snapshot_compact(struct node *n, struct log_end to);
void snapshot_tick(struct node *n);

/* ---- transfers.c: a snapshot to a peer ---- */

struct transfers *transfers_new(void);
void transfers_free(struct transfers *t);
void transfers_start(struct node *n, const struct effect_snapshot_send *send);
void transfers_tick(struct node *n);
uint64_t transfers_deadline_ms(const struct node *n);
/* Progress for raft-status: false if none is under way to `peer`. */
bool transfers_progress(const struct node *n, rk_id peer, uint64_t *offset,
			uint64_t *bytes);

/* ---- install.c: a snapshot from the leader ---- */

struct installs *installs_new(void);
void installs_free(struct installs *i);
/* `chunk` has the chunk's bytes in `lines`, their number in m. */
void install_chunk(struct node *n, const struct message *m,
		   const struct step_lines *chunk);
void install_switch(struct node *n,
		    const struct effect_snapshot_install *install);
void install_tick(struct node *n);
/* This member follows by entries: what it has of a snapshot may go, if none
 * is wanted any more. */
void install_forget(struct node *n);

/* ---- api.c: the router, and how replies look ---- */

void api_handle(void *node, struct inbound_request *r);
void api_answered(void *node, const struct inbound_request *r, int status);
size_t api_body_limit(void *node, enum inbound_method method, const char *path);
void api_add_headers(struct node *n, struct inbound_request *r);
void api_add_number(struct inbound_request *r, const char *name,
		    uint64_t value);
void api_reply(struct node *n, struct inbound_request *r, int status,
	       const char *type, struct bytes *body);
void api_problem(struct node *n, struct inbound_request *r,
		 enum problem_kind kind, const char *hint, const char *format,
		 ...) __attribute__((format(printf, 5, 6)));
/* A query parameter as a number: false (and answered) if it is none. */
bool api_query_u64(struct node *n, struct inbound_request *r, const char *name,
		   uint64_t *value, bool *given);

/* ---- status.c ---- */

void status_handle(struct node *n, struct inbound_request *r);
void status_cluster_handle(struct node *n, struct inbound_request *r);
void status_leader_handle(struct node *n, struct inbound_request *r);
/* "ok", "full" or "failed". */
const char *status_disk(const struct node *n, const struct core_status *s);

/* ---- metrics.c ---- */

void metrics_handle(struct node *n, struct inbound_request *r);

#endif /* NODE_NODE_H */
