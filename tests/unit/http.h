/* http.h - an inbound on loopback and raw clients of it, in one thread.
 *
 * Nothing runs but when a test waits for something: http_wait() and the like
 * let the server run and read what it sends. */

#ifndef UNIT_HTTP_H
#define UNIT_HTTP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "wire/inbound.h"

#define HTTP_HELD_MAX 8

struct http {
	struct inbound_settings settings; /* Changed before http_open(). */
	struct inbound *in;
	size_t body_limit;
	bool holds; /* Requests are kept in `held` instead of answered. */
	struct inbound_request *held[HTTP_HELD_MAX];
	size_t held_count;
	/* Called instead, if not NULL. */
	void (*handle)(struct http *h, struct inbound_request *r);
	unsigned handled;
	void *user;
};

struct http_client {
	int fd;
	struct bytes got; /* All that came; NUL behind it. */
	bool is_closed;   /* By the server. */
};

/* Defaults for the settings: short enough for a test. */
void http_init(struct http *h);
void http_open(struct http *h);
void http_close(struct http *h); /* Fine if it is closed already. */

/* What is answered unless the test says otherwise: "METHOD URL BODY\n". */
void http_echo(struct inbound_request *r);

void http_connect(struct http *h, struct http_client *c);
void http_hang_up(struct http_client *c);
void http_send(struct http_client *c, const void *data, size_t len);
void http_say(struct http_client *c, const char *text);

/* One round: the server runs, the client (may be NULL) reads. */
void http_step(struct http *h, struct http_client *c);
void http_run_for(struct http *h, struct http_client *c, uint64_t ms);

/* Until `text` has come, `count` requests were handled, the server has closed.
 * They fail the test after two seconds. */
void http_wait(struct http *h, struct http_client *c, const char *text);
void http_wait_handled(struct http *h, struct http_client *c, unsigned count);
void http_wait_closed(struct http *h, struct http_client *c);

/* How often `text` stands in what came. */
unsigned http_count(const struct http_client *c, const char *text);
const char *http_text(const struct http_client *c);

/* The status of the first reply; 0 if there is none. */
int http_status(const struct http_client *c);

#endif /* UNIT_HTTP_H */
