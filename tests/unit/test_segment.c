/* test_segment.c - the bytes of headers and records. */

#include <string.h>

#include "store/segment.h"
#include "unit.h"

static const uint8_t id[SEGMENT_ID_BYTES] = "sixteen bytes id";

static struct segment_head
make_head(void)
{
	struct segment_head head = {
		.recycled = true,
		.cluster = UINT64_C(0xfedcba9876543210),
		.node = 3,
		.last = {90111, 7},
		.hard_state = {8, 2},
		.first_batch = 1234,
		.commit = 90100,
	};

	memcpy(head.id, id, sizeof head.id);
	return head;
}

static void
head_comes_back_as_it_was(void **state)
{
	struct segment_head head = make_head();
	struct segment_head back;
	struct rk_error err;
	uint8_t data[SEGMENT_HEAD_BYTES];

	(void)state;
	segment_head_encode(&head, data);
	assert_int_equal(segment_head_decode(data, &back, &err), RK_OK);
	assert_true(back.recycled);
	assert_memory_equal(back.id, id, sizeof id);
	assert_int_equal(back.cluster, head.cluster);
	assert_int_equal(back.node, 3);
	assert_int_equal(back.last.index, 90111);
	assert_int_equal(back.last.term, 7);
	assert_int_equal(back.hard_state.term, 8);
	assert_int_equal(back.hard_state.vote, 2);
	assert_int_equal(back.first_batch, 1234);
	assert_int_equal(back.commit, 90100);
}

static void
f11_every_flipped_bit_of_a_head_is_refused(void **state)
{
	struct segment_head head = make_head();
	struct rk_error err;
	uint8_t data[SEGMENT_HEAD_BYTES];
	size_t bit;

	(void)state;
	segment_head_encode(&head, data);
	for (bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(segment_head_decode(data, &head, &err),
				 RK_CORRUPT);
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void
newer_format_is_named(void **state)
{
	struct segment_head head = make_head();
	struct rk_error err;
	uint8_t data[SEGMENT_HEAD_BYTES];

	(void)state;
	segment_head_encode(&head, data);
	bytes_put_u32(data + 8, 2);
	assert_int_equal(segment_head_decode(data, &head, &err), RK_CORRUPT);
	assert_string_equal(err.text, "format 2; this program reads format 1");
}

static uint32_t
append_sample(struct bytes *out, enum record_kind kind, uint64_t offset)
{
	static const char line[] = "{\"index\":7}\n";
	struct record r = {.kind = kind, .index = 7, .term = 2, .batch = 9};

	if (kind == RECORD_ENTRY)
		r.payload =
			(struct slice){(const uint8_t *)line, sizeof line - 1};
	if (kind == RECORD_HARD_STATE)
		r.payload.len = 8;
	if (kind == RECORD_BATCH_END || kind == RECORD_SEAL)
		r.payload.len = 16;
	if (r.payload.data == NULL)
		r.payload.data = id;
	return record_append(out, &r, segment_seed(id), offset);
}

static void
record_comes_back_as_it_was(void **state)
{
	struct bytes data = {0};
	struct record r;
	uint32_t crc;
	int kind;

	(void)state;
	for (kind = RECORD_ENTRY; kind <= RECORD_SEAL; kind++) {
		data.len = 0;
		crc = append_sample(&data, (enum record_kind)kind, 128);
		assert_true(record_check(data.data, data.len, segment_seed(id),
					 128, &r));
		assert_int_equal(r.kind, kind);
		assert_int_equal(r.index, 7);
		assert_int_equal(r.term, 2);
		assert_int_equal(r.batch, 9);
		assert_int_equal(r.size, data.len);
		assert_int_equal(r.crc32c, crc);
	}
	bytes_close(&data);
}

static void
f9_every_flipped_bit_of_every_kind_is_noticed(void **state)
{
	struct bytes data = {0};
	struct record r;
	size_t bit;
	int kind;

	(void)state;
	for (kind = RECORD_ENTRY; kind <= RECORD_SEAL; kind++) {
		data.len = 0;
		append_sample(&data, (enum record_kind)kind, 128);
		for (bit = 0; bit < 8 * data.len; bit++) {
			data.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_false(record_check(data.data, data.len,
						  segment_seed(id), 128, &r));
			data.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
	bytes_close(&data);
}

static void
f17_record_at_another_place_is_none(void **state)
{
	uint8_t other[SEGMENT_ID_BYTES] = {1};
	struct bytes data = {0};
	struct record r;

	(void)state;
	append_sample(&data, RECORD_ENTRY, 128);
	assert_false(
		record_check(data.data, data.len, segment_seed(id), 136, &r));
	assert_false(record_check(data.data, data.len, segment_seed(other), 128,
				  &r));
	bytes_close(&data);
}

static void
record_cut_short_is_none(void **state)
{
	struct bytes data = {0};
	struct record r;
	size_t len;

	(void)state;
	append_sample(&data, RECORD_ENTRY, 128);
	for (len = 0; len < data.len; len++)
		assert_false(record_check(data.data, len, segment_seed(id), 128,
					  &r));
	bytes_close(&data);
}

static void
zeros_are_no_record(void **state)
{
	uint8_t zeros[256] = {0};
	struct record r;

	(void)state;
	assert_int_equal(record_claimed_size(zeros), 0);
	assert_false(record_check(zeros, sizeof zeros, 0, 128, &r));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_comes_back_as_it_was),
		cmocka_unit_test(f11_every_flipped_bit_of_a_head_is_refused),
		cmocka_unit_test(newer_format_is_named),
		cmocka_unit_test(record_comes_back_as_it_was),
		cmocka_unit_test(f9_every_flipped_bit_of_every_kind_is_noticed),
		cmocka_unit_test(f17_record_at_another_place_is_none),
		cmocka_unit_test(record_cut_short_is_none),
		cmocka_unit_test(zeros_are_no_record),
	};

	return unit_run("segment", tests, LEN(tests));
}
