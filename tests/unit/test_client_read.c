/* test_client_read.c - reading through a client, against a small log. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "fake_server.h"
#include "raftkit.h"

/* A member with entries 1 to `last`: every fifth is a no-op, every seventh
 * repeats the one before. Data is the index. */
struct member {
	struct fake_server *server;
	rk_index first;
	rk_index last;
	uint64_t break_after; /* Bytes of a reply; 0: whole. */
	const char *garbage;  /* Sent instead. */
	unsigned reads;
	char path[512]; /* Of the last. */
};

static uint64_t
query(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static void
put_lines(rk_index from, rk_index to, struct bytes *out)
{
	struct rk_entry e = {.term = 1};
	char data[24];

	for (e.index = from; e.index <= to; e.index++) {
		snprintf(data, sizeof data, "%" PRIu64, e.index);
		e.type = e.index % 5 == 0 ? RK_ENTRY_NOOP : RK_ENTRY_DATA;
		e.data = data;
		e.len = e.type == RK_ENTRY_NOOP ? 0 : strlen(data);
		e.session = e.type == RK_ENTRY_NOOP ? NULL : "s";
		e.seq = e.type == RK_ENTRY_NOOP ? 0 : e.index;
		e.repeat = e.index % 7 == 0 && e.type == RK_ENTRY_DATA
				   ? e.index - 1
				   : 0;
		line_encode(out, &e);
	}
}

static enum fake_action
serve(void *user, const struct fake_request *r, struct bytes *out)
{
	struct member *m = user;
	struct bytes lines = {.data = NULL};
	rk_index from = query(r->path, "from=");
	rk_index to = query(r->path, "to=");
	bool breaks;

	m->reads++;
	snprintf(m->path, sizeof m->path, "%s", r->path);
	if (m->garbage != NULL) {
		fake_reply(out, 200, "", m->garbage);
		return FAKE_REPLY;
	}
	if (from > 0 && from < m->first) {
		fake_reply(out, 410, "", "");
		return FAKE_REPLY;
	}
	from = from > 0 ? from : m->first;
	to = to == 0 || to > m->last ? m->last : to;
	if (strstr(r->path, "limit=0") == NULL)
		put_lines(from, to, &lines);
	bytes_printf(out,
		     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		     "Raft-Commit: %" PRIu64 "\r\n\r\n",
		     lines.len, m->last);
	breaks = m->break_after > 0 && lines.len > m->break_after;
	bytes_append(out, lines.data, breaks ? m->break_after : lines.len);
	bytes_close(&lines);
	return breaks ? FAKE_REPLY_CLOSE : FAKE_REPLY;
}

static struct rk_client *
start(struct member *m, rk_index first, rk_index last)
{
	struct rk_client_options options = {.timeout_ms = 2000};
	struct rk_client *c;
	struct rk_error err;

	*m = (struct member){.first = first, .last = last};
	m->server = fake_server_start(serve, m);
	options.endpoints = fake_server_url(m->server);
	assert_int_equal(rk_client_open(&options, &c, &err), RK_OK);
	return c;
}

static void
stop(struct member *m, struct rk_client *c)
{
	rk_client_close(c);
	fake_server_stop(m->server);
}

/* What came. */
struct seen {
	rk_index indexes[4000];
	size_t count;
	size_t stop_after; /* 0: never. */
};

static bool
note(void *user, const struct rk_entry *e)
{
	struct seen *s = user;
	char data[24];

	assert_true(s->count < LEN(s->indexes));
	assert_true(e->committed);
	assert_int_equal(e->line[e->line_len - 1], '\n');
	if (e->type == RK_ENTRY_DATA) {
		snprintf(data, sizeof data, "%" PRIu64, e->index);
		assert_int_equal(e->len, strlen(data));
		assert_memory_equal(e->data, data, e->len);
		assert_string_equal(e->session, "s");
		assert_int_equal(e->seq, e->index);
	}
	s->indexes[s->count++] = e->index;
	return s->count != s->stop_after;
}

static enum rk_code
read_log(struct rk_client *c, const struct rk_read *what, struct seen *s,
	 struct rk_error *err)
{
	*s = (struct seen){.stop_after = s->stop_after};
	return rk_client_read(c, what, note, s, err);
}

static void
data_comes_without_noops_and_repeats(void **state)
{
	struct seen seen = {.stop_after = 0};
	struct rk_read what = {.from = 0};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 15);
	const rk_index expected[] = {1, 2, 3, 4, 6, 8, 9, 11, 12, 13};

	(void)state;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, LEN(expected));
	assert_memory_equal(seen.indexes, expected, sizeof expected);
	what.types = 1U << RK_ENTRY_NOOP;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.indexes[2], 15);
	what.types = 1U << RK_ENTRY_DATA | 1U << RK_ENTRY_NOOP;
	what.repeats = true;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 15);
	stop(&m, c);
}

static void
read_goes_on_at_the_next_index_when_cut(void **state)
{
	struct seen seen = {.stop_after = 0};
	const struct rk_read what = {.types = 3, .repeats = true};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 200);
	size_t i;

	(void)state;
	m.break_after = 777; /* In the middle of a line. */
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 200);
	for (i = 0; i < seen.count; i++)
		assert_int_equal(seen.indexes[i], i + 1);
	assert_true(m.reads > 10);
	stop(&m, c);
}

static void
range_is_asked_for_as_it_is(void **state)
{
	struct seen seen = {.stop_after = 0};
	struct rk_read what = {.from = 7, .to = 20, .level = RK_LEADER};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 100);

	(void)state;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_string_equal(m.path,
			    "/v1/log?level=leader&from=7&to=20&type=data");
	assert_int_equal(seen.indexes[0], 8); /* 7 is a repeat. */
	what = (struct rk_read){.from = -10, .types = 3, .repeats = true};
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.indexes[0], 91);
	what.from = -1000; /* More than there is: all. */
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 100);
	stop(&m, c);
}

static void
last_counts_what_is_selected(void **state)
{
	struct seen seen = {.stop_after = 0};
	struct rk_read what = {.last = 3};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 3000);

	(void)state;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.indexes[2], 2999);
	what.types = 1U << RK_ENTRY_NOOP;
	what.last = 100;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 100);
	assert_int_equal(seen.indexes[0], 3000 - 5 * 99);
	what.last = 100000;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 600);
	what = (struct rk_read){.last = 2, .from = 1, .to = 9};
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.indexes[1], 9);
	stop(&m, c);
}

static void
caller_may_stop(void **state)
{
	struct seen seen = {.stop_after = 2};
	const struct rk_read what = {.from = 1};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 100);

	(void)state;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 2);
	stop(&m, c);
}

static void
compacted_start_is_absent(void **state)
{
	struct seen seen = {.stop_after = 0};
	struct rk_read what = {.from = 5};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 50, 100);

	(void)state;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_ABSENT);
	what.from = 0;
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.indexes[0], 51);
	stop(&m, c);
}

static void
what_is_no_entry_is_an_error(void **state)
{
	struct seen seen = {.stop_after = 0};
	const struct rk_read what = {.from = 1};
	struct rk_error err;
	struct member m;
	struct rk_client *c = start(&m, 1, 100);

	(void)state;
	m.garbage = "{\"index\":1}\n";
	assert_int_equal(read_log(c, &what, &seen, &err), RK_FAILED);
	assert_non_null(strstr(err.text, "no entry"));
	m.garbage = "\n\n"; /* Only says that it is alive. */
	assert_int_equal(read_log(c, &what, &seen, &err), RK_OK);
	assert_int_equal(seen.count, 0);
	stop(&m, c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_comes_without_noops_and_repeats),
		cmocka_unit_test(read_goes_on_at_the_next_index_when_cut),
		cmocka_unit_test(range_is_asked_for_as_it_is),
		cmocka_unit_test(last_counts_what_is_selected),
		cmocka_unit_test(caller_may_stop),
		cmocka_unit_test(compacted_start_is_absent),
		cmocka_unit_test(what_is_no_entry_is_an_error),
	};

	return unit_run("client_read", tests, LEN(tests));
}
