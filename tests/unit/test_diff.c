/* test_diff.c - two replicas compared, and what one says of itself. */

#include "member.h"

#include <string.h>

#include "sample.h"

/* Two members with the same entries, 1 to 6, of which 1 to 4 are committed. */
struct pair {
	struct member a;
	struct member b;
};

static void
pair_init(struct pair *p)
{
	member_init(&p->a);
	member_init(&p->b);
	member_append_some(&p->a, 4, 0);
	member_append_some(&p->b, 4, 0);
	member_append_some(&p->a, 2, 4);
	member_append_some(&p->b, 2, 4);
}

static void
pair_close(struct pair *p)
{
	member_close(&p->a);
	member_close(&p->b);
}

/* One entry that says other than what its index says. */
static void
append_other(struct member *m, rk_index commit)
{
	struct bytes lines = {.data = NULL};
	uint8_t *data;

	sample_lines(&lines, m->last + 1, m->last + 2);
	data = lines.data + lines.len - 4; /* The last digit of the data. */
	assert_memory_equal(data + 1, "\"}\n", 3);
	*data = 'x';
	member_append(m, &lines, 1, commit);
	bytes_close(&lines);
}

static void
differ(const struct pair *p, struct rk_difference wanted)
{
	struct rk_difference d;
	struct rk_error err;

	assert_int_equal(rk_diff(p->a.dir, p->b.dir, &d, &err), RK_OK);
	assert_int_equal(d.first, wanted.first);
	assert_int_equal(d.last, wanted.last);
	assert_int_equal(d.index, wanted.index);
}

static void
equal_logs_agree_in_what_is_committed(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	differ(&p, (struct rk_difference){1, 4, 0});
	pair_close(&p);
}

static void
uncommitted_tails_may_differ(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	append_other(&p.a, 6);
	member_append_some(&p.b, 1, 6);
	differ(&p, (struct rk_difference){1, 6, 0});
	pair_close(&p);
}

static void
first_committed_difference_is_found(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	append_other(&p.a, 6);
	append_other(&p.a, 7);
	member_append_some(&p.b, 2, 6);
	member_append_some(&p.a, 1, 8);
	member_append_some(&p.b, 1, 8);
	differ(&p, (struct rk_difference){1, 8, 7});
	/* Where the entries are makes no difference. */
	member_apply(&p.a, 8);
	differ(&p, (struct rk_difference){1, 8, 7});
	pair_close(&p);
}

static void
empty_log_agrees_with_any(void **state)
{
	struct rk_difference d;
	struct rk_error err;
	struct member empty;
	struct pair p;

	(void)state;
	pair_init(&p);
	member_init(&empty);
	assert_int_equal(rk_diff(p.a.dir, empty.dir, &d, &err), RK_OK);
	assert_int_equal(d.first, 1);
	assert_int_equal(d.last, 0);
	assert_int_equal(d.index, 0);
	member_close(&empty);
	pair_close(&p);
}

static void
meta_has_identity_terms_and_snapshot(void **state)
{
	struct rk_reader *r;
	struct rk_error err;
	struct rk_meta meta;
	struct member m;

	(void)state;
	member_init(&m);
	member_append_some(&m, 4, 0);
	member_append_some(&m, 1, 4);
	member_apply(&m, 4);
	member_snapshot(&m, 1);
	assert_int_equal(rk_reader_open(m.dir, &r, &err), RK_OK);
	assert_int_equal(rk_reader_meta(r, &meta, &err), RK_OK);
	assert_string_equal(meta.kind, "directory");
	assert_string_equal(meta.cluster, m.identity.cluster);
	assert_string_equal(meta.incarnation, m.identity.incarnation);
	assert_int_equal(meta.node, 1);
	assert_int_equal(meta.format, STORE_FORMAT);
	assert_int_equal(meta.snapshot.index, 4);
	assert_string_equal(meta.snapshot.id, "4-1");
	assert_string_equal(meta.snapshot.machine, "log");
	assert_true(meta.last_term > 0);
	/* Asked twice, it says the same. */
	assert_int_equal(rk_reader_meta(r, &meta, &err), RK_OK);
	assert_int_equal(meta.snapshot.index, 4);
	rk_reader_close(r);
	member_close(&m);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_logs_agree_in_what_is_committed),
		cmocka_unit_test(uncommitted_tails_may_differ),
		cmocka_unit_test(first_committed_difference_is_found),
		cmocka_unit_test(empty_log_agrees_with_any),
		cmocka_unit_test(meta_has_identity_terms_and_snapshot),
	};

	return unit_run("diff", tests, LEN(tests));
}
