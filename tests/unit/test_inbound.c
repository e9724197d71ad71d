/* test_inbound.c - requests in and replies out, at once, later and slowly. */

#include "unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static int
make_server(void **state)
{
	struct http *h = mem_alloc(1, sizeof *h);

	http_init(h);
	*state = h;
	return 0;
}

static int
open_server(void **state)
{
	make_server(state);
	http_open(*state);
	return 0;
}

static int
close_server(void **state)
{
	struct http *h = *state;

	http_close(h);
	mem_free(h);
	return 0;
}

static void
answer_held(struct http *h, size_t i)
{
	http_echo(h->held[i]);
	h->held[i] = NULL;
}

static void
check_query(struct http *h, struct inbound_request *r)
{
	assert_string_equal(inbound_path(r), "/v1/log");
	assert_string_equal(inbound_url(r), "/v1/log?raw&from=7&t=a%20b+c&e=");
	assert_string_equal(inbound_query(r, "raw"), "");
	assert_string_equal(inbound_query(r, "from"), "7");
	assert_string_equal(inbound_query(r, "t"), "a b c");
	assert_string_equal(inbound_query(r, "e"), "");
	assert_null(inbound_query(r, "to"));
	assert_string_equal(inbound_header(r, "idempotency-key"), "s/1");
	assert_null(inbound_header(r, "Accept"));
	assert_int_equal(inbound_body(r).len, 0);
	inbound_set_user(r, h);
	assert_ptr_equal(inbound_user(r), h);
	http_echo(r);
}

static void
request_tells_its_query_and_headers(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->handle = check_query;
	http_connect(h, &c);
	http_say(&c, "GET /v1/log?raw&from=7&t=a%20b+c&e= HTTP/1.1\r\n" HOST
		     "Idempotency-Key: s/1\r\n\r\n");
	http_wait(h, &c, "GET /v1/log");
	http_hang_up(&c);
}

static void
add_headers(struct http *h, struct inbound_request *r)
{
	(void)h;
	inbound_add_header(r, "Raft-Node", "1");
	inbound_add_header(r, "Raft-Index", "77");
	http_echo(r);
}

static void
reply_carries_its_headers(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->handle = add_headers;
	http_connect(h, &c);
	http_say(&c, GET("/"));
	http_wait(h, &c, "GET / ");
	assert_int_equal(http_count(&c, "Raft-Node: 1\r\n"), 1);
	assert_int_equal(http_count(&c, "Raft-Index: 77\r\n"), 1);
	assert_int_equal(http_count(&c, "Content-Type: text/plain\r\n"), 1);
	assert_int_equal(http_count(&c, "Cache-Control: no-store\r\n"), 1);
	assert_int_equal(http_count(&c, "X-Content-Type-Options: nosniff\r\n"),
			 1);
	http_hang_up(&c);
}

static void
reply_empty(struct http *h, struct inbound_request *r)
{
	struct bytes nothing = {.data = NULL};

	(void)h;
	inbound_reply(r, 204, NULL, &nothing);
}

static void
reply_may_be_empty(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->handle = reply_empty;
	http_connect(h, &c);
	http_say(&c, GET("/"));
	http_wait(h, &c, "\r\n\r\n");
	assert_int_equal(http_status(&c), 204);
	assert_int_equal(http_count(&c, "\r\nContent-Type"), 0);
	http_hang_up(&c);
}

static void
head_gets_the_length_without_the_body(void **state)
{
	struct http *h = *state;
	struct http_client c;

	http_connect(h, &c);
	http_say(&c, "HEAD /a HTTP/1.1\r\n" HOST "\r\n");
	http_wait(h, &c, "\r\n\r\n");
	http_say(&c, GET("/b"));
	http_wait(h, &c, "GET /b");
	assert_int_equal(http_count(&c, "Content-Length: 9\r\n"), 1);
	assert_int_equal(http_count(&c, "HEAD /a"), 0);
	http_hang_up(&c);
}

static void
keep_length(struct http *h, struct inbound_request *r)
{
	struct slice body = inbound_body(r);
	size_t i;

	h->user = (void *)(uintptr_t)body.len;
	for (i = 0; i < body.len; i++)
		assert_int_equal(body.data[i], (uint8_t)(i % 251));
	http_echo(r);
}

/* Send a body of that length, in pieces, with or without chunks. */
static void
send_large(struct http *h, struct http_client *c, size_t len, bool chunked)
{
	struct bytes text = {.data = NULL};
	uint8_t piece[10000];
	size_t at, n, i;

	bytes_printf(&text, "PUT /large HTTP/1.1\r\n" HOST);
	if (chunked)
		bytes_printf(&text, "Transfer-Encoding: chunked\r\n\r\n");
	else
		bytes_printf(&text, "Content-Length: %zu\r\n\r\n", len);
	for (at = 0; at < len; at += n) {
		n = len - at < sizeof piece ? len - at : sizeof piece;
		for (i = 0; i < n; i++)
			piece[i] = (uint8_t)((at + i) % 251);
		if (chunked)
			bytes_printf(&text, "%zx\r\n", n);
		bytes_append(&text, piece, n);
		if (chunked)
			bytes_printf(&text, "\r\n");
		http_send(c, text.data, text.len);
		text.len = 0;
		http_step(h, c);
	}
	if (chunked)
		http_say(c, "0\r\n\r\n");
	bytes_close(&text);
}

static void
large_bodies_come_whole(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->handle = keep_length;
	http_connect(h, &c);
	send_large(h, &c, h->body_limit, false);
	http_wait_handled(h, &c, 1);
	assert_int_equal((uintptr_t)h->user, h->body_limit);
	send_large(h, &c, h->body_limit, true);
	http_wait_handled(h, &c, 2);
	assert_int_equal((uintptr_t)h->user, h->body_limit);
	http_hang_up(&c);
}

static void
chunked_body_that_outgrows_the_limit_gets_413(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->body_limit = 100000;
	http_connect(h, &c);
	send_large(h, &c, 200000, true);
	http_wait_closed(h, &c);
	assert_int_equal(http_status(&c), 413);
	assert_int_equal(http_count(&c, "/v1/problems/too-large"), 1);
	assert_int_equal(h->handled, 0);
	http_hang_up(&c);
}

static void
endless_body_is_cut_off_after_its_413(void **state)
{
	struct http *h = *state;
	struct http_client c;
	uint64_t start_ms = clock_now_ms();

	h->body_limit = 1000;
	http_connect(h, &c);
	http_say(&c, "PUT /large HTTP/1.1\r\n" HOST
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "fffffff\r\n");
	while (!c.is_closed) {
		http_say(&c, "twenty bytes of body");
		http_step(h, &c);
		assert_true(clock_now_ms() < start_ms + 2000);
	}
	assert_int_equal(http_status(&c), 413);
	assert_int_equal(http_count(&c, "/v1/problems/too-large"), 1);
	assert_int_equal(h->handled, 0);
	http_hang_up(&c);
}

/* Served if it can be at once. While a request waits, the daemon cannot tell
 * a client that has said all from one that has gone. */
static void
client_that_closes_its_side_while_it_waits_is_taken_to_have_gone(void **state)
{
	struct http *h = *state;
	struct http_client c;

	http_connect(h, &c);
	http_say(&c, GET("/at-once"));
	shutdown(c.fd, SHUT_WR);
	http_wait(h, &c, "GET /at-once");
	http_hang_up(&c);

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, GET("/late"));
	shutdown(c.fd, SHUT_WR);
	http_wait_handled(h, &c, 2);
	http_run_for(h, &c, 20);
	answer_held(h, 0);
	http_wait_closed(h, &c);
	http_hang_up(&c);
}

static void
expectant_client_is_told_to_go_on(void **state)
{
	struct http *h = *state;
	struct http_client c;

	http_connect(h, &c);
	http_say(&c, "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		     "Content-Length: 3\r\n\r\n");
	http_wait(h, &c, "HTTP/1.1 100 ");
	assert_int_equal(h->handled, 0);
	http_say(&c, "abc");
	http_wait(h, &c, "POST /a abc\n");
	http_hang_up(&c);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct http *h = *state;
	struct http_client c;
	const char *first, *second, *third;
	size_t i;

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, GET("/1") "POST /2 HTTP/1.1\r\n" HOST
			       "Content-Length: 1\r\n\r\nx" GET("/3"));
	for (i = 0; i < 3; i++) {
		http_wait_handled(h, &c, (unsigned)i + 1);
		/* The next one waits for this one. */
		http_run_for(h, &c, 20);
		assert_int_equal(h->handled, i + 1);
		answer_held(h, i);
	}
	http_wait(h, &c, "GET /3");
	first = strstr(http_text(&c), "GET /1 ");
	second = strstr(http_text(&c), "POST /2 x");
	third = strstr(http_text(&c), "GET /3 ");
	assert_non_null(first);
	assert_true(first < second);
	assert_true(second < third);
	http_hang_up(&c);
}

static void
late_answers_leave_at_once(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, GET("/"));
	http_wait_handled(h, &c, 1);
	http_run_for(h, &c, 20);
	answer_held(h, 0);
	assert_int_equal(inbound_timeout_ms(h->in), 0);
	inbound_run(h->in);
	inbound_run(h->in);
	http_wait(h, &c, "GET / ");
	http_hang_up(&c);
}

static void
client_may_vanish_while_its_request_waits(void **state)
{
	struct http *h = *state;
	struct http_client c;
	int i;

	h->holds = true;
	for (i = 0; i < 4; i++) {
		http_connect(h, &c);
		http_say(&c, "POST /a HTTP/1.1\r\n" HOST
			     "Content-Length: 3\r\nX: y\r\n\r\nabc");
		http_wait_handled(h, &c, (unsigned)i + 1);
		http_hang_up(&c);
	}
	http_run_for(h, NULL, 50);
	for (i = 0; i < 4; i++) {
		assert_int_equal(inbound_body(h->held[i]).len, 3);
		assert_string_equal(inbound_path(h->held[i]), "/a");
		assert_string_equal(inbound_header(h->held[i], "X"), "y");
		answer_held(h, (size_t)i);
	}
	http_run_for(h, NULL, 20);
	h->holds = false;
	http_connect(h, &c);
	http_say(&c, GET("/b"));
	http_wait(h, &c, "GET /b");
	http_hang_up(&c);
}

static void
client_may_reset_while_its_request_waits(void **state)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct http *h = *state;
	struct http_client c;

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, GET("/"));
	http_wait_handled(h, &c, 1);
	assert_int_equal(
		setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	http_hang_up(&c);
	http_run_for(h, NULL, 20);
	answer_held(h, 0);
	http_run_for(h, NULL, 20);
}

static void
close_answers_those_that_wait(void **state)
{
	struct http *h = *state;
	struct http_client a, b;

	h->holds = true;
	http_connect(h, &a);
	http_say(&a, GET("/a") GET("/after"));
	http_wait_handled(h, &a, 1);
	http_connect(h, &b);
	http_say(&b, GET("/b"));
	http_wait_handled(h, &b, 2);
	http_close(h);
	assert_int_equal(recv(a.fd, bytes_reserve(&a.got, 4096), 4095, 0) > 0,
			 1);
	assert_int_equal(recv(b.fd, bytes_reserve(&b.got, 4096), 4095, 0) > 0,
			 1);
	assert_int_equal(http_status(&a), 503);
	assert_int_equal(http_status(&b), 503);
	http_hang_up(&a);
	http_hang_up(&b);
}

static void
close_ends_what_has_only_begun(void **state)
{
	struct http *h = *state;
	struct http_client a, b;

	http_connect(h, &a);
	http_say(&a, "GET /a HT");
	http_connect(h, &b);
	http_say(&b, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nab");
	http_run_for(h, NULL, 20);
	http_close(h);
	http_hang_up(&a);
	http_hang_up(&b);
}

static void
close_refuses_what_becomes_whole_meanwhile(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na");
	http_run_for(h, NULL, 20);
	http_say(&c, "bc");
	http_close(h);
	assert_int_equal(h->handled, 0);
	assert_true(recv(c.fd, bytes_reserve(&c.got, 4096), 4095, 0) > 0);
	assert_int_equal(http_status(&c), 503);
	http_hang_up(&c);
}

/* Send `piece` over and over until the server closes. */
static void
drip(struct http *h, struct http_client *c, const char *piece)
{
	uint64_t start_ms = clock_now_ms();

	while (!c->is_closed) {
		http_say(c, piece);
		http_run_for(h, c, 20);
		assert_true(clock_now_ms() < start_ms + 1500);
	}
	assert_true(clock_now_ms() >= start_ms + 150);
	assert_int_equal(inbound_counts(h->in).reaped, 1);
	assert_int_equal(h->handled <= 1, 1);
}

static int
open_impatient(void **state)
{
	struct http *h;

	make_server(state);
	h = *state;
	h->settings.header_deadline_ms = 200;
	h->settings.body_deadline_ms = 200;
	http_open(h);
	return 0;
}

static void
dripping_request_line_is_closed(void **state)
{
	struct http_client c;

	http_connect(*state, &c);
	http_say(&c, "GET /");
	drip(*state, &c, "a");
	http_hang_up(&c);
}

static void
dripping_header_is_closed(void **state)
{
	struct http_client c;

	http_connect(*state, &c);
	http_say(&c, "GET / HTTP/1.1\r\n" HOST "X: ");
	drip(*state, &c, "a");
	http_hang_up(&c);
}

static void
dripping_header_of_a_later_request_is_closed(void **state)
{
	struct http *h = *state;
	struct http_client c;

	http_connect(h, &c);
	http_say(&c, GET("/a"));
	http_wait(h, &c, "GET /a");
	http_say(&c, "GET / HTTP/1.1\r\n" HOST "X: ");
	drip(h, &c, "a");
	http_hang_up(&c);
}

static void
dripping_body_is_closed(void **state)
{
	struct http_client c;

	http_connect(*state, &c);
	http_say(&c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 999\r\n\r\n");
	drip(*state, &c, "a");
	http_hang_up(&c);
}

static void
dripping_chunks_are_closed(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->body_limit = 1000;
	http_connect(h, &c);
	http_say(&c, "POST / HTTP/1.1\r\n" HOST
		     "Transfer-Encoding: chunked\r\n\r\n");
	drip(h, &c, "1\r\na\r\n");
	http_hang_up(&c);
}

static void
silent_connection_is_closed(void **state)
{
	struct http *h = *state;
	struct http_client c;

	http_connect(h, &c);
	http_wait_closed(h, &c);
	assert_int_equal(inbound_counts(h->in).reaped, 1);
	http_hang_up(&c);
}

static void
waiting_and_idle_clients_are_not_hurried(void **state)
{
	struct http *h = *state;
	struct http_client c;

	h->holds = true;
	http_connect(h, &c);
	http_say(&c, GET("/1"));
	http_wait_handled(h, &c, 1);
	http_run_for(h, &c, 400);
	answer_held(h, 0);
	http_wait(h, &c, "GET /1");
	http_run_for(h, &c, 400);
	assert_false(c.is_closed);
	http_say(&c, GET("/2"));
	http_wait_handled(h, &c, 2);
	answer_held(h, 1);
	http_wait(h, &c, "GET /2");
	assert_int_equal(inbound_counts(h->in).reaped, 0);
	http_hang_up(&c);
}

static void
connections_over_the_limit_wait_their_turn(void **state)
{
	struct http *h = *state;
	struct http_client a, b;

	h->settings.max_connections = 1;
	http_open(h);
	http_connect(h, &a);
	http_say(&a, GET("/a"));
	http_wait(h, &a, "GET /a");
	http_connect(h, &b);
	http_say(&b, GET("/b"));
	http_run_for(h, &b, 50);
	assert_int_equal(h->handled, 1);
	http_hang_up(&a);
	http_wait(h, &b, "GET /b");
	http_hang_up(&b);
}

static void
taken_port_is_an_error(void **state)
{
	struct http *h = *state;
	struct http other;
	struct rk_error err = {.code = RK_OK};

	http_init(&other);
	other.settings.port = inbound_port(h->in);
	assert_int_equal(inbound_open(&other.settings, &other.in, &err),
			 RK_FAILED);
	assert_non_null(strstr(err.text, "in use"));
}

static void
name_is_no_address_to_listen_on(void **state)
{
	struct http *h = *state;
	struct rk_error err = {.code = RK_OK};

	h->settings.host = "node.example";
	assert_int_equal(inbound_open(&h->settings, &h->in, &err), RK_USAGE);
	assert_non_null(strstr(err.text, "not a numeric address"));
}

static void
descriptors_are_given_back(void **state)
{
	struct http *h = *state;
	int before = dup(0);
	int after;

	close(before);
	http_open(h);
	http_close(h);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void
mark_as_seven(struct http *h, struct inbound_request *r)
{
	(void)h;
	inbound_mark(r, 7);
	http_echo(r);
}

static void
note_gone(void *context, uint64_t mark)
{
	struct http *h = context;

	assert_int_equal(mark, 7);
	h->user = h;
}

static void
mark_is_gone_with_the_last_connection_that_has_it(void **state)
{
	struct http *h = *state;
	struct http_client a, b, other;

	h->settings.gone = note_gone;
	http_open(h);
	http_connect(h, &other);
	http_say(&other, GET("/"));
	http_wait(h, &other, "GET / ");
	h->handle = mark_as_seven;
	http_connect(h, &a);
	http_connect(h, &b);
	http_say(&a, GET("/a"));
	http_wait(h, &a, "GET /a");
	http_say(&b, GET("/b"));
	http_wait(h, &b, "GET /b");
	http_hang_up(&other);
	http_hang_up(&a);
	http_run_for(h, NULL, 50);
	assert_null(h->user);
	http_hang_up(&b);
	http_run_for(h, NULL, 50);
	assert_non_null(h->user);
}

#define IN(setup, test)                                                        \
	cmocka_unit_test_setup_teardown(test, setup, close_server)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN(open_server, request_tells_its_query_and_headers),
		IN(open_server, reply_carries_its_headers),
		IN(open_server, reply_may_be_empty),
		IN(open_server, head_gets_the_length_without_the_body),
		IN(open_server, large_bodies_come_whole),
		IN(open_server, chunked_body_that_outgrows_the_limit_gets_413),
		IN(open_server, endless_body_is_cut_off_after_its_413),
		IN(open_server,
		   client_that_closes_its_side_while_it_waits_is_taken_to_have_gone),
		IN(open_server, expectant_client_is_told_to_go_on),
		IN(open_server, pipelined_requests_are_answered_in_order),
		IN(open_server, late_answers_leave_at_once),
		IN(open_server, client_may_vanish_while_its_request_waits),
		IN(open_server, client_may_reset_while_its_request_waits),
		IN(open_server, close_answers_those_that_wait),
		IN(open_server, close_ends_what_has_only_begun),
		IN(open_server, close_refuses_what_becomes_whole_meanwhile),
		IN(open_impatient, dripping_request_line_is_closed),
		IN(open_impatient, dripping_header_is_closed),
		IN(open_impatient,
		   dripping_header_of_a_later_request_is_closed),
		IN(open_impatient, dripping_body_is_closed),
		IN(open_impatient, dripping_chunks_are_closed),
		IN(open_impatient, silent_connection_is_closed),
		IN(open_impatient, waiting_and_idle_clients_are_not_hurried),
		IN(make_server, connections_over_the_limit_wait_their_turn),
		IN(make_server,
		   mark_is_gone_with_the_last_connection_that_has_it),
		IN(open_server, taken_port_is_an_error),
		IN(make_server, name_is_no_address_to_listen_on),
		IN(make_server, descriptors_are_given_back),
	};

	return unit_run("inbound", tests, LEN(tests));
}
