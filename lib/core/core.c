/* core.c - the one door: events come in here, effects go out. */

#include <assert.h>

#include "base/mem.h"
#include "core/compaction.h"
#include "core/configuration.h"
#include "core/election.h"
#include "core/follower.h"
#include "core/install.h"
#include "core/leader.h"
#include "core/membership.h"
#include "core/read.h"
#include "core/replication.h"
#include "core/role.h"
#include "core/transfer.h"

/* What is in force where the log begins. Where the snapshot's configuration
 * is an entry that is still in the log, nothing older is ever asked for. */
static struct configuration_at
base_of(const struct core_start *start)
{
	if (start->snapshot.last.index > 0 &&
	    start->snapshot.configuration.index <= start->compacted.index)
		return start->snapshot.configuration;
	return (struct configuration_at){.index = 0,
					 .configuration = start->initial};
}

static void
fill_ledger(struct ledger *l, const struct core_start *start)
{
	struct configuration_at base = base_of(start);
	const struct configuration_at *of_snapshot =
		&start->snapshot.configuration;
	const uint32_t *sizes = start->sizes;
	size_t i;

	ledger_init(l, start->compacted, &base);
	for (i = 0; i < start->run_count; i++) {
		const struct term_run *run = &start->runs[i];

		if (run->count == 0)
			continue;
		ledger_append(l, run->term, run->count, sizes);
		if (sizes != NULL)
			sizes += run->count;
	}
	if (of_snapshot->index > start->compacted.index)
		ledger_append_configuration(l, of_snapshot);
	for (i = 0; i < start->configuration_count; i++) {
		const struct configuration_at *at = &start->configurations[i];

		if (at->index >
		    l->configurations[l->configuration_count - 1].index)
			ledger_append_configuration(l, at);
	}
	if (start->snapshot.last.index > 0)
		ledger_note_snapshot(l, &start->snapshot);
}

static rk_index
commit_of(const struct ledger *l, rk_index hint)
{
	if (hint < l->snapshot.last.index)
		return l->snapshot.last.index;
	return hint > l->last ? l->last : hint;
}

static bool
is_sole_voter(const struct core *c)
{
	const struct configuration *now = state_configuration(c);

	return state_is_voter(c) && now->voters.count == 1 &&
	       !configuration_is_joint(now);
}

struct core *
core_new(const struct core_settings *settings, const struct core_start *start)
{
	struct core *c = mem_alloc(1, sizeof *c);

	assert(core_settings_error(settings) == NULL);
	c->settings = *settings;
	prng_init(&c->prng, settings->seed);
	c->now_ms = start->now_ms;
	c->hard_state = start->hard_state;
	fill_ledger(&c->ledger, start);
	durable_init(&c->durable, c->ledger.last);
	c->commit = commit_of(&c->ledger, start->commit);
	c->applied = c->handed = start->applied;
	assert(c->applied >= c->ledger.snapshot.last.index);
	assert(c->applied <= c->commit);
	c->uncommitted_bytes =
		ledger_bytes(&c->ledger, c->commit + 1, c->ledger.last + 1);
	c->role = ROLE_LEARNER;
	role_on_configuration(c);
	if (is_sole_voter(c))
		c->election_ms = c->now_ms; /* Nobody else to wait for. */
	core_check(c);
	return c;
}

void
core_free(struct core *c)
{
	if (c == NULL)
		return;
	ledger_close(&c->ledger);
	durable_close(&c->durable);
	effects_close(&c->out);
	mem_free(c->proposals.items);
	mem_free(c->reads.items);
	mem_free(c);
}

/* A term that no healthy cluster reaches in one step. */
static bool
is_far(const struct core *c, rk_term term)
{
	return term > c->hard_state.term &&
	       term - c->hard_state.term > LIMIT_TERM_STEP;
}

/* Answer a request of another term with our own. */
static int
refuse(struct core *c, const struct message *m, enum message_type reply)
{
	struct effect_send *send = state_reply(c, m, reply);

	if (reply == MESSAGE_APPEND_REPLY)
		send->message.as.append_reply.last = c->ledger.last;
	if (reply == MESSAGE_SNAPSHOT_REPLY)
		send->message.as.snapshot_reply.transfer =
			m->as.snapshot.transfer;
	return CORE_OK;
}

static bool
is_refused(const struct core *c, const struct message *m)
{
	return m->term < c->hard_state.term || is_far(c, m->term);
}

/* Whether a reply is of this leadership; a newer term in it ends that. */
static bool
is_for_leader(struct core *c, const struct message *m)
{
	if (m->term > c->hard_state.term) {
		if (c->role == ROLE_LEADER)
			replication_on_newer_term(c, m);
		role_adopt_term(c, m->term);
	}
	return m->term == c->hard_state.term && c->role == ROLE_LEADER;
}

static int
on_request(struct core *c, const struct message *m)
{
	if (m->term == 0)
		return CORE_INVALID;
	switch (m->type) {
	case MESSAGE_VOTE:
		return election_on_vote(c, m);
	case MESSAGE_APPEND:
		return is_refused(c, m) ? refuse(c, m, MESSAGE_APPEND_REPLY)
					: follower_on_append(c, m);
	case MESSAGE_HEARTBEAT:
		return is_refused(c, m) ? refuse(c, m, MESSAGE_HEARTBEAT_REPLY)
					: follower_on_heartbeat(c, m);
	case MESSAGE_SNAPSHOT:
		return is_refused(c, m) ? refuse(c, m, MESSAGE_SNAPSHOT_REPLY)
					: install_on_chunk(c, m);
	case MESSAGE_TIMEOUT_NOW:
		return is_refused(c, m)
			       ? refuse(c, m, MESSAGE_TIMEOUT_NOW_REPLY)
			       : follower_on_timeout_now(c, m);
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_APPEND_REPLY:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
	return CORE_INVALID;
}

static int
on_reply(struct core *c, const struct message *m)
{
	if (is_far(c, m->term))
		return CORE_INVALID;
	if (m->type == MESSAGE_VOTE_REPLY)
		return election_on_vote_reply(c, m);
	if (!is_for_leader(c, m))
		return CORE_OK;
	if (m->type == MESSAGE_APPEND_REPLY)
		replication_on_append_reply(c, m);
	else if (m->type == MESSAGE_HEARTBEAT_REPLY)
		replication_on_heartbeat_reply(c, m);
	else
		replication_on_reply(c, m);
	return CORE_OK;
}

static int
on_receive(struct core *c, const struct message *m)
{
	if (m->to != c->settings.id || m->from == 0 ||
	    m->from == c->settings.id || m->from > LIMIT_NUMBER ||
	    m->term > LIMIT_NUMBER)
		return CORE_INVALID;
	switch (m->type) {
	case MESSAGE_VOTE:
	case MESSAGE_APPEND:
	case MESSAGE_HEARTBEAT:
	case MESSAGE_SNAPSHOT:
	case MESSAGE_TIMEOUT_NOW:
		return on_request(c, m);
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_APPEND_REPLY:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		return on_reply(c, m);
	}
	return CORE_INVALID;
}

static int
on_time(struct core *c)
{
	if (c->role == ROLE_LEADER)
		leader_tick(c);
	else
		election_tick(c);
	compaction_consider(c);
	return CORE_OK;
}

static int
on_persisted(struct core *c, uint64_t seq)
{
	if (seq > c->durable.seq)
		return CORE_INVALID;
	durable_confirm(&c->durable, seq);
	election_on_persisted(c);
	leader_advance(c);
	return CORE_OK;
}

static int
on_persist_failed(struct core *c)
{
	role_become(c, ROLE_SHUTDOWN);
	c->leader = 0;
	c->failed = true;
	return CORE_OK;
}

static int
on_applied(struct core *c, rk_index index)
{
	if (index > c->handed)
		return CORE_INVALID;
	if (index > c->applied)
		c->applied = index; /* Else: from before an installation. */
	return CORE_OK;
}

static int
on_snapshot_sent(struct core *c, const struct event_snapshot_sent *ev)
{
	int rc;

	if (c->role != ROLE_LEADER)
		return CORE_OK; /* Late. */
	rc = replication_on_snapshot_sent(c, ev);
	compaction_consider(c);
	return rc;
}

static int
on_event(struct core *c, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_TIME:
		return on_time(c);
	case EVENT_RECEIVE:
		return on_receive(c, ev->as.receive);
	case EVENT_PROPOSE:
		return leader_on_propose(c, &ev->as.propose);
	case EVENT_CONFIGURE:
		return membership_on_configure(c, &ev->as.configure);
	case EVENT_READ:
		return read_on_read(c, ev->as.read_token);
	case EVENT_TRANSFER:
		return transfer_on_transfer(c, ev->as.transfer_to);
	case EVENT_CAMPAIGN:
		return election_on_campaign(c);
	case EVENT_PERSISTED:
		return on_persisted(c, ev->as.persisted_seq);
	case EVENT_PERSIST_FAILED:
		return on_persist_failed(c);
	case EVENT_APPLIED:
		return on_applied(c, ev->as.applied);
	case EVENT_SNAPSHOT_TAKEN:
		return compaction_on_taken(c, &ev->as.snapshot_taken);
	case EVENT_SNAPSHOT_SENT:
		return on_snapshot_sent(c, &ev->as.snapshot_sent);
	case EVENT_SNAPSHOT_RECEIVED:
		return install_on_received(c, &ev->as.snapshot_received);
	case EVENT_PEER_UNREACHABLE:
		replication_on_unreachable(c, &ev->as.unreachable);
		if (ev->as.unreachable.request == 0)
			election_on_gone(c, ev->as.unreachable.peer);
		return CORE_OK;
	case EVENT_COMPACTED:
		return compaction_on_compacted(c, ev->as.compacted);
	}
	return CORE_INVALID;
}

/* After the disk failed: nothing more is promised to anybody. */
static int
on_event_failed(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_RECEIVE:
	case EVENT_PROPOSE:
	case EVENT_CONFIGURE:
	case EVENT_READ:
	case EVENT_TRANSFER:
	case EVENT_CAMPAIGN:
		return CORE_SHUTDOWN;
	case EVENT_TIME:
	case EVENT_PERSISTED:
	case EVENT_PERSIST_FAILED:
	case EVENT_APPLIED:
	case EVENT_SNAPSHOT_TAKEN:
	case EVENT_SNAPSHOT_SENT:
	case EVENT_SNAPSHOT_RECEIVED:
	case EVENT_PEER_UNREACHABLE:
	case EVENT_COMPACTED:
		return CORE_OK;
	}
	return CORE_INVALID;
}

static uint64_t
deadline_ms(const struct core *c)
{
	return c->role == ROLE_LEADER ? leader_deadline_ms(c)
				      : election_deadline_ms(c);
}

int
core_step(struct core *c, const struct event *ev, struct effects *effects)
{
	uint64_t now_ms = c->now_ms;
	enum role role = c->role;
	rk_id leader = c->leader;
	rk_term term = c->hard_state.term;
	int rc;

	effects_begin(&c->out);
	if (ev->now_ms > c->now_ms)
		c->now_ms = ev->now_ms;
	rc = c->failed ? on_event_failed(ev) : on_event(c, ev);
	if (rc != CORE_OK) {
		assert(c->out.now.persist.seq == 0);
		assert(c->out.send_count == 0);
		c->now_ms = now_ms;
	} else if (!c->failed) {
		if (c->role == ROLE_LEADER)
			leader_pump(c);
		compaction_pump(c);
		state_commit(c, c->commit); /* What the start left to apply. */
		role_on_configuration(c);
	}
	c->out.now.role_changed = c->role != role || c->leader != leader ||
				  c->hard_state.term != term;
	c->out.now.deadline_ms = deadline_ms(c);
	effects_finish(&c->out, &c->ledger, effects);
	return rc;
}

const char *
core_rc_text(int rc)
{
	switch ((enum core_rc)rc) {
	case CORE_OK:
		return "done";
	case CORE_NOT_LEADER:
		return "not the leader";
	case CORE_BUSY:
		return "another change is under way";
	case CORE_FULL:
		return "too much is uncommitted";
	case CORE_SHUTDOWN:
		return "the disk failed";
	case CORE_INVALID:
		return "the request contradicts itself or the log";
	case CORE_NOT_READY:
		return "no entry of this term is committed yet";
	}
	return "unknown";
}
