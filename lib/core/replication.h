/* replication.h - the leader's streams: one for each other member.
 *
 * What happens goes to the stream that it concerns; what the streams want
 * sent goes into the effects. */

#ifndef CORE_REPLICATION_H
#define CORE_REPLICATION_H

#include "core/state.h"

/* What a stream sees of this leader. */
struct stream_view replication_view(const struct core *c);

/* The stream to `target`; NULL if there is none. */
struct stream *replication_find(struct core *c, rk_id target);

/* Begin and end streams as the configuration in force wants it. A member that
 * it lacks keeps its stream for a while, to learn that. */
void replication_reconcile(struct core *c);

/* Leadership ended. */
void replication_terminate(struct core *c);

/* The commit index rose. */
void replication_tell_commit(struct core *c);

void replication_on_append_reply(struct core *c, const struct message *m);
void replication_on_heartbeat_reply(struct core *c, const struct message *m);

/* Any other reply: the target is alive. */
void replication_on_reply(struct core *c, const struct message *m);

/* A reply of a newer term, before that term is adopted. */
void replication_on_newer_term(struct core *c, const struct message *m);

int replication_on_snapshot_sent(struct core *c,
				 const struct event_snapshot_sent *ev);
void replication_on_unreachable(struct core *c,
				const struct event_peer_unreachable *ev);

/* A heartbeat to everybody now, whatever the timers say. */
void replication_heartbeats(struct core *c);

void replication_tick(struct core *c);
void replication_pump(struct core *c);
uint64_t replication_deadline_ms(const struct core *c);

#endif /* CORE_REPLICATION_H */
