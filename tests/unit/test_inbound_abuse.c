/* test_inbound_abuse.c - requests that must not reach the handler, byte for
 * byte, and their plain brothers that must.
 *
 * Each case is a test of its own; its name says what happens to what. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "http.h"

#define HOST "Host: localhost\r\n"

/* More than any head may have. */
#define FLOOD_BYTES 100000

struct abuse {
	const char *name;
	int status; /* 0: closed without a reply. */
	const char *request;
	size_t len; /* 0: that of the text. */
};

#define POST(headers) "POST /a HTTP/1.1\r\n" HOST headers "\r\n"
#define GET(headers)  "GET /a HTTP/1.1\r\n" HOST headers "\r\n"
#define CHUNKED       "Transfer-Encoding: chunked\r\n"
#define BYTES(text)   (text), sizeof(text) - 1

/* Behind a refused request stands one that would be fine: it must not be
 * served, for who knows where the first one ended. */
#define NEXT GET("")

static const struct abuse abuses[] = {
	{"length_and_chunked", 400,
	 POST("Content-Length: 3\r\n" CHUNKED) "0\r\n\r\n" NEXT, 0},
	{"chunked_and_length", 400,
	 POST(CHUNKED "Content-Length: 3\r\n") "0\r\n\r\n" NEXT, 0},
	{"two_lengths", 400,
	 POST("Content-Length: 3\r\nContent-Length: 4\r\n") "abcd" NEXT, 0},
	{"two_equal_lengths", 400,
	 POST("Content-Length: 3\r\nContent-Length: 3\r\n") "abc" NEXT, 0},
	{"length_in_another_case_twice", 400,
	 POST("Content-Length: 3\r\ncontent-LENGTH: 4\r\n") "abcd" NEXT, 0},
	{"length_as_a_list", 400, POST("Content-Length: 3, 3\r\n") "abc" NEXT,
	 0},
	{"length_with_a_plus", 400, POST("Content-Length: +3\r\n") "abc" NEXT,
	 0},
	{"length_in_hex", 400, POST("Content-Length: 0x3\r\n") "abc" NEXT, 0},
	{"length_below_zero", 400, POST("Content-Length: -3\r\n") "abc" NEXT,
	 0},
	{"length_with_leading_zeros", 400,
	 POST("Content-Length: 003\r\n") "abc" NEXT, 0},
	{"length_with_a_fraction", 400,
	 POST("Content-Length: 3.0\r\n") "abc" NEXT, 0},
	{"empty_length", 400, POST("Content-Length:\r\n") "abc" NEXT, 0},
	{"length_of_20_digits", 413,
	 POST("Content-Length: 99999999999999999999\r\n") "abc" NEXT, 0},
	{"length_beyond_the_limit", 413,
	 POST("Content-Length: 4194305\r\n") "abc" NEXT, 0},
	{"any_body_on_an_unknown_path", 413,
	 "POST /unknown HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na" NEXT,
	 0},
	{"any_body_of_a_delete_on_an_unknown_path", 413,
	 "DELETE /unknown HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na" NEXT,
	 0},
	{"large_body_that_asks_to_go_on", 413,
	 POST("Expect: 100-continue\r\nContent-Length: 4194305\r\n"), 0},
	{"post_without_a_length", 400, POST(""), 0},
	{"unknown_transfer_encoding", 400,
	 POST("Transfer-Encoding: xchunked\r\n") "0\r\n\r\n" NEXT, 0},
	{"unknown_transfer_encoding_and_length", 400,
	 POST("Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n") "abc", 0},
	{"transfer_encoding_as_a_list", 400,
	 POST("Transfer-Encoding: gzip, chunked\r\n") "0\r\n\r\n" NEXT, 0},
	{"two_transfer_encodings", 400, POST(CHUNKED CHUNKED) "0\r\n\r\n" NEXT,
	 0},
	{"identity_transfer_encoding", 400,
	 POST("Transfer-Encoding: identity\r\n") "abc", 0},
	{"chunked_request_of_a_peer", 400,
	 "POST /v1/peer/vote HTTP/1.1\r\n" HOST CHUNKED "\r\n0\r\n\r\n" NEXT,
	 0},
	{"chunk_of_overflowing_size", 413,
	 POST(CHUNKED) "fffffffffffffffff\r\nabc\r\n0\r\n\r\n" NEXT, 0},
	{"chunk_of_negative_size", 400, POST(CHUNKED) "-3\r\nabc\r\n0\r\n\r\n",
	 0},
	{"chunk_longer_than_it_says", 400,
	 POST(CHUNKED) "3\r\nabcXX0\r\n\r\n" NEXT, 0},
	{"space_before_the_colon", 400,
	 POST("Content-Length : 3\r\n") "abc" NEXT, 0},
	{"tab_before_the_colon", 400,
	 POST("Content-Length\t: 3\r\n") "abc" NEXT, 0},
	{"header_without_a_colon", 400, GET("foo\r\n") NEXT, 0},
	{"header_without_a_name", 400, GET(": foo\r\n") NEXT, 0},
	{"header_name_with_a_slash", 400, GET("a/b: c\r\n") NEXT, 0},
	{"header_name_with_a_high_byte", 400, GET("a\xe9: c\r\n") NEXT, 0},
	{"folded_header", 400, GET("X: a\r\n b\r\n") NEXT, 0},
	{"folded_length", 400, POST("Content-Length:\r\n 3\r\n") "abc" NEXT, 0},
	{"folded_first_header", 400,
	 "GET /a HTTP/1.1\r\n X: a\r\n" HOST "\r\n" NEXT, 0},
	{"carriage_return_in_a_header", 400, GET("X: a\rb\r\n") NEXT, 0},
	{"control_byte_in_a_header", 400, GET("X: a\x01\r\n") NEXT, 0},
	{"nul_in_a_header", 400, BYTES(GET("X: a\0b\r\n") NEXT)},
	{"nul_in_a_header_name", 400, BYTES(GET("X\0: a\r\n") NEXT)},
	{"nul_in_the_target", 400,
	 BYTES("GET /a\0b HTTP/1.1\r\n" HOST "\r\n" NEXT)},
	{"encoded_nul_in_the_target", 400,
	 "GET /a%00b HTTP/1.1\r\n" HOST "\r\n" NEXT, 0},
	{"absolute_target", 400,
	 "GET http://localhost/a HTTP/1.1\r\n" HOST "\r\n" NEXT, 0},
	{"space_in_the_target", 0, "GET /a b HTTP/1.1\r\n" HOST "\r\n" NEXT, 0},
	{"no_host", 400, "GET /a HTTP/1.1\r\n\r\n" NEXT, 0},
	{"empty_host", 403, "GET /a HTTP/1.1\r\nHost:\r\n\r\n" NEXT, 0},
	{"two_hosts", 400, GET(HOST) NEXT, 0},
	{"foreign_host", 403,
	 "GET /a HTTP/1.1\r\nHost: rebound.example\r\n\r\n" NEXT, 0},
	{"foreign_number_as_host", 403,
	 "GET /a HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n" NEXT, 0},
	{"host_that_only_begins_like_ours", 403,
	 "GET /a HTTP/1.1\r\nHost: localhost.example\r\n\r\n" NEXT, 0},
	{"host_with_a_bad_port", 403,
	 "GET /a HTTP/1.1\r\nHost: localhost:x\r\n\r\n" NEXT, 0},
	{"foreign_origin", 403, GET("Origin: http://site.example\r\n") NEXT, 0},
	{"null_origin", 403, GET("Origin: null\r\n") NEXT, 0},
	{"two_origins", 403,
	 GET("Origin: http://localhost\r\nOrigin: http://localhost\r\n") NEXT,
	 0},
	{"http_0_9", 400, "GET /a\r\n", 0},
	{"http_1_0", 400, "GET /a HTTP/1.0\r\n" HOST "\r\n" NEXT, 0},
	{"http_1_0_and_chunked", 400,
	 "POST /a HTTP/1.0\r\n" HOST CHUNKED "\r\n0\r\n\r\n" NEXT, 0},
	{"http_1_2", 400, "GET /a HTTP/1.2\r\n" HOST "\r\n" NEXT, 0},
	{"http_2_0", 505, "GET /a HTTP/2.0\r\n" HOST "\r\n" NEXT, 0},
	{"unknown_method", 405, "BREW /a HTTP/1.1\r\n" HOST "\r\n" NEXT, 0},
	{"method_in_lower_case", 405, "get /a HTTP/1.1\r\n" HOST "\r\n", 0},
	{"connect_method", 405,
	 "CONNECT localhost:1 HTTP/1.1\r\n" HOST "\r\n" NEXT, 0},
	{"tls_hello", 0, BYTES("\x16\x03\x01\x02\x00\x01\r\n\r\n")},
};

static const struct abuse plain[] = {
	{"get", 200, GET(""), 0},
	{"host_with_a_port", 200,
	 "GET /a HTTP/1.1\r\nHost: 127.0.0.1:7400\r\n\r\n", 0},
	{"host_in_capitals", 200, "GET /a HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n",
	 0},
	{"loopback_number_of_six", 200,
	 "GET /a HTTP/1.1\r\nHost: [::1]:7400\r\n\r\n", 0},
	{"host_that_was_allowed", 200,
	 "GET /a HTTP/1.1\r\nHost: node.example:80\r\n\r\n", 0},
	{"own_origin", 200, GET("Origin: http://localhost\r\n"), 0},
	{"header_without_a_space", 200,
	 "GET /a HTTP/1.1\r\nHost:localhost\r\n\r\n", 0},
	{"post", 200, POST("Content-Length: 3\r\n") "abc", 0},
	{"empty_post", 200, POST("Content-Length: 0\r\n"), 0},
	{"chunked_post", 200, POST(CHUNKED) "3\r\nabc\r\n0\r\n\r\n", 0},
	{"chunk_extension", 200, POST(CHUNKED) "3;a=b\r\nabc\r\n0\r\n\r\n", 0},
	{"empty_line_before_the_request", 200, "\r\n" GET(""), 0},
	{"delete_without_a_body", 200, "DELETE /a HTTP/1.1\r\n" HOST "\r\n", 0},
};

static int
open_server(void **state)
{
	const struct abuse *a = *state;
	struct http *h = mem_alloc(1, sizeof *h);

	http_init(h);
	h->settings.allowed_hosts = "other.example, node.example";
	h->user = (void *)(uintptr_t)a;
	http_open(h);
	*state = h;
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

/* Nothing reaches the handler, not even the request behind; the connection is
 * closed; what we answer ourselves is a problem object. */
static void
is_refused(void **state)
{
	struct http *h = *state;
	const struct abuse *a = h->user;
	struct http_client c;

	http_connect(h, &c);
	http_send(&c, a->request, a->len > 0 ? a->len : strlen(a->request));
	http_wait_closed(h, &c);
	assert_int_equal(http_status(&c), a->status);
	assert_int_equal(h->handled, 0);
	assert_int_equal(http_count(&c, "HTTP/1.1 200"), 0);
	if (http_count(&c, "problem+json") > 0) {
		assert_int_equal(http_count(&c, "Connection: close"), 1);
		assert_int_equal(http_count(&c, "no-store"), 1);
		assert_int_equal(http_count(&c, "nosniff"), 1);
		assert_int_equal(http_count(&c, "\"outcome\":\"none\""), 1);
		assert_int_equal(inbound_counts(h->in).refused, 1);
	}
	http_hang_up(&c);
}

static void
is_served(void **state)
{
	struct http *h = *state;
	const struct abuse *a = h->user;
	struct http_client c;

	http_connect(h, &c);
	http_say(&c, a->request);
	http_wait(h, &c, " /a ");
	assert_int_equal(http_status(&c), 200);
	assert_int_equal(h->handled, 1);
	assert_false(c.is_closed);
	http_hang_up(&c);
}

/* `pieces` times `piece`, between a request line and the end of a head. */
static void
flood(struct http *h, const char *start, const char *piece, int status)
{
	struct bytes text = {.data = NULL};
	struct http_client c;

	bytes_append_text(&text, start);
	while (text.len < FLOOD_BYTES)
		bytes_append_text(&text, piece);
	bytes_append_text(&text, "\r\n\r\n");
	http_connect(h, &c);
	http_send(&c, text.data, text.len);
	http_wait_closed(h, &c);
	assert_int_equal(http_status(&c), status);
	assert_int_equal(h->handled, 0);
	http_hang_up(&c);
	bytes_close(&text);
}

static void
head_without_an_end_is_refused(void **state)
{
	flood(*state, "GET /a HTTP/1.1\r\n" HOST "X: ", "aaaaaaaaaaaaaaaa",
	      431);
}

static void
thousands_of_headers_are_refused(void **state)
{
	flood(*state, "GET /a HTTP/1.1\r\n" HOST "X: a", "\r\nX: a", 431);
}

static void
target_without_an_end_is_refused(void **state)
{
	flood(*state, "GET /", "aaaaaaaaaaaaaaaa", 414);
}

static void
hundreds_of_small_headers_are_refused(void **state)
{
	struct http *h = *state;
	struct http_client c;
	int i;

	http_connect(h, &c);
	http_say(&c, "GET /a HTTP/1.1\r\n" HOST);
	for (i = 0; i < 200; i++)
		http_say(&c, "X: a\r\n");
	http_say(&c, "\r\n");
	http_wait_closed(h, &c);
	assert_int_equal(http_status(&c), 431);
	assert_int_equal(http_count(&c, "head-too-large"), 1);
	http_hang_up(&c);
}

/* Change some bytes of a good request; whatever comes of it, the next good
 * one on another connection is served. */
static void
damaged_requests_are_survived(void **state)
{
	static const char good[] =
		POST("Content-Length: 3\r\nX: a\r\n") "abc" POST(
			CHUNKED) "3\r\nabc\r\n0\r\n\r\n" GET("");
	char text[sizeof good];
	struct http *h = *state;
	struct http_client c;
	struct prng prng;
	int round, hits;

	prng_init(&prng, unit_seed());
	for (round = 0; round < 300; round++) {
		memcpy(text, good, sizeof good);
		for (hits = 0; hits < 3; hits++)
			text[prng_range(&prng, 0, sizeof good - 1)] =
				(char)prng_range(&prng, 0, 256);
		http_connect(h, &c);
		http_send(&c, text, prng_range(&prng, 1, sizeof good));
		http_step(h, &c);
		http_step(h, &c);
		http_hang_up(&c);
	}
	http_connect(h, &c);
	http_say(&c, GET(""));
	http_wait(h, &c, " /a ");
	http_hang_up(&c);
}

int
main(void)
{
	static const struct CMUnitTest floods[] = {
		cmocka_unit_test_setup_teardown(head_without_an_end_is_refused,
						open_server, close_server),
		cmocka_unit_test_setup_teardown(
			thousands_of_headers_are_refused, open_server,
			close_server),
		cmocka_unit_test_setup_teardown(
			target_without_an_end_is_refused, open_server,
			close_server),
		cmocka_unit_test_setup_teardown(
			hundreds_of_small_headers_are_refused, open_server,
			close_server),
		cmocka_unit_test_setup_teardown(damaged_requests_are_survived,
						open_server, close_server),
	};
	struct CMUnitTest tests[LEN(abuses) + LEN(plain) + LEN(floods)];
	char names[LEN(abuses) + LEN(plain)][64];
	size_t n = 0;
	size_t i;

	for (i = 0; i < LEN(abuses) + LEN(plain); i++, n++) {
		const bool bad = i < LEN(abuses);
		const struct abuse *a =
			bad ? &abuses[i] : &plain[i - LEN(abuses)];

		snprintf(names[n], sizeof names[n], "%s_is_%s", a->name,
			 bad ? "refused" : "served");
		tests[n] = (struct CMUnitTest){
			.name = names[n],
			.test_func = bad ? is_refused : is_served,
			.setup_func = open_server,
			.teardown_func = close_server,
			.initial_state = (void *)(uintptr_t)a,
		};
	}
	for (i = 0; i < LEN(floods); i++)
		tests[n++] = floods[i];
	return unit_run("inbound_abuse", tests, n);
}
