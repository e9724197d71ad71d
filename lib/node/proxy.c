/* proxy.c - clients' requests to the leader, one hop.
 *
 * While no leader is known a request is parked: an election is over in a
 * moment, and whoever asked need not know of it. */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "node/node.h"

/* Requests parked at most, and the bytes of their bodies, of those on their
 * way included; more are told to try again. */
#define PARKED_MOST  4096
#define PARKED_BYTES (64U << 20)

/* Requests on their way at most; the rest stays parked. They take connections
 * of the leader's, which its other clients and members need, too. */
#define FORWARD_MOST 256

/* How long a request waits for a leader: an election, or for less if it says
 * so in Raft-Wait-Ms. */
#define PARKED_MS 1500

/* How long a forwarded request may take, and how large its reply may be. */
#define FORWARD_MS    60000
#define FORWARD_BYTES (16U << 20)

/* How often a leader that cannot be reached is tried again. */
#define RETRY_MS 20

struct parked {
	struct inbound_request *request;
	void (*local)(struct node *n, struct inbound_request *r);
	uint64_t until_ms;
	uint64_t retry_ms; /* Not before. */
	size_t bytes;      /* Of its body. */
};

/* A request on its way to the leader. */
struct forward {
	struct node *node;
	struct parked parked;
	struct outbound_call *call;
	rk_id leader; /* To whom, and as the leader of what term. */
	rk_term term;
	uint64_t until_ms; /* 0, or when to give up one that leads no more. */
	struct forward *next;
};

struct proxies {
	struct parked *parked;
	size_t count;
	size_t cap;
	size_t bytes; /* Of bodies parked and on their way. */
	struct forward *forwards;
	size_t forward_count;
};

struct proxies *
proxies_new(void)
{
	return mem_alloc(1, sizeof(struct proxies));
}

void
proxies_free(struct proxies *p)
{
	if (!p)
		return;
	mem_free(p->parked);
	mem_free(p);
}

static void
refuse(struct node *n, struct inbound_request *r)
{
	api_problem(n, r, PROBLEM_NO_LEADER,
		    "see raft-status for the members that are up",
		    "no leader; nothing was proposed");
}

static void
refuse_busy(struct node *n, struct inbound_request *r)
{
	api_problem(n, r, PROBLEM_BUSY, NULL,
		    "too many requests wait for the leader; nothing of this "
		    "was done");
}

/* It is not this file's any more. */
static struct inbound_request *
let_go(struct node *n, const struct parked *parked)
{
	n->proxies->bytes -= parked->bytes;
	return parked->request;
}

static void
park(struct node *n, const struct parked *parked)
{
	struct proxies *p = n->proxies;

	if (n->stopping) {
		refuse(n, let_go(n, parked));
		return;
	}
	if (p->count >= PARKED_MOST) {
		refuse_busy(n, let_go(n, parked));
		return;
	}
	p->parked =
		mem_grow(p->parked, &p->cap, p->count + 1, sizeof *p->parked);
	p->parked[p->count++] = *parked;
}

/* ---- the hop ---- */

static void
relay_header(struct inbound_request *r, struct outbound_call *call,
	     const char *name)
{
	const char *value = outbound_reply_header(call, name);

	if (value)
		inbound_add_header(r, name, value);
}

/* Whether the member asked has refused without proposing anything, because it
 * does not lead (any more). */
static bool
is_elsewhere(const struct outbound_reply *reply)
{
	char leader[LIMIT_URL_BYTES];
	struct rk_error err;

	if (reply->status != 503)
		return false;
	problem_decode(reply->status, reply->body, &err, leader);
	return err.code == RK_NO_LEADER;
}

static void
relay(struct node *n, struct inbound_request *r, struct outbound_call *call,
      const struct outbound_reply *reply)
{
	const char *type = outbound_reply_header(call, "Content-Type");
	struct bytes body = {0};

	relay_header(r, call, "Raft-Index");
	relay_header(r, call, "Idempotency-Replayed");
	relay_header(r, call, "Retry-After");
	bytes_append(&body, reply->body.data, reply->body.len);
	api_reply(n, r, reply->status, type, &body);
}

static void
delist(struct proxies *p, struct forward *f)
{
	struct forward **link = &p->forwards;

	while (*link != f)
		link = &(*link)->next;
	*link = f->next;
	p->forward_count--;
}

static void
doubt(struct node *n, struct inbound_request *r, const char *why)
{
	api_problem(n, r, PROBLEM_OUTCOME_UNKNOWN,
		    "repeat with the same Idempotency-Key",
		    "lost the leader after forwarding to it (%s); it may be "
		    "committed",
		    why);
}

static void
on_relayed(void *user, struct outbound_call *call,
	   const struct outbound_reply *reply)
{
	struct forward *f = user;
	struct node *n = f->node;

	delist(n->proxies, f);
	switch (reply->outcome) {
	case OUTBOUND_OK:
		if (!is_elsewhere(reply)) {
			relay(n, let_go(n, &f->parked), call, reply);
			break;
		}
		/* Fall through: nothing was proposed there. */
		__attribute__((fallthrough));
	case OUTBOUND_UNREACHABLE:
		f->parked.retry_ms = n->now_ms + RETRY_MS;
		park(n, &f->parked);
		break;
	case OUTBOUND_CUT:
	case OUTBOUND_TIMEOUT:
		doubt(n, let_go(n, &f->parked), reply->why);
		break;
	case OUTBOUND_CANCELLED:
		doubt(n, let_go(n, &f->parked),
		      n->closing ? "shutting down" : "another leads now");
		break;
	}
	mem_free(f);
}

static void
keep_header(struct bytes *text, const char **headers, size_t *count,
	    const struct inbound_request *r, const char *name)
{
	const char *value = inbound_header(r, name);

	if (!value)
		return;
	bytes_printf(text, "%s: %s", name, value);
	bytes_append_char(text, '\0');
	headers[(*count)++] = name; /* Resolved when the text is whole. */
}

static const char *
method_name(enum inbound_method method)
{
	switch (method) {
	case INBOUND_GET:
	case INBOUND_HEAD:
		break;
	case INBOUND_POST:
		return "POST";
	case INBOUND_PUT:
		return "PUT";
	case INBOUND_DELETE:
		return "DELETE";
	}
	return "GET";
}

static void
forward(struct node *n, const struct parked *parked, const char *url)
{
	static const char *const kept[] = {"Content-Type", "Accept",
					   "Idempotency-Key"};
	const char *headers[LEN(kept) + 3];
	char cluster[128];
	struct inbound_request *r = parked->request;
	struct outbound_request request = {
		.method = method_name(inbound_method(r)),
		.url = url,
		.path = inbound_url(r),
		.lane = LANE_CLIENT,
		.head = inbound_body(r),
		.headers = headers,
		.deadline_ms = FORWARD_MS,
		.max_reply_bytes = FORWARD_BYTES,
		.done = on_relayed,
	};
	struct forward *f = mem_alloc(1, sizeof *f);
	struct bytes text = {0};
	size_t count = 0, i;
	const char *p;

	for (i = 0; i < LEN(kept); i++)
		keep_header(&text, headers, &count, r, kept[i]);
	p = (const char *)text.data;
	for (i = 0; i < count; i++, p += strlen(p) + 1)
		headers[i] = p;
	/* Whoever else may listen there by now shall not take it. */
	snprintf(cluster, sizeof cluster, "Raft-Cluster: %.64s",
		 n->self.cluster);
	headers[count++] = cluster;
	headers[count++] = "Raft-Forwarded: 1";
	headers[count] = NULL;
	*f = (struct forward){.node = n,
			      .parked = *parked,
			      .leader = core_leader(n->core),
			      .term = core_term(n->core),
			      .next = n->proxies->forwards};
	n->proxies->forwards = f;
	n->proxies->forward_count++;
	request.user = f;
	f->call = outbound_start(n->out, &request);
	bytes_close(&text);
}

uint64_t
proxy_patience_ms(const struct inbound_request *r)
{
	const char *text = inbound_header(r, "Raft-Wait-Ms");
	uint64_t ms;

	if (text && bytes_parse_u64(text, strlen(text), PARKED_MS, &ms))
		return ms;
	return PARKED_MS;
}

void
proxy_handle(struct node *n, struct inbound_request *r,
	     void (*local)(struct node *n, struct inbound_request *r))
{
	struct parked parked = {
		.request = r,
		.local = local,
		.until_ms = n->now_ms + proxy_patience_ms(r),
		.bytes = inbound_body(r).len,
	};

	/* A leader that is handing over: not again in this very pass. */
	if (node_is_leader(n))
		parked.retry_ms = n->now_ms + RETRY_MS;
	if (inbound_header(r, "Raft-Forwarded")) {
		api_problem(n, r, PROBLEM_HOPS, NULL,
			    "forwarded here, but this is not the leader");
		return;
	}
	if (n->proxies->bytes > 0 &&
	    n->proxies->bytes + parked.bytes > PARKED_BYTES) {
		refuse_busy(n, r);
		return;
	}
	n->proxies->bytes += parked.bytes;
	park(n, &parked);
}

/* ---- time ---- */

static bool
has_room(const struct node *n)
{
	return n->proxies->forward_count < FORWARD_MOST;
}

/* True if the request has left the car park. */
static bool
move_on(struct node *n, const struct parked *parked)
{
	const char *url = node_leader_url(n);

	if (n->now_ms >= parked->until_ms || n->stopping) {
		if (url && !has_room(n) && !n->stopping)
			refuse_busy(n, let_go(n, parked));
		else
			refuse(n, let_go(n, parked));
		return true;
	}
	if (n->now_ms < parked->retry_ms)
		return false;
	if (node_is_leader(n))
		parked->local(n, let_go(n, parked));
	else if (url && has_room(n))
		forward(n, parked, url);
	else
		return false;
	return true;
}

/* A leader that was replaced may yet answer, if it lives: it knows what became
 * of the request. For a while; it may be one that hangs. */
static void
doubt_replaced(struct node *n)
{
	struct forward *f = n->proxies->forwards, *next;

	for (; f; f = next) {
		next = f->next;
		if (!f->until_ms && core_leader(n->core) &&
		    (f->leader != core_leader(n->core) ||
		     f->term != core_term(n->core)))
			f->until_ms = n->now_ms +
				      n->settings.core.election_timeout_max_ms;
		if (f->until_ms && n->now_ms >= f->until_ms)
			outbound_cancel(f->call);
	}
}

void
proxy_tick(struct node *n)
{
	struct proxies *p = n->proxies;
	size_t count = p->count, kept = 0, i;
	struct parked *parked = p->parked;

	doubt_replaced(n);
	if (!count)
		return;
	/* What is parked anew on the way goes to a list of its own. */
	p->parked = NULL;
	p->count = p->cap = 0;
	for (i = 0; i < count; i++) {
		if (!move_on(n, &parked[i]))
			parked[kept++] = parked[i];
	}
	for (i = 0; i < kept; i++)
		park(n, &parked[i]);
	mem_free(parked);
}

uint64_t
proxy_deadline_ms(const struct node *n)
{
	const struct proxies *p = n->proxies;
	bool can_go = node_leader_url(n) && (has_room(n) || node_is_leader(n));
	const struct forward *f;
	uint64_t deadline = 0;
	size_t i;

	for (i = 0; i < p->count; i++) {
		const struct parked *parked = &p->parked[i];
		uint64_t at = parked->until_ms;

		if (can_go && parked->retry_ms < at)
			at = parked->retry_ms ? parked->retry_ms : n->now_ms;
		if (!deadline || at < deadline)
			deadline = at;
	}
	for (f = p->forwards; f; f = f->next) {
		if (f->until_ms && (!deadline || f->until_ms < deadline))
			deadline = f->until_ms;
	}
	return deadline;
}
