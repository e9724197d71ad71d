/* test_member_change.c - from a wish to a membership. */

#include "unit.h"

#include <string.h>

#include "node/member_change.h"

#define ONE "0123456789abcdef"
#define TWO "fedcba9876543210"

/* Voters 1, 2, 3; 3 is known as ONE. */
static struct membership
three(void)
{
	struct membership m = {.sets.voters = {.count = 3, .ids = {1, 2, 3}}};

	assert_true(addresses_set(&m.addresses, 1, "http://h:1"));
	assert_true(addresses_set(&m.addresses, 2, "http://h:2"));
	assert_true(addresses_set(&m.addresses, 3, "http://h:3"));
	addresses_set_incarnation(&m.addresses, 3, ONE);
	return m;
}

static struct member_wish
add(rk_id id, const char *url, const char *incarnation)
{
	struct member_wish w = {
		.type = WISH_ADD, .id = id, .kind = MEMBER_JOINING};

	memcpy(w.url, url, strlen(url) + 1);
	memcpy(w.incarnation, incarnation, strlen(incarnation) + 1);
	return w;
}

static void
expect(struct member_wish w, enum rk_code code, bool changed,
       struct membership *then)
{
	struct membership now = three();
	struct rk_error err;
	bool is_changed;

	assert_int_equal(member_change(&now, &w, then, &is_changed, &err),
			 code);
	assert_int_equal(is_changed, changed);
}

static void
add_makes_a_learner_that_waits_for_its_vote(void **state)
{
	struct membership then;

	(void)state;
	expect(add(4, "http://h:4", TWO), RK_OK, true, &then);
	assert_int_equal(membership_kind(&then, 4), MEMBER_JOINING);
	assert_string_equal(addresses_member(&then.addresses, 4)->incarnation,
			    TWO);
	assert_int_equal(then.sets.voters.count, 3);
}

static void
add_of_a_member_changes_nothing(void **state)
{
	struct membership then;

	(void)state;
	expect(add(3, "http://h:3", ""), RK_OK, false, &then);
	expect(add(3, "http://h:3", ONE), RK_OK, false, &then);
}

static void
add_moves_only_the_same_incarnation(void **state)
{
	struct membership then;

	(void)state;
	expect(add(3, "http://h:9", ONE), RK_OK, true, &then);
	assert_string_equal(addresses_find(&then.addresses, 3), "http://h:9");
	expect(add(3, "http://h:9", ""), RK_REJECTED, false, &then);
	expect(add(3, "http://h:3", TWO), RK_REJECTED, false, &then);
	expect(add(4, "http://h:3", TWO), RK_REJECTED, false, &then);
}

static void
remove_forgets_address_and_incarnation(void **state)
{
	struct member_wish w = {.type = WISH_REMOVE, .id = 3};
	struct membership then;

	(void)state;
	expect(w, RK_OK, true, &then);
	assert_int_equal(membership_kind(&then, 3), MEMBER_NONE);
	assert_null(addresses_member(&then.addresses, 3));
	w.id = 9;
	expect(w, RK_OK, false, &then);
}

static void
record_leaves_what_is_known(void **state)
{
	struct member_wish w = {.type = WISH_RECORD};
	struct membership then;

	(void)state;
	assert_true(addresses_set(&w.members, 2, "http://h:2"));
	assert_true(addresses_set(&w.members, 3, "http://h:3"));
	addresses_set_incarnation(&w.members, 2, TWO);
	addresses_set_incarnation(&w.members, 3, TWO);
	expect(w, RK_OK, true, &then);
	assert_string_equal(addresses_member(&then.addresses, 2)->incarnation,
			    TWO);
	assert_string_equal(addresses_member(&then.addresses, 3)->incarnation,
			    ONE);
}

static void
the_quorum_must_be_up(void **state)
{
	const struct id_set two = {.count = 2, .ids = {2, 1}};
	const struct id_set one = {.count = 1, .ids = {1}};
	struct membership m = three();
	struct rk_error err;

	(void)state;
	assert_int_equal(member_change_check(&m, &two, &err), RK_OK);
	assert_int_equal(member_change_check(&m, &one, &err), RK_REJECTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_makes_a_learner_that_waits_for_its_vote),
		cmocka_unit_test(add_of_a_member_changes_nothing),
		cmocka_unit_test(add_moves_only_the_same_incarnation),
		cmocka_unit_test(remove_forgets_address_and_incarnation),
		cmocka_unit_test(record_leaves_what_is_known),
		cmocka_unit_test(the_quorum_must_be_up),
	};

	return unit_run("member_change", tests, LEN(tests));
}
