/* inbound.h - HTTP in: the one door to libmicrohttpd.
 *
 * Runs on the caller's loop by an epoll descriptor, no thread of its own.
 * What is malformed, smuggled, too large or too slow is answered and closed
 * here (one warning line in the trace at most); whole requests go to the
 * handler, which answers at once or later. */

#ifndef WIRE_INBOUND_H
#define WIRE_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/trace.h"
#include "raftkit.h"

struct inbound;

/* A request that is to be answered exactly once, by inbound_reply() or
 * inbound_stream(). It stays valid until then, even if the client has gone; a
 * client that closes its sending side while its request waits counts as gone.
 */
struct inbound_request;

enum inbound_method {
	INBOUND_GET,
	INBOUND_HEAD,
	INBOUND_POST,
	INBOUND_PUT,
	INBOUND_DELETE,
};

struct inbound_settings {
	const char *host;          /* Numeric, or "localhost". */
	uint16_t port;             /* 0: any. */
	const char *allowed_hosts; /* Besides the address, localhost and
				    * loopback numbers (any number, if the
				    * address is 0.0.0.0 or ::);
				    * comma-separated; may be NULL. */
	unsigned max_connections;
	uint64_t header_deadline_ms; /* For the whole head. */
	uint64_t body_deadline_ms;   /* For the body, besides 1 s a MiB. */
	const struct trace *trace;
	void *context;
	/* A whole request. Borrowed data: valid until it is answered. */
	void (*handle)(void *context, struct inbound_request *request);
	/* A request that was given to `handle` has been answered, or begins
	 * to be. NULL: nobody asks. */
	void (*answered)(void *context, const struct inbound_request *request,
			 int status);
	/* The last connection with this mark has closed (inbound_mark());
	 * not at inbound_close(). NULL: nobody wants to know. */
	void (*gone)(void *context, uint64_t mark);
	/* The most bytes of body that this request may have; asked before
	 * the body is read. 0: none. Paths not known give the least. */
	size_t (*body_limit)(void *context, enum inbound_method method,
			     const char *path);
};

/* The settings are copied. RK_USAGE if the host is no address, RK_FAILED if
 * it cannot be listened on. */
RK_CHECKED enum rk_code inbound_open(const struct inbound_settings *settings,
				     struct inbound **in, struct rk_error *err);

/* Answers what is open with 503, ends the streams, stops listening, frees.
 * Requests not yet answered are no longer valid then. NULL is fine. */
void inbound_close(struct inbound *in);

uint16_t inbound_port(const struct inbound *in);
int inbound_fd(const struct inbound *in); /* For epoll: readable = run. */

/* Milliseconds until inbound_run() must be called anyway; -1: no need. */
int inbound_timeout_ms(struct inbound *in);
void inbound_run(struct inbound *in); /* Not from within `handle`. */

struct inbound_counts {
	uint64_t connections; /* Accepted. */
	uint64_t requests;    /* Whole ones, given to `handle`. */
	uint64_t refused;     /* Answered here with an error. */
	uint64_t reaped;      /* Closed because they were too slow. */
	uint64_t open;        /* Connections that are open now. */
};
struct inbound_counts inbound_counts(const struct inbound *in);

/* Of a request. Query values are percent-decoded; NULL if absent, "" without
 * a value. Header names are matched without case. */
enum inbound_method inbound_method(const struct inbound_request *r);
const char *inbound_path(const struct inbound_request *r);
const char *inbound_url(const struct inbound_request *r); /* With query. */
const char *inbound_query(const struct inbound_request *r, const char *name);
const char *inbound_header(const struct inbound_request *r, const char *name);
struct slice inbound_body(const struct inbound_request *r);
void *inbound_user(const struct inbound_request *r);
void inbound_set_user(struct inbound_request *r, void *user);

/* Mark the connection that `r` came on, from within handle(): a number, not 0,
 * that settings.gone is told when no connection has it any more. */
void inbound_mark(struct inbound_request *r, uint64_t mark);

/* Add a header to the reply to come. Copied. */
void inbound_add_header(struct inbound_request *r, const char *name,
			const char *value);

/* Answer; takes all of `body` (empty it stays). Content-Type is `type` (NULL:
 * none). Consumes `r`. */
void inbound_reply(struct inbound_request *r, int status, const char *type,
		   struct bytes *body);

/* Answer by a stream: `next` is called when the client can take more, appends
 * to `out` what there is (nothing: it is called again after inbound_wake()),
 * and returns false when it has come to the end. `closed` is called once, when
 * the stream or the client is gone; then `stream` is invalid. */
struct inbound_stream;
struct inbound_stream *
inbound_stream(struct inbound_request *r, int status, const char *type,
	       void *user, bool (*next)(void *user, struct bytes *out),
	       void (*closed)(void *user));
void inbound_wake(struct inbound_stream *stream);

/* From within `next`, whose last call it is then: what is still to come will
 * not. The reader gets what there is, and then sees that it was cut off. */
void inbound_stream_fail(struct inbound_stream *stream);

#endif /* WIRE_INBOUND_H */
