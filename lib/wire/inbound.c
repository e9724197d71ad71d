/* inbound.c - HTTP in: the one door to libmicrohttpd. */

#include "wire/inbound.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
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

static struct MHD_Daemon *
start_daemon(struct inbound *in, int listen_fd)
{
	const unsigned flags =
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(
		flags, 0, NULL, NULL, request_serve, in,
		/* First, so that it holds for what the others say. */
		MHD_OPTION_EXTERNAL_LOGGER, on_message, in,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, /* Closed by it. */
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP_BYTES,
		MHD_OPTION_CONNECTION_LIMIT, in->settings.max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		request_begin, in, MHD_OPTION_NOTIFY_COMPLETED, request_end, in,
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
			       CLOSING_TEXT);
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
