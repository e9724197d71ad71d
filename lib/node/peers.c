/* peers.c - messages between members: out and back, in and answered.
 *
 * A request from here becomes a call of outbound, whose reply is stepped into
 * the core; a request from a peer is held until the core's reply to it has
 * passed its gate. An append that overtook its predecessor on another
 * connection is kept for a moment instead of being refused. */

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/held.h"
#include "node/node.h"

/* How long an append may wait for its predecessor. */
#define EARLY_MS 30

/* A request that nobody answered: the core is latched, or forgot it. */
#define HELD_MS 60000

/* A peer's reply, at most: one JSON object. */
#define REPLY_BYTES 4096

/* An append that came before its predecessor. */
struct early_append {
	struct inbound_request *request;
	struct peer_message message;
	uint64_t until_ms;
};

/* A request of ours on its way. */
struct peer_call {
	struct node *node;
	rk_id to;
	enum message_type type;
	uint64_t stream;
	uint64_t number;
	size_t bytes; /* Of the whole body. */
};

struct peers {
	struct held_list held;
	struct effect_send *gated; /* Ascending by gate. */
	size_t gated_count;
	size_t gated_cap;
	struct early_append *early;
	size_t early_count;
	size_t early_cap;
	/* Failures met while a step was being carried out. */
	struct event_peer_unreachable *failed;
	size_t failed_count;
	size_t failed_cap;
	/* The last body built, which the next stream is likely to want. */
	struct payload *body;
	rk_index body_from;
	rk_index body_to;
	rk_term body_term; /* Of its last entry. */
};

struct peers *
peers_new(void)
{
	return mem_alloc(1, sizeof(struct peers));
}

void
peers_free(struct peers *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->early_count; i++)
		peer_message_close(&p->early[i].message);
	payload_unref(p->body);
	held_close(&p->held);
	mem_free(p->gated);
	mem_free(p->early);
	mem_free(p->failed);
	mem_free(p);
}

/* ---- requests out ---- */

static void
forget_call(struct node *n, rk_id to, uint64_t stream, uint64_t number)
{
	struct peers *p = n->peers;

	p->failed = mem_grow(p->failed, &p->failed_cap, p->failed_count + 1,
			     sizeof *p->failed);
	p->failed[p->failed_count++] = (struct event_peer_unreachable){
		.peer = to, .stream = stream, .request = number};
}

/* Step the failures. Not from within a step. */
static void
step_failures(struct node *n)
{
	struct event ev = {.type = EVENT_PEER_UNREACHABLE};
	struct peers *p = n->peers;

	while (p->failed_count) {
		ev.as.unreachable = p->failed[--p->failed_count];
		node_step(n, &ev, NULL);
	}
}

static void
call_failed(struct node *n, const struct peer_call *c, const char *why)
{
	contact_lost(n, c->to, why);
	forget_call(n, c->to, c->stream, c->number);
}

static void
on_reply(void *user, struct outbound_call *call,
	 const struct outbound_reply *reply)
{
	struct peer_call *c = user;
	struct node *n = c->node;
	struct event ev = {.type = EVENT_RECEIVE};
	struct meters_end end;
	char leader[LIMIT_URL_BYTES];
	struct peer_message m;
	struct rk_error err;

	(void)call;
	if (reply->outcome == OUTBOUND_CANCELLED) {
		mem_free(c);
		return;
	}
	end = (struct meters_end){
		.peer = c->to,
		.type = c->type,
		.is_answered = reply->status == 200,
		.bytes = reply->outcome == OUTBOUND_UNREACHABLE ? 0 : c->bytes,
		.elapsed_us = reply->elapsed_us,
	};
	meters_ended(n->meters, &end);
	if (reply->outcome != OUTBOUND_OK) {
		call_failed(n, c, reply->why);
	} else if (reply->status != 200) {
		problem_decode(reply->status, reply->body, &err, leader);
		members_note_refusal(n, reply->body, err.text);
		call_failed(n, c, err.text);
	} else if (peer_decode_reply(reply->body, c->type, &n->self, &m,
				     &err)) {
		call_failed(n, c, err.text);
	} else if (!members_accept_reply(n, &m)) {
		call_failed(n, c, MEMBERS_OTHER);
		peer_message_close(&m);
	} else {
		contact_found(n, c->to);
		ev.as.receive = &m.message;
		node_step(n, &ev, NULL);
		peer_message_close(&m);
	}
	step_failures(n);
	mem_free(c);
}

/* The canonical lines of an append: the same bytes for every stream. */
static struct payload *
append_body(struct node *n, const struct message_append *a,
	    struct rk_error *err)
{
	rk_index from = a->prev.index + 1, to = from + a->count;
	rk_term term = a->runs[a->run_count - 1].term;
	struct peers *p = n->peers;
	struct bytes lines = {0};
	rk_index next = from;
	enum rk_code rc;

	if (p->body && p->body_from == from && p->body_to == to &&
	    p->body_term == term)
		return payload_ref(p->body);
	while (next < to) {
		rc = node_read_lines(n, next, to, SIZE_MAX, &lines, &next, err);
		if (rc) {
			bytes_close(&lines);
			return NULL;
		}
	}
	payload_unref(p->body);
	p->body = payload_new_take(&lines);
	p->body_from = from;
	p->body_to = to;
	p->body_term = term;
	return payload_ref(p->body);
}

static enum lane
lane_of(enum message_type type)
{
	return type == MESSAGE_APPEND ? LANE_APPEND : LANE_HEARTBEAT;
}

static void
call_peer(struct node *n, const struct effect_send *send)
{
	const struct message *m = &send->message;
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	struct outbound_request request = {
		.method = "POST",
		.url = members_url(n, m->to),
		.path = peer_path(m->type),
		.lane = lane_of(m->type),
		.headers = headers,
		.max_reply_bytes = REPLY_BYTES,
		.done = on_reply,
	};
	struct peer_identity self = members_identity(n, m->to);
	struct slice lines = {0};
	struct bytes head = {0};
	struct peer_call *call;
	struct rk_error err;

	if (!request.url ||
	    (m->type == MESSAGE_VOTE && !members_may_campaign(n))) {
		forget_call(n, m->to, m->stream, m->request);
		return;
	}
	if (m->type == MESSAGE_APPEND && m->as.append.count) {
		request.payload = append_body(n, &m->as.append, &err);
		if (!request.payload) {
			/* Compacted meanwhile; the stream will find out.
			 * Anything else is a log that cannot be read. */
			if (err.code != RK_ABSENT)
				node_fail(n, &err);
			forget_call(n, m->to, m->stream, m->request);
			return;
		}
		lines = payload_slice(request.payload);
	}
	peer_encode(&head, &self, m, lines);
	request.head = (struct slice){head.data, head.len};
	request.deadline_ms = send->deadline_ms > n->now_ms
				      ? send->deadline_ms - n->now_ms
				      : 1;
	call = mem_alloc(1, sizeof *call);
	*call = (struct peer_call){.node = n,
				   .to = m->to,
				   .type = m->type,
				   .stream = m->stream,
				   .number = m->request,
				   .bytes = head.len + lines.len};
	request.user = call;
	outbound_start(n->out, &request);
	meters_sent(n->meters, m);
	payload_unref(request.payload);
	bytes_close(&head);
}

/* ---- replies out ---- */

static bool
is_reply(enum message_type type)
{
	switch (type) {
	case MESSAGE_VOTE:
	case MESSAGE_APPEND:
	case MESSAGE_HEARTBEAT:
	case MESSAGE_SNAPSHOT:
	case MESSAGE_TIMEOUT_NOW:
		return false;
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_APPEND_REPLY:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		return true;
	}
	return false;
}

static enum message_type
reply_to(enum message_type type)
{
	switch (type) {
	case MESSAGE_VOTE:
		return MESSAGE_VOTE_REPLY;
	case MESSAGE_APPEND:
		return MESSAGE_APPEND_REPLY;
	case MESSAGE_HEARTBEAT:
		return MESSAGE_HEARTBEAT_REPLY;
	case MESSAGE_SNAPSHOT:
		return MESSAGE_SNAPSHOT_REPLY;
	case MESSAGE_TIMEOUT_NOW:
		return MESSAGE_TIMEOUT_NOW_REPLY;
	case MESSAGE_VOTE_REPLY:
	case MESSAGE_APPEND_REPLY:
	case MESSAGE_HEARTBEAT_REPLY:
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
	assert(false); /* peer_decode_request() gives requests. */
	return type;
}

void
peers_reply(struct node *n, const struct message *reply)
{
	struct bytes body = {0};
	struct held_request h;

	if (!held_take(&n->peers->held, reply, &h))
		return; /* It was answered as too old. */
	peer_encode(&body, &n->self, reply, (struct slice){0});
	inbound_reply(h.request, 200, "application/json", &body);
}

void
peers_refuse(struct node *n, const struct message *reply,
	     enum problem_kind kind, const char *why)
{
	struct held_request h;

	if (held_take(&n->peers->held, reply, &h))
		api_problem(n, h.request, kind, NULL, "%s", why);
}

static void
send_now(struct node *n, const struct effect_send *send)
{
	if (is_reply(send->message.type))
		peers_reply(n, &send->message);
	else
		call_peer(n, send);
}

void
peers_send(struct node *n, const struct effect_send *send)
{
	struct peers *p = n->peers;

	if (send->gate <= n->disk.durable) {
		send_now(n, send);
		return;
	}
	/* What is gated outlives the effects, so it may not point into them. */
	assert(send->message.type != MESSAGE_APPEND);
	p->gated = mem_grow(p->gated, &p->gated_cap, p->gated_count + 1,
			    sizeof *p->gated);
	p->gated[p->gated_count++] = *send;
}

void
peers_release(struct node *n)
{
	struct peers *p = n->peers;
	size_t kept = 0, i;

	for (i = 0; i < p->gated_count; i++) {
		if (p->gated[i].gate <= n->disk.durable)
			send_now(n, &p->gated[i]);
		else
			p->gated[kept++] = p->gated[i];
	}
	p->gated_count = kept;
}

/* ---- requests in ---- */

/* Nobody has answered it: the core is latched, or the disk hangs. The reply
 * that may wait for its gate has nowhere to go then. */
static void
give_up_held(struct node *n, const struct held_request *h)
{
	struct peers *p = n->peers;
	size_t kept = 0, i;

	for (i = 0; i < p->gated_count; i++) {
		if (!held_is_answered(h, &p->gated[i].message))
			p->gated[kept++] = p->gated[i];
	}
	p->gated_count = kept;
	api_problem(n, h->request, PROBLEM_SHUTTING_DOWN, NULL,
		    "no answer to this message in time");
}

static void
hold(struct node *n, struct inbound_request *r, const struct message *m)
{
	struct held_list *held = &n->peers->held;
	struct held_request oldest, h = {.request = r,
					 .reply = reply_to(m->type),
					 .from = m->from,
					 .stream = m->stream,
					 .number = m->request,
					 .until_ms = n->now_ms + HELD_MS};

	if (held_take_crowded(held, m->from, &oldest))
		give_up_held(n, &oldest);
	held_add(held, &h);
}

static void
refuse(struct node *n, const struct message *m, int rc)
{
	struct message reply = {.type = reply_to(m->type),
				.from = m->to,
				.to = m->from,
				.stream = m->stream,
				.request = m->request};

	peers_refuse(n, &reply,
		     rc == CORE_INVALID ? PROBLEM_BAD_REQUEST
					: PROBLEM_SHUTTING_DOWN,
		     core_rc_text(rc));
}

static void
step_message(struct node *n, struct inbound_request *r, struct peer_message *pm)
{
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = &pm->message};
	const struct message *m = &pm->message;
	struct step_lines lines = {.lines = pm->body.data};
	int rc;

	if (m->type == MESSAGE_APPEND) {
		lines.first = m->as.append.prev.index + 1;
		lines.count = m->as.append.count;
		lines.sizes = m->as.append.sizes;
	}
	hold(n, r, m);
	rc = node_step(n, &ev, &lines);
	if (rc)
		refuse(n, m, rc);
}

/* Appends whose predecessor has come meanwhile, in any order. */
static void
retry_early(struct node *n)
{
	struct peers *p = n->peers;
	struct early_append e;
	size_t i = 0;

	while (i < p->early_count) {
		e = p->early[i];
		if (e.message.message.as.append.prev.index >
			    core_last(n->core).index &&
		    e.until_ms > n->now_ms) {
			i++;
			continue;
		}
		p->early[i] = p->early[--p->early_count];
		step_message(n, e.request, &e.message);
		peer_message_close(&e.message);
		i = 0; /* It may be another's predecessor. */
	}
}

static bool
is_early(const struct node *n, const struct message *m)
{
	return m->type == MESSAGE_APPEND && m->term == core_term(n->core) &&
	       m->from == core_leader(n->core) && m->as.append.count &&
	       m->as.append.prev.index > core_last(n->core).index &&
	       n->peers->early_count < n->settings.core.max_inflight_requests;
}

void
peers_handle(struct node *n, struct inbound_request *r)
{
	struct peers *p = n->peers;
	enum problem_kind kind;
	struct peer_message m;
	struct rk_error err;
	char why[256];

	if (peer_decode_request(inbound_body(r), inbound_path(r), &n->self, &m,
				&err)) {
		api_problem(n, r,
			    err.code == RK_DENIED ? PROBLEM_WRONG_CLUSTER
						  : PROBLEM_BAD_REQUEST,
			    NULL, "%s", err.text);
		return;
	}
	if (members_refuse(n, &m, &kind, why)) {
		api_problem(n, r, kind, NULL, "%s", why);
		peer_message_close(&m);
		return;
	}
	/* When this connection closes, its process is likely to have ended. */
	if (m.message.type == MESSAGE_HEARTBEAT)
		inbound_mark(r, m.message.from);
	if (is_early(n, &m.message)) {
		p->early = mem_grow(p->early, &p->early_cap, p->early_count + 1,
				    sizeof *p->early);
		p->early[p->early_count++] =
			(struct early_append){.request = r,
					      .message = m,
					      .until_ms = n->now_ms + EARLY_MS};
		return;
	}
	step_message(n, r, &m);
	peer_message_close(&m);
	retry_early(n);
}

void
peers_gone(void *node, uint64_t peer)
{
	/* Stepped in peers_tick(), with the failures. */
	forget_call(node, peer, 0, 0);
}

/* ---- time ---- */

static void
expire_held(struct node *n)
{
	struct held_request h;

	while (held_take_expired(&n->peers->held, n->now_ms, &h))
		give_up_held(n, &h);
}

void
peers_tick(struct node *n)
{
	step_failures(n);
	retry_early(n);
	expire_held(n);
}

uint64_t
peers_deadline_ms(const struct node *n)
{
	const struct peers *p = n->peers;
	uint64_t deadline = 0;
	size_t i;

	if (p->failed_count)
		return n->now_ms;
	for (i = 0; i < p->early_count; i++) {
		if (!deadline || p->early[i].until_ms < deadline)
			deadline = p->early[i].until_ms;
	}
	return deadline;
}

void
peers_stop(struct node *n)
{
	struct peers *p = n->peers;

	while (p->held.count)
		api_problem(n, p->held.items[--p->held.count].request,
			    PROBLEM_SHUTTING_DOWN, NULL, "shutting down");
	while (p->early_count) {
		struct early_append *e = &p->early[--p->early_count];

		api_problem(n, e->request, PROBLEM_SHUTTING_DOWN, NULL,
			    "shutting down");
		peer_message_close(&e->message);
	}
}
