/* changes.c - changes of the membership, one after the other. */

#include "node/changes.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* Tokens of the core beyond those of appends. */
#define TOKEN_FIRST (UINT64_C(1) << 52)

/* How soon what could not be done now is looked at again. */
#define RETRY_MS 20

/* A change of the leader's own that came to nothing is not tried at once. */
#define PAUSE_MS 500

struct changes {
	struct change *head;
	struct change **tail;
	uint64_t last_token;
	uint64_t pause_ms; /* No changes of one's own before. */
	rk_term led_term;  /* Leader in this term ... */
	uint64_t led_ms;   /* ... since. */
};

struct changes *
changes_new(void)
{
	struct changes *all = mem_alloc(1, sizeof *all);

	all->tail = &all->head;
	all->last_token = TOKEN_FIRST;
	return all;
}

void
changes_free(struct changes *all)
{
	struct change *c;

	if (!all)
		return;
	while ((c = all->head)) {
		all->head = c->next;
		mem_free(c);
	}
	mem_free(all);
}

void
changes_push(struct node *n, struct change *c)
{
	c->next = NULL;
	*n->changes->tail = c;
	n->changes->tail = &c->next;
}

/* The first one, taken out. */
static struct change *
pop(struct changes *all)
{
	struct change *c = all->head;

	all->head = c->next;
	if (!all->head)
		all->tail = &all->head;
	return c;
}

void
changes_now(const struct node *n, struct membership *now)
{
	now->sets = core_configuration(n->core)->configuration;
	now->addresses = n->addresses;
	membership_trim(now);
}

/* ---- whether it can be done ---- */

static bool
is_fresh(const struct node *n, const struct core_stream_status *s)
{
	return s->contact_ms &&
	       n->now_ms - s->contact_ms <
		       n->settings.core.election_timeout_max_ms;
}

void
changes_up(const struct node *n, struct id_set *up)
{
	struct core_status s;
	size_t i;

	core_status(n->core, &s);
	*up = (struct id_set){.count = 1, .ids = {n->self.id}};
	for (i = 0; i < s.stream_count && up->count < LIMIT_MEMBERS; i++) {
		if (is_fresh(n, &s.streams[i]))
			up->ids[up->count++] = s.streams[i].peer;
	}
}

/* A learner that gets a vote must have caught up, or commits would wait for
 * it; one that is new has nothing at all, and says so by --voter. */
static enum rk_code
check_caught_up(const struct node *n, const struct change *c,
		struct rk_error *err)
{
	struct core_status s;
	size_t i;

	core_status(n->core, &s);
	for (i = 0; i < s.stream_count; i++) {
		const struct core_stream_status *t = &s.streams[i];
		enum member_kind was = membership_kind(&c->before, t->peer);

		if (membership_kind(&c->after, t->peer) != MEMBER_VOTER ||
		    (was != MEMBER_LEARNER && was != MEMBER_JOINING))
			continue;
		if (t->state == STREAM_LINE_RATE && is_fresh(n, t))
			continue;
		error_set(err, RK_REJECTED,
			  "member %" PRIu64 " has not caught up yet: it is %s, "
			  "%" PRIu64 " entries behind",
			  t->peer,
			  is_fresh(n, t) ? stream_state_name(t->state)
					 : "not reachable",
			  s.last.index - t->match);
		return error_hint(err, "wait until raft-status shows it at "
				       "line-rate");
	}
	return RK_OK;
}

static bool
votes_change(const struct change *c)
{
	const struct id_set *a = &c->before.sets.voters;
	const struct id_set *b = &c->after.sets.voters;

	return a->count != b->count ||
	       memcmp(a->ids, b->ids, a->count * sizeof a->ids[0]) != 0;
}

static enum rk_code
work_out(const struct node *n, struct change *c, struct rk_error *err)
{
	struct id_set up;
	enum rk_code rc;

	changes_now(n, &c->before);
	rc = member_change(&c->before, &c->wish, &c->after, &c->is_changed,
			   err);
	if (rc || !c->is_changed || !votes_change(c))
		return rc;
	changes_up(n, &up);
	rc = check_caught_up(n, c, err);
	return rc ? rc : member_change_check(&c->after, &up, err);
}

/* ---- doing it ---- */

static void
refuse(struct node *n, struct change *c, const struct rk_error *err)
{
	enum problem_kind kind = PROBLEM_BAD_REQUEST;

	if (err->code == RK_REJECTED)
		kind = PROBLEM_CONFLICT;
	else if (err->code == RK_ABSENT)
		kind = PROBLEM_NOT_FOUND;
	change_refuse(n, c, kind, err);
}

/* Hand it to the core; a core_rc. */
static int
propose(struct node *n, struct change *c)
{
	struct event ev = {.type = EVENT_CONFIGURE,
			   .as.configure = {
				   .token = ++n->changes->last_token,
				   .voters = c->after.sets.voters,
				   .learners = c->after.sets.learners,
				   .always = true,
			   }};
	struct addresses next = c->after.addresses;
	size_t i;
	int rc;

	/* The joint entry needs those that leave, too. */
	for (i = 0; i < c->before.addresses.count; i++) {
		const struct member_address *a =
			&c->before.addresses.members[i];

		if (addresses_find(&next, a->id))
			continue;
		addresses_set(&next, a->id, a->url);
		addresses_set_incarnation(&next, a->id, a->incarnation);
	}
	c->token = ev.as.configure.token;
	members_propose(n, &next);
	rc = node_step(n, &ev, NULL);
	members_propose(n, NULL);
	if (rc)
		c->token = 0;
	return rc;
}

/* Whether another change has to be over first. */
static bool
is_busy(const struct node *n)
{
	const struct configuration_at *at = core_configuration(n->core);

	return at->index > core_commit(n->core) ||
	       at->configuration.old.count > 0 || core_is_transferring(n->core);
}

static struct rk_error
too_late(void)
{
	struct rk_error err;

	error_set(&err, RK_REJECTED, "another change is under way");
	error_hint(&err, "try again when it is over; see raft-member list");
	return err;
}

/* Do what can be done for the first one; true if it is gone. */
static bool
advance(struct node *n, struct change *c)
{
	struct rk_error err;
	int rc = CORE_BUSY;

	if (c->token)
		return false; /* The core answers. */
	if (!node_is_leader(n)) {
		change_move_on(n, pop(n->changes));
		return true;
	}
	if (!is_busy(n)) {
		if (work_out(n, c, &err)) {
			refuse(n, pop(n->changes), &err);
			return true;
		}
		if (!c->is_changed || c->dry_run) {
			change_answer(n, pop(n->changes));
			return true;
		}
		rc = n->disk.full ? CORE_FULL : propose(n, c);
	}
	if (rc == CORE_OK || rc == CORE_NOT_LEADER)
		return false;
	if ((rc == CORE_BUSY || rc == CORE_NOT_READY) &&
	    n->now_ms < c->until_ms)
		return false;
	err = too_late();
	if (rc != CORE_BUSY && rc != CORE_NOT_READY)
		error_set(&err, RK_REJECTED, "%s",
			  n->disk.full ? "the leader's disk is full"
				       : core_rc_text(rc));
	refuse(n, pop(n->changes), &err);
	return true;
}

bool
changes_result(struct node *n, const struct effect_result *result)
{
	struct rk_error err;
	struct change *c = n->changes->head;

	if (result->token < TOKEN_FIRST)
		return false;
	if (!c || c->token != result->token)
		return true;
	pop(n->changes);
	if (result->status == RESULT_COMMITTED) {
		change_answer(n, c);
		return true;
	}
	error_set(&err, RK_UNKNOWN,
		  "leadership was lost while the change was being made; it may "
		  "yet be in force");
	error_hint(&err, "repeat it: what is done is not done again");
	change_refuse(n, c, PROBLEM_OUTCOME_UNKNOWN, &err);
	return true;
}

/* ---- the leader's own ---- */

static struct change *
own_change(const struct node *n, enum wish_type type)
{
	struct change *c = mem_alloc(1, sizeof *c);

	c->wish.type = type;
	c->until_ms = n->now_ms;
	return c;
}

/* Record who was heard for the first time: once all were, or some time has
 * passed, so that it takes one entry as a rule. */
static bool
record_heard(struct node *n, uint64_t led_ms)
{
	uint64_t patience_ms = 2 * n->settings.core.election_timeout_max_ms;
	struct addresses heard = *members_seen(n);
	bool all = true, some = false;
	struct change *c;
	size_t i;

	if (n->addresses.count > 1 && addresses_set(&heard, n->self.id, n->url))
		addresses_set_incarnation(&heard, n->self.id,
					  n->self.incarnation);
	for (i = 0; i < n->addresses.count; i++) {
		const struct member_address *a = &n->addresses.members[i];
		bool is_heard = addresses_find(&heard, a->id) != NULL;

		if (a->incarnation[0])
			continue;
		all = all && is_heard;
		some = some || is_heard;
	}
	if (!some || (!all && n->now_ms - led_ms < patience_ms))
		return false;
	c = own_change(n, WISH_RECORD);
	c->wish.members = heard;
	changes_push(n, c);
	return true;
}

/* Give a learner that has caught up the vote that it waits for. */
static void
promote(struct node *n)
{
	struct change *c;
	struct membership now;
	struct core_status s;
	size_t i;

	for (i = 0; i < n->addresses.count; i++) {
		if (n->addresses.members[i].joining)
			break;
	}
	if (i == n->addresses.count)
		return;
	changes_now(n, &now);
	core_status(n->core, &s);
	for (i = 0; i < s.stream_count; i++) {
		if (membership_kind(&now, s.streams[i].peer) !=
			    MEMBER_JOINING ||
		    s.streams[i].state != STREAM_LINE_RATE ||
		    !is_fresh(n, &s.streams[i]))
			continue;
		c = own_change(n, WISH_ASSIGN);
		c->wish.id = s.streams[i].peer;
		c->wish.kind = MEMBER_VOTER;
		changes_push(n, c);
		return;
	}
}

static void
consider_own(struct node *n)
{
	struct changes *all = n->changes;

	if (!node_is_leader(n) || n->stopping)
		return;
	if (all->led_term != core_term(n->core)) {
		all->led_term = core_term(n->core);
		all->led_ms = n->now_ms;
		all->pause_ms = 0;
	}
	if (n->now_ms < all->pause_ms || is_busy(n))
		return;
	if (!record_heard(n, all->led_ms))
		promote(n);
	if (all->head)
		all->pause_ms = n->now_ms + PAUSE_MS;
}

void
changes_tick(struct node *n)
{
	struct changes *all = n->changes;

	if (!all->head)
		consider_own(n);
	while (all->head && advance(n, all->head))
		;
}

uint64_t
changes_deadline_ms(const struct node *n)
{
	const struct change *c = n->changes->head;

	return c && !c->token ? n->now_ms + RETRY_MS : 0;
}

void
changes_stop(struct node *n)
{
	struct rk_error err;
	struct change *c;

	while (n->changes->head) {
		c = pop(n->changes);
		error_set(&err, RK_NO_LEADER, "this member is shutting down");
		err.hint[0] = '\0';
		if (c->token)
			error_set(&err, RK_UNKNOWN,
				  "this member is shutting down; the change "
				  "may yet be in force");
		change_refuse(n, c,
			      c->token ? PROBLEM_OUTCOME_UNKNOWN
				       : PROBLEM_SHUTTING_DOWN,
			      &err);
	}
}
