/* lone.h - one core, member 1, and a test that plays everybody else. */

#ifndef UNIT_LONE_H
#define UNIT_LONE_H

#include "core/core.h"

struct lone {
	struct core_settings settings;
	struct core_start start;
	struct core *core;
	struct effects effects; /* Of the last step. */
	int rc;                 /* Its answer. */
	uint64_t now_ms;
	uint64_t seq;               /* The newest write asked for. */
	uint64_t request;           /* The newest number of a peer's request. */
	struct message appends[10]; /* The newest, by its target. */
	struct term_run runs[64];
	uint32_t sizes[64];
};

/* The digits of `voters` are the configuration. Change settings and start
 * before lone_start(). */
void lone_init(struct lone *l, unsigned int voters);
void lone_close(struct lone *l);

/* The log's terms, a digit each; the current term becomes the last one's. */
void lone_log(struct lone *l, const char *terms);
void lone_start(struct lone *l);

/* cmocka's setup and teardown: three voters, an empty log, started. */
int lone_setup(void **state);
int lone_teardown(void **state);

int lone_step(struct lone *l, struct event ev);

/* Let `ms` pass, then TIME. */
void lone_pass(struct lone *l, uint64_t ms);

/* Past any election timeout. */
void lone_time_out(struct lone *l);

/* Confirm every write. */
void lone_persist(struct lone *l);

int lone_receive(struct lone *l, struct message m);

/* From `from`, in `term`; `terms` are the entries', a digit each. */
int lone_append(struct lone *l, rk_id from, rk_term term, struct log_end prev,
		const char *terms, rk_index commit);
int lone_heartbeat(struct lone *l, rk_id from, rk_term term, rk_index commit);
int lone_vote(struct lone *l, rk_id from, rk_term term, struct log_end last);
int lone_pre_vote(struct lone *l, rk_id from, rk_term term,
		  struct log_end last);
int lone_propose(struct lone *l, uint64_t count);

/* Become leader: time out, and 2 and 3 vote for it. Its no-op is on disk. */
void lone_lead(struct lone *l);

/* Answer the newest append to `from` with all that it asked. */
void lone_ack(struct lone *l, rk_id from);

/* The last message of `type` to `to` in the last step; NULL: none. */
const struct effect_send *lone_sent(const struct lone *l,
				    enum message_type type, rk_id to);

/* The answer to a vote or append of the last step. */
bool lone_granted(const struct lone *l);
const struct message_append_reply *lone_reply(const struct lone *l);

/* Terms of the log, a digit each, from 1 on; borrowed until the next call. */
const char *lone_terms(struct lone *l, char text[64]);

#endif /* UNIT_LONE_H */
