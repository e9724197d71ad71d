/* outbound.h - HTTP out: the one door to libcurl.
 *
 * Runs on the caller's loop by an epoll descriptor, no thread of its own;
 * a blocking caller uses outbound_wait(). Only http, no proxies, redirects,
 * .netrc or Expect. Connections are kept, and lanes never share one: a
 * heartbeat does not queue behind data. */

#ifndef WIRE_OUTBOUND_H
#define WIRE_OUTBOUND_H

#include "base/bytes.h"
#include "raftkit.h"

struct outbound;
struct outbound_call;

/* A body that several calls share; immutable, counted, of one thread. */
struct payload;
struct payload *payload_new_take(struct bytes *bytes);
struct payload *payload_ref(struct payload *p);
void payload_unref(struct payload *p); /* NULL is fine. */
struct slice payload_slice(const struct payload *p);

enum outbound_outcome {
	OUTBOUND_OK,          /* An HTTP reply came, whatever its status. */
	OUTBOUND_UNREACHABLE, /* Nothing of the request was sent. */
	OUTBOUND_CUT,         /* It may have been received. */
	OUTBOUND_TIMEOUT,     /* The deadline passed; may have been received. */
	OUTBOUND_CANCELLED,
};

struct outbound_reply {
	enum outbound_outcome outcome;
	int status;        /* HTTP; with OUTBOUND_OK. */
	struct slice body; /* Borrowed for the callback. */
	const char *why;   /* For people, when not OK. */
	uint64_t elapsed_us;
};

struct outbound_request {
	const char *method; /* "GET", "POST", ... */
	const char *url;    /* `http://host:port` */
	const char *path;   /* With query. */
	/* Calls of one URL and lane use the same few connections. */
	unsigned lane;
	/* The body is head (copied) and then payload (referenced until the
	 * call ends; NULL: none). GET has none. */
	struct slice head;
	struct payload *payload;
	const char *const *headers; /* "Name: value", NULL-ended, copied. */
	uint64_t deadline_ms;       /* From now; 0: for ever. */
	size_t max_reply_bytes;
	void *user;
	void (*done)(void *user, struct outbound_call *call,
		     const struct outbound_reply *reply);
	/* Not NULL: pieces of a 2xx body as they come, instead of collecting
	 * them. False cancels; nothing else of this file but
	 * outbound_reply_header() may be called from there. */
	bool (*data)(void *user, struct outbound_call *call,
		     struct slice piece);
};

RK_CHECKED enum rk_code outbound_open(struct outbound **out,
				      struct rk_error *err);
void outbound_close(struct outbound *out); /* Cancels all; NULL is fine. */

int outbound_fd(const struct outbound *out);
int outbound_timeout_ms(struct outbound *out); /* -1: none. */
void outbound_run(struct outbound *out);

/* Wait at most `timeout_ms` (-1: for ever) for something to do, and do it. */
void outbound_wait(struct outbound *out, int timeout_ms);

/* Start a call; `done` is called once, never from within. The call is the
 * outbound's and ends with `done`. */
struct outbound_call *outbound_start(struct outbound *out,
				     const struct outbound_request *request);

/* Ends it with OUTBOUND_CANCELLED, from within. */
void outbound_cancel(struct outbound_call *call);

/* A header of the reply, within `done` or `data`; NULL if absent. */
const char *outbound_reply_header(const struct outbound_call *call,
				  const char *name);

#endif /* WIRE_OUTBOUND_H */
