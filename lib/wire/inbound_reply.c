/* inbound_reply.c - what a request says, and whole answers to it. */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "wire/inbound_parts.h"

/* A reply must be read within this, besides a second for each piece. */
#define REPLY_DEADLINE_MS   30000
#define REPLY_PIECE_BYTES   65536
#define REPLY_PIECE_TIME_MS 1000

enum inbound_method
inbound_method(const struct inbound_request *r)
{
	return r->method;
}

const char *
inbound_path(const struct inbound_request *r)
{
	return r->path;
}

const char *
inbound_url(const struct inbound_request *r)
{
	return r->url;
}

const char *
inbound_query(const struct inbound_request *r, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(r->connection, MHD_GET_ARGUMENT_KIND,
					  name, strlen(name), &value,
					  NULL) != MHD_YES)
		return NULL;
	return value != NULL ? value : "";
}

const char *
inbound_header(const struct inbound_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
					   name);
}

struct slice
inbound_body(const struct inbound_request *r)
{
	return (struct slice){r->body.data, r->body.len};
}

void *
inbound_user(const struct inbound_request *r)
{
	return r->user;
}

void
inbound_mark(struct inbound_request *r, uint64_t mark)
{
	assert(r->state == REQUEST_HANDLING);
	assert(mark != 0);
	r->link->mark = mark;
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
	bytes_append(&r->headers, name, strlen(name) + 1);
	bytes_append(&r->headers, value, strlen(value) + 1);
}

void
request_put_headers(const struct inbound_request *r, const char *type,
		    struct MHD_Response *response)
{
	const char *p = (const char *)r->headers.data;
	const char *end = p + r->headers.len;
	const char *value;

	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (type != NULL)
		MHD_add_response_header(response, "Content-Type", type);
	for (; p < end; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		MHD_add_response_header(response, p, value);
	}
}

void
inbound_reply(struct inbound_request *r, int status, const char *type,
	      struct bytes *body)
{
	struct MHD_Response *response;
	size_t len = body->len;

	if (len > 0) {
		response = MHD_create_response_from_buffer_with_free_callback(
			len, body->data, mem_free);
		*body = (struct bytes){.data = NULL};
	} else {
		bytes_close(body);
		response = MHD_create_response_from_buffer(
			0, (void *)"", MHD_RESPMEM_PERSISTENT);
	}
	link_set_deadline(r->in, r->link,
			  REPLY_DEADLINE_MS + len / REPLY_PIECE_BYTES *
						      REPLY_PIECE_TIME_MS);
	request_put_headers(r, type, response);
	request_answer(r, status, response);
}

void
request_refuse(struct inbound_request *r, enum problem_kind kind,
	       const char *why)
{
	struct bytes body = {.data = NULL};

	r->in->counts.refused++;
	problem_encode(&body, kind, why, NULL, NULL);
	inbound_add_header(r, "Connection", "close");
	if (kind == PROBLEM_METHOD)
		inbound_add_header(r, "Allow", "GET, HEAD, POST, PUT, DELETE");
	inbound_reply(r, problem_status(kind), "application/problem+json",
		      &body);
}
