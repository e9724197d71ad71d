/* test_identity.c - whose directory it is. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "store.h"
#include "store/file.h"
#include "store/identity.h"

static const struct identity wanted = {.cluster = "00000000005c1e00",
				       .node = 1};

static int
setup(void **state)
{
	struct store_fixture *f = mem_alloc(1, sizeof *f);

	store_init(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	store_close(*state);
	mem_free(*state);
	return 0;
}

/* Opens it and lets go of the lock. */
static enum rk_code
try_open(struct store_fixture *f, const struct identity *want, bool *created)
{
	enum rk_code rc;
	int lock;

	rc = identity_open(f->dir, want, &f->id, created, &lock, &f->err);
	if (rc == RK_OK)
		file_close(lock);
	return rc;
}

/* Field by field: what lies between them is anybody's. */
static void
assert_same(const struct identity *a, const struct identity *b)
{
	assert_int_equal(a->format, b->format);
	assert_string_equal(a->cluster, b->cluster);
	assert_int_equal(a->node, b->node);
	assert_string_equal(a->incarnation, b->incarnation);
}

static void
new_directory_gets_an_identity(void **state)
{
	struct store_fixture *f = *state;
	struct identity again;
	struct stat st;
	char path[256];
	bool created;

	store_remove_dir(f->dir);
	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	assert_true(created);
	assert_string_equal(f->id.cluster, wanted.cluster);
	assert_int_equal(f->id.node, 1);
	assert_int_equal(strlen(f->id.incarnation), 16);
	assert_int_equal(identity_read(f->dir, &again, &f->err), RK_OK);
	assert_same(&again, &f->id);
	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	assert_false(created);
	assert_same(&again, &f->id);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof path, "%s/identity.json", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
incarnations_differ(void **state)
{
	struct store_fixture *f = *state;
	struct identity first;
	bool created;

	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	first = f->id;
	store_remove_dir(f->dir);
	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	assert_string_not_equal(first.incarnation, f->id.incarnation);
}

static void
f15_directory_of_another_member_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct identity other = wanted;
	char want[512];
	bool created;

	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	other.node = 2;
	assert_int_equal(try_open(f, &other, &created), RK_USAGE);
	snprintf(want, sizeof want,
		 "%s belongs to member 1 of cluster 00000000005c1e00, not to "
		 "member 2",
		 f->dir);
	assert_string_equal(f->err.text, want);
	assert_string_equal(f->err.hint, "start it with --id=1, or give member "
					 "2 a directory of its own");
}

static void
f15_directory_of_another_cluster_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct identity other = wanted;
	bool created;

	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	other.cluster[3] = '9';
	assert_int_equal(try_open(f, &other, &created), RK_USAGE);
	other.cluster[0] = '\0';
	assert_int_equal(try_open(f, &other, &created), RK_OK);
	assert_string_equal(f->id.cluster, wanted.cluster);
}

static void
new_directory_needs_a_cluster(void **state)
{
	struct store_fixture *f = *state;
	struct identity nothing = {.node = 1};
	bool created;

	assert_int_equal(try_open(f, &nothing, &created), RK_USAGE);
	assert_int_equal(identity_read(f->dir, &nothing, &f->err), RK_ABSENT);
}

static void
newer_format_is_refused(void **state)
{
	static const char text[] =
		"{\"format\":2,\"cluster\":\"00000000005c1e00\",\"node\":1,"
		"\"incarnation\":\"0123456789abcdef\"}\n";
	struct store_fixture *f = *state;
	bool created;

	assert_int_equal(file_replace(f->dir, "identity.json",
				      (struct slice){(const uint8_t *)text,
						     sizeof text - 1},
				      &f->err),
			 RK_OK);
	assert_int_equal(try_open(f, &wanted, &created), RK_CORRUPT);
	assert_non_null(strstr(f->err.text, "format 2"));
}

static void
f11_cut_or_damaged_identity_is_corrupt(void **state)
{
	struct store_fixture *f = *state;
	struct bytes data = {0};
	char path[256];
	bool created;

	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	snprintf(path, sizeof path, "%s/identity.json", f->dir);
	store_read_file(path, &data);
	for (data.len -= 2; data.len > 0; data.len--) {
		store_write_file(path, &data);
		assert_int_equal(try_open(f, &wanted, &created), RK_CORRUPT);
	}
	store_write_file(path, &data);
	assert_int_equal(try_open(f, &wanted, &created), RK_CORRUPT);
	bytes_close(&data);
}

/* R5: a member without its identity may have voted under it. */
static void
lost_identity_is_not_made_anew_beside_a_log(void **state)
{
	struct store_fixture *f = *state;
	char path[256];
	bool created;

	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
	assert_int_equal(store_open_log(f), RK_OK);
	store_close_log(f);
	snprintf(path, sizeof path, "%s/identity.json", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(try_open(f, &wanted, &created), RK_CORRUPT);
	assert_false(created);
}

/* F16: the second process is refused, and told by whom. */
static void
f16_locked_directory_is_refused_with_the_pid(void **state)
{
	struct store_fixture *f = *state;
	char want[64];
	bool created;
	int status;
	int lock;
	pid_t child;
	enum rk_code rc;

	assert_int_equal(identity_open(f->dir, &wanted, &f->id, &created, &lock,
				       &f->err),
			 RK_OK);
	snprintf(want, sizeof want, "locked by process %d", (int)getpid());
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		rc = try_open(f, &wanted, &created);
		_exit(rc == RK_REJECTED && strstr(f->err.text, want) != NULL
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	file_close(lock);
	assert_int_equal(try_open(f, &wanted, &created), RK_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(new_directory_gets_an_identity),
		TEST(incarnations_differ),
		TEST(f15_directory_of_another_member_is_refused),
		TEST(f15_directory_of_another_cluster_is_refused),
		TEST(new_directory_needs_a_cluster),
		TEST(newer_format_is_refused),
		TEST(f11_cut_or_damaged_identity_is_corrupt),
		TEST(lost_identity_is_not_made_anew_beside_a_log),
		TEST(f16_locked_directory_is_refused_with_the_pid),
	};

	return unit_run("identity", tests, LEN(tests));
}
