/* serve.c - the reactor: one loop that runs a member.
 *
 * epoll over five descriptors: HTTP in, HTTP out, what writer and janitor
 * report, signals. Everything of lib/node runs on this thread. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/node.h"
#include "node/notify.h"

#define CONNECTIONS_MOST 4096

/* Descriptors kept back from clients: for files, and for members. */
#define DESCRIPTORS_KEPT 512

#define HEADER_DEADLINE_MS 5000
#define BODY_DEADLINE_MS   10000

/* How long an orderly end may take: leadership handed over, disk written. */
#define STOP_MS 3000

/* How often the service manager's watchdog hears of us. */
#define BEAT_MS 1000

struct reactor {
	struct node *node;
	struct trace trace;
	int epoll_fd;
	int event_fd;
	int signal_fd;
	sigset_t old_mask;
	uint64_t stop_ms; /* Ends at the latest; 0: not stopping. */
	bool stop_now;
	uint64_t beat_ms; /* When the watchdog is fed next. */
};

static enum rk_code
watch(struct reactor *r, int fd, struct rk_error *err)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return error_set(err, RK_FAILED, "watch a descriptor: %s",
				 strerror(errno));
	return RK_OK;
}

static enum rk_code
open_descriptors(struct reactor *r, struct rk_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGPIPE);
	/* Blocked before any thread is made, so that all of them block it. */
	pthread_sigmask(SIG_BLOCK, &set, &r->old_mask);
	sigdelset(&set, SIGPIPE);
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->epoll_fd < 0 || r->event_fd < 0 || r->signal_fd < 0)
		return error_set(err, RK_FAILED, "open descriptors: %s",
				 strerror(errno));
	if (watch(r, r->event_fd, err) || watch(r, r->signal_fd, err))
		return err->code;
	return RK_OK;
}

static void
close_descriptors(struct reactor *r)
{
	if (r->epoll_fd >= 0)
		close(r->epoll_fd);
	if (r->event_fd >= 0)
		close(r->event_fd);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
	pthread_sigmask(SIG_SETMASK, &r->old_mask, NULL);
}

/* ---- listening ---- */

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

/* `HOST:PORT`, `[V6]:PORT`; with or without http://. */
static enum rk_code
split_address(const char *text, char host[LIMIT_URL_BYTES], uint16_t *port,
	      struct rk_error *err)
{
	const char *start = strncmp(text, "http://", 7) == 0 ? text + 7 : text;
	const char *colon = strrchr(start, ':');
	size_t len = colon ? (size_t)(colon - start) : 0;
	uint64_t number = 0;

	if (len > 2 && start[0] == '[' && start[len - 1] == ']') {
		start++;
		len -= 2;
	}
	if (!len || len >= LIMIT_URL_BYTES ||
	    !bytes_parse_u64(colon + 1, strlen(colon + 1), 65535, &number)) {
		error_set(err, RK_USAGE,
			  "cannot listen on '%.100s': not HOST:PORT", text);
		return error_hint(err, "for example -l 127.0.0.1:7400");
	}
	memcpy(host, start, len);
	host[len] = '\0';
	*port = (uint16_t)number;
	return RK_OK;
}

static enum rk_code
check_exposure(const struct reactor *r, const struct rk_member *member,
	       const char *host, struct rk_error *err)
{
	if (is_loopback(host))
		return RK_OK;
	if (!member->insecure) {
		error_set(err, RK_USAGE,
			  "%s is not a loopback address, and nothing here is "
			  "encrypted or authenticated",
			  host);
		return error_hint(err,
				  "--insecure allows it, in a network that "
				  "you trust");
	}
	trace_line(&r->trace, TRACE_WARNING,
		   "listening on %s without encryption or authentication",
		   host);
	return RK_OK;
}

/* As many as there can be without the log or a peer running out of
 * descriptors. */
static unsigned
connections_most(const struct reactor *r)
{
	struct rlimit limit;
	rlim_t most = CONNECTIONS_MOST;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return CONNECTIONS_MOST;
	if (limit.rlim_cur < CONNECTIONS_MOST + DESCRIPTORS_KEPT) {
		limit.rlim_cur = limit.rlim_max;
		/* Else it stays as it is. */
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		    getrlimit(RLIMIT_NOFILE, &limit) < 0)
			return CONNECTIONS_MOST / 8;
	}
	if (limit.rlim_cur < CONNECTIONS_MOST + DESCRIPTORS_KEPT) {
		most = limit.rlim_cur > 2 * DESCRIPTORS_KEPT
			       ? limit.rlim_cur - DESCRIPTORS_KEPT
			       : limit.rlim_cur / 2;
		trace_line(&r->trace, TRACE_WARNING,
			   "at most %u clients at once: so few descriptors "
			   "are allowed",
			   (unsigned)most);
	}
	return (unsigned)most;
}

static enum rk_code
listen_on(struct reactor *r, const struct rk_member *member,
	  struct rk_error *err)
{
	struct node *n = r->node;
	const char *own = members_own_url(n);
	const char *address = member->listen    ? member->listen
			      : member->cluster ? own
						: "127.0.0.1:7400";
	char host[LIMIT_URL_BYTES];
	struct inbound_settings settings = {
		.host = host,
		.allowed_hosts = own,
		.max_connections = connections_most(r),
		.header_deadline_ms = HEADER_DEADLINE_MS,
		.body_deadline_ms = BODY_DEADLINE_MS,
		.trace = &r->trace,
		.context = n,
		.handle = api_handle,
		.gone = peers_gone,
		.answered = api_answered,
		.body_limit = api_body_limit,
	};
	enum rk_code rc;

	rc = split_address(address, host, &settings.port, err);
	if (!rc)
		rc = check_exposure(r, member, host, err);
	if (!rc)
		rc = inbound_open(&settings, &n->in, err);
	if (rc)
		return rc;
	snprintf(n->url, sizeof n->url,
		 strchr(host, ':') ? "http://[%.200s]:%u" : "http://%.200s:%u",
		 host, (unsigned)inbound_port(n->in));
	if (member->cluster)
		snprintf(n->url, sizeof n->url, "%s", own);
	else
		members_listen_at(n, n->url);
	trace_line(&r->trace, TRACE_INFO, "listening on %s", n->url);
	if (watch(r, inbound_fd(n->in), err) ||
	    watch(r, outbound_fd(n->out), err))
		return err->code;
	return RK_OK;
}

/* One line, once, to whoever started us. */
static void
say_ready(const struct reactor *r, int fd)
{
	char line[LIMIT_URL_BYTES + 16];
	int len = snprintf(line, sizeof line, "ready %s\n", r->node->url);
	ssize_t n;

	notify_send("READY=1");
	if (fd < 0)
		return;
	n = write(fd, line, (size_t)len);
	/* Whoever asked may have gone; that is no reason not to serve. */
	(void)n;
	close(fd);
}

/* ---- the loop ---- */

static void
begin_stop(struct reactor *r)
{
	struct event ev = {.type = EVENT_TRANSFER};
	struct node *n = r->node;

	if (r->stop_ms) {
		r->stop_now = true; /* The second signal. */
		return;
	}
	trace_line(&r->trace, TRACE_INFO, "stopping");
	notify_send("STOPPING=1");
	r->stop_ms = n->now_ms + STOP_MS;
	n->stopping = true;
	if (node_is_leader(n))
		node_step(n, &ev, NULL);
}

static void
take_signals(struct reactor *r)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGUSR1)
			snapshot_wanted(r->node);
		else if (info.ssi_signo != SIGHUP)
			begin_stop(r);
	}
}

static void
take_events(struct reactor *r)
{
	uint64_t count;

	/* A counter: read before looking, so that none is missed. */
	if (read(r->event_fd, &count, sizeof count) > 0)
		node_collect(r->node);
}

static int
shorter(int timeout_ms, int other_ms)
{
	if (other_ms < 0)
		return timeout_ms;
	return timeout_ms < 0 || other_ms < timeout_ms ? other_ms : timeout_ms;
}

static bool
is_handing_over(const struct node *n)
{
	struct core_status status;

	if (!node_is_leader(n))
		return false;
	core_status(n->core, &status);
	return status.transferring;
}

static bool
is_over(const struct reactor *r)
{
	const struct node *n = r->node;

	if (n->fatal || r->stop_now)
		return true;
	if (!r->stop_ms)
		return false;
	/* Another leads, or nobody can, and what was queued is on disk; or time
	 * is up. */
	return n->now_ms >= r->stop_ms ||
	       (!is_handing_over(n) && n->disk.durable == n->disk.seq);
}

/* The service manager restarts a member whose loop hangs. */
static void
beat(struct reactor *r)
{
	uint64_t now = r->node->now_ms;

	if (now < r->beat_ms)
		return;
	r->beat_ms = now + BEAT_MS;
	notify_send("WATCHDOG=1");
}

static void
loop(struct reactor *r)
{
	struct node *n = r->node;
	struct epoll_event ready[8];
	int timeout_ms;

	while (!is_over(r)) {
		timeout_ms =
			shorter(node_timeout_ms(n), inbound_timeout_ms(n->in));
		timeout_ms = shorter(timeout_ms, outbound_timeout_ms(n->out));
		if (epoll_wait(r->epoll_fd, ready, LEN(ready), timeout_ms) < 0)
			continue; /* A signal, or a debugger. */
		node_begin(n);
		take_signals(r);
		take_events(r);
		inbound_run(n->in);
		outbound_run(n->out);
		node_end(n);
		beat(r);
	}
}

static void
stop_answering(struct node *n)
{
	append_stop(n);
	changes_stop(n);
	peers_stop(n);
	n->stopping = true;
	handover_tick(n);
	proxy_tick(n);
	read_tick(n);
	if (n->in)
		inbound_run(n->in);
}

enum rk_code
rk_serve(const struct rk_member *member, struct rk_error *err)
{
	struct reactor r = {
		.epoll_fd = -1,
		.event_fd = -1,
		.signal_fd = -1,
		.trace = {.fd = STDERR_FILENO,
			  .level = member->verbose ? TRACE_DEBUG : TRACE_INFO,
			  .name = member->program},
	};
	struct node_start start = {.member = member, .trace = &r.trace};
	enum rk_code rc;

	rc = open_descriptors(&r, err);
	start.event_fd = r.event_fd;
	if (!rc)
		rc = node_open(&start, &r.node, err);
	if (!rc)
		rc = listen_on(&r, member, err);
	if (!rc) {
		say_ready(&r, member->ready_fd);
		loop(&r);
		stop_answering(r.node);
		/* The disk may hang, and closing waits for it; whoever does
		 * not want to wait may send one more signal. */
		pthread_sigmask(SIG_SETMASK, &r.old_mask, NULL);
		rc = r.node->fatal;
		if (rc)
			*err = r.node->fatal_error;
		else
			trace_line(&r.trace, TRACE_INFO, "stopped");
	}
	node_close(r.node);
	close_descriptors(&r);
	return rc;
}
