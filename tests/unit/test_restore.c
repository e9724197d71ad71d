/* test_restore.c - saved snapshots: read, verified, made into a new cluster. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "member.h"
#include "sample.h"
#include "store/file.h"
#include "store/snapshot.h"

#define MEMBERS "1=127.0.0.1:7401,2=127.0.0.1:7402,3=127.0.0.1:7403"

/* A member that has taken a snapshot of three entries, saved in DIR/saved. */
struct fixture {
	struct member m;
	char *saved;
	char *target;
	int fd;
	struct rk_saved *s;
	struct rk_error err;
};

static void
make(struct fixture *f)
{
	*f = (struct fixture){.fd = -1};
	member_init(&f->m);
	member_append_some(&f->m, 3, 3);
	member_apply(&f->m, 3);
	member_snapshot(&f->m, 1);
	f->saved = sample_path(f->m.dir, "saved");
	f->target = sample_path(f->m.dir, "restored");
	member_save(&f->m, f->saved);
}

static enum rk_code
open_saved(struct fixture *f)
{
	if (f->fd >= 0)
		close(f->fd);
	rk_saved_close(f->s);
	f->s = NULL;
	f->fd = open(f->saved, O_RDONLY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	return rk_saved_open(f->fd, "x.snap", &f->s, &f->err);
}

static void
end(struct fixture *f)
{
	rk_saved_close(f->s);
	close(f->fd);
	mem_free(f->saved);
	mem_free(f->target);
	member_close(&f->m);
}

static bool
take_piece(void *user, const void *data, size_t len)
{
	bytes_append(user, data, len);
	return true;
}

static void
payload_is_the_history(void **state)
{
	struct bytes payload = {.data = NULL};
	const struct rk_saved_info *info;
	struct fixture f;

	(void)state;
	make(&f);
	assert_int_equal(open_saved(&f), RK_OK);
	info = rk_saved_info(f.s);
	assert_string_equal(info->snapshot.id, "3-1");
	assert_string_equal(info->snapshot.machine, "log");
	assert_string_equal(info->snapshot.time, "1970-01-01T00:00:01.000Z");
	assert_string_equal(info->cluster, f.m.identity.cluster);
	assert_int_equal(info->snapshot.bytes, f.m.lines.len);
	assert_int_equal(info->voters, 1);
	assert_int_equal(rk_saved_read(f.s, take_piece, &payload, &f.err),
			 RK_OK);
	assert_int_equal(payload.len, f.m.lines.len);
	assert_memory_equal(payload.data, f.m.lines.data, payload.len);
	bytes_close(&payload);
	end(&f);
}

/* Whatever byte is flipped, wherever it ends: never RK_OK. */
static void
damage_anywhere_is_found(void **state)
{
	struct fixture f;
	struct bytes whole;
	enum rk_code rc;
	size_t i;

	(void)state;
	make(&f);
	whole = sample_read(f.saved);
	for (i = 0; i < whole.len; i++) {
		whole.data[i] ^= 1;
		sample_write(f.saved, whole.data, whole.len);
		whole.data[i] ^= 1;
		rc = open_saved(&f);
		if (rc == RK_OK)
			rc = rk_saved_read(f.s, NULL, NULL, &f.err);
		assert_int_equal(rc, RK_CORRUPT);
		assert_non_null(strstr(f.err.text, "x.snap: "));
	}
	for (i = 0; i < whole.len; i += 13) {
		sample_write(f.saved, whole.data, i);
		rc = open_saved(&f);
		if (rc == RK_OK)
			rc = rk_saved_read(f.s, NULL, NULL, &f.err);
		assert_int_equal(rc, RK_CORRUPT);
	}
	bytes_append_char(&whole, 'x');
	sample_write(f.saved, whole.data, whole.len);
	assert_int_equal(open_saved(&f), RK_OK);
	assert_int_equal(rk_saved_read(f.s, NULL, NULL, &f.err), RK_CORRUPT);
	bytes_close(&whole);
	end(&f);
}

static enum rk_code
restore(struct fixture *f, rk_id id, const char *members)
{
	struct rk_restore what = {
		.dir = f->target, .id = id, .cluster = members};

	assert_int_equal(open_saved(f), RK_OK);
	return rk_restore(f->s, &what, &f->err);
}

static void
restored_directory_is_a_member_of_the_new_cluster(void **state)
{
	struct log_options options = {.segment_bytes = 1U << 20};
	struct rk_checked checked;
	struct log_recovered found;
	struct snapshot_header h;
	struct identity identity;
	struct log_map *map;
	struct fixture f;
	struct log *log;
	size_t skipped;

	(void)state;
	make(&f);
	assert_int_equal(restore(&f, 2, MEMBERS), RK_OK);
	assert_int_equal(rk_check(f.target, &checked, &f.err), RK_OK);
	assert_int_equal(checked.node, 2);
	assert_int_equal(checked.last, 3);
	assert_int_equal(checked.committed, 3);
	assert_string_not_equal(checked.cluster, f.m.identity.cluster);
	assert_int_equal(snapshot_newest(f.target, true, &h, &skipped, &f.err),
			 RK_OK);
	assert_string_equal(h.cluster, checked.cluster);
	assert_int_equal(h.meta.configuration.configuration.voters.count, 3);
	assert_int_equal(identity_read(f.target, &identity, &f.err), RK_OK);
	assert_int_equal(log_open(f.target, &identity, &options, h.meta.last,
				  &log, &map, &found, &f.err),
			 RK_OK);
	assert_int_equal(found.hard_state.term, 1);
	assert_int_equal(found.hard_state.vote, 0);
	assert_int_equal(found.compacted.index, 3);
	assert_int_equal(found.count, 0);
	log_recovered_close(&found);
	log_map_free(map);
	log_close(log);
	snapshot_header_close(&h);
	end(&f);
}

static void
damaged_snapshot_leaves_nothing_behind(void **state)
{
	struct fixture f;
	struct bytes whole;
	struct stat status;
	char *part;

	(void)state;
	make(&f);
	whole = sample_read(f.saved);
	whole.data[whole.len - 50] ^= 1;
	sample_write(f.saved, whole.data, whole.len);
	part = sample_path(f.m.dir, "restored.part");
	assert_int_equal(restore(&f, 1, MEMBERS), RK_CORRUPT);
	assert_int_equal(stat(f.target, &status), -1);
	assert_int_equal(stat(part, &status), -1);
	mem_free(part);
	bytes_close(&whole);
	end(&f);
}

static void
directory_in_use_is_refused(void **state)
{
	struct fixture f;
	char *file;

	(void)state;
	make(&f);
	assert_int_equal(mkdir(f.target, 0700), 0);
	file = sample_path(f.target, "precious");
	sample_write(file, "x", 1);
	assert_int_equal(restore(&f, 1, MEMBERS), RK_REJECTED);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(restore(&f, 1, MEMBERS), RK_OK);
	assert_int_equal(restore(&f, 1, MEMBERS), RK_REJECTED);
	mem_free(file);
	end(&f);
}

static void
bad_members_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	make(&f);
	assert_int_equal(restore(&f, 4, MEMBERS), RK_USAGE);
	assert_int_equal(restore(&f, 1, "1"), RK_USAGE);
	assert_int_equal(restore(&f, 1, ""), RK_USAGE);
	end(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_the_history),
		cmocka_unit_test(damage_anywhere_is_found),
		cmocka_unit_test(
			restored_directory_is_a_member_of_the_new_cluster),
		cmocka_unit_test(damaged_snapshot_leaves_nothing_behind),
		cmocka_unit_test(directory_in_use_is_refused),
		cmocka_unit_test(bad_members_are_refused),
	};

	return unit_run("restore", tests, LEN(tests));
}
