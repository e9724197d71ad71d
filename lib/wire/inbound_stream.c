/* inbound_stream.c - an answer without an end, pulled by its reader.
 *
 * The daemon asks for more when the socket takes more; while there is nothing
 * the connection is suspended, so that a thousand followers cost nothing. */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "wire/inbound_parts.h"

/* What the daemon asks for at once. */
#define STREAM_BLOCK_BYTES 32768

struct inbound_stream {
	struct inbound *in;
	struct inbound_stream *prev;
	struct inbound_stream *next_stream;
	struct MHD_Connection *connection;
	void *user;
	bool (*next)(void *user, struct bytes *out);
	void (*closed)(void *user);
	struct bytes pending;
	size_t taken; /* Of pending. */
	bool is_suspended;
	bool is_woken; /* While `next` was being asked. */
	bool has_ended;
	bool has_failed; /* And ends in a way that shows. */
};

static void
ask_for_more(struct inbound_stream *s)
{
	s->pending.len = 0;
	s->taken = 0;
	do {
		s->is_woken = false;
		if (s->in->is_closing || !s->next(s->user, &s->pending))
			s->has_ended = true;
	} while (s->pending.len == 0 && !s->has_ended && s->is_woken);
}

static ssize_t
read_stream(void *context, uint64_t position, char *to, size_t max)
{
	struct inbound_stream *s = context;
	size_t len;

	(void)position;
	if (s->taken == s->pending.len && !s->has_ended)
		ask_for_more(s);
	len = s->pending.len - s->taken;
	if (len == 0 && s->has_ended)
		return s->has_failed ? MHD_CONTENT_READER_END_WITH_ERROR
				     : MHD_CONTENT_READER_END_OF_STREAM;
	if (len == 0) {
		s->is_suspended = true;
		MHD_suspend_connection(s->connection);
		return 0;
	}
	if (len > max)
		len = max;
	memcpy(to, s->pending.data + s->taken, len);
	s->taken += len;
	return (ssize_t)len;
}

static void
close_stream(void *context)
{
	struct inbound_stream *s = context;

	if (s->prev != NULL)
		s->prev->next_stream = s->next_stream;
	else
		s->in->streams = s->next_stream;
	if (s->next_stream != NULL)
		s->next_stream->prev = s->prev;
	s->closed(s->user);
	bytes_close(&s->pending);
	mem_free(s);
}

struct inbound_stream *
inbound_stream(struct inbound_request *r, int status, const char *type,
	       void *user, bool (*next)(void *user, struct bytes *out),
	       void (*closed)(void *user))
{
	struct inbound *in = r->in;
	struct inbound_stream *s = mem_alloc(1, sizeof *s);
	struct MHD_Response *response;

	*s = (struct inbound_stream){
		.in = in,
		.connection = r->connection,
		.user = user,
		.next = next,
		.closed = closed,
		.next_stream = in->streams,
	};
	if (in->streams != NULL)
		in->streams->prev = s;
	in->streams = s;
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream, s,
		close_stream);
	/* A reader that stands still is the idle timeout's. */
	link_clear_deadline(r->link);
	request_put_headers(r, type, response);
	request_answer(r, status, response);
	return s;
}

void
inbound_wake(struct inbound_stream *stream)
{
	stream->is_woken = true;
	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	inbound_resume(stream->in, stream->connection);
}

void
inbound_stream_fail(struct inbound_stream *stream)
{
	stream->has_failed = true;
	stream->has_ended = true;
}

void
streams_end(struct inbound *in)
{
	struct inbound_stream *s;

	assert(in->is_closing);
	for (s = in->streams; s != NULL; s = s->next_stream)
		inbound_wake(s);
}
