/* test_store_fault.c - fail the first, the second, ... call to the file system
 * until the work succeeds.
 *
 * The linker puts the functions below in place of those of store/file.c
 * (-Wl,--wrap; see the Makefile). After each failure the log must be as it was
 * before or after the batch at hand, for this process and for the next. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "store.h"
#include "store/file.h"
#include "store/log_writer.h"
#include "store/snapshot.h"

/* The calls of the process are counted, so this is global for once. */
static struct fault {
	uint64_t calls;
	uint64_t fail_at; /* 0: never. */
	enum rk_code code;
	bool half; /* A write that fails leaves its first half. */
	bool for_ever;
} fault;

static void
fault_arm(uint64_t fail_at, enum rk_code code)
{
	fault = (struct fault){
		.fail_at = fail_at, .code = code, .half = fail_at % 2 == 0};
}

static void
fault_disarm(void)
{
	fault = (struct fault){0};
}

static bool
fault_is_now(void)
{
	fault.calls++;
	return fault.fail_at != 0 &&
	       (fault.calls == fault.fail_at ||
		(fault.for_ever && fault.calls > fault.fail_at));
}

static enum rk_code
fault_report(struct rk_error *err, enum rk_code code)
{
	return error_set(err, code, "injected failure");
}

/* Space can run out where files grow, and nowhere else. */
static enum rk_code
hard(enum rk_code code)
{
	return code == RK_REJECTED ? RK_FAILED : code;
}

/* Functions of file.c, which the linker calls by these names. */
#define WRAP(name, parameters, arguments, code)                                \
	enum rk_code __real_##name parameters;                                 \
	enum rk_code __wrap_##name parameters;                                 \
	enum rk_code __wrap_##name parameters                                  \
	{                                                                      \
		if (fault_is_now())                                            \
			return fault_report(err, code);                        \
		return __real_##name arguments;                                \
	}

WRAP(file_open,
     (const char *path, enum file_mode mode, int *fd, struct rk_error *err),
     (path, mode, fd, err),
     mode == FILE_READ || mode == FILE_WRITE ? hard(fault.code) : fault.code)
WRAP(file_read_at,
     (int fd, void *data, size_t len, uint64_t offset, size_t *got,
      struct rk_error *err),
     (fd, data, len, offset, got, err), hard(fault.code))
WRAP(file_sync_data, (int fd, struct rk_error *err), (fd, err),
     hard(fault.code))
WRAP(file_sync, (int fd, struct rk_error *err), (fd, err), hard(fault.code))
WRAP(file_sync_dir, (const char *path, struct rk_error *err), (path, err),
     hard(fault.code))
WRAP(file_sync_and_drop, (int fd, struct rk_error *err), (fd, err),
     hard(fault.code))
WRAP(file_size, (int fd, uint64_t *size, struct rk_error *err), (fd, size, err),
     hard(fault.code))
WRAP(file_truncate, (int fd, uint64_t size, struct rk_error *err),
     (fd, size, err), hard(fault.code))
WRAP(file_rename, (const char *from, const char *to, struct rk_error *err),
     (from, to, err), fault.code)
WRAP(file_link, (const char *from, const char *to, struct rk_error *err),
     (from, to, err), fault.code)
WRAP(file_unlink, (const char *path, struct rk_error *err), (path, err),
     hard(fault.code))
WRAP(file_make_dir, (const char *path, bool *made, struct rk_error *err),
     (path, made, err), fault.code)
WRAP(file_list,
     (const char *path, char ***names, size_t *count, struct rk_error *err),
     (path, names, count, err), hard(fault.code))

enum rk_code __real_file_write_at(int fd, const struct iovec *parts, int count,
				  uint64_t offset, struct rk_error *err);
enum rk_code __wrap_file_write_at(int fd, const struct iovec *parts, int count,
				  uint64_t offset, struct rk_error *err);
enum rk_code
__wrap_file_write_at(int fd, const struct iovec *parts, int count,
		     uint64_t offset, struct rk_error *err)
{
	struct iovec first = parts[0];

	if (!fault_is_now())
		return __real_file_write_at(fd, parts, count, offset, err);
	if (fault.half && first.iov_len > 1) {
		first.iov_len /= 2;
		assert_int_equal(
			__real_file_write_at(fd, &first, 1, offset, err),
			RK_OK);
	}
	return fault_report(err, fault.code);
}

/* ---- the log ---- */

/* What is done to a log of 5 entries while calls fail. */
struct deed {
	void (*prepare)(struct store_fixture *f); /* May be NULL. */
	enum rk_code (*act)(struct store_fixture *f);
	rk_index after; /* The log's last index if it succeeds; else it is 5
			 * or this. */
};

static int
setup(void **state)
{
	struct store_fixture *f = mem_alloc(1, sizeof *f);

	fault_disarm();
	store_init(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fault_disarm();
	store_close(*state);
	mem_free(*state);
	return 0;
}

static void
begin(struct store_fixture *f)
{
	fault_disarm();
	store_remove_dir(f->dir);
	mkdir(f->dir, 0700);
	f->snapshot = (struct log_end){0};
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(store_append(f, 1, 5, 1000), RK_OK);
}

/* After a crash: all of before, and all or nothing of the deed. */
static void
check_next_start(struct store_fixture *f, const struct deed *deed, bool done)
{
	fault_disarm();
	store_crash(f);
	if (store_open_log(f) != RK_OK)
		fail_msg("%s", f->err.text);
	if (done || f->last != 5)
		assert_int_equal(f->last, deed->after);
	store_expect(f, 1, f->last < 5 ? f->last + 1 : 6, 1, 1000);
	assert_int_equal(store_append(f, 9, 1, 10), RK_OK);
	store_close_log(f);
	assert_int_equal(store_open_log(f), RK_OK);
	store_close_log(f);
}

static bool
fail_call(struct store_fixture *f, const struct deed *deed, uint64_t n,
	  enum rk_code code)
{
	struct log_op nothing = {.has_hard_state = true, .hard_state = {9, 1}};
	rk_index before;
	enum rk_code rc;

	begin(f);
	if (deed->prepare != NULL)
		deed->prepare(f);
	before = f->last;
	fault_arm(n, code);
	rc = deed->act(f);
	if (fault.calls < n) {
		assert_int_equal(rc, RK_OK);
		check_next_start(f, deed, true);
		return false;
	}
	if (rc != RK_OK)
		assert_int_equal(f->last, before);
	if (rc == RK_FAILED) /* Latched, though calls work again. */
		assert_int_equal(store_write(f, &nothing), RK_FAILED);
	if (rc == RK_REJECTED) { /* There is space again. */
		assert_int_equal(code, RK_REJECTED);
		assert_int_equal(deed->act(f), RK_OK);
		rc = RK_OK;
	}
	check_next_start(f, deed, rc == RK_OK);
	return true;
}

/* Returns how many calls the deed takes. */
static uint64_t
fail_every_call(struct store_fixture *f, const struct deed *deed)
{
	uint64_t n = 1;

	while (fail_call(f, deed, n, RK_FAILED))
		n++;
	for (n = 1; fail_call(f, deed, n, RK_REJECTED);)
		n++;
	return n - 1;
}

static enum rk_code
append_three(struct store_fixture *f)
{
	return store_append(f, 2, 3, 100);
}

static enum rk_code
append_many(struct store_fixture *f)
{
	return store_append(f, 2, 58, 1000);
}

static enum rk_code
cut_two(struct store_fixture *f)
{
	struct log_op op = {.truncate_from = 4};

	return store_write(f, &op);
}

static enum rk_code
reset_behind(struct store_fixture *f)
{
	struct log_op op = {.reset = true, .reset_to = {100, 3}};

	f->snapshot = op.reset_to;
	return store_write(f, &op);
}

static void
make_next(struct store_fixture *f)
{
	assert_int_equal(log_prepare(f->dir, f->options.segment_bytes, &f->err),
			 RK_OK);
}

static void
d3_append_fails_at_every_call(void **state)
{
	static const struct deed deed = {.act = append_three, .after = 8};

	assert_true(fail_every_call(*state, &deed) >= 2);
}

static void
d4_roll_fails_at_every_call(void **state)
{
	static const struct deed deed = {.act = append_many, .after = 63};

	assert_true(fail_every_call(*state, &deed) >= 10);
}

static void
d4_roll_to_a_prepared_segment_fails_at_every_call(void **state)
{
	static const struct deed deed = {
		.prepare = make_next, .act = append_many, .after = 63};

	assert_true(fail_every_call(*state, &deed) >= 10);
}

static void
d8_truncation_fails_at_every_call(void **state)
{
	static const struct deed deed = {.act = cut_two, .after = 3};

	assert_true(fail_every_call(*state, &deed) >= 2);
}

static void
reset_fails_at_every_call(void **state)
{
	struct store_fixture *f = *state;
	uint64_t n;
	enum rk_code rc;

	/* The next start finishes it, for the snapshot is there. */
	for (n = 1; n < 100; n++) {
		begin(f);
		fault_arm(n, RK_FAILED);
		rc = reset_behind(f);
		if (fault.calls < n)
			break;
		assert_int_equal(rc, RK_FAILED);
		fault_disarm();
		store_crash(f);
		assert_int_equal(store_open_log(f), RK_OK);
		assert_int_equal(f->last, 100);
		store_close_log(f);
	}
	assert_in_range(n, 3, 99);
}

static void
open_fails_at_every_call(void **state)
{
	struct store_fixture *f = *state;
	uint64_t n;
	enum rk_code rc;

	begin(f);
	assert_int_equal(append_many(f), RK_OK);
	for (n = 1; n < 200; n++) {
		/* A torn end each time. */
		fault_disarm();
		if (f->log == NULL)
			assert_int_equal(store_open_log(f), RK_OK);
		fault_arm(2, RK_FAILED);
		fault.half = true;
		assert_int_equal(store_append(f, 2, 1, 1000), RK_FAILED);
		store_crash(f);
		fault_arm(n, RK_FAILED);
		rc = store_open_log(f);
		if (fault.calls < n)
			break;
		if (rc != RK_OK)
			assert_int_equal(rc, RK_FAILED);
		fault_disarm();
		if (rc == RK_OK)
			store_crash(f);
		assert_int_equal(store_open_log(f), RK_OK);
		assert_int_equal(f->last, 63);
	}
	assert_in_range(n, 10, 199);
}

static void
first_open_fails_at_every_call(void **state)
{
	struct store_fixture *f = *state;
	uint64_t n;
	enum rk_code rc;

	for (n = 1; n < 100; n++) {
		store_close_log(f);
		store_remove_dir(f->dir);
		mkdir(f->dir, 0700);
		fault_arm(n, RK_FAILED);
		rc = store_open_log(f);
		if (fault.calls < n)
			break;
		fault_disarm();
		if (rc == RK_OK)
			store_crash(f);
		assert_int_equal(store_open_log(f), RK_OK);
		assert_int_equal(store_append(f, 1, 1, 10), RK_OK);
	}
	assert_in_range(n, 10, 99);
}

/* F7: a full disk refuses entries, takes votes, and recovers by itself. */
static void
f7_votes_are_written_while_entries_have_no_space(void **state)
{
	struct store_fixture *f = *state;
	struct log_op vote = {.has_hard_state = true};
	uint64_t refused = 0;

	f->options.segment_bytes = 1U << 20;
	begin(f);
	fault_arm(UINT64_MAX, RK_REJECTED);
	while (store_append(f, 1, 1, 1000) == RK_OK) {
		/* Only what grows a file fails. */
		fault.fail_at = f->log->at + 200000 > f->log->size
					? fault.calls + 1
					: UINT64_MAX;
	}
	assert_int_equal(f->err.code, RK_REJECTED);
	fault_disarm();
	f->log->options.segment_bytes = f->log->size;
	for (vote.hard_state.term = 2; vote.hard_state.term < 100;
	     vote.hard_state.term++) {
		fault_arm(1, RK_REJECTED);
		refused += store_append(f, 1, 1, 100000) == RK_REJECTED;
		fault_disarm();
		assert_int_equal(store_write(f, &vote), RK_OK);
	}
	assert_int_equal(refused, 98);
	assert_int_equal(store_append(f, 100, 1, 1000), RK_OK);
	store_crash(f);
	assert_int_equal(store_open_log(f), RK_OK);
	assert_int_equal(f->recovered.hard_state.term, 99);
}

/* D3: one failed sync, and nothing is acknowledged any more. */
static void
d3_failed_sync_latches(void **state)
{
	struct store_fixture *f = *state;
	int i;

	begin(f);
	fault_arm(2, RK_FAILED);
	assert_int_equal(store_append(f, 1, 1, 10), RK_FAILED);
	fault_disarm();
	for (i = 0; i < 10; i++)
		assert_int_equal(store_append(f, 1, 1, 10), RK_FAILED);
}

/* F6: what cannot be read is not taken for the end of the log. */
static void
f6_read_error_at_the_start_is_no_end_of_the_log(void **state)
{
	struct store_fixture *f = *state;
	struct log_recovered r;
	uint64_t n;
	enum rk_code rc;

	begin(f);
	for (n = 1; n < 100; n++) {
		fault_arm(n, RK_FAILED);
		fault.for_ever = true;
		rc = log_inspect(f->dir, NULL, NULL, &r, &f->err);
		if (fault.calls < n)
			break;
		assert_int_equal(rc, RK_FAILED);
	}
	assert_int_equal(rc, RK_OK);
	assert_int_equal(r.count, 5);
	log_recovered_close(&r);
}

/* ---- snapshots ---- */

static enum rk_code
take(struct store_fixture *f, rk_index index)
{
	static const char payload[] = "some lines\nof history\n";
	struct bytes data = {0};
	struct snapshot_header h = {
		.cluster = "00000000005c1e00",
		.meta = {.last = {index, 1}},
		.machine = "log",
		.bytes = sizeof payload - 1,
		.crc32c = crc32c(0, payload, sizeof payload - 1),
	};
	char path[256];
	enum rk_code rc;
	struct fault armed = fault;

	fault_disarm();
	bytes_append(&data, payload, sizeof payload - 1);
	store_path(f, path, sizeof path, "../history");
	store_write_file(path, &data);
	bytes_close(&data);
	fault = armed;
	rc = snapshot_take(f->dir, path, &h, &f->err);
	snapshot_header_close(&h);
	return rc;
}

static rk_index
newest(struct store_fixture *f)
{
	struct snapshot_header h;
	struct rk_error err;
	rk_index index;
	size_t skipped;

	fault_disarm();
	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &err),
			 RK_OK);
	index = h.meta.last.index;
	snapshot_header_close(&h);
	return index;
}

static void
d4_taking_a_snapshot_fails_at_every_call(void **state)
{
	static const enum rk_code codes[] = {RK_FAILED, RK_REJECTED};
	struct store_fixture *f = *state;
	uint64_t n;
	size_t i;
	enum rk_code rc;

	for (i = 0; i < LEN(codes); i++) {
		begin(f);
		assert_int_equal(take(f, 10), RK_OK);
		for (n = 1; n < 100; n++) {
			fault_arm(n, codes[i]);
			rc = take(f, 20 + n);
			if (fault.calls < n)
				break;
			if (rc != RK_OK) {
				assert_true(newest(f) <= 20 + n);
				assert_int_equal(take(f, 20 + n), RK_OK);
			}
			assert_int_equal(newest(f), 20 + n);
		}
		assert_in_range(n, 6, 99);
		store_close_log(f);
	}
}

static enum rk_code
receive(struct store_fixture *f, const struct bytes *all, uint32_t crc,
	struct log_end last)
{
	struct snapshot_sink *sink;
	struct snapshot_header h;
	uint64_t at;
	enum rk_code rc;

	rc = snapshot_sink_open(f->dir, last, all->len, crc, &sink, &f->err);
	if (rc != RK_OK)
		return rc;
	at = snapshot_sink_offset(sink);
	rc = snapshot_sink_write(
		sink, at, (struct slice){all->data + at, all->len - (size_t)at},
		&f->err);
	if (rc == RK_OK)
		rc = snapshot_sink_finish(sink, &h, &f->err);
	if (rc == RK_OK)
		snapshot_header_close(&h);
	snapshot_sink_free(sink);
	return rc;
}

static void
f20_receiving_a_snapshot_fails_at_every_call(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_source *source;
	struct log_end last = {50, 1};
	struct bytes all = {0};
	uint32_t crc;
	uint64_t n;
	enum rk_code rc;

	begin(f);
	assert_int_equal(take(f, 50), RK_OK);
	assert_int_equal(snapshot_source_open(f->dir, last, &source, &f->err),
			 RK_OK);
	assert_int_equal(
		snapshot_source_read(source, 0, SIZE_MAX / 2, &all, &f->err),
		RK_OK);
	crc = snapshot_source_crc32c(source);
	snapshot_source_free(source);
	store_close_log(f);
	for (n = 1; n < 100; n++) {
		begin(f);
		assert_int_equal(take(f, 10), RK_OK);
		fault_arm(n, n % 3 == 0 ? RK_REJECTED : RK_FAILED);
		rc = receive(f, &all, crc, last);
		if (fault.calls < n)
			break;
		fault_disarm();
		if (rc != RK_OK)
			assert_int_equal(receive(f, &all, crc, last), RK_OK);
		assert_int_equal(newest(f), 50);
		store_close_log(f);
	}
	assert_int_equal(rc, RK_OK);
	assert_in_range(n, 10, 99);
	bytes_close(&all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(d3_append_fails_at_every_call),
		TEST(d4_roll_fails_at_every_call),
		TEST(d4_roll_to_a_prepared_segment_fails_at_every_call),
		TEST(d8_truncation_fails_at_every_call),
		TEST(reset_fails_at_every_call),
		TEST(open_fails_at_every_call),
		TEST(first_open_fails_at_every_call),
		TEST(f7_votes_are_written_while_entries_have_no_space),
		TEST(d3_failed_sync_latches),
		TEST(f6_read_error_at_the_start_is_no_end_of_the_log),
		TEST(d4_taking_a_snapshot_fails_at_every_call),
		TEST(f20_receiving_a_snapshot_fails_at_every_call),
	};

	return unit_run("store fault", tests, LEN(tests));
}
