/* test_utf8.c - what is text, and base64 for what is not. */

#include "unit.h"

#include <string.h>

#include "base/bytes.h"
#include "base/prng.h"

/* Write the code's UTF-8 in `len` bytes, were it overlong, too. */
static void
put_code(uint8_t *to, uint32_t code, size_t len)
{
	static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t i;

	for (i = len - 1; i > 0; i--) {
		to[i] = (uint8_t)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	to[0] = (uint8_t)(lead[len] | code);
}

static size_t
code_length(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static void
every_code_is_text_in_its_shortest_form_alone(void **state)
{
	uint8_t p[4];
	uint32_t code;
	size_t len;
	bool is_text;

	(void)state;
	/* Up to what four bytes can hold: codes above U+10FFFF, too. */
	for (code = 0; code < 0x200000; code++) {
		for (len = code_length(code); len <= 4; len++) {
			put_code(p, code, len);
			is_text = len == code_length(code) && code < 0x110000 &&
				  (code < 0xd800 || code > 0xdfff);
			if (bytes_is_utf8(p, len) != is_text)
				fail_msg("U+%04X in %zu bytes", code, len);
		}
	}
}

static void
no_code_is_text_when_cut_or_damaged(void **state)
{
	uint8_t p[8];
	uint32_t code;
	size_t len;
	size_t i;

	(void)state;
	for (code = 0x80; code < 0x110000; code += 61) {
		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		len = code_length(code);
		put_code(p, code, len);
		for (i = 1; i < len; i++) {
			assert_false(bytes_is_utf8(p, i));
			assert_false(bytes_is_utf8(p + i, len - i));
			p[i] ^= 0xc0; /* 10xxxxxx to 01xxxxxx. */
			assert_false(bytes_is_utf8(p, len));
			p[i] ^= 0xc0;
		}
	}
}

static void
one_bad_byte_is_found_at_any_place(void **state)
{
	static const uint8_t bad[] = {0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff};
	uint8_t text[40];
	size_t at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad; i++) {
		for (at = 0; at < sizeof text; at++) {
			memset(text, 'a', sizeof text);
			text[at] = bad[i];
			assert_false(bytes_is_utf8(text, sizeof text));
			assert_true(bytes_is_utf8(text, at));
		}
	}
	assert_true(bytes_is_utf8(NULL, 0));
	assert_true(bytes_is_utf8("\0", 1));
}

static void
base64_of_known_data_is_as_published(void **state)
{
	static const char *const pair[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	struct bytes b = {.data = NULL};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(pair); i++) {
		b.len = 0;
		bytes_append_base64(&b, pair[i][0], strlen(pair[i][0]));
		assert_int_equal(b.len, strlen(pair[i][1]));
		assert_memory_equal(b.data, pair[i][1], b.len);
		b.len = 0;
		assert_true(bytes_decode_base64(&b, pair[i][1],
						strlen(pair[i][1])));
		assert_int_equal(b.len, strlen(pair[i][0]));
		assert_memory_equal(b.data, pair[i][0], b.len);
	}
	bytes_close(&b);
}

static void
base64_refuses_every_other_form(void **state)
{
	static const char *const bad[] = {
		"Z",        "Zg",       "Zg=",      "Zh==",    "Zm9=",
		"Zm8",      "====",     "Z===",     "=Zm9",    "Zg=a",
		"Zg==Zg==", "Zm8=Zm9v", "Zm9v\n",   "Zm\n9v",  "Zm9 ",
		"Zm-_",     "Zm9v=",    "Zm9v====", "Zm9\xff", "Zm9vZ===",
	};
	struct bytes b = {.data = NULL};
	size_t i;

	(void)state;
	bytes_append_text(&b, "kept");
	for (i = 0; i < LEN(bad); i++) {
		if (bytes_decode_base64(&b, bad[i], strlen(bad[i])))
			fail_msg("took %s", bad[i]);
		assert_int_equal(b.len, 4);
		assert_memory_equal(b.data, "kept", 4);
	}
	assert_false(bytes_decode_base64(&b, "AA\0A", 4));
	bytes_close(&b);
}

/* All 2^24 groups of four digits and padding are too many; so random ones. */
static void
base64_that_decodes_encodes_to_itself(void **state)
{
	static const char some[] = "ABCZabcz0189+/==-\n";
	struct bytes data = {.data = NULL};
	struct bytes text = {.data = NULL};
	struct prng random;
	char digits[12];
	unsigned int taken = 0;
	size_t len;
	size_t i;
	int round;

	(void)state;
	prng_init(&random, unit_seed());
	for (round = 0; round < 300000; round++) {
		len = 4 * prng_range(&random, 1, 4);
		for (i = 0; i < len; i++)
			digits[i] =
				some[prng_range(&random, 0, sizeof some - 1)];
		data.len = 0;
		if (!bytes_decode_base64(&data, digits, len))
			continue;
		taken++;
		text.len = 0;
		bytes_append_base64(&text, data.data, data.len);
		assert_int_equal(text.len, len);
		assert_memory_equal(text.data, digits, len);
	}
	assert_true(taken > 1000);
	bytes_close(&data);
	bytes_close(&text);
}

static void
base64_gives_any_data_back(void **state)
{
	struct bytes back = {.data = NULL};
	struct bytes text = {.data = NULL};
	struct prng random;
	uint8_t data[100];
	size_t len;
	size_t i;
	int round;

	(void)state;
	prng_init(&random, unit_seed());
	for (round = 0; round < 10000; round++) {
		len = prng_range(&random, 0, sizeof data + 1);
		for (i = 0; i < len; i++)
			data[i] = (uint8_t)prng_next(&random);
		text.len = 0;
		back.len = 0;
		bytes_append_base64(&text, data, len);
		assert_true(bytes_decode_base64(&back, (const char *)text.data,
						text.len));
		assert_int_equal(back.len, len);
		assert_memory_equal(back.data, data, len);
	}
	bytes_close(&back);
	bytes_close(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_is_text_in_its_shortest_form_alone),
		cmocka_unit_test(no_code_is_text_when_cut_or_damaged),
		cmocka_unit_test(one_bad_byte_is_found_at_any_place),
		cmocka_unit_test(base64_of_known_data_is_as_published),
		cmocka_unit_test(base64_refuses_every_other_form),
		cmocka_unit_test(base64_that_decodes_encodes_to_itself),
		cmocka_unit_test(base64_gives_any_data_back),
	};

	return unit_run("utf8", tests, LEN(tests));
}
