/* test_codec_peer_forged.c - messages that no member of ours would send.
 *
 * A header is taken apart, changed and put together again; whatever does not
 * hold must be refused, and nothing may crash. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/json.h"
#include "base/prng.h"
#include "peers.h"

static const struct slice chunk = {(const uint8_t *)"abc", 3};

/* Each type of message, as it travels. */
static struct bytes
sample(enum message_type type)
{
	struct message m = peers_message(type);
	struct bytes lines = {.data = NULL};
	struct bytes body;

	if (type == MESSAGE_APPEND)
		m = peers_append(&lines);
	if (type == MESSAGE_SNAPSHOT) {
		m = peers_snapshot(chunk);
		bytes_append(&lines, chunk.data, chunk.len);
	}
	if (type == MESSAGE_VOTE)
		m.as.vote.last = (struct log_end){90, 6};
	if (type == MESSAGE_SNAPSHOT_REPLY)
		m.as.snapshot_reply.match = (struct log_end){90, 6};
	body = peers_encode(&peers_one, &m, peers_slice(&lines));
	bytes_close(&lines);
	return body;
}

static bool
is_request(enum message_type type)
{
	return type % 2 == 0;
}

static enum rk_code
decode(struct slice body, enum message_type type, struct rk_error *err)
{
	struct peer_message m;
	enum rk_code rc;

	*err = (struct rk_error){.code = RK_OK};
	if (is_request(type))
		rc = peer_decode_request(body, peer_path(type), &peers_two, &m,
					 err);
	else
		rc = peer_decode_reply(body, (enum message_type)(type - 1),
				       &peers_two, &m, err);
	if (rc == RK_OK)
		peer_message_close(&m);
	return rc;
}

/* The length of the header line, newline included. */
static size_t
header_length(const struct bytes *body)
{
	const uint8_t *end = memchr(body->data, '\n', body->len);

	return end != NULL ? (size_t)(end - body->data) + 1 : body->len;
}

static json_t *
header_of(const struct bytes *body)
{
	json_t *header = json_loadb((const char *)body->data,
				    header_length(body), 0, NULL);

	assert_non_null(header);
	return header;
}

/* The message with the field `name` replaced by this JSON text, or without it
 * if that is NULL. */
static struct bytes
with_field(const struct bytes *body, const char *name, const char *text)
{
	static const char mark[] = "\"(here)\"";
	json_t *header = header_of(body);
	struct bytes json = {.data = NULL};
	struct bytes out = {.data = NULL};
	const uint8_t *at;
	size_t start;

	if (text == NULL)
		json_object_del(header, name);
	else
		json_object_set_new(header, name, json_string("(here)"));
	json_write_steal(&json, header);
	at = memmem(json.data, json.len, mark, strlen(mark));
	start = at != NULL ? (size_t)(at - json.data) : json.len;
	bytes_append(&out, json.data, start);
	if (at != NULL) {
		bytes_append_text(&out, text);
		start += strlen(mark);
		bytes_append(&out, json.data + start, json.len - start);
	}
	bytes_append_char(&out, '\n');
	bytes_append(&out, body->data + header_length(body),
		     body->len - header_length(body));
	bytes_close(&json);
	return out;
}

static enum rk_code
decode_with(const struct bytes *body, enum message_type type, const char *name,
	    const char *text)
{
	struct bytes changed = with_field(body, name, text);
	struct rk_error err;
	enum rk_code rc = decode(peers_slice(&changed), type, &err);

	bytes_close(&changed);
	return rc;
}

/* What a field of another type, or out of range, may be like. */
static const char *const bad_value[] = {
	"-1",
	"1.0",
	"1e3",
	"0.5",
	"1e400",
	"01",
	"+1",
	"0x1",
	"9007199254740992",
	"9223372036854775808",
	"99999999999999999999",
	"NaN",
	"\"\"",
	"\"1\"",
	"\"x\\u0000\"",
	"\"\xff\"",
	"\"\\ud800\"",
	"null",
	"[1]",
	"[[]]",
	"[[1]]",
	"[[\"1\",1]]",
	"[[1,1,1]]",
	"[[-1,1]]",
	"[[1,0.5]]",
	"{}",
	"{\"voters\":[1],\"learners\":[1]}",
};

static void
every_field_is_needed_and_checked(void **state)
{
	const char *name;
	json_t *header, *value;
	struct bytes body;
	unsigned cases = 0;
	int type;
	size_t i;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		header = header_of(&body);
		json_object_foreach(header, name, value)
		{
			if (decode_with(&body, (enum message_type)type, name,
					NULL) != RK_USAGE)
				fail_msg("%s: %s is not needed",
					 json_string_value(json_object_get(
						 header, "type")),
					 name);
			for (i = 0; i < LEN(bad_value); i++, cases++) {
				if (decode_with(&body, (enum message_type)type,
						name, bad_value[i]) == RK_OK)
					fail_msg("type %d: %s may be %s", type,
						 name, bad_value[i]);
			}
		}
		json_decref(header);
		bytes_close(&body);
	}
	assert_true(cases > 2000);
}

static void
numbers_instead_of_booleans_are_refused(void **state)
{
	struct bytes body = sample(MESSAGE_VOTE);

	(void)state;
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "pre", "1"),
			 RK_USAGE);
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "pre", "true"),
			 RK_OK);
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "term", "true"),
			 RK_USAGE);
	bytes_close(&body);
}

static void
every_cut_is_noticed(void **state)
{
	struct bytes body;
	struct rk_error err;
	size_t len, whole;
	int type;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		/* The newline behind the last brace may be missing. */
		whole = body.len - (body.data[body.len - 1] == '\n' &&
				    type != MESSAGE_APPEND);
		for (len = 0; len < whole; len++)
			assert_int_equal(decode((struct slice){body.data, len},
						(enum message_type)type, &err),
					 RK_USAGE);
		bytes_close(&body);
	}
}

static void
every_flipped_bit_of_the_lines_is_noticed(void **state)
{
	struct bytes body = sample(MESSAGE_APPEND);
	struct rk_error err;
	size_t i;
	int bit;

	(void)state;
	for (i = header_length(&body); i < body.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			body.data[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(decode(peers_slice(&body),
						MESSAGE_APPEND, &err),
					 RK_USAGE);
			body.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(decode(peers_slice(&body), MESSAGE_APPEND, &err),
			 RK_OK);
	bytes_close(&body);
}

static void
strangers_are_denied(void **state)
{
	static const char *const field[][2] = {
		{"cluster", "\"0123456789abcdee\""},
		{"cluster", "\"\""},
		{"to", "3"},
		{"to", "0"},
		{"from", "2"}, /* Ourselves. */
		{"from", "0"},
		{"protocol", "2"},
		{"protocol", "0"},
	};
	struct bytes body;
	int type;
	size_t i;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		for (i = 0; i < LEN(field); i++)
			assert_int_equal(decode_with(&body,
						     (enum message_type)type,
						     field[i][0], field[i][1]),
					 RK_DENIED);
		bytes_close(&body);
	}
}

/* Of another protocol nothing else is known: not even the types. */
static void
another_protocol_is_denied_before_anything_else(void **state)
{
	struct bytes body = sample(MESSAGE_VOTE);
	struct bytes other = with_field(&body, "protocol", "2");
	struct bytes odd = with_field(&other, "type", "\"gossip\"");
	struct rk_error err;

	(void)state;
	assert_int_equal(decode(peers_slice(&odd), MESSAGE_VOTE, &err),
			 RK_DENIED);
	bytes_close(&odd);
	bytes_close(&other);
	bytes_close(&body);
}

static void
message_of_another_type_is_refused(void **state)
{
	struct bytes body;
	struct rk_error err;
	int type, asked;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		for (asked = 0; asked <= MESSAGE_TIMEOUT_NOW_REPLY; asked++) {
			if (asked == type ||
			    (type == MESSAGE_APPEND &&
			     asked == MESSAGE_HEARTBEAT) ||
			    (type == MESSAGE_HEARTBEAT &&
			     asked == MESSAGE_APPEND))
				continue; /* These share a path. */
			assert_int_equal(decode(peers_slice(&body),
						(enum message_type)asked, &err),
					 RK_USAGE);
		}
		bytes_close(&body);
	}
}

static void
unknown_fields_are_ignored(void **state)
{
	struct bytes body;
	int type;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		assert_int_equal(decode_with(&body, (enum message_type)type,
					     "new", "{\"a\":[1.5]}"),
				 RK_OK);
		bytes_close(&body);
	}
}

static void
what_is_no_json_object_is_refused(void **state)
{
	static const char *const text[] = {
		"",
		"\n",
		"null\n",
		"[]\n",
		"{}\n",
		"\"vote\"\n",
		"1\n",
		"{\"cluster\":\n",
		"\xef\xbb\xbf{}\n",
		"{\"to\":2,\"to\":2}\n",
		"{} {}\n",
		"{}\n{}\n",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
	};
	struct rk_error err;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(text); i++)
		assert_int_equal(decode((struct slice){(const uint8_t *)text[i],
						       strlen(text[i])},
					MESSAGE_VOTE, &err),
				 RK_USAGE);
}

static void
bytes_behind_a_message_are_refused(void **state)
{
	struct bytes body;
	struct rk_error err;
	int type;

	(void)state;
	for (type = 0; type <= MESSAGE_TIMEOUT_NOW_REPLY; type++) {
		body = sample((enum message_type)type);
		bytes_append_char(&body, 'x');
		assert_int_equal(decode(peers_slice(&body),
					(enum message_type)type, &err),
				 RK_USAGE);
		bytes_close(&body);
	}
}

static void
forged_append_headers_are_refused(void **state)
{
	static const char *const field[][2] = {
		{"count", "3"},
		{"count", "5"},
		{"count", "0"},
		{"count", "9007199254740991"},
		{"bytes", "0"},
		{"bytes", "9007199254740991"},
		{"crc32c", "0"},
		{"crc32c", "4294967296"},
		{"prev_index", "6"},
		{"prev_index", "8"},
		{"prev_index", "0"},
		{"prev_index", "9007199254740991"},
		{"prev_index", "9007199254740988"},
		{"prev_term", "0"},
		{"prev_term", "7"}, /* Later than the first entry. */
		{"prev_term", "8"},
		{"term", "0"},
		{"term", "6"}, /* Older than its own entries. */
		{"runs", "[]"},
		{"runs", "[[6,1],[7,2]]"},
		{"runs", "[[6,1],[7,4]]"},
		{"runs", "[[6,1],[7,3],[7,1]]"},
		{"runs", "[[6,1],[7,1],[7,2]]"},
		{"runs", "[[7,1],[6,3]]"},
		{"runs", "[[6,4]]"},
		{"runs", "[[7,4]]"},
		{"runs", "[[6,1],[8,3]]"},
		{"runs", "[[0,1],[7,3]]"},
		{"runs", "[[6,0],[7,4]]"},
		{"runs", "[[6,1],[7,9007199254740991]]"},
		{"runs", "[[6,1],[7,3],[7,0]]"},
		{"runs", "[[4,1],[7,3]]"}, /* Older than prev. */
		{"runs", "[[6,1],[7,3],[8,1],[9,1],[10,1]]"},
	};
	struct bytes body = sample(MESSAGE_APPEND);
	size_t i;

	(void)state;
	for (i = 0; i < LEN(field); i++) {
		if (decode_with(&body, MESSAGE_APPEND, field[i][0],
				field[i][1]) != RK_USAGE)
			fail_msg("%s may be %s", field[i][0], field[i][1]);
	}
	/* Far ahead of what the receiver holds, but it may be. */
	assert_int_equal(decode_with(&body, MESSAGE_APPEND, "commit",
				     "9007199254740991"),
			 RK_OK);
	assert_int_equal(
		decode_with(&body, MESSAGE_APPEND, "term", "9007199254740991"),
		RK_OK);
	bytes_close(&body);
}

static void
forged_snapshot_headers_are_refused(void **state)
{
	static const char *const field[][2] = {
		{"last_index", "0"},
		{"last_index", "89"}, /* Before its configuration. */
		{"last_term", "0"},
		{"last_term", "8"},
		{"configuration_index", "101"},
		{"configuration", "{\"voters\":[],\"learners\":[]}"},
		{"configuration", "{\"voters\":[2,1],\"learners\":[]}"},
		{"configuration", "{\"voters\":[1,1],\"learners\":[]}"},
		{"configuration", "{\"voters\":[0],\"learners\":[]}"},
		{"configuration", "{\"voters\":[1],\"learners\":[1]}"},
		{"configuration", "{\"voters\":[1]}"},
		{"configuration",
		 "{\"voters\":[1],\"learners\":[],\"voters_old\":[\"1\"]}"},
		{"configuration",
		 "{\"voters\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],"
		 "\"learners\":[]}"},
		{"offset", "9"}, /* Said to be the last, but there is more. */
		{"offset", "11"},
		{"offset", "9007199254740991"},
		{"bytes", "2"},
		{"bytes", "4"},
		{"crc32c", "1"},
		{"total_bytes", "12"},
		{"total_bytes", "0"},
		{"total_crc32c", "4294967296"},
	};
	struct bytes body = sample(MESSAGE_SNAPSHOT);
	size_t i;

	(void)state;
	for (i = 0; i < LEN(field); i++) {
		if (decode_with(&body, MESSAGE_SNAPSHOT, field[i][0],
				field[i][1]) != RK_USAGE)
			fail_msg("%s may be %s", field[i][0], field[i][1]);
	}
	bytes_close(&body);
}

static void
forged_votes_are_refused(void **state)
{
	struct bytes body = sample(MESSAGE_VOTE);

	(void)state;
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "last_term", "8"),
			 RK_USAGE);
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "last_index", "0"),
			 RK_USAGE);
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "term", "0"),
			 RK_USAGE);
	assert_int_equal(decode_with(&body, MESSAGE_VOTE, "incarnation",
				     "\"00000000000000A1\""),
			 RK_USAGE);
	bytes_close(&body);
}

/* One entry, given as its line: with a header that is true of it. */
static enum rk_code
decode_line(const char *line, struct rk_error *err)
{
	static const struct term_run run = {7, 1};
	struct message m = peers_message(MESSAGE_APPEND);
	struct slice lines = {(const uint8_t *)line, strlen(line)};
	struct bytes body;
	enum rk_code rc;

	m.as.append.prev = (struct log_end){7, 5};
	m.as.append.count = 1;
	m.as.append.runs = &run;
	m.as.append.run_count = 1;
	body = peers_encode(&peers_one, &m, lines);
	rc = decode(peers_slice(&body), MESSAGE_APPEND, err);
	bytes_close(&body);
	return rc;
}

#define TIME "\"time\":\"2026-11-23T07:12:13.794Z\""

static void
lines_that_are_not_as_they_should_be_are_refused(void **state)
{
	static const char good[] =
		"{\"index\":8,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n";
	static const char *const line[] = {
		/* Another place or term than the header says. */
		"{\"index\":7,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":9,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":8,\"term\":6,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":8,\"term\":0,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		/* Not canonical. */
		"{\"index\": 8,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		"{\"term\":7,\"index\":8,\"type\":\"data\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":8,\"term\":7,\"type\":\"data\"," TIME
		",\"data_base64\":\"eA==\"}\n",
		"{\"index\":8,\"term\":7,\"type\":\"gossip\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":8,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\"}",
		/* Only a history may have this. */
		"{\"index\":8,\"term\":7,\"type\":\"data\"," TIME
		",\"data\":\"x\",\"repeat\":3}\n",
		/* Configurations that none can have agreed to. */
		"{\"index\":8,\"term\":7,\"type\":\"configuration\"," TIME
		",\"data\":\"x\"}\n",
		"{\"index\":8,\"term\":7,\"type\":\"configuration\"," TIME
		",\"data\":\"{}\"}\n",
		"{\"index\":8,\"term\":7,\"type\":\"configuration\"," TIME
		",\"data\":\"{\\\"voters\\\":[1],\\\"learners\\\":[],"
		"\\\"addresses\\\":{}}\"}\n",
	};
	struct rk_error err;
	size_t i;

	(void)state;
	assert_int_equal(decode_line(good, &err), RK_OK);
	for (i = 0; i < LEN(line); i++) {
		if (decode_line(line[i], &err) != RK_USAGE)
			fail_msg("accepted: %s", line[i]);
	}
}

/* Whatever comes in, it is read or refused. The lines' checksum is made right
 * again, so that the damage gets further. */
static void
damaged_messages_are_survived(void **state)
{
	struct rk_error err;
	struct bytes body, fixed;
	struct prng prng;
	char crc[24];
	size_t head;
	int round, type;

	(void)state;
	prng_init(&prng, unit_seed());
	for (round = 0; round < 5000; round++) {
		type = (int)prng_range(&prng, 0, MESSAGE_TIMEOUT_NOW_REPLY + 1);
		body = sample((enum message_type)type);
		head = header_length(&body);
		if (type == MESSAGE_APPEND && round % 2 == 0) {
			body.data[prng_range(&prng, head, body.len)] =
				(uint8_t)prng_range(&prng, 0, 256);
			snprintf(crc, sizeof crc, "%u",
				 crc32c(0, body.data + head, body.len - head));
			fixed = with_field(&body, "crc32c", crc);
			(void)!decode(peers_slice(&fixed), MESSAGE_APPEND,
				      &err);
			bytes_close(&fixed);
		} else {
			body.data[prng_range(&prng, 0, body.len)] =
				(uint8_t)prng_range(&prng, 0, 256);
			(void)!decode(peers_slice(&body),
				      (enum message_type)type, &err);
		}
		bytes_close(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_needed_and_checked),
		cmocka_unit_test(numbers_instead_of_booleans_are_refused),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(every_flipped_bit_of_the_lines_is_noticed),
		cmocka_unit_test(strangers_are_denied),
		cmocka_unit_test(
			another_protocol_is_denied_before_anything_else),
		cmocka_unit_test(message_of_another_type_is_refused),
		cmocka_unit_test(unknown_fields_are_ignored),
		cmocka_unit_test(what_is_no_json_object_is_refused),
		cmocka_unit_test(bytes_behind_a_message_are_refused),
		cmocka_unit_test(forged_append_headers_are_refused),
		cmocka_unit_test(forged_snapshot_headers_are_refused),
		cmocka_unit_test(forged_votes_are_refused),
		cmocka_unit_test(
			lines_that_are_not_as_they_should_be_are_refused),
		cmocka_unit_test(damaged_messages_are_survived),
	};

	return unit_run("codec_peer_forged", tests, LEN(tests));
}
