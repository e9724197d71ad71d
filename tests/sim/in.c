/* in.c - inbound.h over the simulated network. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "checks.h"
#include "network.h"
#include "wire/inbound.h"

#define PARAMETERS_MOST 8

/* A header's value that has been asked for: it is kept until the end. */
struct value {
	struct value *next;
	char text[256];
};

struct inbound_request {
	struct inbound *in;
	struct inbound_request *next;
	struct parcel *parcel;
	char *path;
	const char *names[PARAMETERS_MOST]; /* In `query`. */
	const char *values[PARAMETERS_MOST];
	size_t count;
	char *query;
	struct value *asked; /* Of headers. */
	struct bytes headers;
	void *user;
};

/* An answer that is pulled; the client gets it whole. */
struct inbound_stream {
	struct inbound_stream *next_stream;
	struct inbound_request *request;
	int status;
	const char *type;
	void *user;
	bool (*next)(void *user, struct bytes *out);
	void (*closed)(void *user);
	bool has_failed;
	struct bytes body;
};

struct inbound {
	struct inbound_settings settings;
	struct host *host;
	struct parcel *arrived; /* Oldest first. */
	struct inbound_request *open;
	struct inbound_stream *streams;
	bool is_closing;
	bool marks[HOSTS_MOST + 1]; /* Connections of these are open. */
	struct inbound_counts counts;
};

/* ---- opening and closing ---- */

enum rk_code
inbound_open(const struct inbound_settings *settings, struct inbound **in,
	     struct rk_error *err)
{
	(void)err;
	*in = mem_alloc(1, sizeof **in);
	(*in)->settings = *settings;
	(*in)->host = world_now()->running;
	return RK_OK;
}

static void
request_free(struct inbound_request *r)
{
	struct inbound_request **at = &r->in->open;
	struct value *v;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	while ((v = r->asked)) {
		r->asked = v->next;
		mem_free(v);
	}
	parcel_free(r->parcel);
	mem_free(r->path);
	mem_free(r->query);
	bytes_close(&r->headers);
	mem_free(r);
}

/* What the asker hears if there is no reply. */
static void
cut(const struct parcel *p, enum outbound_outcome outcome)
{
	struct parcel *no = parcel_new(p->to, p->from, p->life, p->call);

	no->is_reply = true;
	no->outcome = outcome;
	parcel_set(no, "", "", "", (struct slice){0}, (struct slice){0});
	network_send(no);
}

static void
refuse_arrived(struct inbound *in)
{
	struct parcel *p;

	while ((p = in->arrived)) {
		in->arrived = p->next;
		cut(p, OUTBOUND_CUT);
		parcel_free(p);
	}
}

void
in_cut_all(struct host *h)
{
	struct inbound *in = h->node ? h->node->in : NULL;
	struct inbound_request *r;

	if (!in)
		return;
	refuse_arrived(in);
	for (r = in->open; r; r = r->next) {
		cut(r->parcel, OUTBOUND_CUT);
		parcel_free(r->parcel);
		r->parcel = NULL;
	}
}

static void
stream_free(struct inbound_stream *s)
{
	struct inbound_stream **at = &s->request->in->streams;

	while (*at != s)
		at = &(*at)->next_stream;
	*at = s->next_stream;
	s->closed(s->user);
	bytes_close(&s->body);
	request_free(s->request);
	mem_free(s);
}

void
inbound_close(struct inbound *in)
{
	if (!in)
		return;
	in->is_closing = true;
	refuse_arrived(in);
	while (in->streams) {
		cut(in->streams->request->parcel, OUTBOUND_CUT);
		stream_free(in->streams);
	}
	while (in->open)
		inbound_reply(in->open, 503, NULL, &(struct bytes){0});
	mem_free(in);
}

uint16_t
inbound_port(const struct inbound *in)
{
	return (uint16_t)(7400 + in->host->id);
}

int
inbound_fd(const struct inbound *in)
{
	(void)in;
	return -1;
}

int
inbound_timeout_ms(struct inbound *in)
{
	return in->arrived || in->streams ? 1 : -1;
}

struct inbound_counts
inbound_counts(const struct inbound *in)
{
	return in->counts;
}

/* ---- requests ---- */

static void
decode(char *text)
{
	char hex[3] = "";
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '%' && text[1] && text[2]) {
			memcpy(hex, text + 1, 2);
			*to++ = (char)strtol(hex, NULL, 16);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static void
parse_query(struct inbound_request *r)
{
	char *at = r->query;
	char *end, *value;

	while (at && *at) {
		end = strchr(at, '&');
		if (end)
			*end++ = '\0';
		value = strchr(at, '=');
		if (value)
			*value++ = '\0';
		else
			value = at + strlen(at);
		decode(value);
		assert(r->count < PARAMETERS_MOST);
		r->names[r->count] = at;
		r->values[r->count++] = value;
		at = end;
	}
}

static struct inbound_request *
request_new(struct inbound *in, struct parcel *p)
{
	struct inbound_request *r = mem_alloc(1, sizeof *r);
	const char *mark = strchr(p->url, '?');
	size_t len = mark ? (size_t)(mark - p->url) : strlen(p->url);

	r->in = in;
	r->parcel = p;
	r->path = mem_dup(p->url, len + 1);
	r->path[len] = '\0';
	decode(r->path);
	r->query = mem_strdup(mark ? mark + 1 : "");
	parse_query(r);
	r->next = in->open;
	in->open = r;
	return r;
}

static void
pull(struct inbound_stream *s)
{
	struct inbound_request *r = s->request;
	bool more = true;
	size_t before;

	do {
		before = s->body.len;
		more = s->next(s->user, &s->body);
	} while (more && s->body.len > before);
	if (more)
		return;
	if (s->has_failed) {
		cut(r->parcel, OUTBOUND_CUT);
		request_free(r);
	} else {
		inbound_reply(r, s->status, s->type, &s->body);
	}
	s->request = NULL;
}

/* Streams whose answer has gone. */
static void
drop_ended(struct inbound *in)
{
	struct inbound_stream **at = &in->streams;
	struct inbound_stream *s;

	while ((s = *at)) {
		if (s->request) {
			at = &s->next_stream;
			continue;
		}
		*at = s->next_stream;
		s->closed(s->user);
		bytes_close(&s->body);
		mem_free(s);
	}
}

void
inbound_run(struct inbound *in)
{
	struct inbound_stream *s;
	struct parcel *p;

	while ((p = in->arrived)) {
		in->arrived = p->next;
		in->counts.requests++;
		in->settings.handle(in->settings.context, request_new(in, p));
	}
	for (s = in->streams; s; s = s->next_stream)
		pull(s);
	drop_ended(in);
}

void
in_arrive(struct host *h, struct parcel *p)
{
	struct parcel **at = &h->node->in->arrived;

	while (*at)
		at = &(*at)->next;
	p->next = NULL;
	*at = p;
	host_wake(h, 0);
}

void
in_run(struct host *h)
{
	inbound_run(h->node->in);
}

void
in_open(struct host *h)
{
	struct inbound_settings settings = {
		.trace = &h->trace,
		.context = h->node,
		.handle = api_handle,
		.answered = api_answered,
		.gone = peers_gone,
		.body_limit = api_body_limit,
	};
	struct rk_error err;
	enum rk_code rc = inbound_open(&settings, &h->node->in, &err);

	assert(!rc);
	snprintf(h->node->url, sizeof h->node->url, "%s", h->url);
}

enum inbound_method
inbound_method(const struct inbound_request *r)
{
	switch (r->parcel->method[0]) {
	case 'G':
		return INBOUND_GET;
	case 'H':
		return INBOUND_HEAD;
	case 'D':
		return INBOUND_DELETE;
	default:
		return r->parcel->method[1] == 'U' ? INBOUND_PUT : INBOUND_POST;
	}
}

const char *
inbound_path(const struct inbound_request *r)
{
	return r->path;
}

const char *
inbound_url(const struct inbound_request *r)
{
	return r->parcel->url;
}

const char *
inbound_query(const struct inbound_request *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		if (strcmp(r->names[i], name) == 0)
			return r->values[i];
	}
	return NULL;
}

const char *
inbound_header(const struct inbound_request *r, const char *name)
{
	struct inbound_request *own = (struct inbound_request *)(uintptr_t)r;
	struct value *v = mem_alloc(1, sizeof *v);

	if (!parcel_header(r->parcel, name, v->text, sizeof v->text)) {
		mem_free(v);
		return NULL;
	}
	v->next = own->asked;
	own->asked = v;
	return v->text;
}

struct slice
inbound_body(const struct inbound_request *r)
{
	return (struct slice){r->parcel->body, r->parcel->len};
}

void *
inbound_user(const struct inbound_request *r)
{
	return r->user;
}

void
inbound_set_user(struct inbound_request *r, void *user)
{
	r->user = user;
}

void
inbound_add_header(struct inbound_request *r, const char *name,
		   const char *value)
{
	bytes_printf(&r->headers, "%s: %s\n", name, value);
}

void
inbound_reply(struct inbound_request *r, int status, const char *type,
	      struct bytes *body)
{
	struct parcel *asked = r->parcel;
	struct inbound *in = r->in;
	struct parcel *p;

	if (in->settings.answered)
		in->settings.answered(in->settings.context, r, status);
	if (type)
		inbound_add_header(r, "Content-Type", type);
	bytes_append_char(&r->headers, '\0');
	checks_answer(in->host, asked, status,
		      (struct slice){body->data, body->len});
	p = parcel_new(asked->to, asked->from, asked->life, asked->call);
	p->is_reply = true;
	p->outcome = OUTBOUND_OK;
	p->status = status;
	parcel_set(p, "", "", (const char *)r->headers.data, (struct slice){0},
		   (struct slice){body->data, body->len});
	network_send(p);
	bytes_close(body);
	request_free(r);
}

struct inbound_stream *
inbound_stream(struct inbound_request *r, int status, const char *type,
	       void *user, bool (*next)(void *user, struct bytes *out),
	       void (*closed)(void *user))
{
	struct inbound_stream *s = mem_alloc(1, sizeof *s);

	s->request = r;
	s->status = status;
	s->type = type;
	s->user = user;
	s->next = next;
	s->closed = closed;
	s->next_stream = r->in->streams;
	r->in->streams = s;
	return s;
}

void
inbound_wake(struct inbound_stream *stream)
{
	host_wake(stream->request->in->host, 0);
}

void
inbound_stream_fail(struct inbound_stream *stream)
{
	stream->has_failed = true;
}

/* ---- connections, as far as anybody asks ---- */

void
inbound_mark(struct inbound_request *r, uint64_t mark)
{
	assert(mark <= HOSTS_MOST);
	r->in->marks[mark] = true;
}

struct farewell {
	struct host *host;
	rk_id from;
};

static void
close_connection(void *arg)
{
	struct farewell *f = arg;
	struct inbound *in = f->host->node ? f->host->node->in : NULL;

	if (in && in->marks[f->from]) {
		in->marks[f->from] = false;
		in->settings.gone(in->settings.context, f->from);
		host_wake(f->host, 0);
	}
	free(f);
}

void
in_say_gone(struct host *h, rk_id from)
{
	struct farewell *f = malloc(sizeof *f);

	assert(f);
	*f = (struct farewell){h, from};
	world_after(world_draw(50, 2000), h, close_connection, free, f);
}
