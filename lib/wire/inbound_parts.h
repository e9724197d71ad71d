/* inbound_parts.h - what inbound's own files share.
 *
 * Private to them. A link is a TCP connection; requests follow one another on
 * it. */

#ifndef WIRE_INBOUND_PARTS_H
#define WIRE_INBOUND_PARTS_H

#include <microhttpd.h>

#include "wire/inbound.h"
#include "wire/problem.h"

#define CLOSING_TEXT "this member is stopping"

/* Hosts by which a client may call us. */
struct inbound_hosts {
	char *names; /* Each with a NUL, an empty one behind the last. */
	bool any_number;
};

/* A connection, from accept to close, and until when it must have got on. */
struct inbound_link {
	struct inbound_link *prev;
	struct inbound_link *next;
	int fd;
	uint64_t deadline_ms; /* 0: none. */
	uint64_t mark;        /* See inbound_mark(); 0: none. */
};

/* How far a request is; see inbound_request.c. */
enum request_state {
	REQUEST_HEAD,     /* Its first line has come. */
	REQUEST_BODY,     /* It was let in; the body may still come. */
	REQUEST_DRAINING, /* Refused in its midst; the rest is dropped. */
	REQUEST_HANDLING, /* Within handle(). */
	REQUEST_WAITING,  /* Suspended, on the list of those that wait. */
	REQUEST_ANSWERED, /* The reply is being sent. */
};

struct inbound_request {
	struct inbound *in;
	struct MHD_Connection *connection;
	struct inbound_link *link;
	struct inbound_request *prev; /* In the list of those waiting. */
	struct inbound_request *next;
	enum request_state state;
	enum inbound_method method;
	const char *path; /* In the connection's memory. */
	size_t body_limit;
	struct bytes body;
	struct bytes headers; /* Of the reply: name, NUL, value, NUL, ... */
	void *user;
	char url[];
};

struct inbound {
	struct inbound_settings settings;
	struct inbound_hosts hosts;
	struct MHD_Daemon *daemon;
	int fd; /* Its epoll descriptor. */
	uint16_t port;
	bool is_closing;
	bool has_resumed; /* A connection, since the daemon last ran. */
	struct inbound_link *links;
	uint64_t reap_ms; /* No deadline is before this. */
	struct inbound_request *waiting;
	struct inbound_stream *streams;
	struct inbound_counts counts;
	uint64_t warned_ms; /* When the trace was last given a warning. */
	uint64_t unsaid;    /* Warnings since then. */
};

/* inbound_socket.c: a listening socket. */
RK_CHECKED enum rk_code inbound_listen(const char *host, uint16_t port, int *fd,
				       uint16_t *bound_port,
				       struct rk_error *err);

/* inbound_hosts.c */
void hosts_init(struct inbound_hosts *h, const char *host, const char *more);
void hosts_close(struct inbound_hosts *h);
bool hosts_allow(const struct inbound_hosts *h, const char *host_and_port);

/* inbound_gate.c: what the head of a request must be like. */
struct gate_verdict {
	const char *why; /* NULL: let in. */
	enum problem_kind kind;
	bool has_body;
	uint64_t content_length; /* 0 if chunked. */
};
struct gate_verdict gate_check(const struct inbound_request *r,
			       const char *method, const char *version);
bool gate_method(const char *name, enum inbound_method *method);

/* inbound_link.c: connections and their deadlines. */
void link_notify(void *context, struct MHD_Connection *connection,
		 void **link_context, enum MHD_ConnectionNotificationCode what);
struct inbound_link *link_of(struct MHD_Connection *connection);
void link_set_deadline(struct inbound *in, struct inbound_link *link,
		       uint64_t after_ms);
void link_clear_deadline(struct inbound_link *link);
void links_reap(struct inbound *in);

/* inbound_request.c: called by the daemon. The first line has come: makes the
 * request. */
void *request_begin(void *context, const char *url,
		    struct MHD_Connection *connection);
/* For the head, for each piece of the body, and at the end of it. */
enum MHD_Result request_serve(void *context, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *data,
			      size_t *len, void **request);
/* Answered or cut off: frees the request. */
void request_end(void *context, struct MHD_Connection *connection,
		 void **request, enum MHD_RequestTerminationCode how);
void request_answer(struct inbound_request *r, int status,
		    struct MHD_Response *response_taken);

/* inbound_reply.c: an error, after which the connection is closed. */
void request_refuse(struct inbound_request *r, enum problem_kind kind,
		    const char *why);
/* The headers that were added, and those of every reply. */
void request_put_headers(const struct inbound_request *r, const char *type,
			 struct MHD_Response *response);

/* Have the daemon take a suspended connection up again when it runs. */
void inbound_resume(struct inbound *in, struct MHD_Connection *connection);

/* inbound_stream.c: end all; `closed` of each is called when it is gone. */
void streams_end(struct inbound *in);

/* A warning in the trace, at most one a second. */
void inbound_warn(struct inbound *in, const char *what, const char *why);

#endif /* WIRE_INBOUND_PARTS_H */
