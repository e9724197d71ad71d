/* out.c - outbound.h over the simulated network. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "checks.h"
#include "network.h"
#include "wire/outbound.h"

struct outbound_call {
	struct outbound *out;
	struct outbound_call *next;
	uint64_t id;
	struct outbound_request request; /* Strings and headers: not kept. */
	uint64_t deadline_us;            /* UINT64_MAX: none. */
	uint64_t start_us;
	struct parcel *reply; /* NULL: none has come. */
	char header[256];     /* The one asked for last. */
};

struct outbound {
	struct host *host;
	struct outbound_call *calls; /* The youngest first. */
	uint64_t next_id;
};

enum rk_code
outbound_open(struct outbound **out, struct rk_error *err)
{
	(void)err;
	*out = mem_alloc(1, sizeof **out);
	(*out)->host = world_now()->running;
	return RK_OK;
}

static void
finish(struct outbound_call *c, enum outbound_outcome outcome, const char *why)
{
	struct outbound_call **at = &c->out->calls;
	struct outbound_reply reply = {
		.outcome = outcome,
		.why = why,
		.elapsed_us = clock_now_us() - c->start_us,
	};

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (outcome == OUTBOUND_OK) {
		reply.status = c->reply->status;
		reply.body = (struct slice){c->reply->body, c->reply->len};
	}
	c->request.done(c->request.user, c, &reply);
	payload_unref(c->request.payload);
	parcel_free(c->reply);
	mem_free(c);
}

/* Hand the body over in pieces; false: it is wanted no more. */
static bool
hand_over(struct outbound_call *c)
{
	size_t at = 0;
	size_t len;
	bool go_on = true;

	if (!c->request.data || c->reply->status / 100 != 2)
		return true;
	while (go_on && at < c->reply->len) {
		len = (size_t)world_draw(1, c->reply->len - at + 1);
		go_on = c->request.data(
			c->request.user, c,
			(struct slice){c->reply->body + at, len});
		at += len;
	}
	c->reply->len = 0;
	return go_on;
}

static void
take_reply(struct outbound_call *c)
{
	enum outbound_outcome outcome = c->reply->outcome;

	if (outcome == OUTBOUND_UNREACHABLE) {
		finish(c, outcome, "connection refused");
	} else if (outcome != OUTBOUND_OK) {
		finish(c, outcome, "connection reset");
	} else if (!c->request.data &&
		   c->reply->len > c->request.max_reply_bytes) {
		finish(c, OUTBOUND_CUT, "the reply is too long");
	} else if (!hand_over(c)) {
		finish(c, OUTBOUND_CANCELLED, "cancelled");
	} else {
		finish(c, OUTBOUND_OK, NULL);
	}
}

/* The first call that has something to be done for. */
static struct outbound_call *
find_due(const struct outbound *out)
{
	uint64_t now = clock_now_us();
	struct outbound_call *c;

	for (c = out->calls; c; c = c->next) {
		if (c->reply || c->deadline_us <= now)
			return c;
	}
	return NULL;
}

void
outbound_run(struct outbound *out)
{
	struct outbound_call *c;

	while ((c = find_due(out))) {
		if (c->reply)
			take_reply(c);
		else
			finish(c, OUTBOUND_TIMEOUT, "no answer in time");
	}
}

void
outbound_close(struct outbound *out)
{
	if (!out)
		return;
	while (out->calls)
		outbound_cancel(out->calls);
	mem_free(out);
}

int
outbound_fd(const struct outbound *out)
{
	(void)out;
	return -1;
}

int
outbound_timeout_ms(struct outbound *out)
{
	uint64_t now = clock_now_us();
	uint64_t first = UINT64_MAX;
	struct outbound_call *c;

	for (c = out->calls; c; c = c->next) {
		if (c->reply)
			return 0;
		if (c->deadline_us < first)
			first = c->deadline_us;
	}
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now) / 1000 + 1);
}

void
outbound_wait(struct outbound *out, int timeout_ms)
{
	(void)out;
	(void)timeout_ms;
	world_fail("a member waits for HTTP");
}

/* The host that a URL means: they differ in the port's last digit. */
static size_t
host_of(const char *url)
{
	size_t number = (size_t)(url[strlen(url) - 1] - '0');

	assert(number >= 1);
	assert(number <= world_now()->plan.hosts);
	return number;
}

struct outbound_call *
outbound_start(struct outbound *out, const struct outbound_request *request)
{
	struct outbound_call *c = mem_alloc(1, sizeof *c);
	struct bytes headers = {0};
	struct slice payload = {0};
	struct parcel *p;
	size_t i;

	c->out = out;
	c->id = ++out->next_id;
	c->request = *request;
	c->start_us = clock_now_us();
	c->deadline_us = request->deadline_ms
				 ? c->start_us + request->deadline_ms * 1000
				 : UINT64_MAX;
	if (request->payload)
		payload = payload_slice(payload_ref(request->payload));
	for (i = 0; request->headers && request->headers[i]; i++)
		bytes_printf(&headers, "%s\n", request->headers[i]);
	bytes_append_char(&headers, '\0');
	p = parcel_new((size_t)out->host->id, host_of(request->url),
		       out->host->life, c->id);
	parcel_set(p, request->method, request->path,
		   (const char *)headers.data, request->head, payload);
	p->may_repeat = request->lane != LANE_CLIENT ||
			strstr(p->headers, "Idempotency-Key") != NULL;
	bytes_close(&headers);
	checks_request(out->host, p);
	network_send(p);
	c->next = out->calls;
	out->calls = c;
	return c;
}

void
outbound_cancel(struct outbound_call *call)
{
	finish(call, OUTBOUND_CANCELLED, "cancelled");
}

const char *
outbound_reply_header(const struct outbound_call *call, const char *name)
{
	struct outbound_call *own = (struct outbound_call *)(uintptr_t)call;

	if (!call->reply ||
	    !parcel_header(call->reply, name, own->header, sizeof own->header))
		return NULL;
	return own->header;
}

void
out_arrive(struct host *h, struct parcel *p)
{
	struct outbound_call *c;

	for (c = h->node->out->calls; c; c = c->next) {
		if (c->id == p->call && !c->reply)
			break;
	}
	if (!c) {
		parcel_free(p);
		return;
	}
	c->reply = p;
	host_wake(h, 0);
}

void
out_drop_all(struct host *h)
{
	struct outbound_call *c;

	for (c = h->node->out->calls; c; c = c->next) {
		parcel_free(c->reply);
		c->reply = NULL;
	}
}
