/* test_bytes.c - growing strings, numbers, hex. */

#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

static void
assert_bytes(const struct bytes *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, b->len);
}

static void
append_grows_as_needed(void **state)
{
	struct bytes b = {.data = NULL};
	int i;

	(void)state;
	bytes_append(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	for (i = 0; i < 1000; i++) {
		bytes_append(&b, "ab", 2);
		bytes_append_char(&b, 'c');
		bytes_append_text(&b, "\n");
	}
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.data + 3996, "abc\n", 4);
	bytes_close(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	bytes_close(&b);
}

static void
reserve_of_nothing_gives_a_pointer(void **state)
{
	struct bytes b = {.data = NULL};

	(void)state;
	assert_non_null(bytes_reserve(&b, 0));
	bytes_close(&b);
}

static void
printf_appends_text_of_any_length(void **state)
{
	struct bytes b = {.data = NULL};

	(void)state;
	bytes_printf(&b, "%s=%d;", "a", 1);
	bytes_printf(&b, "%s", "");
	bytes_printf(&b, "%5000d", 7);
	assert_int_equal(b.len, 5004);
	assert_memory_equal(b.data, "a=1; ", 5);
	assert_int_equal(b.data[5003], '7');
	bytes_close(&b);
}

static void
numbers_are_written_in_decimal(void **state)
{
	struct bytes b = {.data = NULL};

	(void)state;
	bytes_append_u64(&b, 0);
	bytes_append_char(&b, ' ');
	bytes_append_u64(&b, 90211);
	bytes_append_char(&b, ' ');
	bytes_append_u64(&b, UINT64_MAX);
	assert_bytes(&b, "0 90211 18446744073709551615");
	bytes_close(&b);
}

static void
take_leaves_the_giver_empty(void **state)
{
	struct bytes a = {.data = NULL};
	struct bytes b = {.data = NULL};

	(void)state;
	bytes_append_text(&a, "text");
	bytes_reserve(&b, 100); /* Is freed, not lost. */
	bytes_take(&b, &a);
	assert_bytes(&b, "text");
	assert_null(a.data);
	assert_int_equal(a.len, 0);
	bytes_close(&b);
}

static void
consume_drops_the_front(void **state)
{
	struct bytes b = {.data = NULL};

	(void)state;
	bytes_consume(&b, 0);
	bytes_append_text(&b, "abcdef");
	bytes_consume(&b, 2);
	assert_bytes(&b, "cdef");
	bytes_consume(&b, 4);
	assert_int_equal(b.len, 0);
	bytes_close(&b);
}

static void
binary_numbers_are_little_endian(void **state)
{
	uint8_t p[8];

	(void)state;
	bytes_put_u32(p, 0x01020304);
	assert_memory_equal(p, "\x04\x03\x02\x01", 4);
	assert_true(bytes_get_u32(p) == 0x01020304);
	bytes_put_u64(p, UINT64_C(0x0102030405060708));
	assert_memory_equal(p, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_true(bytes_get_u64(p) == UINT64_C(0x0102030405060708));
}

static void
parse_takes_plain_digits_up_to_the_most(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_true(bytes_parse_u64("0", 1, LIMIT_NUMBER, &n));
	assert_true(n == 0);
	assert_true(bytes_parse_u64("90211x", 5, LIMIT_NUMBER, &n));
	assert_true(n == 90211);
	assert_true(bytes_parse_u64("9007199254740991", 16, LIMIT_NUMBER, &n));
	assert_true(n == LIMIT_NUMBER);
	assert_true(
		bytes_parse_u64("18446744073709551615", 20, UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
}

static void
parse_refuses_everything_else(void **state)
{
	static const char *const bad[] = {
		"",
		"00",
		"01",
		"+1",
		"-1",
		" 1",
		"1 ",
		"1.0",
		"1e3",
		"0x1",
		"9007199254740992",
		"18446744073709551616",
		"99999999999999999999999999",
		"\xb2",
	};
	uint64_t n = 7;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++)
		assert_false(bytes_parse_u64(bad[i], strlen(bad[i]),
					     LIMIT_NUMBER, &n));
	assert_false(
		bytes_parse_u64("18446744073709551616", 20, UINT64_MAX, &n));
	assert_false(bytes_parse_u64("1\0", 2, UINT64_MAX, &n));
	assert_true(n == 7);
}

static void
hex_has_two_digits_a_byte(void **state)
{
	struct bytes b = {.data = NULL};

	(void)state;
	bytes_append_hex(&b, "\x00\x7f\xff\x0a", 4);
	assert_bytes(&b, "007fff0a");
	bytes_append_hex(&b, NULL, 0);
	assert_int_equal(b.len, 8);
	bytes_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_grows_as_needed),
		cmocka_unit_test(reserve_of_nothing_gives_a_pointer),
		cmocka_unit_test(printf_appends_text_of_any_length),
		cmocka_unit_test(numbers_are_written_in_decimal),
		cmocka_unit_test(take_leaves_the_giver_empty),
		cmocka_unit_test(consume_drops_the_front),
		cmocka_unit_test(binary_numbers_are_little_endian),
		cmocka_unit_test(parse_takes_plain_digits_up_to_the_most),
		cmocka_unit_test(parse_refuses_everything_else),
		cmocka_unit_test(hex_has_two_digits_a_byte),
	};

	return unit_run("bytes", tests, LEN(tests));
}
