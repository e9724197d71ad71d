/* peers.c - two members of a cluster and what they may say, for tests. */

#include "peers.h"

#include <string.h>

#include "base/line.h"
#include "base/mem.h"

const struct peer_identity peers_one = {
	.cluster = "0123456789abcdef",
	.incarnation = "00000000000000a1",
	.id = 1,
};
const struct peer_identity peers_two = {
	.cluster = "0123456789abcdef",
	.incarnation = "00000000000000a2",
	.id = 2,
};
const struct slice peers_nothing = {NULL, 0};

const struct term_run peers_runs[2] = {{6, 1}, {7, 3}};

static const char configuration_text[] =
	"{\"voters\":[1,2,3],\"learners\":[4],\"addresses\":"
	"{\"1\":\"http://h:1\",\"2\":\"http://h:2\",\"3\":\"http://h:3\","
	"\"4\":\"http://h:4\"}}";

struct slice
peers_slice(const struct bytes *b)
{
	return (struct slice){b->data, b->len};
}

struct bytes
peers_encode(const struct peer_identity *from, const struct message *m,
	     struct slice lines)
{
	struct bytes body = {.data = NULL};

	peer_encode(&body, from, m, lines);
	bytes_append(&body, lines.data, lines.len);
	return body;
}

struct message
peers_message(enum message_type type)
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

void
peers_append_line(struct bytes *out, rk_index index, rk_term term,
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

struct message
peers_append(struct bytes *lines)
{
	struct message m = peers_message(MESSAGE_APPEND);

	m.as.append.prev = (struct log_end){7, 5};
	m.as.append.commit = 1000;
	m.as.append.count = 4;
	m.as.append.runs = peers_runs;
	m.as.append.run_count = LEN(peers_runs);
	peers_append_line(lines, 8, 6, RK_ENTRY_NOOP, "");
	peers_append_line(lines, 9, 7, RK_ENTRY_DATA, "set a 1");
	peers_append_line(lines, 10, 7, RK_ENTRY_CONFIGURATION,
			  configuration_text);
	peers_append_line(lines, 11, 7, RK_ENTRY_DATA, "\xff\xfe");
	return m;
}

struct message
peers_snapshot(struct slice chunk)
{
	struct message m = peers_message(MESSAGE_SNAPSHOT);
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
