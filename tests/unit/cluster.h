/* cluster.h - some cores, a bag of messages between them, and disks that
 * forget what was not confirmed.
 *
 * Everything that a member promises is watched: one leader a term, one vote a
 * member and term, equal logs, committed entries on the disks of a majority
 * and never changed again, reads not older than what was committed when they
 * were asked for. A broken promise aborts. */

#ifndef UNIT_CLUSTER_H
#define UNIT_CLUSTER_H

#include "base/prng.h"
#include "core/core.h"

#define CLUSTER_MEMBERS 7

/* An entry as a disk holds it. */
struct cluster_entry {
	rk_term term;
	uint32_t size;
	const struct configuration *configuration; /* NULL: none. */
};

struct cluster_disk {
	struct hard_state hard_state;
	struct snapshot_meta snapshot;
	struct log_end compacted;
	rk_index last;
	struct cluster_entry *entries; /* By index. */
	size_t cap;
};

/* A write on its way to the disk. */
struct cluster_write {
	uint64_t seq;
	bool has_hard_state;
	struct hard_state hard_state;
	bool resets;
	struct log_end reset_to;
	rk_index truncate_from;
	rk_index from;
	uint64_t count;
	struct cluster_entry *entries;
};

/* A message, copied. */
struct cluster_mail {
	struct message message;
	uint64_t gate;
};

struct cluster_member {
	rk_id id;
	struct core *core; /* NULL: down. */
	struct cluster_disk disk;
	struct cluster_write *writes; /* Oldest first. */
	size_t write_count;
	size_t write_cap;
	struct cluster_mail *held; /* Until their gate. */
	size_t held_count;
	size_t held_cap;
	struct effects effects; /* Of the last step. */
	uint64_t deadline_ms;
	rk_term term;     /* As last seen, to see that it never falls. */
	rk_index commit;  /* Same, within one life. */
	rk_index applied; /* What its machine has. */
	rk_index to_apply;
	bool wants_snapshot;
	bool paused; /* Nothing reaches it, and no time passes for it. */
	uint64_t lives;
};

/* What is committed at an index, and in which term it first was. */
struct cluster_fact {
	rk_term term;
	rk_term in_term;
};

struct cluster_read {
	uint64_t token;
	rk_index committed; /* By anybody, when it was asked for. */
};

struct cluster {
	struct prng prng;
	uint64_t now_ms;
	struct core_settings settings;
	struct configuration initial;
	size_t count;
	struct cluster_member members[CLUSTER_MEMBERS];
	struct cluster_mail *bag;
	size_t bag_count;
	size_t bag_cap;
	bool cut[CLUSTER_MEMBERS + 1][CLUSTER_MEMBERS + 1]; /* [from][to] */
	struct cluster_fact *committed;                     /* By index. */
	size_t committed_cap;
	rk_index committed_last;
	rk_id *leaders; /* By term. */
	size_t leaders_cap;
	rk_id *votes; /* By term and member. */
	size_t votes_cap;
	struct cluster_read *reads;
	size_t read_count;
	size_t read_cap;
	struct configuration **pool; /* All configurations of entries. */
	size_t pool_count;
	size_t pool_cap;
	uint64_t next_token;
	uint64_t steps;
	uint64_t results[3]; /* By enum result_status. */
	uint64_t reads_granted;
	uint64_t snapshots_sent;
	uint64_t installs;
};

/* `count` members, of whom the first `voters` make the configuration. */
void cluster_init(struct cluster *k, uint64_t seed, size_t count,
		  size_t voters);
void cluster_close(struct cluster *k);

/* Members are numbered from 1, here too. */
struct cluster_member *cluster_member(struct cluster *k, rk_id id);

/* Change `k->initial`, settings and disks before this; starts all members. */
void cluster_start_all(struct cluster *k);
void cluster_start(struct cluster *k, rk_id id);

/* Kill it. The oldest `kept` of its writes reached the disk. */
void cluster_crash(struct cluster *k, rk_id id, size_t kept);

/* One event at one member, and what comes of it. core_step()'s answer. */
int cluster_step(struct cluster *k, rk_id id, struct event ev);

int cluster_propose(struct cluster *k, rk_id id, uint64_t count);
int cluster_configure(struct cluster *k, rk_id id, struct id_set voters,
		      struct id_set learners);
int cluster_read(struct cluster *k, rk_id id);

/* Confirm the oldest `count` writes of `id`, or all that there are. */
void cluster_persist(struct cluster *k, rk_id id, size_t count);

/* Apply everything handed to the machine of `id`. */
void cluster_apply(struct cluster *k, rk_id id);

/* Take, and compact, if the core asked for it. */
void cluster_snapshot(struct cluster *k, rk_id id);

/* Deliver the message at `i` of the bag; it is gone after, or kept. */
void cluster_deliver(struct cluster *k, size_t i, bool keep);
void cluster_drop(struct cluster *k, size_t i, bool tell_sender);

/* Let time pass; those whose deadline passed get TIME. */
void cluster_pass(struct cluster *k, uint64_t ms);

/* Disks, machines and messages at their best until nothing is under way. */
void cluster_settle(struct cluster *k);

/* Settle and pass time, in turns, for `ms`. */
void cluster_run(struct cluster *k, uint64_t ms);

/* Whoever leads the newest term; 0: nobody. */
rk_id cluster_leader(struct cluster *k);

/* Make `id` the leader: it campaigns until it is. */
void cluster_elect(struct cluster *k, rk_id id);

/* Logs that agree somewhere agree everywhere below. */
void cluster_check_logs(struct cluster *k);

/* Called by cluster_step() and when a message leaves its sender. */
void cluster_check_member(struct cluster *k, struct cluster_member *m);
void cluster_check_leaving(struct cluster *k, const struct cluster_member *m,
			   const struct message *message);
void cluster_check_results(struct cluster *k, const struct effects *effects);

/* The set of the ids given, which are at most 9: 123 is {1, 2, 3}. */
struct id_set cluster_set(unsigned int digits);

/* Give `id` the log whose terms are the digits of `terms`. Before start. */
void cluster_set_log(struct cluster *k, rk_id id, const char *terms);

/* The log of `id` as terms, from 1 on; borrowed until the next call. */
const char *cluster_log(struct cluster *k, rk_id id, char text[64]);

#endif /* UNIT_CLUSTER_H */
