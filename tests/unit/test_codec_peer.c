/* test_codec_peer.c - the members' messages, there and back. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/line.h"
#include "base/mem.h"
#include "wire/codec_members.h"
#include "wire/codec_peer.h"

static const struct peer_identity one = {
	.cluster = "0123456789abcdef",
	.incarnation = "00000000000000a1",
	.id = 1,
};
static const struct peer_identity two = {
	.cluster = "0123456789abcdef",
	.incarnation = "00000000000000a2",
	.id = 2,
};
static const struct slice nothing = {NULL, 0};

/* A message as it travels: header and lines in one body. */
static struct bytes
encode(const struct peer_identity *from, const struct message *m,
       struct slice lines)
{
	struct bytes body = {.data = NULL};

	peer_encode(&body, from, m, lines);
	bytes_append(&body, lines.data, lines.len);
	return body;
}

static struct slice
slice_of(const struct bytes *b)
{
	return (struct slice){b->data, b->len};
}

/* From member 1 to member 2, and decoded there. */
static void
pass_request(const struct message *m, struct slice lines, struct bytes *body,
	     struct peer_message *got)
{
	struct rk_error err = {.code = RK_OK};

	*body = encode(&one, m, lines);
	if (peer_decode_request(slice_of(body), peer_path(m->type), &two, got,
				&err))
		fail_msg("%s", err.text);
	assert_int_equal(got->message.type, m->type);
	assert_int_equal(got->message.from, 1);
	assert_int_equal(got->message.to, 2);
	assert_int_equal(got->message.term, m->term);
	assert_int_equal(got->message.stream, m->stream);
	assert_int_equal(got->message.request, m->request);
	assert_string_equal(got->incarnation, one.incarnation);
}

static void
pass_reply(const struct message *m, struct peer_message *got)
{
	struct rk_error err = {.code = RK_OK};
	struct bytes body = encode(&one, m, nothing);

	if (peer_decode_reply(slice_of(&body), (enum message_type)(m->type - 1),
			      &two, got, &err))
		fail_msg("%s", err.text);
	assert_int_equal(got->message.type, m->type);
	assert_int_equal(got->message.term, m->term);
	assert_memory_equal(&got->message.as, &m->as, sizeof m->as);
	bytes_close(&body);
}

static struct message
message_of(enum message_type type)
{
	struct message m;

	/* Padding, too, so that unions can be compared as memory. */
	memset(&m, 0, sizeof m);
	m.type = type;
	m.from = 1;
	m.to = 2;
	m.term = 7;
	m.stream = 11;
	m.request = LIMIT_NUMBER;
	return m;
}

/* Lines from `index` on, each of one of the `terms`. */
static void
append_line(struct bytes *out, rk_index index, rk_term term,
	    enum rk_entry_type type, const char *data)
{
	struct rk_entry entry = {
		.index = index,
		.term = term,
		.type = type,
		.time_ms = 1700000000000 + index,
		.data = data,
		.len = strlen(data),
	};

	line_encode(out, &entry);
}

static void
vote_travels(void **state)
{
	struct message m = message_of(MESSAGE_VOTE);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.vote.pre = true;
	m.as.vote.transfer = true;
	m.as.vote.last = (struct log_end){90, 6};
	pass_request(&m, nothing, &body, &got);
	assert_memory_equal(&got.message.as.vote, &m.as.vote, sizeof m.as.vote);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
vote_of_an_empty_log_travels(void **state)
{
	struct message m = message_of(MESSAGE_VOTE);
	struct peer_message got;
	struct bytes body;

	(void)state;
	pass_request(&m, nothing, &body, &got);
	assert_int_equal(got.message.as.vote.last.index, 0);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
heartbeat_and_timeout_now_travel(void **state)
{
	struct message m = message_of(MESSAGE_HEARTBEAT);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.heartbeat.commit = 12;
	m.as.heartbeat.round = 13;
	pass_request(&m, nothing, &body, &got);
	assert_int_equal(got.message.as.heartbeat.commit, 12);
	assert_int_equal(got.message.as.heartbeat.round, 13);
	peer_message_close(&got);
	bytes_close(&body);

	m = message_of(MESSAGE_TIMEOUT_NOW);
	pass_request(&m, nothing, &body, &got);
	peer_message_close(&got);
	bytes_close(&body);
}

static void
replies_travel(void **state)
{
	struct message m = message_of(MESSAGE_VOTE_REPLY);
	struct peer_message got;

	(void)state;
	m.as.vote_reply = (struct message_vote_reply){true, true};
	m.term = 0; /* A member that has never heard of any term. */
	pass_reply(&m, &got);

	m = message_of(MESSAGE_APPEND_REPLY);
	m.as.append_reply.success = true;
	m.as.append_reply.match = 5;
	m.as.append_reply.conflict = (struct log_end){6, 0};
	m.as.append_reply.last = 7;
	pass_reply(&m, &got);

	m = message_of(MESSAGE_HEARTBEAT_REPLY);
	m.as.heartbeat_reply = (struct message_heartbeat_reply){3, 9};
	pass_reply(&m, &got);

	m = message_of(MESSAGE_SNAPSHOT_REPLY);
	m.as.snapshot_reply.installed = true;
	m.as.snapshot_reply.match = (struct log_end){100, 3};
	m.as.snapshot_reply.transfer = 77;
	m.as.snapshot_reply.offset = 4096;
	pass_reply(&m, &got);

	m = message_of(MESSAGE_TIMEOUT_NOW_REPLY);
	pass_reply(&m, &got);
}

static const char configuration_text[] =
	"{\"voters\":[1,2,3],\"learners\":[4],\"addresses\":"
	"{\"1\":\"http://h:1\",\"2\":\"http://h:2\",\"3\":\"http://h:3\","
	"\"4\":\"http://h:4\"}}";

/* Entries 8 to 11 behind entry 7 of term 5: a noop of term 6, then data and a
 * configuration of term 7. */
static const struct term_run sample_runs[] = {{6, 1}, {7, 3}};

static struct message
sample_append(struct bytes *lines)
{
	struct message m = message_of(MESSAGE_APPEND);

	m.as.append.prev = (struct log_end){7, 5};
	m.as.append.commit = 1000;
	m.as.append.count = 4;
	m.as.append.runs = sample_runs;
	m.as.append.run_count = LEN(sample_runs);
	append_line(lines, 8, 6, RK_ENTRY_NOOP, "");
	append_line(lines, 9, 7, RK_ENTRY_DATA, "set a 1");
	append_line(lines, 10, 7, RK_ENTRY_CONFIGURATION, configuration_text);
	append_line(lines, 11, 7, RK_ENTRY_DATA, "\xff\xfe");
	return m;
}

static void
append_travels_with_its_lines(void **state)
{
	struct bytes lines = {.data = NULL};
	struct message m = sample_append(&lines);
	const struct message_append *append;
	struct peer_message got;
	struct bytes body;
	uint32_t total = 0;
	size_t i;

	(void)state;
	pass_request(&m, slice_of(&lines), &body, &got);
	append = &got.message.as.append;
	assert_int_equal(append->prev.index, 7);
	assert_int_equal(append->prev.term, 5);
	assert_int_equal(append->commit, 1000);
	assert_int_equal(append->count, 4);
	assert_int_equal(append->run_count, 2);
	assert_memory_equal(append->runs, sample_runs, sizeof sample_runs);
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
	struct message m = message_of(MESSAGE_APPEND);
	struct peer_message got;
	struct bytes body;

	(void)state;
	m.as.append.prev = (struct log_end){7, 5};
	pass_request(&m, nothing, &body, &got);
	assert_int_equal(got.message.as.append.count, 0);
	assert_int_equal(got.message.as.append.run_count, 0);
	assert_int_equal(got.body.len, 0);
	peer_message_close(&got);
	bytes_close(&body);
}

static struct message
sample_snapshot(struct slice chunk)
{
	struct message m = message_of(MESSAGE_SNAPSHOT);
	struct message_snapshot *s = &m.as.snapshot;

	s->meta.last = (struct log_end){100, 6};
	s->meta.configuration.index = 90;
	s->meta.configuration.configuration.voters =
		(struct id_set){.count = 2, .ids = {1, 2}};
	s->meta.configuration.configuration.old =
		(struct id_set){.count = 1, .ids = {1}};
	s->transfer = 3;
	s->offset = 10;
	s->chunk_bytes = chunk.len;
	s->total_bytes = 10 + chunk.len;
	s->total_crc32c = UINT32_MAX;
	s->done = true;
	return m;
}

static void
snapshot_chunk_travels(void **state)
{
	const struct slice chunk = {(const uint8_t *)"a\nb\0c", 5};
	struct message m = sample_snapshot(chunk);
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
