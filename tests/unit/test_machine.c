/* test_machine.c - entries are applied in order, those of a session once. */

#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "machine/machine.h"
#include "sample.h"

static struct machine *
open_empty(const char *dir)
{
	struct machine_start start = {.dir = dir};
	struct machine *m;
	struct rk_error err;

	assert_int_equal(machine_open(&start, &m, &err), RK_OK);
	return m;
}

static void
apply(struct machine *m, const struct bytes *lines, uint64_t count,
      struct machine_reply *replies)
{
	struct slice text = {lines->data, lines->len};
	struct rk_error err;

	assert_int_equal(machine_apply(m, text, count, replies, &err), RK_OK);
}

static void
history_is(struct machine *m, const struct bytes *want)
{
	struct bytes file = sample_read(history_path(machine_history(m)));

	assert_int_equal(file.len, want->len);
	assert_memory_equal(file.data, want->data, want->len);
	bytes_close(&file);
}

static void
repeat_is_answered_with_the_first_and_marked(void **state)
{
	char *dir = sample_dir();
	struct machine *m = open_empty(dir);
	struct bytes lines = {.data = NULL};
	struct machine_reply replies[4];
	struct bytes file;

	(void)state;
	sample_line(&lines, 1, "a", 1, "x");
	sample_line(&lines, 2, "a", 2, "y");
	sample_line(&lines, 3, "a", 1, "x");
	sample_line(&lines, 4, NULL, 0, "z");
	apply(m, &lines, 4, replies);
	assert_int_equal(replies[0].verdict, SESSION_FRESH);
	assert_int_equal(replies[1].index, 2);
	assert_int_equal(replies[2].verdict, SESSION_REPEAT);
	assert_int_equal(replies[2].index, 1);
	assert_int_equal(replies[3].verdict, SESSION_FRESH);
	assert_int_equal(replies[3].index, 4);
	assert_int_equal(machine_applied(m), 4);
	file = sample_read(history_path(machine_history(m)));
	assert_non_null(strstr((char *)file.data,
			       "{\"index\":3,\"term\":1,\"type\":\"data\","
			       "\"time\":\"1970-01-01T00:00:03.000Z\","
			       "\"session\":\"a\",\"seq\":1,"
			       "\"data\":\"x\",\"repeat\":1}\n"
			       "{\"index\":4"));
	assert_int_equal(file.len, lines.len + strlen(",\"repeat\":1"));
	machine_free(m);
	bytes_close(&file);
	bytes_close(&lines);
	sample_dir_remove(dir);
}

static void
c2_old_number_is_marked_as_repeating_itself(void **state)
{
	char *dir = sample_dir();
	struct machine *m = open_empty(dir);
	struct bytes lines = {.data = NULL};
	struct machine_reply replies[LIMIT_SESSION_RUNS + 2];
	struct bytes file;
	rk_index i;

	(void)state;
	for (i = 1; i <= LIMIT_SESSION_RUNS + 1; i++)
		sample_line(&lines, i, "a", 2 * i, "x");
	sample_line(&lines, i, "a", 2, "x");
	apply(m, &lines, i, replies);
	assert_int_equal(replies[i - 1].verdict, SESSION_OLD);
	assert_int_equal(replies[i - 1].index, i);
	file = sample_read(history_path(machine_history(m)));
	assert_non_null(strstr((char *)file.data, ",\"repeat\":18}\n"));
	machine_free(m);
	bytes_close(&file);
	bytes_close(&lines);
	sample_dir_remove(dir);
}

static void
sessions_of_a_snapshot_go_on(void **state)
{
	char *dir = sample_dir();
	char *snapshot = sample_path(dir, "snapshot");
	struct machine *m = open_empty(dir);
	struct machine_start start = {.dir = dir, .payload = snapshot};
	struct bytes lines = {.data = NULL};
	struct bytes sessions = {.data = NULL};
	struct machine_reply reply;
	struct rk_error err;

	(void)state;
	sample_line(&lines, 1, "a", 1, "x");
	apply(m, &lines, 1, NULL);
	sessions_encode(machine_sessions(m), &sessions);
	start.bytes = history_bytes(machine_history(m));
	start.crc32c = history_crc32c(machine_history(m));
	start.last = 1;
	start.sessions = (struct slice){sessions.data, sessions.len};
	assert_int_equal(link(history_path(machine_history(m)), snapshot), 0);
	machine_free(m);
	assert_int_equal(machine_open(&start, &m, &err), RK_OK);
	assert_int_equal(machine_applied(m), 1);
	lines.len = 0;
	sample_line(&lines, 2, "a", 1, "x");
	apply(m, &lines, 1, &reply);
	assert_int_equal(reply.verdict, SESSION_REPEAT);
	assert_int_equal(reply.index, 1);
	machine_free(m);
	bytes_close(&lines);
	bytes_close(&sessions);
	mem_free(snapshot);
	sample_dir_remove(dir);
}

/* What is applied is nowhere said but in the file itself, so nothing can be at
 * odds with it: after a crash at any byte of what is behind the snapshot, its
 * lines are applied again, each once. */
static void
s8_crash_while_applying_neither_repeats_nor_loses(void **state)
{
	char *dir = sample_dir();
	char *snapshot = sample_path(dir, "snapshot");
	struct machine *m = open_empty(dir);
	struct machine_start start = {.dir = dir, .payload = snapshot};
	struct bytes lines = {.data = NULL};
	struct bytes tail = {.data = NULL};
	struct rk_error err;
	uint64_t at;

	(void)state;
	sample_line(&lines, 1, NULL, 0, "x");
	apply(m, &lines, 1, NULL);
	start.bytes = history_bytes(machine_history(m));
	start.crc32c = history_crc32c(machine_history(m));
	start.last = 1;
	assert_int_equal(link(history_path(machine_history(m)), snapshot), 0);
	sample_line(&tail, 2, "a", 1, "y");
	bytes_append(&lines, tail.data, tail.len);
	for (at = 0; at <= tail.len + 10; at++) {
		apply(m, &tail, 1, NULL);
		machine_free(m);
		assert_int_equal(truncate(snapshot, (off_t)(start.bytes + at)),
				 0);
		assert_int_equal(machine_open(&start, &m, &err), RK_OK);
		assert_int_equal(machine_applied(m), 1);
	}
	apply(m, &tail, 1, NULL);
	assert_int_equal(machine_applied(m), 2);
	history_is(m, &lines);
	machine_free(m);
	bytes_close(&lines);
	bytes_close(&tail);
	mem_free(snapshot);
	sample_dir_remove(dir);
}

/* Reopen from a snapshot of all that is applied. */
static struct machine *
through_snapshot(struct machine *m, const char *dir)
{
	struct machine_start start = {.dir = dir, .last = machine_applied(m)};
	char *snapshot = sample_path(dir, "snapshot");
	struct bytes sessions = {.data = NULL};
	struct rk_error err;

	unlink(snapshot);
	assert_int_equal(link(history_path(machine_history(m)), snapshot), 0);
	sessions_encode(machine_sessions(m), &sessions);
	start.payload = snapshot;
	start.bytes = history_bytes(machine_history(m));
	start.crc32c = history_crc32c(machine_history(m));
	start.sessions = (struct slice){sessions.data, sessions.len};
	machine_free(m);
	assert_int_equal(machine_open(&start, &m, &err), RK_OK);
	bytes_close(&sessions);
	mem_free(snapshot);
	return m;
}

static void
same_state(struct machine *a, struct machine *b)
{
	struct bytes x = {.data = NULL};
	struct bytes y = {.data = NULL};

	assert_int_equal(history_crc32c(machine_history(a)),
			 history_crc32c(machine_history(b)));
	assert_int_equal(history_bytes(machine_history(a)),
			 history_bytes(machine_history(b)));
	assert_int_equal(machine_time_ms(a), machine_time_ms(b));
	sessions_encode(machine_sessions(a), &x);
	sessions_encode(machine_sessions(b), &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	bytes_close(&x);
	bytes_close(&y);
}

/* What a snapshot holds depends on the entries alone: not on how many were
 * applied at a time, nor on a start from a snapshot in between. */
static void
same_entries_make_the_same_state(void **state)
{
	char *dirs[2] = {sample_dir(), sample_dir()};
	struct machine *m[2] = {open_empty(dirs[0]), open_empty(dirs[1])};
	struct bytes lines = {.data = NULL};
	struct prng prng;
	rk_index last = 0;
	uint64_t count;
	uint64_t i;
	char id[8];

	(void)state;
	prng_init(&prng, unit_seed());
	while (last < 30000) {
		if (last > 0 && prng_range(&prng, 0, 100) == 0) {
			same_state(m[0], m[1]);
			m[1] = through_snapshot(m[1], dirs[1]);
		}
		lines.len = 0;
		count = prng_range(&prng, 1, 200);
		for (i = 0; i < count; i++) {
			size_t before = lines.len;

			/* Mostly new ones, so that many expire. */
			snprintf(id, sizeof id, "s%u",
				 (unsigned)prng_range(&prng, last / 2,
						      last + 100));
			sample_line(&lines, ++last, id,
				    prng_range(&prng, 1, 20), "x");
			assert_int_equal(
				machine_apply(
					m[0],
					(struct slice){lines.data + before,
						       lines.len - before},
					1, NULL, &(struct rk_error){0}),
				RK_OK);
		}
		apply(m[1], &lines, count, NULL);
	}
	same_state(m[0], m[1]);
	for (i = 0; i < 2; i++) {
		machine_free(m[i]);
		sample_dir_remove(dirs[i]);
	}
	bytes_close(&lines);
}

/* A limit on the size of files stands for a disk that does not take more. */
static void
apply_that_failed_is_completed_by_the_same_again(void **state)
{
	char *dir = sample_dir();
	struct machine *m = open_empty(dir);
	struct bytes lines = {.data = NULL};
	struct bytes want = {.data = NULL};
	struct machine_reply replies[4];
	struct rlimit before;
	struct rlimit tight;
	struct rk_error err;
	struct slice text;

	(void)state;
	sample_line(&lines, 1, "a", 1, "x");
	sample_line(&lines, 2, "a", 1, "x");
	sample_line(&lines, 3, "a", 2, "y");
	text = (struct slice){lines.data, lines.len};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(machine_apply(m, text, 3, replies, &err), RK_FAILED);
	assert_int_equal(machine_apply(m, text, 3, replies, &err), RK_FAILED);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(machine_is_pending(m));
	assert_int_equal(machine_applied(m), 0);
	history_is(m, &want);
	sample_line(&lines, 4, "a", 2, "y"); /* More has come since. */
	apply(m, &lines, 4, replies);
	assert_false(machine_is_pending(m));
	assert_int_equal(replies[0].verdict, SESSION_FRESH);
	assert_int_equal(replies[1].verdict, SESSION_REPEAT);
	assert_int_equal(replies[2].verdict, SESSION_FRESH);
	assert_int_equal(replies[3].verdict, SESSION_REPEAT);
	assert_int_equal(replies[3].index, 3);
	assert_int_equal(machine_applied(m), 4);
	machine_free(m);
	bytes_close(&lines);
	sample_dir_remove(dir);
}

static void
line_that_does_not_follow_is_corrupt(void **state)
{
	char *dir = sample_dir();
	struct machine *m = open_empty(dir);
	struct bytes lines = {.data = NULL};
	struct rk_error err;
	struct slice text;

	(void)state;
	sample_line(&lines, 2, NULL, 0, "x");
	text = (struct slice){lines.data, lines.len};
	assert_int_equal(machine_apply(m, text, 1, NULL, &err), RK_CORRUPT);
	machine_free(m);
	bytes_close(&lines);
	sample_dir_remove(dir);
}

/* Not a test of speed: it only says how long it took. */
static void
many_entries_are_applied(void **state)
{
	char *dir = sample_dir();
	struct machine *m = open_empty(dir);
	struct bytes lines = {.data = NULL};
	struct bytes batch = {.data = NULL};
	uint64_t start_us;
	rk_index i;

	(void)state;
	for (i = 1; i <= 200000; i++)
		sample_line(&batch, i, "8f3a91", i, "an entry of some length");
	start_us = clock_now_us();
	apply(m, &batch, 200000, NULL);
	printf("# 200000 entries in %u us\n",
	       (unsigned)(clock_now_us() - start_us));
	assert_int_equal(machine_applied(m), 200000);
	history_is(m, &batch);
	machine_free(m);
	bytes_close(&lines);
	bytes_close(&batch);
	sample_dir_remove(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeat_is_answered_with_the_first_and_marked),
		cmocka_unit_test(c2_old_number_is_marked_as_repeating_itself),
		cmocka_unit_test(sessions_of_a_snapshot_go_on),
		cmocka_unit_test(
			s8_crash_while_applying_neither_repeats_nor_loses),
		cmocka_unit_test(same_entries_make_the_same_state),
		cmocka_unit_test(
			apply_that_failed_is_completed_by_the_same_again),
		cmocka_unit_test(line_that_does_not_follow_is_corrupt),
		cmocka_unit_test(many_entries_are_applied),
	};

	return unit_run("machine", tests, LEN(tests));
}
