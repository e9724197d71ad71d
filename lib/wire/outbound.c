/* outbound.c - HTTP out: the one door to libcurl.
 *
 * A lane is a curl multi handle of its own, because that is what keeps a pool
 * of connections. All lanes watch their sockets by one epoll descriptor; an
 * event carries the lane's number and the socket. */

#include "wire/outbound.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "wire/outbound_call.h"

#define NEVER UINT64_MAX

/* Idle connections that a lane keeps. */
#define LANE_CONNECTIONS 64L

#define EVENTS_AT_ONCE 64

struct outbound_lane {
	struct outbound *out;
	size_t at; /* In out->lanes. */
	unsigned number;
	CURLM *multi;
	uint64_t due_ms;            /* When libcurl wants to be called. */
	struct outbound_call *idle; /* To be used again. */
};

struct outbound {
	int epoll_fd;
	struct outbound_lane **lanes;
	size_t lane_count;
	size_t lane_cap;
	struct outbound_call *active;
};

/* `known` is not NULL once the socket is in the epoll set. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	struct outbound_lane *lane = user;
	struct epoll_event ev = {.data.u64 = (uint64_t)lane->at << 32 |
					     (uint32_t)fd};
	int how = known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int rc;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(lane->out->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		curl_multi_assign(lane->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		ev.events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		ev.events |= EPOLLOUT;
	rc = epoll_ctl(lane->out->epoll_fd, how, fd, &ev);
	if (rc < 0 && errno == EEXIST)
		rc = epoll_ctl(lane->out->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
	if (rc == 0 && known == NULL)
		curl_multi_assign(lane->multi, fd, lane);
	return rc;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct outbound_lane *lane = user;

	(void)multi;
	lane->due_ms =
		timeout_ms < 0 ? NEVER : clock_now_ms() + (uint64_t)timeout_ms;
	return 0;
}

static struct outbound_lane *
lane_new(struct outbound *out, unsigned number)
{
	struct outbound_lane *lane = mem_alloc(1, sizeof *lane);
	CURLM *m = curl_multi_init();
	bool ok;

	assert(m != NULL); /* Out of memory aborts. */
	*lane = (struct outbound_lane){.out = out,
				       .at = out->lane_count,
				       .number = number,
				       .multi = m,
				       .due_ms = NEVER};
	ok = curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) ==
		     CURLM_OK &&
	     curl_multi_setopt(m, CURLMOPT_SOCKETDATA, lane) == CURLM_OK &&
	     curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) ==
		     CURLM_OK &&
	     curl_multi_setopt(m, CURLMOPT_TIMERDATA, lane) == CURLM_OK &&
	     curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, LANE_CONNECTIONS) ==
		     CURLM_OK &&
	     curl_multi_setopt(m, CURLMOPT_PIPELINING,
			       (long)CURLPIPE_NOTHING) == CURLM_OK;
	assert(ok);
	out->lanes = mem_grow(out->lanes, &out->lane_cap, out->lane_count + 1,
			      sizeof(struct outbound_lane *));
	out->lanes[out->lane_count++] = lane;
	return lane;
}

static void
lane_free(struct outbound_lane *lane)
{
	struct outbound_call *c;

	while ((c = lane->idle) != NULL) {
		lane->idle = c->next;
		outbound_call_free(c);
	}
	curl_multi_cleanup(lane->multi);
	mem_free(lane);
}

static struct outbound_lane *
lane_of(struct outbound *out, unsigned number)
{
	size_t i;

	for (i = 0; i < out->lane_count; i++) {
		if (out->lanes[i]->number == number)
			return out->lanes[i];
	}
	return lane_new(out, number);
}

static void
activate(struct outbound *out, struct outbound_call *c)
{
	c->next = out->active;
	if (c->next != NULL)
		c->next->as_next = &c->next;
	c->as_next = &out->active;
	out->active = c;
}

/* The caller hears of it last, when the call can do no harm any more; it may
 * start and cancel others from there. */
static void
finish(struct outbound_call *c, const struct outbound_reply *reply)
{
	struct outbound_lane *lane = c->lane;

	curl_multi_remove_handle(lane->multi, c->easy);
	*c->as_next = c->next;
	if (c->next != NULL)
		c->next->as_next = c->as_next;
	c->as_next = NULL;
	c->done(c->user, c, reply);
	outbound_call_reset(c);
	c->next = lane->idle;
	lane->idle = c;
}

static void
finish_ended(struct outbound_lane *lane)
{
	struct outbound_reply reply;
	struct outbound_call *c;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(lane->multi, &left)) != NULL) {
		assert(m->msg == CURLMSG_DONE);
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
				  (char **)&c);
		reply = outbound_call_reply(c, m->data.result);
		finish(c, &reply);
	}
}

enum rk_code
outbound_open(struct outbound **out, struct rk_error *err)
{
	struct outbound *o;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, RK_FAILED, "initialise libcurl");
	o = mem_alloc(1, sizeof *o);
	o->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (o->epoll_fd < 0) {
		error_set(err, RK_FAILED, "epoll_create1: %s", strerror(errno));
		mem_free(o);
		curl_global_cleanup();
		return err->code;
	}
	*out = o;
	return RK_OK;
}

void
outbound_close(struct outbound *out)
{
	size_t i;

	if (out == NULL)
		return;
	while (out->active != NULL)
		outbound_cancel(out->active);
	for (i = 0; i < out->lane_count; i++)
		lane_free(out->lanes[i]);
	close(out->epoll_fd);
	mem_free(out->lanes);
	mem_free(out);
	curl_global_cleanup();
}

int
outbound_fd(const struct outbound *out)
{
	return out->epoll_fd;
}

int
outbound_timeout_ms(struct outbound *out)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t due_ms = NEVER;
	size_t i;

	for (i = 0; i < out->lane_count; i++) {
		if (out->lanes[i]->due_ms < due_ms)
			due_ms = out->lanes[i]->due_ms;
	}
	if (due_ms == NEVER)
		return -1;
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}

static void
on_event(struct outbound *out, const struct epoll_event *ev)
{
	struct outbound_lane *lane = out->lanes[ev->data.u64 >> 32];
	int fd = (int)(uint32_t)ev->data.u64;
	int what = 0;
	int running;

	if (ev->events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (ev->events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (ev->events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(lane->multi, fd, what, &running);
}

void
outbound_run(struct outbound *out)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now_ms;
	int running;
	int count;
	size_t i;
	int j;

	count = epoll_wait(out->epoll_fd, events, EVENTS_AT_ONCE, 0);
	for (j = 0; j < count; j++)
		on_event(out, &events[j]);
	now_ms = clock_now_ms();
	for (i = 0; i < out->lane_count; i++) {
		if (out->lanes[i]->due_ms > now_ms)
			continue;
		out->lanes[i]->due_ms = NEVER;
		curl_multi_socket_action(out->lanes[i]->multi,
					 CURL_SOCKET_TIMEOUT, 0, &running);
	}
	/* Only now: what ends a call may start others. */
	for (i = 0; i < out->lane_count; i++)
		finish_ended(out->lanes[i]);
}

void
outbound_wait(struct outbound *out, int timeout_ms)
{
	struct pollfd p = {.fd = out->epoll_fd, .events = POLLIN};
	int due_ms = outbound_timeout_ms(out);

	if (due_ms >= 0 && (timeout_ms < 0 || due_ms < timeout_ms))
		timeout_ms = due_ms;
	poll(&p, 1, timeout_ms);
	outbound_run(out);
}

struct outbound_call *
outbound_start(struct outbound *out, const struct outbound_request *request)
{
	struct outbound_lane *lane = lane_of(out, request->lane);
	struct outbound_call *c = lane->idle;
	CURLMcode rc;

	if (c != NULL)
		lane->idle = c->next;
	else
		c = outbound_call_new(lane);
	outbound_call_prepare(c, request);
	activate(out, c);
	rc = curl_multi_add_handle(lane->multi, c->easy);
	assert(rc == CURLM_OK);
	return c;
}

void
outbound_cancel(struct outbound_call *call)
{
	struct outbound_reply reply = {.outcome = OUTBOUND_CANCELLED,
				       .why = "cancelled"};

	finish(call, &reply);
}
