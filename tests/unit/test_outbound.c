/* test_outbound.c - HTTP out, against a small server. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_server.h"
#include "wire/outbound.h"

/* What became of a call. */
struct result {
	unsigned done;
	enum outbound_outcome outcome;
	int status;
	struct bytes body;
	char why[128];
	char header[64];
	bool refuse_data;
};

static void
on_done(void *user, struct outbound_call *call,
	const struct outbound_reply *reply)
{
	struct result *r = user;
	const char *header;

	r->done++;
	r->outcome = reply->outcome;
	r->status = reply->status;
	bytes_append(&r->body, reply->body.data, reply->body.len);
	if (reply->why != NULL)
		snprintf(r->why, sizeof r->why, "%s", reply->why);
	header = outbound_reply_header(call, "raft-index");
	if (header != NULL)
		snprintf(r->header, sizeof r->header, "%s", header);
}

static bool
on_data(void *user, struct outbound_call *call, struct slice piece)
{
	struct result *r = user;

	(void)call;
	bytes_append(&r->body, piece.data, piece.len);
	return !r->refuse_data;
}

static struct outbound *
open_outbound(void)
{
	struct outbound *out;
	struct rk_error err;

	assert_int_equal(outbound_open(&out, &err), RK_OK);
	return out;
}

static struct outbound_request
request_to(const char *url, struct result *r)
{
	*r = (struct result){.done = 0};
	return (struct outbound_request){.method = "GET",
					 .url = url,
					 .path = "/x",
					 .deadline_ms = 5000,
					 .max_reply_bytes = 1U << 20,
					 .user = r,
					 .done = on_done};
}

static void
wait_for(struct outbound *out, const struct result *r)
{
	while (r->done == 0)
		outbound_wait(out, 1000);
	assert_int_equal(r->done, 1);
}

/* Answers with what it was sent: head, then body. */
static enum fake_action
echo(void *user, const struct fake_request *r, struct bytes *out)
{
	(void)user;
	bytes_printf(out,
		     "HTTP/1.1 200 OK\r\nRaft-Index: 7\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     strlen(r->head) + r->body.len);
	bytes_append_text(out, r->head);
	bytes_append(out, r->body.data, r->body.len);
	return FAKE_REPLY;
}

static enum fake_action
cut(void *user, const struct fake_request *r, struct bytes *out)
{
	(void)user;
	(void)r;
	(void)out;
	return FAKE_CUT;
}

static enum fake_action
hang(void *user, const struct fake_request *r, struct bytes *out)
{
	(void)user;
	(void)r;
	(void)out;
	return FAKE_HANG;
}

static void
reply_comes_with_status_headers_and_body(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);
	const char *headers[] = {"Raft-Cluster: 5c1e", NULL};

	(void)state;
	q.headers = headers;
	outbound_start(out, &q);
	assert_int_equal(r.done, 0);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_OK);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.header, "7");
	bytes_append_char(&r.body, '\0');
	assert_non_null(strstr((char *)r.body.data, "GET /x HTTP/1.1\r\n"));
	assert_non_null(strstr((char *)r.body.data, "Raft-Cluster: 5c1e\r\n"));
	bytes_close(&r.body);
	outbound_close(out);
	fake_server_stop(s);
}

static void
post_body_arrives(struct outbound *out, const char *url, size_t head_len,
		  size_t rest_len)
{
	struct bytes head = {.data = NULL};
	struct bytes rest = {.data = NULL};
	struct payload *payload;
	struct outbound_request q;
	struct result r;
	size_t len = head_len + rest_len;

	memset(bytes_reserve(&head, head_len), 'h', head_len);
	memset(bytes_reserve(&rest, rest_len), 'r', rest_len);
	head.len = head_len;
	rest.len = rest_len;
	payload = payload_new_take(&rest);
	q = request_to(url, &r);
	q.method = "POST";
	q.head = (struct slice){head.data, head_len};
	q.payload = payload;
	q.max_reply_bytes = 8U << 20;
	outbound_start(out, &q);
	payload_unref(payload); /* The call has its own. */
	bytes_close(&head);     /* Copied. */
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_OK);
	assert_true(r.body.len > len);
	r.body.data[r.body.len - len - 1] = '\0';
	assert_null(strcasestr((char *)r.body.data, "Expect"));
	assert_null(strcasestr((char *)r.body.data, "Content-Type"));
	if (head_len > 0)
		assert_int_equal(r.body.data[r.body.len - len], 'h');
	if (rest_len > 0) {
		assert_int_equal(r.body.data[r.body.len - rest_len], 'r');
		assert_int_equal(r.body.data[r.body.len - 1], 'r');
	}
	bytes_close(&r.body);
}

static void
body_of_any_size_is_head_then_payload(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	const char *url = fake_server_url(s);

	(void)state;
	post_body_arrives(out, url, 0, 0);
	post_body_arrives(out, url, 10, 0);
	post_body_arrives(out, url, 10, 100);
	post_body_arrives(out, url, 100, 2U << 20);
	post_body_arrives(out, url, 2U << 20, 0);
	post_body_arrives(out, url, 5, 5);
	assert_int_equal(fake_server_connections(s), 1);
	outbound_close(out);
	fake_server_stop(s);
}

static void
fault_l11_lanes_keep_connections_of_their_own(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	struct outbound_request q;
	struct result r;
	unsigned i;

	(void)state;
	for (i = 0; i < 6; i++) {
		q = request_to(fake_server_url(s), &r);
		q.lane = i % 2;
		outbound_start(out, &q);
		wait_for(out, &r);
		bytes_close(&r.body);
	}
	assert_int_equal(fake_server_requests(s), 6);
	assert_int_equal(fake_server_connections(s), 2);
	outbound_close(out);
	fake_server_stop(s);
}

static void
unreachable_when_nobody_listens(void **state)
{
	struct outbound *out = open_outbound();
	struct outbound_request q;
	struct result r;
	char url[64];

	(void)state;
	fake_dead_url(url);
	q = request_to(url, &r);
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_UNREACHABLE);
	assert_string_equal(r.why, "connection refused");
	q = request_to("http://[::", &r);
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_UNREACHABLE);
	q = request_to("https://127.0.0.1:1", &r);
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_UNREACHABLE);
	outbound_close(out);
}

static void
cut_when_the_server_closes_without_a_reply(void **state)
{
	struct fake_server *s = fake_server_start(cut, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);

	(void)state;
	q.method = "POST";
	q.head = (struct slice){(const uint8_t *)"x", 1};
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_CUT);
	assert_string_equal(r.why, "lost connection");
	outbound_close(out);
	fake_server_stop(s);
}

static void
deadline_ends_a_call_that_hangs(void **state)
{
	struct fake_server *s = fake_server_start(hang, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);

	(void)state;
	q.deadline_ms = 50;
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_TIMEOUT);
	assert_string_equal(r.why, "no answer in time");
	outbound_close(out);
	fake_server_stop(s);
}

static void
cancel_ends_a_call_at_once(void **state)
{
	struct fake_server *s = fake_server_start(hang, NULL);
	struct outbound *out = open_outbound();
	struct outbound_call *call;
	struct outbound_request q;
	struct result r;
	struct result other;

	(void)state;
	q = request_to(fake_server_url(s), &r);
	call = outbound_start(out, &q);
	outbound_wait(out, 10);
	outbound_cancel(call);
	assert_int_equal(r.done, 1);
	assert_int_equal(r.outcome, OUTBOUND_CANCELLED);
	q = request_to(fake_server_url(s), &other);
	outbound_start(out, &q);
	outbound_close(out); /* Cancels what is left. */
	assert_int_equal(other.done, 1);
	assert_int_equal(other.outcome, OUTBOUND_CANCELLED);
	fake_server_stop(s);
}

static void
reply_over_the_limit_is_cut_off(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);

	(void)state;
	q.max_reply_bytes = 10;
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_CUT);
	assert_string_equal(r.why, "the reply is too long");
	outbound_close(out);
	fake_server_stop(s);
}

static void
data_takes_the_body_in_pieces_and_may_stop_it(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);

	(void)state;
	q.data = on_data;
	q.max_reply_bytes = 0;
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_OK);
	assert_true(r.body.len > 0);
	bytes_close(&r.body);
	q = request_to(fake_server_url(s), &r);
	q.data = on_data;
	r.refuse_data = true;
	outbound_start(out, &q);
	wait_for(out, &r);
	assert_int_equal(r.outcome, OUTBOUND_CANCELLED);
	bytes_close(&r.body);
	outbound_close(out);
	fake_server_stop(s);
}

/* The server closes after each reply, so that the kept connection is stale. */
static enum fake_action
reply_and_close(void *user, const struct fake_request *r, struct bytes *out)
{
	(void)user;
	(void)r;
	fake_reply(out, 200, "", "ok");
	return FAKE_REPLY_CLOSE;
}

static void
stale_connection_is_replaced(void **state)
{
	struct fake_server *s = fake_server_start(reply_and_close, NULL);
	struct outbound *out = open_outbound();
	struct outbound_request q;
	struct result r;
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		q = request_to(fake_server_url(s), &r);
		q.method = "POST";
		outbound_start(out, &q);
		wait_for(out, &r);
		assert_int_equal(r.outcome, OUTBOUND_OK);
		bytes_close(&r.body);
	}
	outbound_close(out);
	fake_server_stop(s);
}

static void
environment_does_not_choose_a_proxy(void **state)
{
	struct fake_server *s = fake_server_start(echo, NULL);
	struct outbound *out = open_outbound();
	struct result r;
	struct outbound_request q = request_to(fake_server_url(s), &r);

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	outbound_start(out, &q);
	wait_for(out, &r);
	unsetenv("http_proxy");
	assert_int_equal(r.outcome, OUTBOUND_OK);
	bytes_close(&r.body);
	outbound_close(out);
	fake_server_stop(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_comes_with_status_headers_and_body),
		cmocka_unit_test(body_of_any_size_is_head_then_payload),
		cmocka_unit_test(fault_l11_lanes_keep_connections_of_their_own),
		cmocka_unit_test(unreachable_when_nobody_listens),
		cmocka_unit_test(cut_when_the_server_closes_without_a_reply),
		cmocka_unit_test(deadline_ends_a_call_that_hangs),
		cmocka_unit_test(cancel_ends_a_call_at_once),
		cmocka_unit_test(reply_over_the_limit_is_cut_off),
		cmocka_unit_test(data_takes_the_body_in_pieces_and_may_stop_it),
		cmocka_unit_test(stale_connection_is_replaced),
		cmocka_unit_test(environment_does_not_choose_a_proxy),
	};

	return unit_run("outbound", tests, LEN(tests));
}
