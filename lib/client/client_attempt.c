/* client_attempt.c - one request to one endpoint, waited for. */

#include "client/client_attempt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define HEADERS_MAX 8

static uint64_t
header_number(const struct outbound_call *call, const char *name)
{
	const char *text = outbound_reply_header(call, name);
	uint64_t n = 0;

	if (text == NULL ||
	    !bytes_parse_u64(text, strlen(text), LIMIT_NUMBER, &n))
		return 0;
	return n;
}

static void
note_headers(struct rk_client *c, const struct outbound_call *call)
{
	const char *text = outbound_reply_header(call, "Raft-Cluster");
	struct client_reply *r = &c->reply;

	if (text != NULL && c->cluster[0] == '\0')
		snprintf(c->cluster, sizeof c->cluster, "%s", text);
	r->commit = header_number(call, "Raft-Commit");
	r->node = header_number(call, "Raft-Node");
	r->leader = header_number(call, "Raft-Leader");
	r->retry_after_ms = 1000 * header_number(call, "Retry-After");
	text = outbound_reply_header(call, "ETag");
	snprintf(r->etag, sizeof r->etag, "%s", text != NULL ? text : "");
}

static bool
on_data(void *user, struct outbound_call *call, struct slice piece)
{
	struct attempt *a = user;

	if (!a->had_data)
		note_headers(a->c, call);
	a->had_data = true;
	a->active_ms = clock_now_ms();
	a->was_stopped = !a->request->data(a->request->user, piece);
	return !a->was_stopped;
}

static void
on_done(void *user, struct outbound_call *call,
	const struct outbound_reply *reply)
{
	struct attempt *a = user;
	struct client_reply *r = &a->c->reply;

	a->is_done = true;
	a->outcome = reply->outcome;
	snprintf(a->why, sizeof a->why, "%s",
		 reply->why != NULL ? reply->why : "");
	r->status = reply->status;
	r->body.len = 0;
	if (reply->outcome != OUTBOUND_OK)
		return;
	note_headers(a->c, call);
	bytes_append(&r->body, reply->body.data, reply->body.len);
}

static uint64_t
quiet_limit_ms(const struct attempt *a)
{
	const struct client_request *q = a->request;

	if (q->data == NULL)
		return CLIENT_NEVER; /* The call has its deadline. */
	if (!a->had_data)
		return q->first_ms > 0 ? q->first_ms : a->limit_ms;
	return q->idle_ms > 0 ? q->idle_ms : CLIENT_ATTEMPT_MS;
}

static void
wait_for_end(struct attempt *a, struct outbound_call *call)
{
	uint64_t limit_ms;
	uint64_t until_ms;

	while (!a->is_done) {
		limit_ms = quiet_limit_ms(a);
		until_ms = limit_ms == CLIENT_NEVER ? CLIENT_NEVER
						    : a->active_ms + limit_ms;
		if (a->c->is_cancelled) {
			outbound_cancel(call);
		} else if (clock_now_ms() >= until_ms) {
			outbound_cancel(call);
			a->outcome = OUTBOUND_TIMEOUT;
			snprintf(a->why, sizeof a->why, "no answer in time");
		} else {
			client_wait(a->c, until_ms);
		}
	}
}

void
attempt_run(struct attempt *a)
{
	const struct client_request *q = a->request;
	const char *headers[HEADERS_MAX + 1];
	char cluster[sizeof a->c->cluster + 16];
	char wait[40];
	struct outbound_request request = {
		.method = q->method,
		.url = a->c->endpoints[a->c->at].url,
		.path = q->path,
		.headers = headers,
		.head = q->body,
		.max_reply_bytes = q->max_reply_bytes,
		.user = a,
		.done = on_done,
		.data = q->data != NULL ? on_data : NULL,
	};
	size_t count = 0;
	size_t i;

	for (i = 0; q->headers != NULL && q->headers[i] != NULL; i++) {
		assert(count < HEADERS_MAX - 2);
		headers[count++] = q->headers[i];
	}
	/* A member that waits for a leader shall say that nothing was proposed
	 * before this attempt is cut off, and nobody knows any more. */
	snprintf(wait, sizeof wait, "Raft-Wait-Ms: %" PRIu64, a->limit_ms / 2);
	headers[count++] = wait;
	if (a->c->cluster[0] != '\0') {
		snprintf(cluster, sizeof cluster, "Raft-Cluster: %s",
			 a->c->cluster);
		headers[count++] = cluster;
	}
	headers[count] = NULL;
	if (q->data == NULL)
		request.deadline_ms = a->limit_ms;
	a->active_ms = clock_now_ms();
	wait_for_end(a, outbound_start(a->c->out, &request));
}
