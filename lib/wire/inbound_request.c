/* inbound_request.c - the way of a request, from its first line to its end.
 *
 *   HEAD -----> BODY -----> HANDLING -----> WAITING
 *     |           |            |               |
 *     |           v            |               |
 *     |        DRAINING        |               |
 *     v                        v               |
 *   ANSWERED <-----------------+---------------+
 *
 *   HEAD     -> BODY      take_head        the gate lets it in
 *   HEAD     -> ANSWERED  take_head        it does not
 *   BODY     -> DRAINING  take_body        it grows too large
 *   BODY     -> HANDLING  hand_over        it is whole
 *   HANDLING -> WAITING   hand_over        handle() has not answered it
 *   HANDLING -> ANSWERED  request_answer
 *   WAITING  -> ANSWERED  request_answer
 *
 * From DRAINING and ANSWERED a request only ends. */

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "wire/inbound_parts.h"

/* From a reply to the next whole request line, however it drips. */
#define IDLE_DEADLINE_MS 75000

/* A body may take a second for each of these, besides its deadline. */
#define BODY_PIECE_BYTES   (1U << 20)
#define BODY_PIECE_TIME_MS 1000

/* Room made before the first byte of a body has come. */
#define BODY_FIRST_BYTES (64U << 10)

/* How long more of a body is taken after it was refused: a client that is cut
 * off while it sends does not read why. */
#define DRAIN_MS 1000

/* may_become[from][to]; everything not named here is a bug. */
static const bool may_become[6][6] = {
	[REQUEST_HEAD][REQUEST_BODY] = true,
	[REQUEST_HEAD][REQUEST_ANSWERED] = true,
	[REQUEST_BODY][REQUEST_DRAINING] = true,
	[REQUEST_BODY][REQUEST_HANDLING] = true,
	[REQUEST_HANDLING][REQUEST_WAITING] = true,
	[REQUEST_HANDLING][REQUEST_ANSWERED] = true,
	[REQUEST_WAITING][REQUEST_ANSWERED] = true,
};

/* Put on the list of those that wait, or take off. */
static void
enlist(struct inbound_request *r)
{
	struct inbound *in = r->in;

	r->next = in->waiting;
	if (in->waiting != NULL)
		in->waiting->prev = r;
	in->waiting = r;
}

static void
delist(struct inbound_request *r)
{
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		r->in->waiting = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
}

/* The only place that assigns r->state. */
static void
become(struct inbound_request *r, enum request_state state)
{
	assert(may_become[r->state][state]);
	if (r->state == REQUEST_WAITING)
		delist(r);
	if (state == REQUEST_WAITING)
		enlist(r);
	r->state = state;
}

/* The request line has come, the first of a request that we hear. */
void *
request_begin(void *context, const char *url, struct MHD_Connection *connection)
{
	struct inbound *in = context;
	size_t size = strlen(url) + 1;
	struct inbound_request *r = mem_alloc(1, sizeof *r + size);

	r->in = in;
	r->connection = connection;
	r->link = link_of(connection);
	memcpy(r->url, url, size);
	link_set_deadline(in, r->link, in->settings.header_deadline_ms);
	return r;
}

/* The head is whole: let it in, or answer now. */
static void
take_head(struct inbound_request *r, const char *path, const char *method,
	  const char *version)
{
	struct inbound *in = r->in;
	struct gate_verdict verdict;
	uint64_t size;

	r->path = path;
	if (in->is_closing) {
		request_refuse(r, PROBLEM_SHUTTING_DOWN, CLOSING_TEXT);
		return;
	}
	verdict = gate_check(r, method, version);
	if (verdict.why == NULL) {
		(void)gate_method(method, &r->method);
		r->body_limit = in->settings.body_limit(in->settings.context,
							r->method, path);
		if (verdict.content_length > r->body_limit) {
			verdict.kind = PROBLEM_TOO_LARGE;
			verdict.why = "the body is larger than allowed here";
		}
	}
	if (verdict.why != NULL) {
		inbound_warn(in, "request refused", verdict.why);
		request_refuse(r, verdict.kind, verdict.why);
		return;
	}
	become(r, REQUEST_BODY);
	if (!verdict.has_body)
		return;
	size = verdict.content_length;
	link_set_deadline(in, r->link,
			  in->settings.body_deadline_ms +
				  (size > 0 ? size : r->body_limit) /
					  BODY_PIECE_BYTES *
					  BODY_PIECE_TIME_MS);
	if (size > 0)
		bytes_reserve(&r->body, size < BODY_FIRST_BYTES
						? size
						: BODY_FIRST_BYTES);
}

/* In the midst of a body the daemon takes no answer, so this one is written
 * past it: nothing else is on its way on this connection. */
static void
answer_too_large(struct inbound_request *r)
{
	struct bytes head = {.data = NULL};
	struct bytes body = {.data = NULL};
	ssize_t ignored;

	problem_encode(&body, PROBLEM_TOO_LARGE,
		       "the body is larger than allowed here", NULL, NULL);
	bytes_printf(&head,
		     "HTTP/1.1 413 Content Too Large\r\n"
		     "Connection: close\r\n"
		     "Cache-Control: no-store\r\n"
		     "X-Content-Type-Options: nosniff\r\n"
		     "Content-Type: application/problem+json\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     body.len);
	bytes_append(&head, body.data, body.len);
	ignored = send(r->link->fd, head.data, head.len,
		       MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)ignored; /* The connection ends in any case. */
	bytes_close(&head);
	bytes_close(&body);
}

static enum MHD_Result
take_body(struct inbound_request *r, const char *data, size_t *len)
{
	if (*len > r->body_limit - r->body.len) {
		r->in->counts.refused++;
		inbound_warn(r->in, "request refused",
			     "the body grows beyond what is allowed");
		answer_too_large(r);
		link_set_deadline(r->in, r->link, DRAIN_MS);
		become(r, REQUEST_DRAINING);
	} else {
		bytes_append(&r->body, data, *len);
	}
	*len = 0;
	return MHD_YES;
}

/* It is whole. If it is not answered within handle(), it waits, and the daemon
 * forgets about it until then. */
static void
hand_over(struct inbound_request *r)
{
	struct inbound *in = r->in;

	link_clear_deadline(r->link);
	become(r, REQUEST_HANDLING);
	if (in->is_closing) {
		request_refuse(r, PROBLEM_SHUTTING_DOWN, CLOSING_TEXT);
		return;
	}
	in->counts.requests++;
	in->settings.handle(in->settings.context, r);
	if (r->state == REQUEST_ANSWERED)
		return;
	become(r, REQUEST_WAITING);
	MHD_suspend_connection(r->connection);
}

enum MHD_Result
request_serve(void *context, struct MHD_Connection *connection, const char *url,
	      const char *method, const char *version, const char *data,
	      size_t *len, void **request)
{
	struct inbound_request *r = *request;

	(void)context;
	(void)connection;
	switch (r->state) {
	case REQUEST_HEAD:
		take_head(r, url, method, version);
		return MHD_YES;
	case REQUEST_BODY:
		if (*len > 0)
			return take_body(r, data, len);
		hand_over(r);
		return MHD_YES;
	case REQUEST_DRAINING:
		if (*len == 0)
			return MHD_NO; /* All of it has come: close. */
		*len = 0;
		return MHD_YES;
	case REQUEST_HANDLING:
	case REQUEST_WAITING:
	case REQUEST_ANSWERED:
		break;
	}
	return MHD_NO; /* It could not be answered: close. */
}

void
request_end(void *context, struct MHD_Connection *connection, void **request,
	    enum MHD_RequestTerminationCode how)
{
	struct inbound_request *r = *request;
	struct inbound *in = context;

	(void)connection;
	(void)how;
	if (r == NULL)
		return;
	/* While it is suspended, the daemon looks at nothing. */
	assert(r->state != REQUEST_HANDLING);
	assert(r->state != REQUEST_WAITING);
	*request = NULL;
	link_set_deadline(in, r->link, IDLE_DEADLINE_MS);
	bytes_close(&r->body);
	bytes_close(&r->headers);
	mem_free(r);
}

void
request_answer(struct inbound_request *r, int status,
	       struct MHD_Response *response_taken)
{
	bool was_waiting = r->state == REQUEST_WAITING;

	assert(response_taken != NULL);
	if (r->in->settings.answered != NULL && r->state >= REQUEST_HANDLING)
		r->in->settings.answered(r->in->settings.context, r, status);
	become(r, REQUEST_ANSWERED);
	/* Should it fail, the daemon asks again, and then closes. */
	(void)MHD_queue_response(r->connection, (unsigned)status,
				 response_taken);
	MHD_destroy_response(response_taken);
	if (was_waiting)
		inbound_resume(r->in, r->connection);
}
