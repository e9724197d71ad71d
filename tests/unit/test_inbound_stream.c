/* test_inbound_stream.c - replies without an end, pulled by their readers. */

#include "unit.h"

#include <string.h>

#include "http.h"

#define REQUEST "GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* More than sockets and the daemon hold on the way to a reader who does not
 * read. */
#define HELD_ON_THE_WAY (32U << 20)

/* What a stream sends, as the test wishes. */
struct source {
	struct inbound_stream *stream;
	struct bytes ready; /* Given at the next call. */
	bool is_endless;    /* Always has another block. */
	bool is_over;       /* Ends when `ready` is given. */
	bool fails;         /* Cannot go on, once `ready` is given. */
	bool wakes_itself;  /* Wakes the stream from within, once. */
	unsigned asked;
	unsigned closed;
	size_t given_bytes;
};

static bool
next(void *user, struct bytes *out)
{
	static const uint8_t block[32768];
	struct source *s = user;

	s->asked++;
	if (s->wakes_itself) {
		s->wakes_itself = false;
		bytes_append_text(&s->ready, "woken\n");
		inbound_wake(s->stream);
		return true;
	}
	if (s->is_endless)
		bytes_append(out, block, sizeof block);
	bytes_append(out, s->ready.data, s->ready.len);
	s->ready.len = 0;
	s->given_bytes += out->len;
	if (s->fails)
		inbound_stream_fail(s->stream);
	return !s->is_over;
}

static void
closed(void *user)
{
	struct source *s = user;

	s->closed++;
	s->stream = NULL;
	bytes_close(&s->ready);
}

static void
start_stream(struct http *h, struct inbound_request *r)
{
	struct source *s = h->user;

	inbound_add_header(r, "Raft-Node", "1");
	s->stream =
		inbound_stream(r, 200, "application/x-ndjson", s, next, closed);
}

static void
give(struct source *s, const char *text)
{
	bytes_append_text(&s->ready, text);
	inbound_wake(s->stream);
}

struct world {
	struct http http;
	struct source source;
	struct http_client client;
};

static int
open_world(void **state)
{
	struct world *w = mem_alloc(1, sizeof *w);

	http_init(&w->http);
	w->http.handle = start_stream;
	w->http.user = &w->source;
	http_open(&w->http);
	http_connect(&w->http, &w->client);
	*state = w;
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	http_close(&w->http);
	assert_int_equal(w->source.closed, w->http.handled);
	http_hang_up(&w->client);
	mem_free(w);
	return 0;
}

static void
begin(struct world *w)
{
	http_say(&w->client, REQUEST);
	http_wait(&w->http, &w->client, "\r\n\r\n");
}

static void
stream_sends_what_there_is_and_waits(void **state)
{
	struct world *w = *state;
	unsigned asked;

	begin(w);
	assert_int_equal(http_count(&w->client, "Raft-Node: 1\r\n"), 1);
	assert_int_equal(http_count(&w->client, "chunked"), 1);
	give(&w->source, "one\n");
	http_wait(&w->http, &w->client, "one\n");
	asked = w->source.asked;
	http_run_for(&w->http, &w->client, 50);
	assert_int_equal(w->source.asked, asked); /* No busy waiting. */
	give(&w->source, "two\n");
	give(&w->source, "three\n");
	http_wait(&w->http, &w->client, "two\nthree\n");
	assert_int_equal(w->source.closed, 0);
}

static void
stream_ends_with_its_last_piece(void **state)
{
	struct world *w = *state;

	begin(w);
	w->source.is_over = true;
	give(&w->source, "last\n");
	http_wait(&w->http, &w->client, "last\n");
	http_wait(&w->http, &w->client, "\r\n0\r\n\r\n");
	http_run_for(&w->http, &w->client, 20);
	assert_int_equal(w->source.closed, 1);
	assert_false(w->client.is_closed); /* It may ask for more. */
}

static void
stream_that_fails_is_cut_off_after_what_there_was(void **state)
{
	struct world *w = *state;

	begin(w);
	w->source.fails = true;
	give(&w->source, "half\n");
	http_wait(&w->http, &w->client, "half\n");
	http_run_for(&w->http, &w->client, 20);
	assert_int_equal(w->source.closed, 1);
	assert_true(w->client.is_closed);
	assert_int_equal(http_count(&w->client, "\r\n0\r\n"), 0);
}

static void
stream_that_is_woken_while_asked_is_asked_again(void **state)
{
	struct world *w = *state;

	w->source.wakes_itself = true;
	begin(w);
	http_wait(&w->http, &w->client, "woken\n");
}

static void
wake_without_anything_new_is_harmless(void **state)
{
	struct world *w = *state;
	int i;

	begin(w);
	for (i = 0; i < 10; i++) {
		inbound_wake(w->source.stream);
		inbound_wake(w->source.stream);
		http_step(&w->http, &w->client);
	}
	give(&w->source, "after\n");
	http_wait(&w->http, &w->client, "after\n");
}

static void
reader_that_does_not_read_is_not_sent_more(void **state)
{
	struct world *w = *state;
	unsigned asked;

	begin(w);
	w->source.is_endless = true;
	inbound_wake(w->source.stream);
	http_run_for(&w->http, NULL, 100);
	asked = w->source.asked;
	http_run_for(&w->http, NULL, 50);
	assert_int_equal(w->source.asked, asked);
	assert_true(w->source.given_bytes < HELD_ON_THE_WAY);
	/* It reads on, and so the stream goes on. */
	http_run_for(&w->http, &w->client, 50);
	assert_true(w->source.asked > asked);
}

static void
wake_after_the_end_is_harmless(void **state)
{
	struct world *w = *state;
	int i;

	begin(w);
	w->source.is_endless = true;
	inbound_wake(w->source.stream);
	http_run_for(&w->http, NULL, 50); /* Not read: the socket is full. */
	w->source.is_endless = false;
	w->source.is_over = true;
	for (i = 0; i < 100 && w->source.closed == 0; i++) {
		inbound_wake(w->source.stream);
		http_step(&w->http, &w->client);
	}
	http_wait(&w->http, &w->client, "\r\n0\r\n\r\n");
	http_run_for(&w->http, &w->client, 10);
	assert_int_equal(w->source.closed, 1);
}

static void
reader_that_vanishes_while_it_waits_is_noticed_when_woken(void **state)
{
	struct world *w = *state;
	int i;

	begin(w);
	http_hang_up(&w->client);
	for (i = 0; i < 20 && w->source.closed == 0; i++) {
		give(&w->source, "\n");
		http_run_for(&w->http, NULL, 5);
	}
	assert_int_equal(w->source.closed, 1);
}

static void
reader_that_vanishes_in_the_midst_is_noticed(void **state)
{
	struct world *w = *state;

	begin(w);
	w->source.is_endless = true;
	inbound_wake(w->source.stream);
	http_run_for(&w->http, &w->client, 20);
	http_hang_up(&w->client);
	http_run_for(&w->http, NULL, 50);
	assert_int_equal(w->source.closed, 1);
}

static void
head_of_a_stream_has_no_body(void **state)
{
	struct world *w = *state;

	http_say(&w->client,
		 "HEAD /follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
	http_wait(&w->http, &w->client, "\r\n\r\n");
	http_run_for(&w->http, &w->client, 10);
	assert_int_equal(w->source.closed, 1);
	assert_int_equal(w->source.asked, 0);
}

static void
close_ends_a_stream_that_waits(void **state)
{
	struct world *w = *state;

	begin(w);
	http_run_for(&w->http, &w->client, 10);
	http_close(&w->http);
	assert_int_equal(w->source.closed, 1);
}

static void
close_ends_a_stream_that_is_stuck(void **state)
{
	struct world *w = *state;

	begin(w);
	w->source.is_endless = true;
	inbound_wake(w->source.stream);
	http_run_for(&w->http, NULL, 50);
	http_close(&w->http);
	assert_int_equal(w->source.closed, 1);
}

static void
stream_may_start_late(void **state)
{
	struct world *w = *state;

	w->http.handle = NULL;
	w->http.holds = true;
	http_say(&w->client, REQUEST);
	http_wait_handled(&w->http, &w->client, 1);
	http_run_for(&w->http, &w->client, 10);
	start_stream(&w->http, w->http.held[0]);
	give(&w->source, "late\n");
	http_wait(&w->http, &w->client, "late\n");
}

#define IN_WORLD(test)                                                         \
	cmocka_unit_test_setup_teardown(test, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(stream_sends_what_there_is_and_waits),
		IN_WORLD(stream_ends_with_its_last_piece),
		IN_WORLD(stream_that_fails_is_cut_off_after_what_there_was),
		IN_WORLD(stream_that_is_woken_while_asked_is_asked_again),
		IN_WORLD(wake_without_anything_new_is_harmless),
		IN_WORLD(reader_that_does_not_read_is_not_sent_more),
		IN_WORLD(wake_after_the_end_is_harmless),
		IN_WORLD(
			reader_that_vanishes_while_it_waits_is_noticed_when_woken),
		IN_WORLD(reader_that_vanishes_in_the_midst_is_noticed),
		IN_WORLD(head_of_a_stream_has_no_body),
		IN_WORLD(close_ends_a_stream_that_waits),
		IN_WORLD(close_ends_a_stream_that_is_stuck),
		IN_WORLD(stream_may_start_late),
	};

	return unit_run("inbound_stream", tests, LEN(tests));
}
