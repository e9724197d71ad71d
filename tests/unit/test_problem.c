/* test_problem.c - problem objects, there and back. */

#include "unit.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "wire/problem.h"

static struct slice
slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static void
every_kind_comes_back_as_its_code(void **state)
{
	struct bytes out = {.data = NULL};
	char leader[LIMIT_URL_BYTES];
	struct rk_error err;
	int kind;

	(void)state;
	for (kind = 0; kind <= PROBLEM_INTERNAL; kind++) {
		out.len = 0;
		problem_encode(&out, (enum problem_kind)kind, "because",
			       "http://h:1", "do this");
		problem_decode(problem_status((enum problem_kind)kind),
			       (struct slice){out.data, out.len}, &err, leader);
		assert_int_equal(err.code,
				 problem_code((enum problem_kind)kind));
		assert_string_equal(err.text, "because");
		assert_string_equal(err.hint, "do this");
		assert_string_equal(leader, "http://h:1");
	}
	bytes_close(&out);
}

static void
every_kind_is_described(void **state)
{
	int kind, other;

	(void)state;
	for (kind = 0; kind <= PROBLEM_INTERNAL; kind++) {
		assert_in_range(problem_status((enum problem_kind)kind), 400,
				599);
		assert_true(strlen(problem_title((enum problem_kind)kind)) > 0);
		assert_int_not_equal(problem_code((enum problem_kind)kind),
				     RK_OK);
		for (other = 0; other < kind; other++)
			assert_string_not_equal(
				problem_slug((enum problem_kind)kind),
				problem_slug((enum problem_kind)other));
	}
}

static void
object_has_the_members_that_matter(void **state)
{
	static const char wanted[] =
		"{\"type\":\"/v1/problems/outcome-unknown\","
		"\"title\":\"Outcome unknown\",\"status\":504,"
		"\"detail\":\"cut off\",\"outcome\":\"unknown\","
		"\"retryable\":true}\n";
	struct bytes out = {.data = NULL};

	(void)state;
	problem_encode(&out, PROBLEM_OUTCOME_UNKNOWN, "cut off", NULL, NULL);
	bytes_append_char(&out, '\0');
	assert_string_equal((const char *)out.data, wanted);
	bytes_close(&out);
}

static void
only_an_unknown_outcome_is_said_to_be_unknown(void **state)
{
	struct bytes out = {.data = NULL};
	int kind;

	(void)state;
	for (kind = 0; kind <= PROBLEM_INTERNAL; kind++) {
		out.len = 0;
		problem_encode(&out, (enum problem_kind)kind, "", NULL, NULL);
		bytes_append_char(&out, '\0');
		assert_int_equal(strstr((const char *)out.data,
					"\"outcome\":\"none\"") == NULL,
				 kind == PROBLEM_OUTCOME_UNKNOWN);
	}
	bytes_close(&out);
}

static void
detail_may_quote_anything(void **state)
{
	struct bytes out = {.data = NULL};
	char leader[LIMIT_URL_BYTES];
	struct rk_error err;

	(void)state;
	problem_encode(&out, PROBLEM_BAD_REQUEST, "\"a\nb\" \xff\xfe", NULL,
		       NULL);
	problem_decode(400, (struct slice){out.data, out.len}, &err, leader);
	assert_string_equal(err.text, "\"a b\" ??");
	assert_string_equal(err.hint, "");
	assert_string_equal(leader, "");
	bytes_close(&out);
}

struct reply {
	int status;
	const char *body;
	enum rk_code code;
};

static void
what_is_no_problem_object_is_judged_by_its_status(void **state)
{
	static const struct reply replies[] = {
		{400, "", RK_USAGE},
		{401, "", RK_DENIED},
		{403, "<html>no</html>", RK_DENIED},
		{404, "nothing here", RK_ABSENT},
		{405, "", RK_USAGE},
		{410, "", RK_ABSENT},
		{413, "", RK_REJECTED},
		{429, "[]", RK_REJECTED},
		{500, "", RK_UNKNOWN},
		{502, "\xff\xfe", RK_UNKNOWN},
		{503, "{}", RK_NO_LEADER},
		{504, "", RK_UNKNOWN},
		{507, "1", RK_REJECTED},
		{302, "", RK_FAILED},
		{503, "{\"type\":\"/v1/problems/new-one\"}", RK_NO_LEADER},
		{503, "{\"type\":\"about:blank\"}", RK_NO_LEADER},
		{503, "{\"type\":7,\"detail\":[],\"leader\":{}}", RK_NO_LEADER},
		{503, "{\"outcome\":\"unknown\"}", RK_UNKNOWN},
		{200, "{\"type\":\"/v1/problems/gone\"}", RK_ABSENT},
	};
	char leader[LIMIT_URL_BYTES];
	struct rk_error err;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(replies); i++) {
		problem_decode(replies[i].status, slice_of(replies[i].body),
			       &err, leader);
		assert_int_equal(err.code, replies[i].code);
		assert_true(strlen(err.text) > 0);
		assert_string_equal(leader, "");
	}
}

static void
leader_that_is_too_long_is_dropped(void **state)
{
	struct bytes body = {.data = NULL};
	char leader[LIMIT_URL_BYTES];
	struct rk_error err;
	int i;

	(void)state;
	bytes_append_text(&body, "{\"detail\":\"d\",\"leader\":\"");
	for (i = 0; i < LIMIT_URL_BYTES; i++)
		bytes_append_char(&body, 'h');
	bytes_append_text(&body, "\"}");
	problem_decode(503, (struct slice){body.data, body.len}, &err, leader);
	assert_string_equal(err.text, "d");
	assert_string_equal(leader, "");
	bytes_close(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_its_code),
		cmocka_unit_test(every_kind_is_described),
		cmocka_unit_test(object_has_the_members_that_matter),
		cmocka_unit_test(only_an_unknown_outcome_is_said_to_be_unknown),
		cmocka_unit_test(detail_may_quote_anything),
		cmocka_unit_test(
			what_is_no_problem_object_is_judged_by_its_status),
		cmocka_unit_test(leader_that_is_too_long_is_dropped),
	};

	return unit_run("problem", tests, LEN(tests));
}
