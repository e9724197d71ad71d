/* proxy.c - clients' requests to the leader, one hop.
 *
 * While no leader is known a request is parked: an election is over in a
 * moment, and whoever asked need not know of it. */

#include <string.h>

#include "base/mem.h"
#include "node/node.h"

/* Requests parked at most; more are told to try again. */
#define PARKED_MOST 4096

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
};

/* A request on its way to the leader. */
struct forward {
	struct node *node;
	struct parked parked;
};

struct proxies {
	struct parked *parked;
	size_t count;
	size_t cap;
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
park(struct node *n, const struct parked *parked)
{
	struct proxies *p = n->proxies;

	if (p->count == PARKED_MOST || n->stopping) {
		refuse(n, parked->request);
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
on_relayed(void *user, struct outbound_call *call,
	   const struct outbound_reply *reply)
{
	struct forward *f = user;
	struct node *n = f->node;
	struct inbound_request *r = f->parked.request;

	switch (reply->outcome) {
	case OUTBOUND_OK:
		if (!is_elsewhere(reply)) {
			relay(n, r, call, reply);
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
		api_problem(n, r, PROBLEM_OUTCOME_UNKNOWN,
			    "repeat with the same Idempotency-Key",
			    "lost the leader after forwarding to it (%s); "
			    "it may be committed",
			    reply->why);
		break;
	case OUTBOUND_CANCELLED:
		api_problem(n, r, PROBLEM_OUTCOME_UNKNOWN, NULL,
			    "shutting down");
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
					   "Idempotency-Key", "Raft-Cluster"};
	const char *headers[LEN(kept) + 2];
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
	headers[count++] = "Raft-Forwarded: 1";
	headers[count] = NULL;
	f->node = n;
	f->parked = *parked;
	request.user = f;
	outbound_start(n->out, &request);
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
	};

	/* A leader that is handing over: not again in this very pass. */
	if (node_is_leader(n))
		parked.retry_ms = n->now_ms + RETRY_MS;
	if (inbound_header(r, "Raft-Forwarded"))
		api_problem(n, r, PROBLEM_HOPS, NULL,
			    "forwarded here, but this is not the leader");
	else
		park(n, &parked);
}

/* ---- time ---- */

/* True if the request has left the car park. */
static bool
move_on(struct node *n, const struct parked *parked)
{
	const char *url = node_leader_url(n);

	if (n->now_ms >= parked->until_ms || n->stopping) {
		refuse(n, parked->request);
		return true;
	}
	if (n->now_ms < parked->retry_ms)
		return false;
	if (node_is_leader(n))
		parked->local(n, parked->request);
	else if (url)
		forward(n, parked, url);
	else
		return false;
	return true;
}

void
proxy_tick(struct node *n)
{
	struct proxies *p = n->proxies;
	size_t count = p->count, kept = 0, i;
	struct parked *parked = p->parked;

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
	uint64_t deadline = 0;
	size_t i;

	for (i = 0; i < p->count; i++) {
		const struct parked *parked = &p->parked[i];
		uint64_t at = parked->until_ms;

		if (node_leader_url(n) && parked->retry_ms < at)
			at = parked->retry_ms ? parked->retry_ms : n->now_ms;
		if (!deadline || at < deadline)
			deadline = at;
	}
	return deadline;
}
