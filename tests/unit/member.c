/* member.c - a member's data directory, written as a member writes it. */

#include "member.h"

#include <string.h>

#include "base/line.h"
#include "sample.h"
#include "store/file.h"
#include "store/snapshot.h"
#include "wire/codec_members.h"

void
member_init(struct member *m)
{
	struct log_options options = {.segment_bytes = 1U << 20};
	struct identity wanted = {.format = STORE_FORMAT,
				  .cluster = "00000000005c1e00",
				  .node = 1};
	struct log_recovered recovered;
	struct log_end none = {.index = 0};
	struct rk_error err;
	bool created;

	*m = (struct member){.dir = sample_dir()};
	assert_int_equal(identity_open(m->dir, &wanted, &m->identity, &created,
				       &m->lock_fd, &err),
			 RK_OK);
	assert_int_equal(log_open(m->dir, &m->identity, &options, none, &m->log,
				  &m->map, &recovered, &err),
			 RK_OK);
	log_recovered_close(&recovered);
}

void
member_close_files(struct member *m)
{
	log_close(m->log);
	log_map_free(m->map);
	machine_free(m->machine);
	if (m->lock_fd >= 0)
		file_close(m->lock_fd);
	m->log = NULL;
	m->map = NULL;
	m->machine = NULL;
	m->lock_fd = -1;
}

void
member_close(struct member *m)
{
	member_close_files(m);
	bytes_close(&m->lines);
	sample_dir_remove(m->dir);
}

void
member_append(struct member *m, const struct bytes *lines, uint64_t count,
	      rk_index commit)
{
	struct log_op op = {
		.first = m->last + 1,
		.count = count,
		.lines = {lines->data, lines->len},
	};
	struct log_placement placement = {.count = 0};
	struct rk_error err;

	assert_int_equal(log_write(m->log, &op, 1, commit, &placement, &err),
			 RK_OK);
	log_map_note(m->map, &placement);
	log_placement_close(&placement);
	bytes_append(&m->lines, lines->data, lines->len);
	m->last += count;
}

void
member_append_some(struct member *m, uint64_t count, rk_index commit)
{
	struct bytes lines = {.data = NULL};

	sample_lines(&lines, m->last + 1, m->last + 1 + count);
	member_append(m, &lines, count, commit);
	bytes_close(&lines);
}

void
member_apply(struct member *m, rk_index last)
{
	struct machine_start start = {.dir = m->dir};
	struct slice text = {m->lines.data, m->lines.len};
	struct rk_error err;
	struct line line;
	rk_index applied;
	size_t len = 0;

	if (m->machine == NULL)
		assert_int_equal(machine_open(&start, &m->machine, &err),
				 RK_OK);
	applied = machine_applied(m->machine);
	do {
		assert_true(line_scan(text.data + len, text.len - len, false,
				      &line));
		len += line.len;
		if (line.index == applied) {
			text.data += len;
			text.len -= len;
			len = 0;
		}
	} while (line.index < last);
	text.len = len;
	assert_int_equal(
		machine_apply(m->machine, text, last - applied, NULL, &err),
		RK_OK);
}

void
member_snapshot(struct member *m, rk_term term)
{
	struct history *history = machine_history(m->machine);
	struct snapshot_header h = {
		.meta.last = {machine_applied(m->machine), term},
		.machine = "log",
		.bytes = history_bytes(history),
		.crc32c = history_crc32c(history),
		.time_ms = 1000,
	};
	struct configuration *c = &h.meta.configuration.configuration;
	struct addresses a = {.count = 0};
	struct rk_error err;

	memcpy(h.cluster, m->identity.cluster, sizeof h.cluster);
	c->voters = (struct id_set){.count = 1, .ids = {1}};
	assert_true(addresses_set(&a, 1, "http://127.0.0.1:7401"));
	members_encode(&h.addresses, c, &a);
	sessions_encode(machine_sessions(m->machine), &h.sessions);
	assert_int_equal(history_sync(history_path(history), &err), RK_OK);
	assert_int_equal(snapshot_take(m->dir, history_path(history), &h, &err),
			 RK_OK);
	snapshot_header_close(&h);
}

void
member_save(struct member *m, const char *path)
{
	struct bytes out = {.data = NULL};
	struct snapshot_source *source;
	struct snapshot_header h;
	struct rk_error err;
	size_t skipped;

	assert_int_equal(snapshot_newest(m->dir, true, &h, &skipped, &err),
			 RK_OK);
	assert_int_equal(
		snapshot_source_open(m->dir, h.meta.last, &source, &err),
		RK_OK);
	while (out.len < snapshot_source_bytes(source))
		assert_int_equal(
			snapshot_source_read(source, out.len, 1000, &out, &err),
			RK_OK);
	sample_write(path, out.data, out.len);
	snapshot_source_free(source);
	snapshot_header_close(&h);
	bytes_close(&out);
}
