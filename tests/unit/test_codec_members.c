/* test_codec_members.c - configurations with addresses, there and back. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "wire/codec_members.h"

static struct slice
slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static enum rk_code
parse(const char *text, struct configuration *c, struct addresses *a)
{
	struct rk_error err;

	return members_parse(text, c, a, &err);
}

static void
parse_makes_voters_in_ascending_order(void **state)
{
	struct configuration c;
	struct addresses a;

	(void)state;
	assert_int_equal(
		parse("3=h3:7403,1=http://127.0.0.1:7401,2=[::1]:7402", &c, &a),
		RK_OK);
	assert_int_equal(c.voters.count, 3);
	assert_int_equal(c.voters.ids[0], 1);
	assert_int_equal(c.voters.ids[1], 2);
	assert_int_equal(c.voters.ids[2], 3);
	assert_int_equal(c.old.count, 0);
	assert_int_equal(c.learners.count, 0);
	assert_string_equal(addresses_find(&a, 1), "http://127.0.0.1:7401");
	assert_string_equal(addresses_find(&a, 2), "http://[::1]:7402");
	assert_string_equal(addresses_find(&a, 3), "http://h3:7403");
	assert_null(addresses_find(&a, 4));
}

static void
parse_refuses_what_is_no_list_of_members(void **state)
{
	static const char *const text[] = {
		"",
		",",
		"1",
		"1=",
		"=h:1",
		"0=h:1",
		"-1=h:1",
		"01=h:1",
		"x=h:1",
		"1=h",
		"1=h:",
		"1=h:0",
		"1=h:65536",
		"1=h:1,",
		"1=h:1,,2=h:2",
		"1=h:1,1=h:2",
		"1=h:1,2=h:1",
		"1=https://h:1",
		"1=ftp://h:1",
		"1=h:1/path",
		"1=h:1?query",
		"1=user@h:1",
		"1=h h:1",
		"9007199254740992=h:1",
		"1=:1",
		"1=[::1:1",
		"1=[]:1",
	};
	struct configuration c;
	struct addresses a;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(text); i++) {
		if (parse(text[i], &c, &a) != RK_USAGE)
			fail_msg("accepted: %s", text[i]);
	}
}

static void
parse_refuses_too_many_and_too_long(void **state)
{
	struct bytes text = {.data = NULL};
	struct configuration c;
	struct addresses a;
	int i;

	(void)state;
	for (i = 1; i <= LIMIT_MEMBERS; i++)
		bytes_printf(&text, "%s%d=h:%d", i > 1 ? "," : "", i, i);
	bytes_append_char(&text, '\0');
	assert_int_equal(parse((const char *)text.data, &c, &a), RK_OK);
	text.len--;
	bytes_printf(&text, ",%d=h:%d", i, i);
	bytes_append_char(&text, '\0');
	assert_int_equal(parse((const char *)text.data, &c, &a), RK_USAGE);

	text.len = 0;
	bytes_append_text(&text, "1=");
	for (i = 0; i < LIMIT_URL_BYTES; i++)
		bytes_append_char(&text, 'h');
	bytes_append(&text, ":1", 3);
	assert_int_equal(parse((const char *)text.data, &c, &a), RK_USAGE);
	bytes_close(&text);
}

static void
valid_urls_are_plain(void **state)
{
	(void)state;
	assert_true(url_is_valid("http://127.0.0.1:7401"));
	assert_true(url_is_valid("http://node-1.example:80"));
	assert_true(url_is_valid("http://[fe80::1]:80"));
	assert_false(url_is_valid(""));
	assert_false(url_is_valid("http://"));
	assert_false(url_is_valid("http://h:1/"));
	assert_false(url_is_valid("http://h:01"));
	assert_false(url_is_valid("http://h\":1"));
	assert_false(url_is_valid("HTTP://h:1"));
	assert_false(url_is_valid("http://h:1\n"));
}

static void
addresses_are_replaced_and_full_at_last(void **state)
{
	struct addresses a = {.count = 0};
	rk_id id;

	(void)state;
	assert_true(addresses_set(&a, 5, "http://h:1"));
	assert_true(addresses_set(&a, 5, "http://h:2"));
	assert_int_equal(a.count, 1);
	assert_string_equal(addresses_find(&a, 5), "http://h:2");
	assert_false(addresses_set(&a, 6, "h:2"));
	for (id = 100; a.count < LEN(a.members); id--)
		assert_true(addresses_set(&a, id, "http://h:3"));
	assert_false(addresses_set(&a, 4, "http://h:4"));
	assert_false(addresses_set(&a, 1000, "http://h:4"));
	assert_true(addresses_set(&a, 100, "http://h:4"));
	assert_string_equal(addresses_find(&a, 100), "http://h:4");
}

static const char joint[] =
	"{\"voters\":[2,3],\"voters_old\":[1,2],\"learners\":[1,4],"
	"\"addresses\":{\"1\":\"http://h:1\",\"2\":\"http://h:2\","
	"\"3\":\"http://h:3\",\"4\":\"http://h:4\"}}";

static void
configuration_is_the_same_text_again(void **state)
{
	struct bytes out = {.data = NULL};
	struct configuration c;
	struct addresses a;
	struct rk_error err = {.code = RK_OK};

	(void)state;
	if (members_decode(slice_of(joint), &c, &a, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.voters.count, 2);
	assert_int_equal(c.old.ids[0], 1);
	assert_int_equal(c.learners.ids[1], 4);
	assert_string_equal(addresses_find(&a, 3), "http://h:3");
	members_encode(&out, &c, &a);
	assert_int_equal(out.len, strlen(joint));
	assert_memory_equal(out.data, joint, out.len);
	bytes_close(&out);
}

static void
what_is_not_joint_says_nothing_of_old_voters(void **state)
{
	struct bytes out = {.data = NULL};
	struct configuration c;
	struct addresses a;

	(void)state;
	assert_int_equal(parse("1=h:1", &c, &a), RK_OK);
	members_encode(&out, &c, &a);
	bytes_append_char(&out, '\0');
	assert_string_equal((const char *)out.data,
			    "{\"voters\":[1],\"learners\":[],"
			    "\"addresses\":{\"1\":\"http://h:1\"}}");
	bytes_close(&out);
}

static void
addresses_of_others_may_be_there(void **state)
{
	static const char text[] = "{\"voters\":[1],\"learners\":[],\"new\":0,"
				   "\"addresses\":{\"1\":\"http://h:1\","
				   "\"9\":\"http://h:9\"}}";
	struct configuration c;
	struct addresses a;
	struct rk_error err;

	(void)state;
	assert_int_equal(members_decode(slice_of(text), &c, &a, &err), RK_OK);
	assert_string_equal(addresses_find(&a, 9), "http://h:9");
}

#define ADDRESSES ",\"addresses\":{\"1\":\"http://h:1\"}}"

static void
decode_refuses_what_cannot_be_a_configuration(void **state)
{
	static const char *const text[] = {
		"",
		"[]",
		"{}",
		"{\"voters\":[1],\"learners\":[]}",
		"{\"voters\":[1]" ADDRESSES,
		"{\"learners\":[1]" ADDRESSES,
		"{\"voters\":[],\"learners\":[1]" ADDRESSES,
		"{\"voters\":[0],\"learners\":[]" ADDRESSES,
		"{\"voters\":[-1],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1.0],\"learners\":[]" ADDRESSES,
		"{\"voters\":[\"1\"],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1,1],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1,2],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1],\"learners\":[2]" ADDRESSES,
		"{\"voters\":[1],\"learners\":[1]" ADDRESSES,
		"{\"voters\":[1],\"voters_old\":[2],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1],\"voters_old\":1,\"learners\":[]" ADDRESSES,
		"{\"voters\":[9007199254740992],\"learners\":[]" ADDRESSES,
		"{\"voters\":[1],\"learners\":[],\"addresses\":[]}",
		"{\"voters\":[1],\"learners\":[],"
		"\"addresses\":{\"1\":\"http://h\"}}",
		"{\"voters\":[1],\"learners\":[],\"addresses\":{\"1\":1}}",
		"{\"voters\":[1],\"learners\":[],"
		"\"addresses\":{\"1\":\"http://h:1\",\"x\":\"http://h:1\"}}",
		"{\"voters\":[1],\"learners\":[],"
		"\"addresses\":{\"1\":\"http://h:1\",\"1\":\"http://h:1\"}}",
		"{\"voters\":[1],\"learners\":[]" ADDRESSES "x",
	};
	struct configuration c = {.voters = {.count = 7}};
	struct addresses a = {.count = 7};
	struct rk_error err;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(text); i++) {
		if (members_decode(slice_of(text[i]), &c, &a, &err) != RK_USAGE)
			fail_msg("accepted: %s", text[i]);
		assert_int_equal(c.voters.count, 7); /* Not touched. */
		assert_int_equal(a.count, 7);
	}
}

static void
incarnations_and_joiners_are_the_same_text_again(void **state)
{
	static const char text[] =
		"{\"voters\":[1,2],\"learners\":[3,4],"
		"\"addresses\":{\"1\":\"http://h:1\",\"2\":\"http://h:2\","
		"\"3\":\"http://h:3\",\"4\":\"http://h:4\"},"
		"\"incarnations\":{\"1\":\"0123456789abcdef\","
		"\"4\":\"fedcba9876543210\"},\"joining\":[3]}";
	struct bytes out = {.data = NULL};
	struct configuration c;
	struct addresses a;
	struct rk_error err;

	(void)state;
	assert_int_equal(members_decode(slice_of(text), &c, &a, &err), RK_OK);
	assert_string_equal(addresses_member(&a, 1)->incarnation,
			    "0123456789abcdef");
	assert_string_equal(addresses_member(&a, 2)->incarnation, "");
	assert_true(addresses_member(&a, 3)->joining);
	assert_false(addresses_member(&a, 4)->joining);
	members_encode(&out, &c, &a);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.data, text, out.len);
	bytes_close(&out);
}

static void
incarnations_and_joiners_are_those_of_members(void **state)
{
	static const char *const more[] = {
		"\"incarnations\":[]",
		"\"incarnations\":{\"3\":\"0123456789abcdef\"}",
		"\"incarnations\":{\"x\":\"0123456789abcdef\"}",
		"\"incarnations\":{\"1\":\"0123456789ABCDEF\"}",
		"\"incarnations\":{\"1\":\"0123456789abcde\"}",
		"\"incarnations\":{\"1\":\"\"}",
		"\"incarnations\":{\"1\":7}",
		"\"joining\":[1]", /* A voter. */
		"\"joining\":[3]",
		"\"joining\":[2,2]",
		"\"joining\":2",
	};
	struct configuration c;
	struct addresses a;
	struct rk_error err;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < LEN(more); i++) {
		snprintf(text, sizeof text,
			 "{\"voters\":[1],\"learners\":[2],\"addresses\":"
			 "{\"1\":\"http://h:1\",\"2\":\"http://h:2\"},%s}",
			 more[i]);
		if (members_decode(slice_of(text), &c, &a, &err) != RK_USAGE)
			fail_msg("accepted: %s", text);
	}
}

static void
a_new_address_keeps_the_incarnation(void **state)
{
	struct addresses a = {.count = 0};

	(void)state;
	assert_true(addresses_set(&a, 1, "http://h:1"));
	addresses_set_incarnation(&a, 1, "0123456789abcdef");
	assert_true(addresses_set(&a, 1, "http://h:2"));
	assert_string_equal(addresses_member(&a, 1)->incarnation,
			    "0123456789abcdef");
	addresses_remove(&a, 1);
	addresses_remove(&a, 1);
	assert_int_equal(a.count, 0);
	assert_true(addresses_set(&a, 1, "http://h:1"));
	assert_string_equal(addresses_member(&a, 1)->incarnation, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_makes_voters_in_ascending_order),
		cmocka_unit_test(parse_refuses_what_is_no_list_of_members),
		cmocka_unit_test(parse_refuses_too_many_and_too_long),
		cmocka_unit_test(valid_urls_are_plain),
		cmocka_unit_test(addresses_are_replaced_and_full_at_last),
		cmocka_unit_test(configuration_is_the_same_text_again),
		cmocka_unit_test(what_is_not_joint_says_nothing_of_old_voters),
		cmocka_unit_test(addresses_of_others_may_be_there),
		cmocka_unit_test(decode_refuses_what_cannot_be_a_configuration),
		cmocka_unit_test(
			incarnations_and_joiners_are_the_same_text_again),
		cmocka_unit_test(incarnations_and_joiners_are_those_of_members),
		cmocka_unit_test(a_new_address_keeps_the_incarnation),
	};

	return unit_run("codec_members", tests, LEN(tests));
}
