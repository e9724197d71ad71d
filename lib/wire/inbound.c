/* inbound.c - HTTP in: the one door to libmicrohttpd. */

#include "wire/inbound.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "wire/inbound_parts.h"

/* Zeroed for every request, so a large one is slow; a whole head must fit. */
#define POOL_BYTES      (64U << 10)
#define POOL_STEP_BYTES (32U << 10)

/* A connection without a byte either way is closed after this. */
#define SILENCE_S 60

/* From a reply to the next whole request line, however it drips. */
#define IDLE_DEADLINE_MS 75000

/* A body may take a second for each of these, besides its deadline. */
#define BODY_PIECE_BYTES   (1U << 20)
#define BODY_PIECE_TIME_MS 1000

/* Room made before the first byte of a body has come. */
#define BODY_FIRST_BYTES (64U << 10)

/* How often the daemon runs at the end, so that last answers leave. */
#define CLOSING_RUNS 8

#define WARNING_STEP_MS 1000

void
inbound_warn(struct inbound *in, const char *what, const char *why)
{
	uint64_t now_ms = clock_now_ms();

	if (in->warned_ms != 0 && now_ms < in->warned_ms + WARNING_STEP_MS) {
		in->unsaid++;
		return;
	}
	if (in->unsaid > 0)
		trace_line(in->settings.trace, TRACE_WARNING,
			   "http: %s: %s (and %" PRIu64 " such before)", what,
			   why, in->unsaid);
	else
		trace_line(in->settings.trace, TRACE_WARNING, "http: %s: %s",
			   what, why);
	in->warned_ms = now_ms;
	in->unsaid = 0;
}

static void on_message(void *context, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Clients that go away are among these: of no interest to most. */
/* Nothing wakes the epoll descriptor then, so inbound_timeout_ms() must. */
void
inbound_resume(struct inbound *in, struct MHD_Connection *connection)
{
	in->has_resumed = true;
	MHD_resume_connection(connection);
}

static void
on_message(void *context, const char *format, va_list args)
{
	struct inbound *in = context;
	char text[256];

	vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	trace_line(in->settings.trace, TRACE_DEBUG, "http: %s", text);
}

/* The request line has come, the first of a request that we hear. */
static void *
on_url(void *context, const char *url, struct MHD_Connection *connection)
{
	struct inbound *in = context;
	size_t size = strlen(url) + 1;
	struct inbound_request *r = mem_alloc(1, sizeof *r + size);

	r->in = in;
	r->connection = connection;
	r->link = link_of(connection);
	r->state = REQUEST_HEAD;
	memcpy(r->url, url, size);
	link_set_deadline(in, r->link, in->settings.header_deadline_ms);
	return r;
}

/* The head is whole: let it in, or answer now. */
static void
begin_request(struct inbound_request *r, const char *path, const char *method,
	      const char *version)
{
	struct inbound *in = r->in;
	struct gate_verdict verdict;
	uint64_t size;

	r->path = path;
	if (in->is_closing) {
		request_refuse(r, PROBLEM_SHUTTING_DOWN, "this member stops");
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
	r->state = REQUEST_BODY;
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
	(void)ignored; /* The connection ends here in any case. */
	bytes_close(&head);
	bytes_close(&body);
}

static enum MHD_Result
take_body(struct inbound_request *r, const char *data, size_t *len)
{
	if (*len > r->body_limit - r->body.len) {
		r->in->counts.refused++;
		inbound_warn(r->in, "request refused",
			     "the body has grown "
			     "larger than allowed");
		answer_too_large(r);
		return MHD_NO;
	}
	bytes_append(&r->body, data, *len);
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
	r->state = REQUEST_HANDLING;
	in->counts.requests++;
	in->settings.handle(in->settings.context, r);
	if (r->state == REQUEST_ANSWERED)
		return;
	r->state = REQUEST_WAITING;
	r->next = in->waiting;
	if (in->waiting != NULL)
		in->waiting->prev = r;
	in->waiting = r;
	MHD_suspend_connection(r->connection);
}

/* Called for the head, for each piece of the body, and at the end of it. */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url,
	   const char *method, const char *version, const char *data,
	   size_t *len, void **request)
{
	struct inbound_request *r = *request;

	(void)context;
	(void)connection;
	switch (r->state) {
	case REQUEST_HEAD:
		begin_request(r, url, method, version);
		return MHD_YES;
	case REQUEST_BODY:
		if (*len > 0)
			return take_body(r, data, len);
		hand_over(r);
		return MHD_YES;
	case REQUEST_HANDLING:
	case REQUEST_WAITING:
	case REQUEST_ANSWERED:
		break;
	}
	return MHD_NO; /* It could not be answered: close. */
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **request,
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
	request_free(r);
}

static struct MHD_Daemon *
start_daemon(struct inbound *in, int listen_fd)
{
	const unsigned flags =
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, in,
		/* First, so that it holds for what the others say. */
		MHD_OPTION_EXTERNAL_LOGGER, on_message, in,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, /* Closed by it. */
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP_BYTES,
		MHD_OPTION_CONNECTION_LIMIT, in->settings.max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		on_url, in, MHD_OPTION_NOTIFY_COMPLETED, on_completed, in,
		MHD_OPTION_NOTIFY_CONNECTION, link_notify, in, MHD_OPTION_END);
}

enum rk_code
inbound_open(const struct inbound_settings *settings, struct inbound **in,
	     struct rk_error *err)
{
	const union MHD_DaemonInfo *info;
	struct inbound *n;
	uint16_t port;
	int fd;

	assert(settings->handle != NULL);
	assert(settings->body_limit != NULL);
	if (inbound_listen(settings->host, settings->port, &fd, &port, err))
		return err->code;
	n = mem_alloc(1, sizeof *n);
	n->settings = *settings;
	n->settings.host = NULL; /* Borrowed; only hosts_init() needs them. */
	n->settings.allowed_hosts = NULL;
	n->port = port;
	n->reap_ms = UINT64_MAX;
	hosts_init(&n->hosts, settings->host, settings->allowed_hosts);
	n->daemon = start_daemon(n, fd);
	if (n->daemon == NULL) {
		close(fd);
		hosts_close(&n->hosts);
		mem_free(n);
		return error_set(err, RK_FAILED,
				 "listen on %s: cannot start the HTTP server",
				 settings->host);
	}
	info = MHD_get_daemon_info(n->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL);
	n->fd = info->epoll_fd;
	*in = n;
	return RK_OK;
}

void
inbound_close(struct inbound *in)
{
	int i;

	if (in == NULL)
		return;
	in->is_closing = true;
	while (in->waiting != NULL)
		request_refuse(in->waiting, PROBLEM_SHUTTING_DOWN,
			       "this member stops");
	streams_end(in);
	for (i = 0; i < CLOSING_RUNS; i++)
		MHD_run(in->daemon);
	MHD_stop_daemon(in->daemon);
	assert(in->links == NULL);
	assert(in->streams == NULL);
	hosts_close(&in->hosts);
	mem_free(in);
}

uint16_t
inbound_port(const struct inbound *in)
{
	return in->port;
}

int
inbound_fd(const struct inbound *in)
{
	return in->fd;
}

int
inbound_timeout_ms(struct inbound *in)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 0;
	uint64_t now_ms;
	uint64_t left_ms = UINT64_MAX;

	if (in->has_resumed)
		return 0;
	if (MHD_get_timeout(in->daemon, &wait_ms) == MHD_YES) {
		if (wait_ms == 0)
			return 0;
		left_ms = wait_ms;
	}
	if (in->reap_ms != UINT64_MAX) {
		now_ms = clock_now_ms();
		if (in->reap_ms <= now_ms)
			return 0;
		if (in->reap_ms - now_ms < left_ms)
			left_ms = in->reap_ms - now_ms;
	}
	if (left_ms == UINT64_MAX)
		return -1;
	return left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

void
inbound_run(struct inbound *in)
{
	in->has_resumed = false;
	MHD_run(in->daemon);
	links_reap(in);
}

struct inbound_counts
inbound_counts(const struct inbound *in)
{
	return in->counts;
}
