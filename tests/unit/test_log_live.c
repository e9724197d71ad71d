/* test_log_live.c - a log is read while it is written. */

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "store.h"
#include "store/file.h"

/* The two run beside each other until each has done its share. */
#define RUNS        20
#define COMPACTED   2000
#define TOO_LONG_MS 60000

struct live {
	struct store_fixture f;
	atomic_bool stop;
	atomic_uint_fast64_t written;   /* Entries surely there. */
	atomic_uint_fast64_t compacted; /* Entries surely gone. */
};

/* Append, compact and recycle, as a member does. */
static void *
write_all_the_time(void *context)
{
	struct live *l = context;
	struct store_fixture *f = &l->f;
	char **names;
	size_t count;
	size_t i;

	while (!atomic_load(&l->stop)) {
		assert_int_equal(store_append(f, 1, 1 + f->last % 7, 300),
				 RK_OK);
		atomic_store(&l->written, f->last);
		if (f->last < atomic_load(&l->compacted) + 300)
			continue;
		log_map_compact(f->map, f->last - 100, &names, &count);
		atomic_store(&l->compacted, f->last - 100);
		for (i = 0; i < count; i++)
			assert_int_equal(log_discard(f->dir, names[i], &f->err),
					 RK_OK);
		file_list_free(names, count);
	}
	return NULL;
}

struct tour {
	rk_index next;
	uint64_t count;
};

static bool
check_line(void *context, struct slice line)
{
	struct tour *t = context;
	struct bytes want = {0};

	if (t->next == 0) { /* {"index":N,... */
		for (line.data += 9; *line.data != ','; line.data++)
			t->next = t->next * 10 + (rk_index)(*line.data - '0');
		t->next++;
		return true;
	}
	store_line(&want, t->next++, 1, 300);
	assert_int_equal(line.len, want.len);
	assert_memory_equal(line.data, want.data, want.len);
	bytes_close(&want);
	t->count++;
	return true;
}

static void
inspect_never_sees_damage_in_a_log_that_is_written(void **state)
{
	struct live *l = mem_alloc(1, sizeof *l);
	struct log_recovered r;
	struct rk_error err;
	struct tour t;
	pthread_t writer;
	uint64_t start = clock_now_ms();
	uint64_t before;
	int runs = 0;
	enum rk_code rc;

	(void)state;
	store_init(&l->f);
	l->f.options.segment_bytes = 16384;
	l->f.options.sync = false; /* The disk is not what is tried. */
	assert_int_equal(store_open_log(&l->f), RK_OK);
	assert_int_equal(store_append(&l->f, 1, 1, 300), RK_OK);
	assert_int_equal(pthread_create(&writer, NULL, write_all_the_time, l),
			 0);
	while (runs < RUNS || atomic_load(&l->compacted) < COMPACTED) {
		assert_true(clock_now_ms() - start < TOO_LONG_MS);
		before = atomic_load(&l->written);
		t = (struct tour){0};
		rc = log_inspect(l->f.dir, check_line, &t, &r, &err);
		if (rc == RK_ABSENT)
			continue; /* Compacted under its hands. */
		if (rc != RK_OK)
			fail_msg("%s", err.text);
		assert_true(t.next > before);
		log_recovered_close(&r);
		runs++;
	}
	atomic_store(&l->stop, true);
	assert_int_equal(pthread_join(writer, NULL), 0);
	store_close(&l->f);
	mem_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			inspect_never_sees_damage_in_a_log_that_is_written),
	};

	return unit_run("log live", tests, LEN(tests));
}
