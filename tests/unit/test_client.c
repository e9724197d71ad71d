/* test_client.c - the client of a cluster, against servers that misbehave. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fake_server.h"
#include "raftkit.h"

#define APPENDED(index)                                                        \
	"{\"index\":" #index ",\"count\":1,\"term\":2,\"runs\":[[" #index      \
	",1]],\"replayed\":false}"

/* What a server is to do, request by request; the last goes on. */
struct script {
	enum fake_action action;
	int status;
	const char *headers;
	const char *body;
};

struct member {
	struct fake_server *server;
	const struct script *script;
	char seen[8][600]; /* The first requests: line, key, body. */
	unsigned seen_count;
};

static enum fake_action
play(void *user, const struct fake_request *r, struct bytes *out)
{
	struct member *m = user;
	const struct script *s;
	char key[128] = "-";

	if (strcmp(r->path, "/v1/status") == 0) {
		fake_reply(out, 503, "", "");
		return FAKE_REPLY;
	}
	s = m->script;
	if (m->seen_count < LEN(m->seen)) {
		fake_header(r, "Idempotency-Key", key, sizeof key);
		snprintf(m->seen[m->seen_count], sizeof m->seen[0],
			 "%s %s %s %.*s", r->method, r->path, key,
			 (int)r->body.len, (const char *)r->body.data);
		m->seen_count++;
	}
	if (s[1].status != 0 || s[1].action != FAKE_REPLY)
		m->script++;
	if (s->action == FAKE_REPLY)
		fake_reply(out, s->status, s->headers ? s->headers : "",
			   s->body);
	else if (s->action == FAKE_REPLY_CLOSE)
		bytes_append_text(out, s->body);
	return s->action;
}

static void
start(struct member *m, const struct script *script)
{
	*m = (struct member){.script = script};
	m->server = fake_server_start(play, m);
}

static struct rk_client *
open_client(const char *endpoints, uint64_t timeout_ms, const char *cluster)
{
	const struct rk_client_options options = {.endpoints = endpoints,
						  .timeout_ms = timeout_ms,
						  .cluster = cluster};
	struct rk_client *c;
	struct rk_error err;

	if (rk_client_open(&options, &c, &err) != RK_OK)
		fail_msg("%s", err.text);
	return c;
}

static enum rk_code
append_one(struct rk_client *c, const char *session, struct rk_appended *done,
	   struct rk_error *err)
{
	const struct rk_data entry = {"set a 1", 7};
	const struct rk_batch batch = {.entries = &entry,
				       .count = 1,
				       .session = session,
				       .first_seq = 5};

	return rk_client_append(c, &batch, done, err);
}

static void
append_gives_the_index(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 200, "", APPENDED(7)}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 1000, NULL);
	assert_int_equal(append_one(c, "8f3a91", &done, &err), RK_OK);
	assert_int_equal(done.count, 1);
	assert_int_equal(done.run_count, 1);
	assert_int_equal(done.runs[0].first, 7);
	assert_int_equal(done.term, 2);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_string_equal(m.seen[0], "POST /v1/log 8f3a91/5 set a 1");
}

static void
append_is_sent_again_after_a_cut(void **state)
{
	static const struct script cut_first[] = {
		{.action = FAKE_CUT}, {FAKE_REPLY, 200, "", APPENDED(7)}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, cut_first);
	c = open_client(fake_server_url(m.server), 2000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_int_equal(m.seen_count, 2);
	assert_string_equal(m.seen[0], m.seen[1]);
}

static void
append_is_unknown_when_cut_to_the_end(void **state)
{
	static const struct script script[] = {{.action = FAKE_CUT}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 200, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_UNKNOWN);
	assert_non_null(strstr(err.text, "outcome unknown: lost connection"));
	assert_int_equal(done.count, 0);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_true(m.seen_count > 1);
}

static void
append_without_session_is_not_sent_again(void **state)
{
	static const struct script script[] = {{.action = FAKE_CUT}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 2000, NULL);
	assert_int_equal(append_one(c, NULL, &done, &err), RK_UNKNOWN);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_int_equal(m.seen_count, 1);
}

/* Once in doubt, a later refusal does not make it certain. */
static void
append_stays_unknown_when_refused_after_a_cut(void **state)
{
	static const struct script script[] = {
		{.action = FAKE_CUT}, {FAKE_REPLY, 507, "", ""}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 2000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_UNKNOWN);
	rk_client_close(c);
	fake_server_stop(m.server);
}

static void
unreachable_when_nobody_listens(void **state)
{
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	char text[160];
	char url[64];

	(void)state;
	fake_dead_url(url);
	c = open_client(url, 2000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_UNREACHABLE);
	snprintf(text, sizeof text, "cannot reach %s: connection refused",
		 url + 7);
	assert_string_equal(err.text, text);
	assert_true(err.hint[0] != '\0');
	rk_client_close(c);
}

static void
dead_endpoint_is_passed_over(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 200, "", APPENDED(7)}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;
	char list[200];
	char url[64];

	(void)state;
	start(&m, script);
	fake_dead_url(url);
	snprintf(list, sizeof list, "%s,%s", url + 7,
		 fake_server_url(m.server));
	c = open_client(list, 1000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	rk_client_close(c);
	fake_server_stop(m.server);
}

static void
no_leader_is_waited_out(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 503, "", ""},
		{FAKE_REPLY, 503, "", ""},
		{FAKE_REPLY, 200, "", APPENDED(9)},
		{0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 5000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	assert_int_equal(done.runs[0].first, 9);
	rk_client_close(c);
	fake_server_stop(m.server);
}

#define NO_LEADER                                                              \
	"{\"type\":\"/v1/problems/no-leader\",\"title\":\"No leader\","        \
	"\"status\":503,\"detail\":\"an election is under way\","              \
	"\"outcome\":\"none\",\"retryable\":true%s%s%s}"

static void
no_leader_at_the_deadline_proposed_nothing(void **state)
{
	struct script script[] = {{FAKE_REPLY, 503, "", NULL}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;
	char body[512];

	(void)state;
	snprintf(body, sizeof body, NO_LEADER, "", "", "");
	script[0].body = body;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 100, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_NO_LEADER);
	assert_non_null(strstr(err.text, "no leader"));
	assert_non_null(strstr(err.hint, "nothing was appended"));
	rk_client_close(c);
	fake_server_stop(m.server);
}

static void
leader_that_a_refusal_names_is_asked(void **state)
{
	static const struct script leads[] = {
		{FAKE_REPLY, 200, "", APPENDED(7)}, {0}};
	struct script follows[] = {{FAKE_REPLY, 503, "", NULL}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct member leader;
	struct member m;
	struct rk_client *c;
	char body[512];

	(void)state;
	start(&leader, leads);
	snprintf(body, sizeof body, NO_LEADER, ",\"leader\":\"",
		 fake_server_url(leader.server), "\"");
	follows[0].body = body;
	start(&m, follows);
	c = open_client(fake_server_url(m.server), 2000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	rk_client_close(c);
	fake_server_stop(m.server);
	fake_server_stop(leader.server);
	assert_int_equal(m.seen_count, 1);
	assert_int_equal(leader.seen_count, 2);
}

static void
busy_is_waited_out_and_disk_full_is_not(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 429, "", ""}, {FAKE_REPLY, 507, "", ""}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 5000, NULL);
	assert_int_equal(append_one(c, "s", &done, &err), RK_REJECTED);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_int_equal(m.seen_count, 2);
}

static void
wrong_cluster_is_denied(void **state)
{
	static const struct script script[] = {{FAKE_REPLY, 403, "", ""}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 5000, "5c1e");
	assert_string_equal(rk_client_cluster(c), "5c1e");
	assert_int_equal(append_one(c, "s", &done, &err), RK_DENIED);
	rk_client_close(c);
	fake_server_stop(m.server);
}

static void
cluster_is_learned_from_the_first_reply(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 200, "Raft-Cluster: 0a1b\r\n", APPENDED(7)}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 5000, NULL);
	assert_string_equal(rk_client_cluster(c), "");
	assert_int_equal(append_one(c, "s", &done, &err), RK_OK);
	assert_string_equal(rk_client_cluster(c), "0a1b");
	rk_client_close(c);
	fake_server_stop(m.server);
}

/* Accepts all but entries that hold an X. */
static enum fake_action
refuse_x(void *user, const struct fake_request *r, struct bytes *out)
{
	unsigned *next = user;
	unsigned count = 0;
	char body[256];
	size_t i;

	if (memchr(r->body.data, 'X', r->body.len) != NULL) {
		fake_reply(out, 413, "", "");
		return FAKE_REPLY;
	}
	for (i = 0; i < r->body.len; i++)
		count += r->body.data[i] == '\n';
	if (strcmp(r->path, "/v1/log") == 0)
		count = 1;
	snprintf(body, sizeof body,
		 "{\"index\":%u,\"count\":%u,\"term\":1,\"runs\":[[%u,%u]],"
		 "\"replayed\":false}",
		 *next, count, *next, count);
	*next += count;
	fake_reply(out, 200, "", body);
	return FAKE_REPLY;
}

static void
batch_goes_in_up_to_the_entry_that_is_refused(void **state)
{
	struct rk_data entries[100];
	const struct rk_batch batch = {.entries = entries,
				       .count = LEN(entries),
				       .session = "s",
				       .first_seq = 1};
	struct rk_appended done;
	struct fake_server *s;
	struct rk_error err;
	struct rk_client *c;
	unsigned next = 1;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(entries); i++)
		entries[i] = (struct rk_data){"line", 4};
	entries[37] = (struct rk_data){"liXe", 4};
	s = fake_server_start(refuse_x, &next);
	c = open_client(fake_server_url(s), 5000, NULL);
	assert_int_equal(rk_client_append(c, &batch, &done, &err), RK_REJECTED);
	assert_int_equal(done.count, 37);
	assert_int_equal(done.run_count, 1);
	assert_int_equal(done.runs[0].count, 37);
	assert_int_equal(next, 38);
	rk_client_close(c);
	fake_server_stop(s);
}

static void
form_of_the_body_keeps_every_byte(void **state)
{
	static const struct script script[] = {
		{FAKE_REPLY, 200, "",
		 "{\"index\":1,\"count\":2,\"term\":1,\"runs\":[[1,1],[3,1]],"
		 "\"replayed\":true}"},
		{0}};
	const struct rk_data plain[] = {{"a", 1}, {"", 0}};
	const struct rk_data lines[] = {{"a\nb", 3}, {"c", 1}};
	const struct rk_data both[] = {{"a\nb", 3}, {"\0", 1}};
	struct rk_batch batch = {.count = 2};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;

	(void)state;
	start(&m, script);
	c = open_client(fake_server_url(m.server), 5000, NULL);
	batch.entries = plain;
	assert_int_equal(rk_client_append(c, &batch, &done, &err), RK_OK);
	assert_true(done.replayed);
	assert_int_equal(done.run_count, 2);
	batch.entries = lines;
	assert_int_equal(rk_client_append(c, &batch, &done, &err), RK_OK);
	batch.entries = both;
	assert_int_equal(rk_client_append(c, &batch, &done, &err), RK_OK);
	rk_client_close(c);
	fake_server_stop(m.server);
	assert_string_equal(m.seen[0], "POST /v1/log?split=lines - a\n\n");
	assert_string_equal(m.seen[1], "POST /v1/log?split=null - a\nb");
	assert_string_equal(m.seen[2], "POST /v1/log - "
				       "{\"data_base64\":\"YQpi\"}\n"
				       "{\"data_base64\":\"AA==\"}\n");
}

static void
reply_that_makes_no_sense_leaves_it_unknown(void **state)
{
	static const char *const bodies[] = {
		"",
		"7\n",
		"{}",
		"{\"term\":1,\"replayed\":false,\"runs\":[]}",
		"{\"term\":1,\"replayed\":false,\"runs\":[[7,2]]}",
		"{\"term\":1,\"replayed\":false,\"runs\":[[0,1]]}",
		"{\"term\":1,\"replayed\":false,\"runs\":[7,1]}",
		"{\"term\":-1,\"replayed\":false,\"runs\":[[7,1]]}",
	};
	struct script script[] = {{FAKE_REPLY, 200, "", NULL}, {0}};
	struct rk_appended done;
	struct rk_error err;
	struct rk_client *c;
	struct member m;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bodies); i++) {
		script[0].body = bodies[i];
		start(&m, script);
		c = open_client(fake_server_url(m.server), 5000, NULL);
		assert_int_equal(append_one(c, "s", &done, &err), RK_UNKNOWN);
		assert_int_equal(done.count, 0);
		rk_client_close(c);
		fake_server_stop(m.server);
	}
}

static void
endpoints_are_checked(void **state)
{
	struct rk_client_options options = {.endpoints = "https://a:1"};
	struct rk_client *c;
	struct rk_error err;

	(void)state;
	assert_int_equal(rk_client_open(&options, &c, &err), RK_USAGE);
	options.endpoints = "a:1,,b:2";
	assert_int_equal(rk_client_open(&options, &c, &err), RK_USAGE);
	options.endpoints = "ftp://a:1";
	assert_int_equal(rk_client_open(&options, &c, &err), RK_USAGE);
	options.endpoints = "localhost,http://127.0.0.1:7401/,[::1]:7402";
	assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
	rk_client_close(c);
	options.endpoints = "";
	assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
	rk_client_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_gives_the_index),
		cmocka_unit_test(append_is_sent_again_after_a_cut),
		cmocka_unit_test(append_is_unknown_when_cut_to_the_end),
		cmocka_unit_test(append_without_session_is_not_sent_again),
		cmocka_unit_test(append_stays_unknown_when_refused_after_a_cut),
		cmocka_unit_test(unreachable_when_nobody_listens),
		cmocka_unit_test(dead_endpoint_is_passed_over),
		cmocka_unit_test(no_leader_is_waited_out),
		cmocka_unit_test(no_leader_at_the_deadline_proposed_nothing),
		cmocka_unit_test(leader_that_a_refusal_names_is_asked),
		cmocka_unit_test(busy_is_waited_out_and_disk_full_is_not),
		cmocka_unit_test(wrong_cluster_is_denied),
		cmocka_unit_test(cluster_is_learned_from_the_first_reply),
		cmocka_unit_test(batch_goes_in_up_to_the_entry_that_is_refused),
		cmocka_unit_test(form_of_the_body_keeps_every_byte),
		cmocka_unit_test(reply_that_makes_no_sense_leaves_it_unknown),
		cmocka_unit_test(endpoints_are_checked),
	};

	return unit_run("client", tests, LEN(tests));
}
