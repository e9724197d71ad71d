/* test_snapshot.c - snapshots: taken, listed, pruned, sent and received. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/json.h"
#include "base/prng.h"
#include "store.h"
#include "store/snapshot.h"

#define ADDRESSES "{\"1\":\"http://127.0.0.1:7401\"}"
#define SESSIONS  "[{\"id\":\"8f3a91\",\"runs\":[[1,3,1]]}]"

static int
setup(void **state)
{
	struct store_fixture *f = mem_alloc(1, sizeof *f);

	store_init(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	store_close(*state);
	mem_free(*state);
	return 0;
}

static struct snapshot_header
make_header(rk_index index, rk_term term, const struct bytes *payload)
{
	struct snapshot_header h = {
		.cluster = "00000000005c1e00",
		.meta = {.last = {index, term},
			 .configuration =
				 {.index = 1,
				  .configuration = {.voters = {2, {1, 3}},
						    .learners = {1, {7}}}}},
		.machine = "log",
		.bytes = payload->len,
		.crc32c = crc32c(0, payload->data, payload->len),
		.time_ms = 1795000000123,
	};

	bytes_append_text(&h.addresses, ADDRESSES);
	bytes_append_text(&h.sessions, SESSIONS);
	return h;
}

/* Takes a snapshot whose payload is `index` numbers. */
static void
take(struct store_fixture *f, rk_index index, rk_term term)
{
	struct bytes payload = {0};
	struct snapshot_header h;
	char path[256];
	rk_index i;

	for (i = 1; i <= index; i++)
		bytes_printf(&payload, "entry %llu\n", (unsigned long long)i);
	h = make_header(index, term, &payload);
	bytes_append_text(&payload, "more than the header says\n");
	snprintf(path, sizeof path, "%s/history", f->dir);
	unlink(path);
	store_write_file(path, &payload);
	if (snapshot_take(f->dir, path, &h, &f->err) != RK_OK)
		fail_msg("%s", f->err.text);
	snapshot_header_close(&h);
	bytes_close(&payload);
}

static void
header_comes_back_as_it_was(void **state)
{
	struct store_fixture *f = *state;
	struct bytes payload = {0};
	struct bytes line = {0};
	struct snapshot_header h = make_header(9, 3, &payload);
	struct snapshot_header back;
	json_t *json;

	snapshot_header_encode(&h, &line);
	assert_int_equal(json_read((struct slice){line.data, line.len}, 65536,
				   &json, &f->err),
			 RK_OK);
	json_decref(json);
	assert_int_equal(
		snapshot_header_decode((struct slice){line.data, line.len},
				       &back, &f->err),
		RK_OK);
	assert_int_equal(back.meta.last.index, 9);
	assert_int_equal(back.meta.last.term, 3);
	assert_int_equal(back.meta.configuration.index, 1);
	assert_memory_equal(&back.meta, &h.meta, sizeof h.meta);
	assert_string_equal(back.cluster, h.cluster);
	assert_string_equal(back.machine, "log");
	assert_int_equal(back.time_ms, h.time_ms);
	assert_int_equal(back.addresses.len, strlen(ADDRESSES));
	assert_memory_equal(back.addresses.data, ADDRESSES, strlen(ADDRESSES));
	assert_int_equal(back.sessions.len, strlen(SESSIONS));
	assert_memory_equal(back.sessions.data, SESSIONS, strlen(SESSIONS));
	snapshot_header_close(&back);
	snapshot_header_close(&h);
	bytes_close(&line);
}

static void
f12_every_flipped_byte_of_a_header_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct bytes payload = {0};
	struct bytes line = {0};
	struct snapshot_header h = make_header(9, 3, &payload);
	struct snapshot_header back;
	size_t i;

	snapshot_header_encode(&h, &line);
	for (i = 0; i < line.len; i++) {
		line.data[i] ^= 0x11;
		assert_int_equal(snapshot_header_decode(
					 (struct slice){line.data, line.len},
					 &back, &f->err),
				 RK_CORRUPT);
		line.data[i] ^= 0x11;
		assert_int_equal(
			snapshot_header_decode((struct slice){line.data, i},
					       &back, &f->err),
			RK_CORRUPT);
	}
	snapshot_header_close(&h);
	bytes_close(&line);
}

static void
newest_is_absent_in_a_new_directory(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_header h;
	size_t skipped;

	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &f->err),
			 RK_ABSENT);
}

static void
newest_is_the_last_one_taken(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_header h;
	size_t skipped;

	take(f, 9, 1);
	take(f, 100, 2);
	take(f, 20, 1);
	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &f->err),
			 RK_OK);
	assert_int_equal(h.meta.last.index, 100);
	assert_int_equal(skipped, 0);
	snapshot_header_close(&h);
}

static void
f12_newest_falls_back_when_the_payload_is_damaged(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_header h;
	size_t skipped;
	char *path;

	take(f, 9, 1);
	take(f, 20, 1);
	path = snapshot_data_path(f->dir, (struct log_end){20, 1});
	store_flip(path, 5, 1);
	mem_free(path);
	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &f->err),
			 RK_OK);
	assert_int_equal(h.meta.last.index, 9);
	assert_int_equal(skipped, 1);
	snapshot_header_close(&h);
	path = snapshot_data_path(f->dir, (struct log_end){9, 1});
	assert_int_equal(truncate(path, 3), 0);
	mem_free(path);
	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &f->err),
			 RK_CORRUPT);
}

/* The log is compacted on the strength of what was taken. */
static void
f12_taking_again_replaces_a_damaged_one(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_header h;
	size_t skipped;
	char *path;

	take(f, 20, 1);
	path = snapshot_data_path(f->dir, (struct log_end){20, 1});
	store_flip(path, 5, 1);
	mem_free(path);
	take(f, 20, 1);
	assert_int_equal(snapshot_newest(f->dir, true, &h, &skipped, &f->err),
			 RK_OK);
	assert_int_equal(skipped, 0);
	snapshot_header_close(&h);
}

static void
prune_keeps_the_newest(void **state)
{
	struct store_fixture *f = *state;
	struct snapshot_header *list;
	struct rk_error err;
	size_t count;
	size_t i;

	take(f, 9, 1);
	take(f, 20, 1);
	take(f, 30, 2);
	assert_int_equal(snapshot_prune(f->dir, 2, &err), RK_OK);
	assert_int_equal(snapshot_list(f->dir, &list, &count, &err), RK_OK);
	assert_int_equal(count, 2);
	assert_int_equal(list[0].meta.last.index, 30);
	assert_int_equal(list[1].meta.last.index, 20);
	for (i = 0; i < count; i++)
		snapshot_header_close(&list[i]);
	mem_free(list);
}

/* Sends snapshot `last` of `f` to `to` in pieces of at most `max`. */
static enum rk_code
transfer(struct store_fixture *f, struct store_fixture *to, struct log_end last,
	 size_t max, struct snapshot_header *h)
{
	struct snapshot_source *source;
	struct snapshot_sink *sink;
	struct bytes piece = {0};
	uint64_t at;
	enum rk_code rc = RK_OK;

	assert_int_equal(snapshot_source_open(f->dir, last, &source, &f->err),
			 RK_OK);
	assert_int_equal(snapshot_sink_open(to->dir, last,
					    snapshot_source_bytes(source),
					    snapshot_source_crc32c(source),
					    &sink, &to->err),
			 RK_OK);
	while (rc == RK_OK && (at = snapshot_sink_offset(sink)) <
				      snapshot_source_bytes(source)) {
		piece.len = 0;
		rc = snapshot_source_read(source, at, max, &piece, &f->err);
		assert_int_equal(rc, RK_OK);
		assert_true(piece.len > 0);
		assert_true(piece.len <= max);
		rc = snapshot_sink_write(sink, at,
					 (struct slice){piece.data, piece.len},
					 &to->err);
	}
	if (rc == RK_OK)
		rc = snapshot_sink_finish(sink, h, &to->err);
	bytes_close(&piece);
	snapshot_sink_free(sink);
	snapshot_source_free(source);
	return rc;
}

static void
received_snapshot_is_the_one_sent(void **state)
{
	static const size_t sizes[] = {1, 7, 100, 65536};
	struct store_fixture *f = *state;
	struct store_fixture to;
	struct snapshot_header h;
	size_t skipped;
	size_t i;

	take(f, 50, 4);
	for (i = 0; i < LEN(sizes); i++) {
		store_init(&to);
		assert_int_equal(
			transfer(f, &to, (struct log_end){50, 4}, sizes[i], &h),
			RK_OK);
		assert_int_equal(h.meta.last.index, 50);
		assert_int_equal(h.sessions.len, strlen(SESSIONS));
		snapshot_header_close(&h);
		assert_int_equal(
			snapshot_newest(to.dir, true, &h, &skipped, &to.err),
			RK_OK);
		assert_int_equal(h.meta.last.index, 50);
		snapshot_header_close(&h);
		store_close(&to);
	}
}

static void
s3_s4_fault_s12_sink_resumes_and_takes_repeated_pieces(void **state)
{
	struct store_fixture *f = *state;
	struct store_fixture to;
	struct log_end last = {50, 4};
	struct snapshot_source *source;
	struct snapshot_sink *sink;
	struct snapshot_header h;
	struct bytes all = {0};
	uint64_t total;
	uint32_t crc;
	size_t head;

	take(f, 50, 4);
	store_init(&to);
	assert_int_equal(snapshot_source_open(f->dir, last, &source, &f->err),
			 RK_OK);
	total = snapshot_source_bytes(source);
	crc = snapshot_source_crc32c(source);
	assert_int_equal(
		snapshot_source_read(source, 0, SIZE_MAX / 2, &all, &f->err),
		RK_OK);
	assert_int_equal(all.len, total);
	assert_int_equal(crc32c(0, all.data, all.len), crc);
	assert_int_equal(
		snapshot_sink_open(to.dir, last, total, crc, &sink, &to.err),
		RK_OK);
	head = (size_t)((uint8_t *)memchr(all.data, '\n', all.len) + 1 -
			all.data);
	assert_int_equal(
		snapshot_sink_write(
			sink, 0, (struct slice){all.data, head + 100}, &to.err),
		RK_OK);
	assert_int_equal(
		snapshot_sink_write(sink, head + 150,
				    (struct slice){all.data + head + 150, 10},
				    &to.err),
		RK_REJECTED);
	assert_int_equal(snapshot_sink_finish(sink, &h, &to.err), RK_REJECTED);
	snapshot_sink_free(sink);
	assert_int_equal(
		snapshot_sink_open(to.dir, last, total, crc, &sink, &to.err),
		RK_OK);
	assert_int_equal(snapshot_sink_offset(sink), 0);
	assert_int_equal(snapshot_sink_part(sink), 100);
	assert_int_equal(snapshot_sink_write(sink, 0,
					     (struct slice){all.data, head},
					     &to.err),
			 RK_OK);
	assert_int_equal(snapshot_sink_offset(sink), head + 100);
	assert_int_equal(snapshot_sink_write(sink, 50,
					     (struct slice){all.data + 50, 20},
					     &to.err),
			 RK_OK);
	assert_int_equal(snapshot_sink_offset(sink), head + 100);
	assert_int_equal(
		snapshot_sink_write(sink, 50,
				    (struct slice){all.data + 50, all.len - 50},
				    &to.err),
		RK_OK);
	assert_int_equal(snapshot_sink_finish(sink, &h, &to.err), RK_OK);
	snapshot_header_close(&h);
	snapshot_sink_free(sink);
	snapshot_source_free(source);
	bytes_close(&all);
	store_close(&to);
}

/* Bytes of one are never gone on with for another: not for one with another
 * checksum, size or last entry. */
static void
fault_s12_sink_takes_no_part_of_another_snapshot(void **state)
{
	static const struct {
		struct log_end last;
		uint64_t total;
		uint32_t crc32c;
	} other[] = {
		{{50, 4}, 1000, 8}, {{50, 4}, 1001, 7}, {{51, 4}, 1000, 7}};
	static const uint8_t data[100];
	struct store_fixture *f = *state;
	struct snapshot_sink *sink;
	size_t i;

	for (i = 0; i < LEN(other); i++) {
		assert_int_equal(snapshot_sink_open(f->dir,
						    (struct log_end){50, 4},
						    1000, 7, &sink, &f->err),
				 RK_OK);
		assert_int_equal(snapshot_sink_offset(sink), 0);
		assert_int_equal(snapshot_sink_write(sink, 0,
						     (struct slice){data, 100},
						     &f->err),
				 RK_OK);
		snapshot_sink_free(sink);
		assert_int_equal(snapshot_sink_open(
					 f->dir, other[i].last, other[i].total,
					 other[i].crc32c, &sink, &f->err),
				 RK_OK);
		assert_int_equal(snapshot_sink_offset(sink), 0);
		snapshot_sink_free(sink);
	}
}

static void
f20_damaged_transfer_is_never_installed(void **state)
{
	struct store_fixture *f = *state;
	struct store_fixture to;
	struct log_end last = {5, 4};
	struct snapshot_source *source;
	struct snapshot_sink *sink;
	struct snapshot_header h;
	struct bytes all = {0};
	size_t skipped;
	size_t i;
	enum rk_code rc;

	take(f, 5, 4);
	store_init(&to);
	assert_int_equal(snapshot_source_open(f->dir, last, &source, &f->err),
			 RK_OK);
	assert_int_equal(
		snapshot_source_read(source, 0, SIZE_MAX / 2, &all, &f->err),
		RK_OK);
	for (i = 0; i < all.len; i++) {
		all.data[i] ^= 0x20;
		assert_int_equal(
			snapshot_sink_open(to.dir, last, all.len,
					   snapshot_source_crc32c(source),
					   &sink, &to.err),
			RK_OK);
		assert_int_equal(snapshot_sink_offset(sink), 0);
		rc = snapshot_sink_write(
			sink, 0, (struct slice){all.data, all.len}, &to.err);
		if (rc == RK_OK)
			rc = snapshot_sink_finish(sink, &h, &to.err);
		assert_int_equal(rc, RK_CORRUPT);
		assert_int_equal(snapshot_sink_part(sink), 0);
		snapshot_sink_free(sink);
		all.data[i] ^= 0x20;
	}
	assert_int_equal(snapshot_newest(to.dir, true, &h, &skipped, &to.err),
			 RK_ABSENT);
	snapshot_source_free(source);
	bytes_close(&all);
	store_close(&to);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(header_comes_back_as_it_was),
		TEST(f12_every_flipped_byte_of_a_header_is_refused),
		TEST(newest_is_absent_in_a_new_directory),
		TEST(newest_is_the_last_one_taken),
		TEST(f12_newest_falls_back_when_the_payload_is_damaged),
		TEST(f12_taking_again_replaces_a_damaged_one),
		TEST(prune_keeps_the_newest),
		TEST(received_snapshot_is_the_one_sent),
		TEST(s3_s4_fault_s12_sink_resumes_and_takes_repeated_pieces),
		TEST(fault_s12_sink_takes_no_part_of_another_snapshot),
		TEST(f20_damaged_transfer_is_never_installed),
	};

	return unit_run("snapshot", tests, LEN(tests));
}
