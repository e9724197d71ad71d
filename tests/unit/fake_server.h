/* fake_server.h - an HTTP server on a thread, for tests of what speaks to one.
 *
 * It listens on a loopback port, reads whole requests (Content-Length only)
 * and asks `handle` what to do with each. */

#ifndef UNIT_FAKE_SERVER_H
#define UNIT_FAKE_SERVER_H

#include "base/bytes.h"

enum fake_action {
	FAKE_REPLY,       /* Send `out`; keep the connection. */
	FAKE_REPLY_CLOSE, /* Send `out`; close. */
	FAKE_CUT,         /* Close without a word. */
	FAKE_HANG,        /* Say nothing until the server stops. */
};

struct fake_request {
	char method[16];
	char path[512]; /* With query. */
	const char *head;
	struct slice body;
	unsigned number; /* 1, 2, ... over all connections. */
};

struct fake_server;

/* `handle` runs on the server's thread and puts a whole HTTP reply into
 * `out`, perhaps by fake_reply(). */
struct fake_server *fake_server_start(
	enum fake_action (*handle)(void *user, const struct fake_request *r,
				   struct bytes *out),
	void *user);
void fake_server_stop(struct fake_server *s);

const char *fake_server_url(const struct fake_server *s);
unsigned fake_server_requests(struct fake_server *s);
unsigned fake_server_connections(struct fake_server *s);

/* A reply of `status`; `headers` are whole lines ending in \r\n, or "". */
void fake_reply(struct bytes *out, int status, const char *headers,
		const char *body);

/* The value of a header of the request, in `value`; false if absent. */
bool fake_header(const struct fake_request *r, const char *name, char *value,
		 size_t size);

/* A loopback URL at which nobody listens. */
void fake_dead_url(char url[64]);

#endif /* UNIT_FAKE_SERVER_H */
