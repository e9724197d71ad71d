/* test_client_status.c - how a cluster does, and its snapshots, as a client
 * sees them. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_server.h"
#include "raftkit.h"

#define MEMBERS 3

struct cluster;

struct member {
	struct cluster *cluster;
	unsigned id;
	struct fake_server *server; /* NULL: it is down. */
	char url[64];
	const char *role;
	unsigned leader;
	const char *stream; /* As the leader says: its state. */
	unsigned lag;
	const char *disk;
	unsigned appends;
};

struct cluster {
	struct member members[MEMBERS];
};

static void
print_streams(const struct cluster *k, unsigned leader, struct bytes *out)
{
	const char *separator = "";
	unsigned i;

	for (i = 0; i < MEMBERS; i++) {
		if (i + 1 == leader)
			continue;
		bytes_printf(out,
			     "%s{\"id\":%u,\"state\":\"%s\",\"match\":9,"
			     "\"next\":10,\"lag\":%u,\"inflight_requests\":0,"
			     "\"inflight_bytes\":0,\"contact_ms_ago\":null,"
			     "\"errors\":0,\"snapshot_offset\":0,"
			     "\"snapshot_bytes\":0}",
			     separator, i + 1, k->members[i].stream,
			     k->members[i].lag);
		separator = ",";
	}
}

static enum fake_action
serve(void *user, const struct fake_request *r, struct bytes *out)
{
	struct member *m = user;
	const struct cluster *k = m->cluster;
	struct bytes body = {.data = NULL};
	char headers[64];

	if (strcmp(r->path, "/v1/status") != 0 && m->leader != 0) {
		m->appends++;
		snprintf(headers, sizeof headers,
			 "Raft-Node: %u\r\nRaft-Leader: %u\r\n", m->id,
			 m->leader);
		fake_reply(out, 200, headers,
			   "{\"index\":7,\"count\":1,\"term\":3,"
			   "\"runs\":[[7,1]],\"replayed\":false}");
		return FAKE_REPLY;
	}
	if (strcmp(r->path, "/v1/status") != 0) {
		fake_reply(out, 503, "",
			   "{\"type\":\"/v1/problems/no-leader\","
			   "\"title\":\"No leader\",\"status\":503,"
			   "\"detail\":\"none\",\"outcome\":\"none\","
			   "\"retryable\":true}");
		return FAKE_REPLY;
	}
	bytes_printf(&body,
		     "{\"id\":%u,\"cluster\":\"5c1e\",\"role\":\"%s\","
		     "\"term\":3,\"leader\":%u,\"leader_url\":\"%s\","
		     "\"address\":\"%s\",\"first\":1,\"last\":9,\"commit\":9,"
		     "\"applied\":9,\"snapshot\":null,\"uptime_ms\":1,"
		     "\"disk\":\"%s\",\"voters\":[1,2,3],\"learners\":[],"
		     "\"addresses\":{\"1\":\"%s\",\"2\":\"%s\",\"3\":\"%s\"},"
		     "\"error\":null,\"streams\":[",
		     m->id, m->role, m->leader,
		     m->leader > 0 ? k->members[m->leader - 1].url : "", m->url,
		     m->disk, k->members[0].url, k->members[1].url,
		     k->members[2].url);
	if (strcmp(m->role, "leader") == 0)
		print_streams(k, m->id, &body);
	bytes_append_text(&body, "]}");
	bytes_append_char(&body, '\0');
	fake_reply(out, 200, "", (const char *)body.data);
	bytes_close(&body);
	return FAKE_REPLY;
}

/* `up` of the members run, of which the first leads. */
static struct rk_client *
start(struct cluster *k, unsigned up)
{
	struct rk_client_options options = {.timeout_ms = 500};
	struct rk_client *c;
	struct rk_error err;
	unsigned i;

	*k = (struct cluster){.members = {{.cluster = NULL}}};
	for (i = 0; i < MEMBERS; i++) {
		k->members[i] =
			(struct member){.cluster = k,
					.id = i + 1,
					.role = i == 0 ? "leader" : "follower",
					.leader = 1,
					.stream = "line-rate",
					.disk = "ok"};
		fake_dead_url(k->members[i].url);
		if (i >= up)
			continue;
		k->members[i].server = fake_server_start(serve, &k->members[i]);
		snprintf(k->members[i].url, sizeof k->members[i].url, "%s",
			 fake_server_url(k->members[i].server));
	}
	options.endpoints = k->members[0].url; /* It names the others. */
	assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
	return c;
}

static void
stop(struct cluster *k, struct rk_client *c)
{
	unsigned i;

	rk_client_close(c);
	for (i = 0; i < MEMBERS; i++) {
		if (k->members[i].server != NULL)
			fake_server_stop(k->members[i].server);
	}
}

static void
expect(struct rk_client *c, enum rk_verdict verdict, const char *reason)
{
	struct rk_cluster_status *s;
	struct rk_error err;

	assert_int_equal(rk_client_status(c, &s, &err), RK_OK);
	assert_int_equal(s->count, MEMBERS);
	assert_string_equal(s->reason, reason);
	assert_int_equal(s->verdict, verdict);
	rk_cluster_status_free(s);
}

static void
healthy_when_all_follow_closely(void **state)
{
	struct rk_cluster_status *s;
	struct rk_client *c;
	struct rk_error err;
	struct cluster k;

	(void)state;
	c = start(&k, 3);
	assert_int_equal(rk_client_status(c, &s, &err), RK_OK);
	assert_int_equal(s->verdict, RK_HEALTHY);
	assert_int_equal(s->leader, 1);
	assert_int_equal(s->term, 3);
	assert_string_equal(s->leader_url, k.members[0].url);
	assert_string_equal(s->cluster, "5c1e");
	assert_int_equal(s->members[2].id, 3);
	assert_true(s->members[2].voter);
	assert_true(s->members[2].has_stream);
	assert_false(s->members[0].has_stream);
	assert_int_equal(s->members[2].stream.contact_ms_ago, UINT64_MAX);
	assert_non_null(strstr(s->members[1].json, "\"id\":2"));
	rk_cluster_status_free(s);
	stop(&k, c);
}

static void
degraded_names_the_first_that_ails(void **state)
{
	struct rk_client *c;
	struct cluster k;

	(void)state;
	c = start(&k, 3);
	k.members[1].stream = "lagging";
	expect(c, RK_HEALTHY, ""); /* It has everything nevertheless. */
	k.members[1].lag = 5;
	expect(c, RK_DEGRADED, "member 2: lagging");
	k.members[1].stream = "line-rate";
	k.members[2].disk = "full";
	expect(c, RK_DEGRADED, "member 3: disk full");
	k.members[2].disk = "ok";
	k.members[2].leader = 0;
	expect(c, RK_DEGRADED, "member 3: does not follow the leader");
	stop(&k, c);
	c = start(&k, 2);
	expect(c, RK_DEGRADED, "member 3: connection refused");
	stop(&k, c);
}

static void
no_quorum_when_a_majority_does_not_follow(void **state)
{
	struct rk_client *c;
	struct cluster k;

	(void)state;
	c = start(&k, 3);
	k.members[1].leader = 0;
	k.members[2].leader = 2;
	expect(c, RK_NO_QUORUM, "only 1 of 3 voters follow leader 1");
	k.members[0].role = "follower";
	expect(c, RK_NO_QUORUM, "no leader");
	stop(&k, c);
}

static enum rk_code
append(struct rk_client *c, struct rk_error *err)
{
	const struct rk_data entry = {"x", 1};
	const struct rk_batch batch = {
		.entries = &entry, .count = 1, .session = "s", .first_seq = 1};
	struct rk_appended done;

	return rk_client_append(c, &batch, &done, err);
}

/* Who asks a follower is served by it, and then turns to the leader; also when
 * that is another one later. */
static void
append_turns_to_the_leader(void **state)
{
	struct rk_client *c;
	struct rk_error err;
	struct cluster k;
	unsigned i;

	(void)state;
	c = start(&k, 3);
	for (i = 0; i < 3; i++)
		k.members[i].leader = 2;
	for (i = 0; i < 4; i++)
		assert_int_equal(append(c, &err), RK_OK);
	assert_int_equal(k.members[0].appends, 1);
	assert_int_equal(k.members[1].appends, 3);
	for (i = 0; i < 3; i++)
		k.members[i].leader = 3;
	for (i = 0; i < 4; i++)
		assert_int_equal(append(c, &err), RK_OK);
	assert_int_equal(k.members[1].appends, 4);
	assert_int_equal(k.members[2].appends, 3);
	stop(&k, c);
}

static void
no_leader_says_who_can_be_reached(void **state)
{
	struct rk_client *c;
	struct rk_error err;
	struct cluster k;

	(void)state;
	c = start(&k, 1);
	k.members[0].leader = 0;
	assert_int_equal(append(c, &err), RK_NO_LEADER);
	assert_string_equal(err.text, "no leader: 1 of 3 members reachable (1 "
				      "up; 2, 3: connection refused)");
	stop(&k, c);
}

static enum fake_action
confuse(void *user, const struct fake_request *r, struct bytes *out)
{
	(void)r;
	fake_reply(out, 200, "", user);
	return FAKE_REPLY;
}

static void
reply_that_is_no_status_is_an_error(void **state)
{
	static const char *const bodies[] = {"", "[]", "{}", "{\"id\":-1}",
					     "<html>"};
	struct rk_client_options options = {.timeout_ms = 500};
	struct rk_cluster_status *s;
	struct fake_server *server;
	struct rk_client *c;
	struct rk_error err;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bodies); i++) {
		server = fake_server_start(confuse, (void *)bodies[i]);
		options.endpoints = fake_server_url(server);
		assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
		assert_int_equal(rk_client_status(c, &s, &err), RK_UNREACHABLE);
		rk_client_close(c);
		fake_server_stop(server);
	}
}

/* A snapshot of 1000 bytes, in pieces of at most 300; the one who asks from
 * the middle must name it. */
static enum fake_action
serve_snapshot(void *user, const struct fake_request *r, struct bytes *out)
{
	size_t *pieces = user;
	char range[64];
	size_t from = 0;
	size_t i;

	if (fake_header(r, "Range", range, sizeof range)) {
		from = strtoul(range + strlen("bytes="), NULL, 10);
		assert_string_equal(r->path, "/v1/snapshots/9-3");
	} else {
		assert_string_equal(r->path, "/v1/snapshots/latest");
	}
	++*pieces;
	bytes_printf(out,
		     "HTTP/1.1 %s\r\nETag: \"9-3\"\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     from > 0 ? "206 Partial Content" : "200 OK", 1000 - from);
	for (i = from; i < from + 300 && i < 1000; i++)
		bytes_append_char(out, (char)i);
	return i < 1000 ? FAKE_REPLY_CLOSE : FAKE_REPLY;
}

static bool
collect(void *user, const void *data, size_t len)
{
	bytes_append(user, data, len);
	return true;
}

static void
snapshot_goes_on_where_it_was_cut(void **state)
{
	struct rk_client_options options = {.timeout_ms = 2000};
	struct bytes got = {.data = NULL};
	struct fake_server *server;
	struct rk_client *c;
	struct rk_error err;
	size_t pieces = 0;
	size_t i;

	(void)state;
	server = fake_server_start(serve_snapshot, &pieces);
	options.endpoints = fake_server_url(server);
	assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
	assert_int_equal(rk_client_snapshot_save(c, NULL, collect, &got, &err),
			 RK_OK);
	assert_int_equal(got.len, 1000);
	for (i = 0; i < got.len; i++)
		assert_int_equal(got.data[i], (uint8_t)i);
	assert_int_equal(pieces, 4);
	bytes_close(&got);
	rk_client_close(c);
	fake_server_stop(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_when_all_follow_closely),
		cmocka_unit_test(degraded_names_the_first_that_ails),
		cmocka_unit_test(no_quorum_when_a_majority_does_not_follow),
		cmocka_unit_test(append_turns_to_the_leader),
		cmocka_unit_test(no_leader_says_who_can_be_reached),
		cmocka_unit_test(reply_that_is_no_status_is_an_error),
		cmocka_unit_test(snapshot_goes_on_where_it_was_cut),
	};

	return unit_run("client_status", tests, LEN(tests));
}
