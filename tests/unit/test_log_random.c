/* test_log_random.c - a random life of a log, with crashes, beside a model.
 *
 * What a crash loses is chosen sector by sector from the last batch. The next
 * start must find what the model was before that batch, or after it. */

#include <string.h>

#include "base/prng.h"
#include "store.h"
#include "store/file.h"
#include "store/log_writer.h"

#define SECTOR  512
#define ENTRIES 4096

/* The log as it must be. */
struct model {
	struct log_end base;
	rk_index last;
	rk_index commit; /* Nothing up to here is ever truncated. */
	struct hard_state hard_state;
	rk_term terms[ENTRIES]; /* By index. */
};

struct life {
	struct store_fixture f;
	struct prng prng;
	struct model now;
	struct model before; /* The last batch. */
	/* The segment as it was before the last batch, which went to [from,
	 * to) of it; `same` if it was written to that segment at all. */
	char name[SEGMENT_NAME_BYTES];
	struct bytes bytes;
	uint64_t from;
	bool same;
};

static size_t
size_of(rk_index index, rk_term term)
{
	return (size_t)((index * 37 + term * 101) % 400);
}

static void
lines_of(const struct model *m, rk_index from, rk_index to, struct bytes *out)
{
	for (; from < to; from++)
		store_line(out, from, m->terms[from],
			   size_of(from, m->terms[from]));
}

/* Whether the log that was opened is the model. */
static bool
is_same(struct life *l, const struct model *m)
{
	struct store_fixture *f = &l->f;
	struct bytes want = {0};
	struct bytes got = {0};
	rk_index at = m->base.index + 1;
	rk_index end = at;
	bool same;

	if (f->last != m->last ||
	    f->recovered.compacted.index > m->base.index ||
	    f->recovered.hard_state.term != m->hard_state.term ||
	    f->recovered.hard_state.vote != m->hard_state.vote)
		return false;
	lines_of(m, at, m->last + 1, &want);
	for (; at <= m->last; at = end)
		if (log_map_read(f->map, at, m->last + 1, 10000, &got, &end,
				 &f->err) != RK_OK)
			fail_msg("%s", f->err.text);
	same = want.len == got.len &&
	       (want.len == 0 || memcmp(want.data, got.data, want.len) == 0);
	bytes_close(&want);
	bytes_close(&got);
	return same;
}

static void
open_log(struct life *l)
{
	l->f.snapshot = l->now.base;
	if (store_open_log(&l->f) != RK_OK)
		fail_msg("%s", l->f.err.text);
}

/* ---- what happens to it ---- */

static void
write_batch(struct life *l, const struct log_op *op)
{
	struct log_placement placement = {0};
	struct log *log = l->f.log;
	char path[256];

	memcpy(l->name, log->name, sizeof l->name);
	store_path(&l->f, path, sizeof path, l->name);
	store_read_file(path, &l->bytes);
	l->from = log->at;
	assert_int_equal(
		log_write(log, op, 1, l->now.commit, &placement, &l->f.err),
		RK_OK);
	log_map_note(l->f.map, &placement);
	log_placement_close(&placement);
	l->same = strcmp(l->name, log->name) == 0;
}

static void
append(struct life *l)
{
	struct model *m = &l->now;
	struct log_op op = {.count = prng_range(&l->prng, 0, 20)};
	struct bytes lines = {0};
	rk_index i;

	l->before = *m;
	if (m->hard_state.term == 0 || prng_range(&l->prng, 0, 4) == 0) {
		m->hard_state.term++;
		m->hard_state.vote = prng_range(&l->prng, 0, 4);
		op.has_hard_state = true;
		op.hard_state = m->hard_state;
	}
	if (prng_range(&l->prng, 0, 4) == 0 && m->last > m->commit) {
		op.truncate_from =
			prng_range(&l->prng, m->commit + 1, m->last + 1);
		m->last = op.truncate_from - 1;
	}
	assert_true(m->last + op.count < ENTRIES);
	op.first = m->last + 1;
	for (i = op.first; i < op.first + op.count; i++)
		m->terms[i] = m->hard_state.term;
	lines_of(m, op.first, op.first + op.count, &lines);
	m->last += op.count;
	op.lines = (struct slice){lines.data, lines.len};
	write_batch(l, &op);
	bytes_close(&lines);
	m->commit = prng_range(&l->prng, m->commit, m->last + 1);
}

static void
compact(struct life *l)
{
	struct model *m = &l->now;
	char **names;
	size_t count;
	size_t i;

	if (m->commit == m->base.index)
		return;
	m->base.index = prng_range(&l->prng, m->base.index, m->commit) + 1;
	m->base.term = m->terms[m->base.index];
	log_map_compact(l->f.map, m->base.index, &names, &count);
	for (i = 0; i < count; i++)
		assert_int_equal(log_discard(l->f.dir, names[i], &l->f.err),
				 RK_OK);
	file_list_free(names, count);
	l->same = false; /* What is committed was synced long ago. */
}

static void
install(struct life *l)
{
	struct log_op op = {.reset = true};
	struct model *m = &l->now;

	m->base.index = m->last + prng_range(&l->prng, 1, 10);
	m->base.term = m->hard_state.term;
	m->terms[m->base.index] = m->base.term;
	m->last = m->base.index;
	m->commit = m->base.index;
	op.reset_to = m->base;
	l->before = *m; /* The snapshot is there, so it will be finished. */
	write_batch(l, &op);
}

static void
restart(struct life *l)
{
	store_close_log(&l->f);
	open_log(l);
	assert_true(is_same(l, &l->now));
	l->same = false;
}

/* Some sectors of the last batch never reached the disk. */
static void
crash(struct life *l)
{
	uint64_t to = l->f.log->at;
	struct bytes after = {0};
	char path[256];
	uint64_t at;
	size_t len;

	store_crash(&l->f);
	if (!l->same) {
		open_log(l);
		assert_true(is_same(l, &l->now));
		return;
	}
	store_path(&l->f, path, sizeof path, l->name);
	store_read_file(path, &after);
	for (at = l->from / SECTOR * SECTOR; at < to; at += SECTOR) {
		if (prng_range(&l->prng, 0, 3) != 0 || at >= l->bytes.len)
			continue;
		len = l->bytes.len - at < SECTOR ? l->bytes.len - at : SECTOR;
		memcpy(after.data + at, l->bytes.data + at, len);
	}
	store_write_file(path, &after);
	bytes_close(&after);
	open_log(l);
	if (!is_same(l, &l->now)) {
		assert_true(is_same(l, &l->before));
		l->now = l->before;
	}
	l->same = false;
}

static bool
count_line(void *context, struct slice line)
{
	(void)line;
	++*(uint64_t *)context;
	return true;
}

static void
inspect(struct life *l)
{
	struct log_recovered r;
	uint64_t count = 0;

	assert_int_equal(
		log_inspect(l->f.dir, count_line, &count, &r, &l->f.err),
		RK_OK);
	assert_int_equal(r.compacted.index + count, l->now.last);
	log_recovered_close(&r);
}

static void
live_a_day(struct life *l)
{
	switch (prng_range(&l->prng, 0, 12)) {
	case 0:
		compact(l);
		break;
	case 1:
		restart(l);
		break;
	case 2:
	case 3:
		crash(l);
		break;
	case 4:
		inspect(l);
		break;
	case 5:
		assert_int_equal(log_prepare(l->f.dir,
					     l->f.options.segment_bytes,
					     &l->f.err),
				 RK_OK);
		break;
	case 6:
		if (prng_range(&l->prng, 0, 4) == 0)
			install(l);
		break;
	default:
		append(l);
		break;
	}
}

static void
f1_f3_log_is_as_before_or_after_the_last_batch(void **state)
{
	struct life *l = mem_alloc(1, sizeof *l);
	int life;
	int day;

	(void)state;
	prng_init(&l->prng, unit_seed());
	for (life = 0; life < 6; life++) {
		store_init(&l->f);
		l->f.options.segment_bytes = 8192;
		l->now = (struct model){.last = 0};
		open_log(l);
		append(l);
		for (day = 0; day < 200; day++)
			live_a_day(l);
		restart(l);
		store_close(&l->f);
	}
	bytes_close(&l->bytes);
	mem_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			f1_f3_log_is_as_before_or_after_the_last_batch),
	};

	return unit_run("log random", tests, LEN(tests));
}
