/* test_held.c - peers' requests that wait for the core's reply. */

#include "node/held.h"
#include "unit.h"

/* Of member `from`, to be answered by `until_ms`. */
static struct held_request
request(rk_id from, uint64_t number, uint64_t until_ms)
{
	return (struct held_request){.reply = MESSAGE_APPEND_REPLY,
				     .from = from,
				     .stream = 7,
				     .number = number,
				     .until_ms = until_ms};
}

static struct message
reply(rk_id to, uint64_t number)
{
	return (struct message){.type = MESSAGE_APPEND_REPLY,
				.from = 1,
				.to = to,
				.stream = 7,
				.request = number};
}

static void
add(struct held_list *list, rk_id from, uint64_t number, uint64_t until_ms)
{
	struct held_request h = request(from, number, until_ms);

	held_add(list, &h);
}

static void
held_is_taken_by_its_own_reply_once(void **state)
{
	struct held_list list = {0};
	struct held_request h;
	struct message m;

	(void)state;
	add(&list, 2, 10, 100);
	add(&list, 3, 10, 100);
	m = reply(2, 11);
	assert_false(held_take(&list, &m, &h));
	m = reply(2, 10);
	m.stream = 8; /* Of another leadership. */
	assert_false(held_take(&list, &m, &h));
	m = reply(2, 10);
	m.type = MESSAGE_HEARTBEAT_REPLY;
	assert_false(held_take(&list, &m, &h));
	m = reply(2, 10);
	assert_true(held_take(&list, &m, &h));
	assert_int_equal(h.from, 2);
	assert_false(held_take(&list, &m, &h));
	m = reply(3, 10);
	assert_true(held_take(&list, &m, &h));
	held_close(&list);
}

static void
held_expires_at_its_time(void **state)
{
	struct held_list list = {0};
	struct held_request h;

	(void)state;
	add(&list, 2, 1, 100);
	add(&list, 2, 2, 90);
	assert_false(held_take_expired(&list, 89, &h));
	assert_true(held_take_expired(&list, 90, &h));
	assert_int_equal(h.number, 2);
	assert_false(held_take_expired(&list, 90, &h));
	held_close(&list);
}

static void
crowd_of_one_peer_loses_its_oldest_and_no_others(void **state)
{
	struct held_list list = {0};
	struct held_request h;
	uint64_t i;

	(void)state;
	add(&list, 3, 1, 1);
	for (i = 0; i < 1000; i++) {
		if (held_take_crowded(&list, 2, &h))
			assert_int_equal(h.number + list.count, i);
		add(&list, 2, i, 100 + i);
	}
	assert_true(list.count < 200);
	assert_false(held_take_crowded(&list, 3, &h));
	assert_true(held_take_expired(&list, 1, &h));
	assert_int_equal(h.from, 3);
	held_close(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_is_taken_by_its_own_reply_once),
		cmocka_unit_test(held_expires_at_its_time),
		cmocka_unit_test(
			crowd_of_one_peer_loses_its_oldest_and_no_others),
	};

	return unit_run("held", tests, LEN(tests));
}
