/* test_line.c - the canonical line: what is written, and what is refused. */

#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "base/line.h"
#include "line_oracle.h"

#define AFTER_INDEX                                                            \
	",\"term\":2,\"type\":\"data\",\"time\":\"2026-11-23T07:12:13.794Z\""
#define HEAD "{\"index\":7" AFTER_INDEX

#define TIME_MS UINT64_C(1795417933794)

static const struct rk_entry plain = {
	.index = 7,
	.term = 2,
	.time_ms = TIME_MS,
	.data = "set a 1",
	.len = 7,
};

static void
assert_encodes_to(const struct rk_entry *entry, const char *text)
{
	struct bytes out = {.data = NULL};

	bytes_append_text(&out, ">");
	line_encode(&out, entry);
	assert_true(out.len - 1 <= line_size_bound(entry));
	bytes_append_char(&out, '\0');
	assert_string_equal((const char *)out.data + 1, text);
	bytes_close(&out);
}

static void
assert_data_is_written(const char *data, size_t len, const char *written)
{
	struct rk_entry entry = plain;
	struct bytes text = {.data = NULL};

	entry.data = data;
	entry.len = len;
	bytes_printf(&text, HEAD ",%s}\n%c", written, '\0');
	assert_encodes_to(&entry, (const char *)text.data);
	bytes_close(&text);
}

static bool
accepts(const char *text, bool may_repeat)
{
	struct line line;

	return line_scan(text, strlen(text), may_repeat, &line);
}

static void
encode_writes_the_fields_in_order(void **state)
{
	struct rk_entry entry = plain;

	(void)state;
	assert_encodes_to(&entry, HEAD ",\"data\":\"set a 1\"}\n");
	entry.session = "8f3a91";
	entry.seq = 17;
	assert_encodes_to(&entry, HEAD ",\"session\":\"8f3a91\",\"seq\":17,"
				       "\"data\":\"set a 1\"}\n");
	entry.repeat = 5;
	assert_encodes_to(&entry, HEAD ",\"session\":\"8f3a91\",\"seq\":17,"
				       "\"data\":\"set a 1\",\"repeat\":5}\n");
}

static void
encode_writes_every_type(void **state)
{
	struct rk_entry entry = {
		.index = LIMIT_NUMBER, .term = 0, .type = RK_ENTRY_NOOP};

	(void)state;
	assert_encodes_to(&entry, "{\"index\":9007199254740991,\"term\":0,"
				  "\"type\":\"noop\","
				  "\"time\":\"1970-01-01T00:00:00.000Z\","
				  "\"data\":\"\"}\n");
	entry.type = RK_ENTRY_CONFIGURATION;
	entry.data = "{\"voters\":[1]}";
	entry.len = strlen(entry.data);
	assert_encodes_to(&entry, "{\"index\":9007199254740991,\"term\":0,"
				  "\"type\":\"configuration\","
				  "\"time\":\"1970-01-01T00:00:00.000Z\","
				  "\"data\":\"{\\\"voters\\\":[1]}\"}\n");
}

static void
encode_escapes_what_must_be_and_no_more(void **state)
{
	(void)state;
	assert_data_is_written("\"\\/\b\f\n\r\t", 8,
			       "\"data\":\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	assert_data_is_written("\x01\x0b\x1f\x20\x7e\x7f", 6,
			       "\"data\":\"\\u0001\\u000b\\u001f ~\\u007f\"");
	assert_data_is_written("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80<>&'", 13,
			       "\"data\":\"\xc3\xa9\xe2\x82\xac"
			       "\xf0\x9f\x98\x80<>&'\"");
	assert_data_is_written(NULL, 0, "\"data\":\"\"");
}

static void
encode_uses_base64_where_data_is_not_text(void **state)
{
	(void)state;
	assert_data_is_written("\0", 1, "\"data_base64\":\"AA==\"");
	assert_data_is_written("a\0b", 3, "\"data_base64\":\"YQBi\"");
	assert_data_is_written("\xff", 1, "\"data_base64\":\"/w==\"");
	assert_data_is_written("\xc3", 1, "\"data_base64\":\"ww==\"");
	assert_data_is_written("\xc0\x80", 2, "\"data_base64\":\"wIA=\"");
	assert_data_is_written("\xed\xa0\x80", 3, "\"data_base64\":\"7aCA\"");
	assert_data_is_written("\xf4\x90\x80\x80", 4,
			       "\"data_base64\":\"9JCAgA==\"");
}

static void
scan_finds_every_field(void **state)
{
	const char *text = HEAD ",\"session\":\"8f3a91\",\"seq\":17,"
				"\"data\":\"a\\n\",\"repeat\":5}\nrest";
	struct line line;

	(void)state;
	assert_true(line_scan(text, strlen(text), true, &line));
	assert_int_equal(line.index, 7);
	assert_int_equal(line.term, 2);
	assert_int_equal(line.type, RK_ENTRY_DATA);
	assert_int_equal(line.time_ms, TIME_MS);
	assert_int_equal(line.session_len, 6);
	assert_memory_equal(line.session, "8f3a91", 6);
	assert_int_equal(line.seq, 17);
	assert_false(line.base64);
	assert_int_equal(line.data.len, 3);
	assert_memory_equal(line.data.data, "a\\n", 3);
	assert_int_equal(line.repeat, 5);
	assert_int_equal(line.len, strlen(text) - 4);
	assert_null(line_oracle_complaint(text, &line));
}

static void
scan_without_a_session_finds_none(void **state)
{
	const char *text = HEAD ",\"data_base64\":\"AA==\"}\n";
	struct line line;

	(void)state;
	assert_true(line_scan(text, strlen(text), false, &line));
	assert_null(line.session);
	assert_int_equal(line.seq, 0);
	assert_int_equal(line.repeat, 0);
	assert_true(line.base64);
}

static void
scan_takes_repeat_only_where_it_may_stand(void **state)
{
	(void)state;
	assert_true(accepts(HEAD ",\"data\":\"\",\"repeat\":1}\n", true));
	assert_false(accepts(HEAD ",\"data\":\"\",\"repeat\":1}\n", false));
	assert_false(accepts(HEAD ",\"data\":\"\",\"repeat\":0}\n", true));
}

static void
scan_refuses_other_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"07",
		"-7",
		"+7",
		"7.0",
		"7e0",
		"\"7\"",
		"9007199254740992",
		"90071992547409910",
		" 7",
		"7 ",
		"0x7",
		"18446744073709551623",
		"null",
	};
	struct bytes text = {.data = NULL};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++) {
		text.len = 0;
		bytes_printf(&text,
			     "{\"index\":%s" AFTER_INDEX ",\"data\":\"\"}\n%c",
			     bad[i], '\0');
		if (accepts((const char *)text.data, true))
			fail_msg("took %s", (const char *)text.data);
	}
	bytes_close(&text);
}

static void
scan_refuses_other_data(void **state)
{
	static const char *const bad[] = {
		"\"data\":\"\\/\"",
		"\"data\":\"\\u0041\"",
		"\"data\":\"\\u001F\"",
		"\"data\":\"\\u0000\"",
		"\"data\":\"\\u000a\"",
		"\"data\":\"\\u0022\"",
		"\"data\":\"\\u00e9\"",
		"\"data\":\"\\u0080\"",
		"\"data\":\"\\ud83d\\ude00\"",
		"\"data\":\"\\x\"",
		"\"data\":\"\\",
		"\"data\":\"\\u00",
		"\"data\":\"\\u0001",
		"\"data\":\"a",
		"\"data\":\"\t\"",
		"\"data\":\"\n\"",
		"\"data\":\"\x7f\"",
		"\"data\":\"\x80\"",
		"\"data\":\"\xc0\x80\"",
		"\"data\":\"\xed\xa0\x80\"",
		"\"data\":\"\xc3\"",
		"\"data\":\"\xf4\x90\x80\x80\"",
		"\"data\":null",
		"\"data\":7",
		"\"data_base64\":\"\"",
		"\"data_base64\":\"AA\"",
		"\"data_base64\":\"AB==\"",
		"\"data_base64\":\"AA==AA==\"",
		"\"data_base64\":\"AA=\\u003d\"",
		"\"data_base64\":\"_w==\"",
		"\"data_base64\":\"AAAA",
		/* What is text may not be in base64: "a", U+00E9. */
		"\"data_base64\":\"YQ==\"",
		"\"data_base64\":\"w6k=\"",
		"\"data\":\"\",\"data\":\"\"",
		"\"data\":\"\" ",
		"\"seq\":1,\"data\":\"\"",
		"\"session\":\"a\",\"data\":\"\"",
		"\"session\":\"\",\"seq\":1,\"data\":\"\"",
		"\"session\":\"a\",\"seq\":0,\"data\":\"\"",
		"\"session\":\"a b\",\"seq\":1,\"data\":\"\"",
		"\"seq\":1,\"session\":\"a\",\"data\":\"\"",
		"\"data\":\"\",\"more\":1",
	};
	struct bytes text = {.data = NULL};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++) {
		text.len = 0;
		bytes_printf(&text, HEAD ",%s}\n%c", bad[i], '\0');
		if (accepts((const char *)text.data, true))
			fail_msg("took %s", (const char *)text.data);
	}
	bytes_close(&text);
}

static void
scan_refuses_other_frames(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"{}\n",
		" " HEAD ",\"data\":\"\"}\n",
		"\xef\xbb\xbf" HEAD ",\"data\":\"\"}\n",
		HEAD ",\"data\":\"\"}",
		HEAD ",\"data\":\"\"}\r\n",
		HEAD ",\"data\":\"\"} \n",
		HEAD ", \"data\":\"\"}\n",
		HEAD "}\n",
		"{\"term\":2,\"index\":7,\"type\":\"data\","
		"\"time\":\"2026-11-23T07:12:13.794Z\",\"data\":\"\"}\n",
		"{\"index\":7,\"term\":2,\"type\":\"Data\","
		"\"time\":\"2026-11-23T07:12:13.794Z\",\"data\":\"\"}\n",
		"{\"index\":7,\"term\":2,\"type\":\"noop\","
		"\"time\":\"2026-11-23T07:12:13.794Z\",\"data\":\"x\"}\n",
		"{\"index\":7,\"term\":2,\"type\":\"noop\","
		"\"time\":\"2026-11-23T07:12:13.79Z\",\"data\":\"\"}\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++) {
		if (accepts(bad[i], true))
			fail_msg("took %s", bad[i]);
	}
}

static void
scan_refuses_every_cut(void **state)
{
	const char *text = HEAD ",\"session\":\"8f3a91\",\"seq\":17,"
				"\"data\":\"a\\n\\u0001\xc3\xa9 and more\","
				"\"repeat\":5}\n";
	struct line line;
	size_t len;
	char *exact;

	(void)state;
	assert_true(accepts(text, true));
	for (len = 0; len < strlen(text); len++) {
		exact = mem_dup(text, len);
		assert_false(line_scan(exact, len, true, &line));
		mem_free(exact);
	}
}

static void
session_ids_are_short_and_plain(void **state)
{
	char id[LIMIT_SESSION_ID + 2];
	int c;

	(void)state;
	memset(id, 'a', sizeof id);
	assert_false(line_session_is_valid(id, 0));
	assert_true(line_session_is_valid(id, 1));
	assert_true(line_session_is_valid(id, LIMIT_SESSION_ID));
	assert_false(line_session_is_valid(id, LIMIT_SESSION_ID + 1));
	for (c = 0; c < 256; c++) {
		id[1] = (char)c;
		assert_int_equal(line_session_is_valid(id, 3),
				 c != 0 && strchr("abcdefghijklmnopqrstuvwxyz"
						  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						  "0123456789._-",
						  c) != NULL);
	}
}

static void
marked_line_is_the_line_with_repeat(void **state)
{
	struct bytes out = {.data = NULL};
	struct bytes line = {.data = NULL};
	struct slice slice;
	struct line scanned;

	(void)state;
	line_encode(&line, &plain);
	slice = (struct slice){line.data, line.len};
	line_mark_repeat(&out, slice, 3);
	assert_true(line_scan(out.data, out.len, true, &scanned));
	assert_int_equal(scanned.repeat, 3);
	assert_null(line_oracle_complaint(out.data, &scanned));
	bytes_close(&out);
	bytes_close(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_writes_the_fields_in_order),
		cmocka_unit_test(encode_writes_every_type),
		cmocka_unit_test(encode_escapes_what_must_be_and_no_more),
		cmocka_unit_test(encode_uses_base64_where_data_is_not_text),
		cmocka_unit_test(scan_finds_every_field),
		cmocka_unit_test(scan_without_a_session_finds_none),
		cmocka_unit_test(scan_takes_repeat_only_where_it_may_stand),
		cmocka_unit_test(scan_refuses_other_numbers),
		cmocka_unit_test(scan_refuses_other_data),
		cmocka_unit_test(scan_refuses_other_frames),
		cmocka_unit_test(scan_refuses_every_cut),
		cmocka_unit_test(session_ids_are_short_and_plain),
		cmocka_unit_test(marked_line_is_the_line_with_repeat),
	};

	return unit_run("line", tests, LEN(tests));
}
