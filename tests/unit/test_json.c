/* test_json.c - the one strict way in which JSON is read. */

#include "unit.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"

static enum rk_code
read_text(const char *text, size_t len, json_t **root, struct rk_error *err)
{
	struct slice slice = {(const uint8_t *)text, len};

	return json_read(slice, LIMIT_JSON_BYTES, root, err);
}

static json_t *
must_read(const char *text)
{
	struct rk_error err;
	json_t *root;

	if (read_text(text, strlen(text), &root, &err))
		fail_msg("%s: %s", text, err.text);
	return root;
}

static void
must_refuse(const char *text, size_t len)
{
	struct rk_error err = {.code = RK_OK};
	json_t *root = NULL;

	if (read_text(text, len, &root, &err) != RK_USAGE)
		fail_msg("took %s", text);
	assert_null(root);
	assert_int_equal(err.code, RK_USAGE);
	assert_true(strlen(err.text) > 0);
}

static void
read_refuses_what_is_not_strict(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"7",
		"\"a\"",
		"{}x",
		"{}{}",
		"{}\xef\xbb\xbf",
		"\xef\xbb\xbf{}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":NaN}",
		"{\"a\":1e400}",
		"{\"a\":18446744073709551615}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":1,}",
		"[1,]",
		"{\"a\" 1}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++)
		must_refuse(bad[i], strlen(bad[i]));
	must_refuse("{}\0", 3);
	must_refuse("{\"a\0b\":1}", 9);
	must_refuse(NULL, 0);
}

static void
refusal_names_the_position_on_one_line(void **state)
{
	const char *text = "{\n  \"a\": tr\nue}";
	struct rk_error err;
	json_t *root;

	(void)state;
	assert_int_equal(read_text(text, strlen(text), &root, &err), RK_USAGE);
	assert_non_null(strstr(err.text, "line 2, column 9"));
	assert_null(strchr(err.text, '\n'));
}

static void
read_takes_white_space_around(void **state)
{
	(void)state;
	json_decref(must_read(" \t\r\n{ \"a\" : [ 1 , {} ] }\n"));
	json_decref(must_read("[]"));
}

static void
read_refuses_more_than_the_most_bytes(void **state)
{
	struct slice text = {(const uint8_t *)"{\"a\":1}", 7};
	struct rk_error err;
	json_t *root;

	(void)state;
	assert_int_equal(json_read(text, 6, &root, &err), RK_USAGE);
	assert_string_equal(err.text, "JSON of 7 bytes; at most 6");
	assert_int_equal(json_read(text, 7, &root, &err), RK_OK);
	json_decref(root);
}

static void
read_bounds_the_depth(void **state)
{
	char text[2 * (LIMIT_JSON_DEPTH + 1) + 1];
	size_t depth;

	(void)state;
	for (depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		if (depth <= LIMIT_JSON_DEPTH)
			json_decref(must_read(text));
		else
			must_refuse(text, 2 * depth);
	}
}

static void
brackets_within_strings_are_no_depth(void **state)
{
	char text[128];

	(void)state;
	/* Ends in an escaped backslash and the quote that closes. */
	memset(text, '[', sizeof text);
	memcpy(text, "[\"\\\"", 4);
	memcpy(text + 100, "\\\\\",1]", 7);
	json_decref(must_read(text));
	/* One level open at a time, however many there are. */
	json_decref(must_read("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
			      "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
			      "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]"));
}

static void
u64_takes_integers_in_range_alone(void **state)
{
	json_t *root = must_read("{\"zero\":0,\"most\":9007199254740991,"
				 "\"over\":9007199254740992,\"minus\":-1,"
				 "\"real\":1.0,\"exp\":1e3,\"text\":\"1\","
				 "\"null\":null,\"big\":9223372036854775807}");
	static const char *const bad[] = {"over", "minus", "real",   "exp",
					  "text", "null",  "absent", "big"};
	struct rk_error err;
	uint64_t n = 7;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(bad); i++) {
		assert_int_equal(
			json_get_u64(root, bad[i], LIMIT_NUMBER, &n, &err),
			RK_USAGE);
		assert_non_null(strstr(err.text, bad[i]));
		assert_true(n == 7);
	}
	assert_int_equal(json_get_u64(root, "most", LIMIT_NUMBER, &n, &err),
			 RK_OK);
	assert_true(n == LIMIT_NUMBER);
	assert_int_equal(json_get_u64(root, "zero", 0, &n, &err), RK_OK);
	assert_true(n == 0);
	assert_int_equal(json_get_u64(root, "most", 100, &n, &err), RK_USAGE);
	assert_string_equal(err.text,
			    "field \"most\": not an integer from 0 to 100");
	json_decref(root);
}

static void
members_have_the_type_asked_for(void **state)
{
	json_t *root = must_read("{\"b\":true,\"t\":\"x\",\"a\":[],\"o\":{}}");
	struct rk_error err;
	const char *text;
	json_t *value;
	bool b = false;

	(void)state;
	assert_int_equal(json_get_bool(root, "b", &b, &err), RK_OK);
	assert_true(b);
	assert_int_equal(json_get_text(root, "t", &text, &err), RK_OK);
	assert_string_equal(text, "x");
	assert_int_equal(json_get_array(root, "a", &value, &err), RK_OK);
	assert_int_equal(json_get_object(root, "o", &value, &err), RK_OK);

	assert_int_equal(json_get_bool(root, "t", &b, &err), RK_USAGE);
	assert_int_equal(json_get_text(root, "a", &text, &err), RK_USAGE);
	assert_int_equal(json_get_array(root, "o", &value, &err), RK_USAGE);
	assert_int_equal(json_get_object(root, "b", &value, &err), RK_USAGE);
	assert_string_equal(err.text, "field \"b\": not an object");
	assert_int_equal(json_get_object(root, "c", &value, &err), RK_USAGE);
	assert_string_equal(err.text, "field \"c\": missing");
	assert_int_equal(
		json_get_array(json_object_get(root, "a"), "c", &value, &err),
		RK_USAGE);
	assert_string_equal(err.text, "field \"c\": not in an object");
	json_decref(root);
}

static void
text_with_nul_is_refused(void **state)
{
	json_t *root = json_object();
	struct rk_error err;
	const char *text;

	(void)state;
	json_object_set_new(root, "t", json_stringn("a\0b", 3));
	assert_int_equal(json_get_text(root, "t", &text, &err), RK_USAGE);
	json_decref(root);
}

static void
write_keeps_the_order_and_adds_no_space(void **state)
{
	const char *text =
		"{\"z\":1,\"a\":[true,null,\"\xc3\xa9\\n\"],\"m\":{}}";
	struct bytes out = {.data = NULL};

	(void)state;
	bytes_append_text(&out, ">");
	json_write_steal(&out, must_read(text));
	bytes_append_char(&out, '\0');
	assert_string_equal((const char *)out.data + 1, text);
	bytes_close(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_refuses_what_is_not_strict),
		cmocka_unit_test(refusal_names_the_position_on_one_line),
		cmocka_unit_test(read_takes_white_space_around),
		cmocka_unit_test(read_refuses_more_than_the_most_bytes),
		cmocka_unit_test(read_bounds_the_depth),
		cmocka_unit_test(brackets_within_strings_are_no_depth),
		cmocka_unit_test(u64_takes_integers_in_range_alone),
		cmocka_unit_test(members_have_the_type_asked_for),
		cmocka_unit_test(text_with_nul_is_refused),
		cmocka_unit_test(write_keeps_the_order_and_adds_no_space),
	};

	return unit_run("json", tests, LEN(tests));
}
