/* test_install.c - a snapshot from the leader, chunk by chunk, into a node.
 *
 * A real node on real files, whose peers are played by the test: it hands in
 * chunks, and the linker puts the functions below in place of those that
 * answer (-Wl,--wrap; see the Makefile). */

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "member.h"
#include "node/node.h"
#include "sample.h"

/* What the node has answered last; the wrappers have no other place for it. */
static struct answers {
	size_t count;
	struct message last;
	bool refused;
	enum problem_kind kind;
} answers;

void __wrap_peers_reply(struct node *n, const struct message *reply);
void __wrap_peers_refuse(struct node *n, const struct message *reply,
			 enum problem_kind kind, const char *why);

void
__wrap_peers_reply(struct node *n, const struct message *reply)
{
	(void)n;
	answers.count++;
	answers.last = *reply;
	answers.refused = false;
}

void
__wrap_peers_refuse(struct node *n, const struct message *reply,
		    enum problem_kind kind, const char *why)
{
	(void)n;
	assert_true(why[0] != '\0');
	answers.count++;
	answers.last = *reply;
	answers.refused = true;
	answers.kind = kind;
}

/* A snapshot as it is sent. */
struct sent {
	rk_index last;
	struct bytes bytes;
	uint32_t crc;
	struct snapshot_meta meta;
};

struct fixture {
	struct member source; /* Where the snapshots come from. */
	struct sent first;    /* At 100. */
	struct sent second;   /* At 200. */
	char *dir;
	struct rk_settings *settings;
	struct node *node;
	int event_fd;
	uint64_t request; /* The newest. */
};

static void
save(struct fixture *f, struct sent *sent)
{
	char *path = sample_path(f->source.dir, "saved");
	rk_index last = machine_applied(f->source.machine);

	member_save(&f->source, path);
	sent->bytes = sample_read(path);
	sent->crc = crc32c(0, sent->bytes.data, sent->bytes.len);
	sent->last = last;
	sent->meta = (struct snapshot_meta){.last = {last, 1}};
	sent->meta.configuration.configuration.voters =
		(struct id_set){.count = 1, .ids = {1}};
	mem_free(path);
}

static void
start(struct fixture *f)
{
	struct rk_member member = {
		.dir = f->dir,
		.id = 1,
		.cluster = "1=http://127.0.0.1:7401,2=http://127.0.0.1:7402,"
			   "3=http://127.0.0.1:7403",
		.settings = f->settings,
	};
	struct node_start start = {.member = &member, .event_fd = f->event_fd};
	struct rk_error err = {.text = ""};

	if (node_open(&start, &f->node, &err))
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof *f);
	struct rk_error err;

	answers = (struct answers){0};
	f->dir = sample_dir();
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->settings = rk_settings_new();
	/* It is not to campaign while a slow machine runs the test. */
	assert_int_equal(rk_settings_set(f->settings, "election-timeout-max",
					 "10m", "", &err),
			 RK_OK);
	assert_int_equal(rk_settings_set(f->settings, "election-timeout-min",
					 "5m", "", &err),
			 RK_OK);
	start(f);
	member_init(&f->source);
	/* Only its snapshots say whose they are, and only they are used. */
	memcpy(f->source.identity.cluster, f->node->identity.cluster,
	       sizeof f->source.identity.cluster);
	member_append_some(&f->source, 200, 200);
	member_apply(&f->source, 100);
	member_snapshot(&f->source, 1);
	save(f, &f->first);
	member_apply(&f->source, 200);
	member_snapshot(&f->source, 1);
	save(f, &f->second);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	node_close(f->node);
	close(f->event_fd);
	rk_settings_free(f->settings);
	bytes_close(&f->first.bytes);
	bytes_close(&f->second.bytes);
	member_close(&f->source);
	sample_dir_remove(f->dir);
	mem_free(f);
	return 0;
}

/* Hand in `len` bytes from `offset` of `s`, from the leader of `term`. */
static void
chunk(struct fixture *f, const struct sent *s, rk_id leader, rk_term term,
      size_t offset, size_t len)
{
	struct message m = {
		.type = MESSAGE_SNAPSHOT,
		.from = leader,
		.to = 1,
		.term = term,
		.stream = 5,
		.request = ++f->request,
		.as.snapshot = {.meta = s->meta,
				.transfer = 7,
				.offset = offset,
				.chunk_bytes = len,
				.total_bytes = s->bytes.len,
				.total_crc32c = s->crc,
				.done = offset + len == s->bytes.len},
	};
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = &m};
	struct step_lines lines = {.lines = s->bytes.data + offset};

	assert_int_equal(node_step(f->node, &ev, &lines), CORE_OK);
}

/* One pass of the reactor. */
static void
pass(struct fixture *f)
{
	node_begin(f->node);
	node_collect(f->node);
	node_end(f->node);
}

/* Until it has answered `count` times in all. */
static void
wait_for_answers(struct fixture *f, size_t count)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	uint64_t until_ms = clock_now_ms() + 20000;

	while (answers.count < count || f->node->apply_paused) {
		pass(f);
		assert_true(clock_now_ms() < until_ms);
		nanosleep(&moment, NULL);
	}
	assert_int_equal(answers.count, count);
}

static void
answered_offset(uint64_t offset)
{
	assert_false(answers.refused);
	assert_false(answers.last.as.snapshot_reply.installed);
	assert_int_equal(answers.last.as.snapshot_reply.offset, offset);
	assert_int_equal(answers.last.as.snapshot_reply.transfer, 7);
}

/* It is installed, and its machine is in force. */
static void
installed(const struct fixture *f, const struct sent *s)
{
	assert_false(answers.refused);
	assert_true(answers.last.as.snapshot_reply.installed);
	assert_int_equal(answers.last.as.snapshot_reply.match.index, s->last);
	assert_int_equal(machine_applied(f->node->machine), s->last);
	assert_int_equal(core_commit(f->node->core), s->last);
	assert_int_equal(f->node->fatal, RK_OK);
}

static void
s4_chunk_late_or_ahead_is_told_where_to_go_on(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;

	chunk(f, s, 2, 1, 0, 100);
	answered_offset(100);
	chunk(f, s, 2, 1, 0, 100); /* S4: its answer was lost. */
	answered_offset(100);
	chunk(f, s, 2, 1, 500, 100);
	answered_offset(100);
	chunk(f, s, 2, 1, 100, 0);
	answered_offset(100);
	chunk(f, s, 2, 1, 100, s->bytes.len - 100);
	wait_for_answers(f, 5);
	installed(f, s);
}

static void
s4_last_chunk_repeated_is_answered_when_installed(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;

	chunk(f, s, 2, 1, 0, s->bytes.len);
	assert_int_equal(answers.count, 0); /* Held. */
	/* The leader gave up waiting, and asks again. */
	chunk(f, s, 2, 1, 500, s->bytes.len - 500);
	assert_int_equal(answers.count, 1); /* Of the first one. */
	assert_int_equal(answers.last.request, f->request - 1);
	assert_false(answers.last.as.snapshot_reply.installed);
	assert_int_equal(answers.last.as.snapshot_reply.offset, s->bytes.len);
	wait_for_answers(f, 2);
	installed(f, s);
	assert_int_equal(answers.last.request, f->request);
}

static void
s9_newer_snapshot_waits_while_one_is_finished(void **state)
{
	struct fixture *f = *state;

	chunk(f, &f->first, 2, 1, 0, f->first.bytes.len);
	chunk(f, &f->second, 2, 1, 0, 100);
	assert_int_equal(answers.count, 1);
	assert_true(answers.refused);
	assert_int_equal(answers.kind, PROBLEM_BUSY);
	wait_for_answers(f, 2);
	installed(f, &f->first);
	chunk(f, &f->second, 2, 1, 0, f->second.bytes.len);
	wait_for_answers(f, 3);
	installed(f, &f->second);
}

static void
s9_newer_snapshot_waits_until_one_is_answered(void **state)
{
	struct fixture *f = *state;
	const struct timespec moment = {.tv_nsec = 1000000};

	chunk(f, &f->first, 2, 1, 0, f->first.bytes.len);
	while (!f->node->apply_paused) {
		node_begin(f->node);
		node_collect(f->node);
		nanosleep(&moment, NULL);
	}
	/* The switch has begun, and nothing of it is on disk. */
	chunk(f, &f->second, 2, 1, 0, f->second.bytes.len);
	assert_true(answers.refused);
	assert_int_equal(answers.kind, PROBLEM_BUSY);
	wait_for_answers(f, 2);
	installed(f, &f->first);
	chunk(f, &f->second, 2, 1, 0, f->second.bytes.len);
	wait_for_answers(f, 3);
	installed(f, &f->second);
}

/* The first one's machine may still be opened when the second is whole. */
static void
s9_two_switches_end_with_the_newer_one(void **state)
{
	struct fixture *f = *state;
	const struct timespec moment = {.tv_nsec = 1000000};

	chunk(f, &f->first, 2, 1, 0, f->first.bytes.len);
	while (!answers.count) {
		pass(f);
		nanosleep(&moment, NULL);
	}
	chunk(f, &f->second, 2, 1, 0, f->second.bytes.len);
	wait_for_answers(f, 2);
	installed(f, &f->second);
}

static void
s7_next_leader_goes_on_where_the_last_one_was(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;

	chunk(f, s, 2, 1, 0, 1000);
	answered_offset(1000);
	chunk(f, s, 3, 2, 0, 100);
	answered_offset(1000);
	chunk(f, s, 3, 2, 1000, s->bytes.len - 1000);
	wait_for_answers(f, 3);
	installed(f, s);
}

static void
s3_restarted_member_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;

	chunk(f, s, 2, 1, 0, 3000);
	node_close(f->node);
	start(f);
	chunk(f, s, 2, 1, 0, 1000); /* With the header. */
	answered_offset(3000);
	chunk(f, s, 2, 1, 3000, s->bytes.len - 3000);
	wait_for_answers(f, 3);
	installed(f, s);
	/* And what is installed is what it starts from. */
	node_close(f->node);
	start(f);
	assert_int_equal(machine_applied(f->node->machine), s->last);
}

static size_t
head_of(const struct sent *s)
{
	const uint8_t *end = memchr(s->bytes.data, '\n', s->bytes.len);

	return (size_t)(end + 1 - s->bytes.data);
}

/* The payload of a newer one begins with that of an older one. */
static void
s7_next_snapshot_goes_on_where_the_last_one_was(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->second;
	size_t held = 3000 - head_of(&f->first) + head_of(s);

	chunk(f, &f->first, 2, 1, 0, 3000);
	chunk(f, s, 3, 2, 0, 1000);
	answered_offset(held);
	chunk(f, s, 3, 2, held, s->bytes.len - held);
	wait_for_answers(f, 3);
	installed(f, s);
}

/* So does that of an older one, which is all in the part of a newer one. */
static void
older_snapshot_is_cut_from_the_part_of_a_newer_one(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;
	size_t held;

	chunk(f, &f->second, 2, 1, 0, f->second.bytes.len - 100);
	chunk(f, s, 3, 2, 0, 1000);
	held = (size_t)answers.last.as.snapshot_reply.offset;
	assert_true(held > s->bytes.len - 64); /* All but the trailer. */
	assert_true(held < s->bytes.len);
	chunk(f, s, 3, 2, held, s->bytes.len - held);
	wait_for_answers(f, 3);
	installed(f, s);
}

/* What was held may be another's, or spoiled by a power cut. */
static void
part_that_does_not_fit_is_found_out_and_dropped(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->second;
	size_t end = s->bytes.len;
	struct sent bad = f->first;

	bad.bytes.data = mem_dup(bad.bytes.data, bad.bytes.len);
	bad.bytes.data[2000] ^= 1;
	chunk(f, &bad, 2, 1, 0, 3000);
	chunk(f, s, 3, 2, 0, end);
	wait_for_answers(f, 2);
	answered_offset(0);
	chunk(f, s, 3, 2, 0, end);
	wait_for_answers(f, 3);
	installed(f, s);
	mem_free(bad.bytes.data);
}

static void
header_that_is_not_sound_begins_again(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;
	struct sent bad = *s;

	bad.bytes.data = mem_dup(s->bytes.data, s->bytes.len);
	bad.bytes.data[20] ^= 1;
	chunk(f, &bad, 2, 1, 0, 1000);
	answered_offset(0);
	assert_int_equal(f->node->fatal, RK_OK);
	chunk(f, s, 2, 1, 0, s->bytes.len);
	wait_for_answers(f, 2);
	installed(f, s);
	mem_free(bad.bytes.data);
}

static void
damaged_one_begins_again(void **state)
{
	struct fixture *f = *state;
	const struct sent *s = &f->first;
	struct sent bad = *s;

	bad.bytes.data = mem_dup(s->bytes.data, s->bytes.len);
	bad.bytes.data[s->bytes.len / 2] ^= 1;
	chunk(f, &bad, 2, 1, 0, s->bytes.len);
	wait_for_answers(f, 1);
	answered_offset(0);
	chunk(f, s, 2, 1, 0, s->bytes.len);
	wait_for_answers(f, 2);
	installed(f, s);
	mem_free(bad.bytes.data);
}

/* The first `count` entries themselves, and that they are committed. */
static void
append(struct fixture *f, uint64_t count)
{
	const struct bytes *text = &f->source.lines;
	struct term_run run = {.term = 1, .count = count};
	uint32_t sizes[200];
	struct message m = {
		.type = MESSAGE_APPEND,
		.from = 2,
		.to = 1,
		.term = 1,
		.stream = 5,
		.request = ++f->request,
		.as.append = {.commit = count,
			      .count = count,
			      .runs = &run,
			      .run_count = 1,
			      .sizes = sizes},
	};
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = &m};
	struct step_lines lines = {.first = 1,
				   .count = count,
				   .lines = text->data,
				   .sizes = sizes};
	const uint8_t *p = text->data;
	const uint8_t *next;
	size_t i;

	for (i = 0; i < count; i++, p = next) {
		next = memchr(p, '\n', text->len - (size_t)(p - text->data));
		sizes[i] = (uint32_t)(++next - p);
	}
	assert_int_equal(node_step(f->node, &ev, &lines), CORE_OK);
}

static void
one_overtaken_by_entries_is_not_installed(void **state)
{
	struct fixture *f = *state;

	chunk(f, &f->first, 2, 1, 0, f->first.bytes.len);
	append(f, f->source.last);
	wait_for_answers(f, 1);
	answered_offset(0);
	while (machine_applied(f->node->machine) < f->source.last)
		pass(f);
	assert_int_equal(core_commit(f->node->core), f->source.last);
	/* Whoever asks again is told by the core what is here. */
	chunk(f, &f->first, 2, 1, 0, 100);
	assert_int_equal(answers.count, 1);
}

static void
part_goes_when_the_member_follows_by_entries(void **state)
{
	struct fixture *f = *state;
	char *part = sample_path(f->dir, "snapshot/payload.part");
	struct core_status status = {.id = 0};
	const struct sent *s = &f->second;

	chunk(f, s, 2, 1, 0, 3000);
	append(f, 100);
	while (machine_applied(f->node->machine) < 100)
		pass(f);
	install_forget(f->node); /* It is ahead, and so it stays. */
	chunk(f, s, 2, 1, 3000, 100);
	answered_offset(3100);
	append(f, 200);
	while (machine_applied(f->node->machine) < 200)
		pass(f);
	assert_int_equal(access(part, F_OK), 0);
	snapshot_wanted(f->node);
	while (status.snapshot.last.index < 200) {
		pass(f);
		core_status(f->node->core, &status);
	}
	assert_int_equal(access(part, F_OK), -1);
	mem_free(part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(s4_chunk_late_or_ahead_is_told_where_to_go_on),
		TEST(s4_last_chunk_repeated_is_answered_when_installed),
		TEST(s9_newer_snapshot_waits_while_one_is_finished),
		TEST(s9_newer_snapshot_waits_until_one_is_answered),
		TEST(s9_two_switches_end_with_the_newer_one),
		TEST(s7_next_leader_goes_on_where_the_last_one_was),
		TEST(s3_restarted_member_goes_on_where_it_was),
		TEST(s7_next_snapshot_goes_on_where_the_last_one_was),
		TEST(older_snapshot_is_cut_from_the_part_of_a_newer_one),
		TEST(part_that_does_not_fit_is_found_out_and_dropped),
		TEST(header_that_is_not_sound_begins_again),
		TEST(damaged_one_begins_again),
		TEST(part_goes_when_the_member_follows_by_entries),
		TEST(one_overtaken_by_entries_is_not_installed),
	};

	return unit_run("install", tests, LEN(tests));
}
