/* handover.c - POST /v1/leader/transfer: leadership to another voter.
 *
 * The request is held until another one leads, or the leader has given up
 * trying, which takes an election timeout. */

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "node/changes.h"

/* One that waits. */
struct handover {
	struct handover *next;
	struct inbound_request *request;
	rk_id to; /* 0: whoever it may be. */
	uint64_t until_ms;
};

static void
reply(struct node *n, struct inbound_request *r, rk_id to, bool dry_run)
{
	struct bytes body = {0};

	bytes_printf(&body,
		     "{\"from\":%" PRIu64 ",\"leader\":%" PRIu64
		     ",\"term\":%" PRIu64 ",\"dry_run\":%s}\n",
		     n->self.id, to, core_term(n->core),
		     dry_run ? "true" : "false");
	api_reply(n, r, 200, "application/json", &body);
}

static enum rk_code
take_body(const struct inbound_request *r, rk_id *to, struct rk_error *err)
{
	enum rk_code rc = RK_OK;
	json_t *body;

	*to = 0;
	if (!inbound_body(r).len)
		return RK_OK;
	if (json_read(inbound_body(r), LIMIT_ADMIN_BODY_BYTES, &body, err))
		return error_wrap(err, "body");
	if (json_object_get(body, "to"))
		rc = json_get_u64(body, "to", LIMIT_NUMBER, to, err);
	json_decref(body);
	return rc;
}

/* Whether `to` can take over; 0: whether anybody can. */
static bool
check_target(struct node *n, struct inbound_request *r, rk_id to)
{
	struct membership now;
	bool can = false;
	struct id_set up;
	size_t i;

	changes_now(n, &now);
	if (to && membership_kind(&now, to) == MEMBER_NONE) {
		api_problem(n, r, PROBLEM_NOT_FOUND, NULL,
			    "there is no member %" PRIu64, to);
		return false;
	}
	if (to && membership_kind(&now, to) != MEMBER_VOTER) {
		api_problem(n, r, PROBLEM_CONFLICT, "promote it first",
			    "member %" PRIu64 " is a learner and cannot lead",
			    to);
		return false;
	}
	changes_up(n, &up);
	for (i = 0; i < up.count; i++)
		can = can || up.ids[i] == to ||
		      (!to && up.ids[i] != n->self.id &&
		       membership_kind(&now, up.ids[i]) == MEMBER_VOTER);
	if (!can)
		api_problem(n, r, PROBLEM_CONFLICT,
			    "see raft-status for the members that are up",
			    to ? "member %" PRIu64 " is not reachable"
			       : "no other voter is reachable",
			    to);
	return can;
}

static void
begin(struct node *n, struct inbound_request *r, rk_id to)
{
	struct event ev = {.type = EVENT_TRANSFER, .as.transfer_to = to};
	struct handover *h;
	int rc;

	rc = node_step(n, &ev, NULL);
	if (rc) {
		api_problem(n, r, PROBLEM_CONFLICT, NULL, "%s",
			    core_rc_text(rc));
		return;
	}
	trace_line(n->trace, TRACE_INFO, "handing leadership over");
	h = mem_alloc(1, sizeof *h);
	h->request = r;
	h->to = to;
	h->until_ms = n->now_ms + 3 * n->settings.core.election_timeout_max_ms;
	h->next = n->handovers;
	n->handovers = h;
}

void
handover_handle(struct node *n, struct inbound_request *r)
{
	const char *dry_run = inbound_query(r, "dry_run");
	struct rk_error err;
	rk_id to;

	if (take_body(r, &to, &err))
		api_problem(n, r, PROBLEM_BAD_REQUEST, NULL, "%s", err.text);
	else if (n->stopping)
		api_problem(n, r, PROBLEM_SHUTTING_DOWN, NULL,
			    "this member is shutting down");
	else if (!node_is_leader(n))
		proxy_handle(n, r, handover_handle);
	else if (to == n->self.id)
		reply(n, r, to, dry_run != NULL);
	else if (!check_target(n, r, to))
		return;
	else if (dry_run && strcmp(dry_run, "0") != 0)
		reply(n, r, to, true);
	else
		begin(n, r, to);
}

/* Answer `h` if it is decided. */
static bool
decide(struct node *n, const struct handover *h)
{
	rk_id leader = core_leader(n->core);

	if (node_is_leader(n)) {
		if (core_is_transferring(n->core))
			return false;
		api_problem(n, h->request, PROBLEM_CONFLICT,
			    "it must be up and have caught up; see raft-status",
			    "the other member did not take over within an "
			    "election timeout; %" PRIu64 " leads still",
			    n->self.id);
		return true;
	}
	if (leader) {
		reply(n, h->request, leader, false);
		return true;
	}
	if (n->now_ms < h->until_ms && !n->stopping)
		return false;
	api_problem(n, h->request, PROBLEM_OUTCOME_UNKNOWN,
		    "raft-status --wait=leader says who leads",
		    "leadership was given up, and nobody has taken it yet");
	return true;
}

void
handover_tick(struct node *n)
{
	struct handover **link = &n->handovers;
	struct handover *h;

	while ((h = *link)) {
		if (decide(n, h)) {
			*link = h->next;
			mem_free(h);
		} else {
			link = &h->next;
		}
	}
}

uint64_t
handover_deadline_ms(const struct node *n)
{
	return n->handovers ? n->handovers->until_ms : 0;
}

void
handovers_free(struct handover *list)
{
	struct handover *h;

	while ((h = list)) {
		list = h->next;
		mem_free(h);
	}
}
