/* test_codec_peer.c - the members' messages, there and back. */

#include "unit.h"

#include "peers.h"

/* From member 1 to member 2, and decoded there. */
static void
pass_request(const struct message *m, struct slice lines, struct bytes *body,
	     struct peer_message *got)
{
	struct rk_error err = {.code = RK_OK};

	*body = peers_encode(&peers_one, m, lines);
	if (peer_decode_request(peers_slice(body), peer_path(m->type),
				&peers_two, got, &err))
		fail_msg("%s", err.text);
	assert_int_equal(got->message.type, m->type);
	assert_int_equal(got->message.from, 1);
	assert_int_equal(got->message.to, 2);
	assert_int_equal(got->message.term, m->term);
	assert_int_equal(got->message.stream, m->stream);
	assert_int_equal(got->message.request, m->request);
	assert_string_equal(got->incarnation, peers_one.incarnation);
}

static void
pass_reply(const struct message *m, struct peer_message *got)
{
	struct rk_error err = {.code = RK_OK};
	struct bytes body = peers_encode(&peers_one, m, peers_nothing);

	if (peer_decode_reply(peers_slice(&body),
			      (enum message_type)(m->type - 1), &peers_two, got,
			      &err))
		fail_msg("%s", err.text);
	assert_int_equal(got->message.type, m->type);
	assert_int_equal(got->message.term, m->term);
	assert_memory_equal(&got->message.as, &m->as, sizeof m->as);
	bytes_close(&body);
}

static void
vote_travels(void **state)
{
	struct message m = peers_message(MESSAGE_VOTE);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.vote.pre = true;
	m.as.vote.transfer = true;
	m.as.vote.last = (struct log_end){90, 6};
	pass_request(&m, peers_nothing, &body, &got);
	assert_memory_equal(&got.message.as.vote, &m.as.vote, sizeof m.as.vote);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
vote_of_an_empty_log_travels(void **state)
{
	struct message m = peers_message(MESSAGE_VOTE);
	struct peer_message got;
	struct bytes body;

	(void)state;
	pass_request(&m, peers_nothing, &body, &got);
	assert_int_equal(got.message.as.vote.last.index, 0);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
heartbeat_and_timeout_now_travel(void **state)
{
	struct message m = peers_message(MESSAGE_HEARTBEAT);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.heartbeat.commit = 12;
	m.as.heartbeat.round = 13;
	pass_request(&m, peers_nothing, &body, &got);
	assert_int_equal(got.message.as.heartbeat.commit, 12);
	assert_int_equal(got.message.as.heartbeat.round, 13);
	peer_message_close(&got);
	bytes_close(&body);

	m = peers_message(MESSAGE_TIMEOUT_NOW);
	pass_request(&m, peers_nothing, &body, &got);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
replies_travel(void **state)
{
	struct message m = peers_message(MESSAGE_VOTE_REPLY);
	struct peer_message got;

	(void)state;
	m.as.vote_reply = (struct message_vote_reply){true, true};
	m.term = 0; /* A member that has never heard of any term. */
	pass_reply(&m, &got);

	m = peers_message(MESSAGE_APPEND_REPLY);
	m.as.append_reply.success = true;
	m.as.append_reply.match = 5;
	m.as.append_reply.conflict = (struct log_end){6, 0};
	m.as.append_reply.last = 7;
	pass_reply(&m, &got);

	m = peers_message(MESSAGE_HEARTBEAT_REPLY);
	m.as.heartbeat_reply = (struct message_heartbeat_reply){3, 9};
	pass_reply(&m, &got);

	m = peers_message(MESSAGE_SNAPSHOT_REPLY);
	m.as.snapshot_reply.installed = true;
	m.as.snapshot_reply.match = (struct log_end){100, 3};
	m.as.snapshot_reply.transfer = 77;
	m.as.snapshot_reply.offset = 4096;
	pass_reply(&m, &got);

	m = peers_message(MESSAGE_TIMEOUT_NOW_REPLY);
	pass_reply(&m, &got);
}

static void
append_travels_with_its_lines(void **state)
{
	struct bytes lines = {.data = NULL};
	struct message m = peers_append(&lines);
	const struct message_append *append;
	struct peer_message got;
	struct bytes body;
	uint32_t total = 0;
	size_t i;

	(void)state;
	pass_request(&m, peers_slice(&lines), &body, &got);
	append = &got.message.as.append;
	assert_int_equal(append->prev.index, 7);
	assert_int_equal(append->prev.term, 5);
	assert_int_equal(append->commit, 1000);
	assert_int_equal(append->count, 4);
	assert_int_equal(append->run_count, 2);
	assert_memory_equal(append->runs, peers_runs, 2 * sizeof peers_runs[0]);
	for (i = 0; i < 4; i++)
		total += append->sizes[i];
	assert_int_equal(total, lines.len);
	assert_int_equal(append->configuration_count, 1);
	assert_int_equal(append->configurations[0].index, 10);
	assert_int_equal(append->configurations[0].configuration.voters.count,
			 3);
	assert_int_equal(
		append->configurations[0].configuration.learners.ids[0], 4);
	assert_int_equal(got.body.len, lines.len);
	assert_memory_equal(got.body.data, lines.data, lines.len);
	peer_message_close(&got);
	bytes_close(&body);
	bytes_close(&lines);
}

static void
append_without_entries_travels(void **state)
{
	struct message m = peers_message(MESSAGE_APPEND);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.append.prev = (struct log_end){7, 5};
	pass_request(&m, peers_nothing, &body, &got);
	assert_int_equal(got.message.as.append.count, 0);
	assert_int_equal(got.message.as.append.run_count, 0);
	assert_int_equal(got.body.len, 0);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
snapshot_chunk_travels(void **state)
{
	const struct slice chunk = {(const uint8_t *)"a\nb\0c", 5};
	struct message m = peers_snapshot(chunk);
	struct peer_message got;
	struct bytes body;

	(void)state;
	pass_request(&m, chunk, &body, &got);
	assert_memory_equal(&got.message.as.snapshot, &m.as.snapshot,
			    sizeof m.as.snapshot);
	assert_int_equal(got.body.len, 5);
	assert_memory_equal(got.body.data, "a\nb\0c", 5);
	peer_message_close(&got);
	bytes_close(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vote_travels),
		cmocka_unit_test(vote_of_an_empty_log_travels),
		cmocka_unit_test(heartbeat_and_timeout_now_travel),
		cmocka_unit_test(replies_travel),
		cmocka_unit_test(append_travels_with_its_lines),
		cmocka_unit_test(append_without_entries_travels),
		cmocka_unit_test(snapshot_chunk_travels),
	};

	return unit_run("codec_peer", tests, LEN(tests));
}
