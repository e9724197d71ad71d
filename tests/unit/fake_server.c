/* fake_server.c - an HTTP server on a thread, for tests of what speaks to one.
 */

#include "fake_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define CONNECTIONS 32

struct connection {
	int fd;
	struct bytes in;
};

struct fake_server {
	enum fake_action (*handle)(void *user, const struct fake_request *r,
				   struct bytes *out);
	void *user;
	char url[64];
	int listen_fd;
	int stop_fds[2];
	pthread_t thread;
	atomic_uint requests;
	atomic_uint connections;
	struct connection open[CONNECTIONS];
	size_t open_count;
};

static int
bind_anywhere(char url[64])
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	assert(fd >= 0);
	rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	assert(rc == 0);
	rc = getsockname(fd, (struct sockaddr *)&a, &len);
	assert(rc == 0);
	snprintf(url, 64, "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	return fd;
}

void
fake_dead_url(char url[64])
{
	/* Bound but not listening, to the end of the process: a port that was
	 * given back could be another test's server a moment later. */
	(void)bind_anywhere(url);
}

static void
send_all(int fd, const struct bytes *out)
{
	size_t done = 0;
	ssize_t n;

	while (done < out->len) {
		n = send(fd, out->data + done, out->len - done, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

bool
fake_header(const struct fake_request *r, const char *name, char *value,
	    size_t size)
{
	const char *line = strstr(r->head, "\r\n");
	size_t len = strlen(name);
	int count;

	while (line != NULL && line[2] != '\0') {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			line += strspn(line, " ");
			count = (int)strcspn(line, "\r\n");
			snprintf(value, size, "%.*s", count, line);
			return true;
		}
		line = strstr(line, "\r\n");
	}
	return false;
}

/* The length of the first whole request in `in`; 0 if it is not all there. */
static size_t
request_parse(struct bytes *in, struct fake_request *r)
{
	char value[32];
	size_t head_len;
	size_t body_len;
	char *end;

	bytes_append_char(in, '\0');
	in->len--;
	end = strstr((char *)in->data, "\r\n\r\n");
	if (end == NULL)
		return 0;
	head_len = (size_t)(end + 4 - (char *)in->data);
	end[2] = '\0'; /* Put back below. */
	r->head = (char *)in->data;
	body_len = fake_header(r, "Content-Length", value, sizeof value)
			   ? strtoul(value, NULL, 10)
			   : 0;
	if (in->len < head_len + body_len) {
		end[2] = '\r';
		return 0;
	}
	sscanf(r->head, "%15s %511s", r->method, r->path);
	r->body = (struct slice){in->data + head_len, body_len};
	return head_len + body_len;
}

static bool
connection_serve(struct fake_server *s, struct connection *c)
{
	struct fake_request r = {.number = 0};
	struct bytes out = {.data = NULL};
	enum fake_action action = FAKE_HANG;
	size_t len;
	ssize_t n;

	n = read(c->fd, bytes_reserve(&c->in, 1U << 16), 1U << 16);
	if (n <= 0)
		return false;
	c->in.len += (size_t)n;
	len = request_parse(&c->in, &r);
	if (len == 0)
		return true;
	r.number = ++s->requests;
	action = s->handle(s->user, &r, &out);
	if (action == FAKE_REPLY || action == FAKE_REPLY_CLOSE)
		send_all(c->fd, &out);
	bytes_close(&out);
	bytes_consume(&c->in, len);
	return action == FAKE_REPLY || action == FAKE_HANG;
}

static void
connection_drop(struct fake_server *s, size_t i)
{
	close(s->open[i].fd);
	bytes_close(&s->open[i].in);
	s->open[i] = s->open[--s->open_count];
}

static void *
serve(void *user)
{
	struct pollfd polls[CONNECTIONS + 2];
	struct fake_server *s = user;
	size_t i;

	for (;;) {
		polls[0] = (struct pollfd){s->stop_fds[0], POLLIN, 0};
		polls[1] = (struct pollfd){s->listen_fd, POLLIN, 0};
		for (i = 0; i < s->open_count; i++)
			polls[i + 2] =
				(struct pollfd){s->open[i].fd, POLLIN, 0};
		poll(polls, s->open_count + 2, -1);
		if (polls[0].revents != 0)
			return NULL;
		for (i = s->open_count; i-- > 0;) {
			if (polls[i + 2].revents != 0 &&
			    !connection_serve(s, &s->open[i]))
				connection_drop(s, i);
		}
		if (polls[1].revents != 0 && s->open_count < CONNECTIONS) {
			s->open[s->open_count++].fd =
				accept(s->listen_fd, NULL, NULL);
			s->connections++;
		}
	}
}

struct fake_server *
fake_server_start(enum fake_action (*handle)(void *user,
					     const struct fake_request *r,
					     struct bytes *out),
		  void *user)
{
	struct fake_server *s = mem_alloc(1, sizeof *s);
	int rc;

	s->handle = handle;
	s->user = user;
	s->listen_fd = bind_anywhere(s->url);
	rc = listen(s->listen_fd, 16);
	assert(rc == 0);
	rc = pipe(s->stop_fds);
	assert(rc == 0);
	rc = pthread_create(&s->thread, NULL, serve, s);
	assert(rc == 0);
	return s;
}

void
fake_server_stop(struct fake_server *s)
{
	close(s->stop_fds[1]);
	pthread_join(s->thread, NULL);
	while (s->open_count > 0)
		connection_drop(s, s->open_count - 1);
	close(s->stop_fds[0]);
	close(s->listen_fd);
	mem_free(s);
}

const char *
fake_server_url(const struct fake_server *s)
{
	return s->url;
}

unsigned
fake_server_requests(struct fake_server *s)
{
	return s->requests;
}

unsigned
fake_server_connections(struct fake_server *s)
{
	return s->connections;
}

void
fake_reply(struct bytes *out, int status, const char *headers, const char *body)
{
	bytes_printf(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
		     status, strlen(body), headers, body);
}
