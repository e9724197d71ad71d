/* test_configuration.c - sets of members and what may stand in a log. */

#include "unit.h"

#include "cluster.h"
#include "core/configuration.h"

static void
set_stays_in_order_and_without_doubles(void **state)
{
	struct id_set set = {.count = 0};

	(void)state;
	assert_true(id_set_add(&set, 5));
	assert_true(id_set_add(&set, 1));
	assert_true(id_set_add(&set, 3));
	assert_false(id_set_add(&set, 3));
	assert_int_equal(set.count, 3);
	assert_int_equal(set.ids[0], 1);
	assert_int_equal(set.ids[1], 3);
	assert_int_equal(set.ids[2], 5);
	assert_true(id_set_contains(&set, 5));
	assert_false(id_set_contains(&set, 2));
}

static void
set_takes_no_more_than_the_limit(void **state)
{
	struct id_set set = {.count = 0};
	rk_id id;

	(void)state;
	for (id = 1; id <= LIMIT_MEMBERS; id++)
		assert_true(id_set_add(&set, id));
	assert_false(id_set_add(&set, id));
}

static void
members_are_of_all_sets_each_once(void **state)
{
	struct configuration c = {.voters = cluster_set(34),
				  .old = cluster_set(123),
				  .learners = cluster_set(15)};
	struct id_set members;
	struct id_set expected = cluster_set(12345);

	(void)state;
	configuration_members(&c, &members);
	assert_true(id_set_equals(&members, &expected));
	assert_true(configuration_is_joint(&c));
	assert_true(configuration_is_voter(&c, 1));
	assert_false(configuration_is_voter(&c, 5));
}

static void
valid_refuses_what_cannot_work(void **state)
{
	struct configuration good = {.voters = cluster_set(123),
				     .old = cluster_set(34),
				     .learners = cluster_set(45)};
	struct configuration c = good;

	(void)state;
	assert_true(configuration_is_valid(&good));
	c.voters.count = 0;
	assert_false(configuration_is_valid(&c));
	c = good;
	c.learners = cluster_set(3); /* A voter too. */
	assert_false(configuration_is_valid(&c));
	c = good;
	c.voters.ids[0] = 0;
	assert_false(configuration_is_valid(&c));
	c = good;
	c.voters.ids[2] = LIMIT_NUMBER + 1;
	assert_false(configuration_is_valid(&c));
	c = good;
	c.voters.ids[1] = c.voters.ids[0];
	assert_false(configuration_is_valid(&c));
	c = good;
	c.learners.count = LIMIT_MEMBERS + 1;
	assert_false(configuration_is_valid(&c));
}

static void
valid_refuses_more_members_than_the_limit_in_all(void **state)
{
	struct configuration c = {.voters = {.count = 0}};
	rk_id id;

	(void)state;
	for (id = 1; id <= LIMIT_MEMBERS; id++)
		id_set_add(id % 2 ? &c.voters : &c.old, id);
	assert_true(configuration_is_valid(&c));
	id_set_add(&c.learners, id);
	assert_false(configuration_is_valid(&c));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_stays_in_order_and_without_doubles),
		cmocka_unit_test(set_takes_no_more_than_the_limit),
		cmocka_unit_test(members_are_of_all_sets_each_once),
		cmocka_unit_test(valid_refuses_what_cannot_work),
		cmocka_unit_test(
			valid_refuses_more_members_than_the_limit_in_all),
	};

	return unit_run("configuration", tests, LEN(tests));
}
