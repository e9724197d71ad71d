/* http.c - an inbound on loopback and raw clients of it, in one thread. */

#include "unit.h"

#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS 2000
#define READ_BYTES  65536

static const char *const method_name[] = {"GET", "HEAD", "POST", "PUT",
					  "DELETE"};

void
http_echo(struct inbound_request *r)
{
	struct slice body = inbound_body(r);
	struct bytes out = {.data = NULL};

	bytes_append_text(&out, method_name[inbound_method(r)]);
	bytes_append_char(&out, ' ');
	bytes_append_text(&out, inbound_url(r));
	bytes_append_char(&out, ' ');
	bytes_append(&out, body.data, body.len);
	bytes_append_char(&out, '\n');
	inbound_reply(r, 200, "text/plain", &out);
	assert_null(out.data);
}

static void
on_request(void *context, struct inbound_request *r)
{
	struct http *h = context;

	h->handled++;
	if (h->handle != NULL) {
		h->handle(h, r);
	} else if (h->holds) {
		assert_true(h->held_count < HTTP_HELD_MAX);
		h->held[h->held_count++] = r;
	} else {
		http_echo(r);
	}
}

static size_t
body_limit(void *context, enum inbound_method method, const char *path)
{
	const struct http *h = context;

	(void)method;
	return strcmp(path, "/unknown") == 0 ? 0 : h->body_limit;
}

void
http_init(struct http *h)
{
	*h = (struct http){
		.settings = {.host = "127.0.0.1",
			     .max_connections = 64,
			     .header_deadline_ms = 2000,
			     .body_deadline_ms = 2000,
			     .handle = on_request,
			     .body_limit = body_limit},
		.body_limit = 4U << 20,
	};
	h->settings.context = h;
}

void
http_open(struct http *h)
{
	struct rk_error err = {.code = RK_OK};

	if (inbound_open(&h->settings, &h->in, &err))
		fail_msg("%s", err.text);
}

void
http_close(struct http *h)
{
	inbound_close(h->in);
	h->in = NULL;
}

void
http_connect(struct http *h, struct http_client *c)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(inbound_port(h->in)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	*c = (struct http_client){.fd = -1};
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (const struct sockaddr *)&address,
				 sizeof address),
			 0);
}

void
http_hang_up(struct http_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	bytes_close(&c->got);
}

void
http_send(struct http_client *c, const void *data, size_t len)
{
	/* The server may have closed: that is what is tested. */
	(void)!send(c->fd, data, len, MSG_NOSIGNAL);
}

void
http_say(struct http_client *c, const char *text)
{
	http_send(c, text, strlen(text));
}

static void
client_read(struct http_client *c)
{
	uint8_t *to = bytes_reserve(&c->got, READ_BYTES + 1);
	ssize_t len = recv(c->fd, to, READ_BYTES, MSG_DONTWAIT);

	if (len > 0)
		c->got.len += (size_t)len;
	else if (len == 0 || errno != EAGAIN)
		c->is_closed = true;
	c->got.data[c->got.len] = '\0';
}

void
http_step(struct http *h, struct http_client *c)
{
	struct pollfd fds[2] = {
		{.fd = inbound_fd(h->in), .events = POLLIN},
		{.fd = c != NULL && !c->is_closed ? c->fd : -1,
		 .events = POLLIN},
	};
	int wait_ms = inbound_timeout_ms(h->in);

	if (wait_ms < 0 || wait_ms > 10)
		wait_ms = 10;
	(void)poll(fds, LEN(fds), wait_ms);
	inbound_run(h->in);
	if (c != NULL && !c->is_closed)
		client_read(c);
}

void
http_run_for(struct http *h, struct http_client *c, uint64_t ms)
{
	uint64_t end_ms = clock_now_ms() + ms;

	while (clock_now_ms() < end_ms)
		http_step(h, c);
}

void
http_wait(struct http *h, struct http_client *c, const char *text)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (http_count(c, text) == 0) {
		if (clock_now_ms() > end_ms)
			fail_msg("\"%s\" has not come, but:\n%s", text,
				 http_text(c));
		http_step(h, c);
	}
}

void
http_wait_handled(struct http *h, struct http_client *c, unsigned count)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (h->handled < count) {
		if (clock_now_ms() > end_ms)
			fail_msg("only %u requests came", h->handled);
		http_step(h, c);
	}
}

void
http_wait_closed(struct http *h, struct http_client *c)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (!c->is_closed) {
		if (clock_now_ms() > end_ms)
			fail_msg("still open; came:\n%s", http_text(c));
		http_step(h, c);
	}
}

unsigned
http_count(const struct http_client *c, const char *text)
{
	const uint8_t *p = c->got.data;
	size_t left = c->got.len;
	size_t len = strlen(text);
	const uint8_t *hit;
	unsigned count = 0;

	while (left > 0 && (hit = memmem(p, left, text, len)) != NULL) {
		count++;
		left -= (size_t)(hit - p) + len;
		p = hit + len;
	}
	return count;
}

const char *
http_text(const struct http_client *c)
{
	return c->got.data != NULL ? (const char *)c->got.data : "";
}

int
http_status(const struct http_client *c)
{
	const char *text = http_text(c);

	if (strncmp(text, "HTTP/1.1 ", 9) != 0)
		return 0;
	return (int)strtol(text + 9, NULL, 10);
}
