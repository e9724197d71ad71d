/* test_reader.c - data directories, segments and snapshots, read offline. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/line.h"
#include "member.h"
#include "sample.h"
#include "store/file.h"

/* What was read: `index=data` of each, marked `?` if not committed and `~` if
 * a repeat. */
struct seen {
	struct bytes text;
	uint64_t count;
	uint64_t stop_after; /* 0: never. */
	rk_index last;
};

static bool
see(void *user, const struct rk_entry *entry)
{
	struct seen *s = user;

	bytes_printf(&s->text, "%" PRIu64 "=", entry->index);
	bytes_append(&s->text, entry->data, entry->len);
	if (entry->repeat != 0)
		bytes_printf(&s->text, "~%" PRIu64, entry->repeat);
	bytes_append_text(&s->text, entry->committed ? " " : "? ");
	s->last = entry->index;
	return ++s->count != s->stop_after;
}

/* The text seen; valid until the next call. */
static const char *
text_of(struct seen *s)
{
	bytes_append_char(&s->text, '\0');
	s->text.len--;
	return (const char *)s->text.data;
}

static void
reads(const char *path, struct rk_read what, enum rk_code code,
      const char *wanted)
{
	struct seen s = {.count = 0};
	struct rk_reader *r;
	struct rk_error err;

	assert_int_equal(rk_reader_open(path, &r, &err), RK_OK);
	assert_int_equal(rk_reader_read(r, &what, see, &s, &err), code);
	assert_string_equal(text_of(&s), wanted);
	rk_reader_close(r);
	bytes_close(&s.text);
}

static const struct rk_read everything = {
	.types = 1U << RK_ENTRY_DATA | 1U << RK_ENTRY_NOOP |
		 1U << RK_ENTRY_CONFIGURATION,
	.repeats = true,
};

static void
directory_is_history_and_log_as_one(void **state)
{
	struct member m;

	(void)state;
	member_init(&m);
	member_append_some(&m, 3, 0);
	member_append_some(&m, 3, 4);
	member_apply(&m, 2);
	reads(m.dir, (struct rk_read){.from = 0}, RK_OK,
	      "1=1 2=2 3=3 4=4 5=5? 6=6? ");
	member_apply(&m, 5);
	reads(m.dir, (struct rk_read){.from = 0}, RK_OK,
	      "1=1 2=2 3=3 4=4 5=5 6=6? ");
	member_close(&m);
}

static void
directory_just_made_is_empty(void **state)
{
	struct rk_reader_info info;
	struct rk_reader *r;
	struct rk_error err;
	struct member m;

	(void)state;
	member_init(&m);
	reads(m.dir, everything, RK_OK, "");
	assert_int_equal(rk_reader_open(m.dir, &r, &err), RK_OK);
	rk_reader_info(r, &info);
	assert_int_equal(info.first, 1);
	assert_int_equal(info.last, 0);
	rk_reader_close(r);
	member_close(&m);
}

static void
what_is_no_data_directory_is_absent(void **state)
{
	char *dir = sample_dir();
	struct rk_reader *r;
	struct rk_error err;

	(void)state;
	assert_int_equal(rk_reader_open(dir, &r, &err), RK_ABSENT);
	assert_non_null(strstr(err.text, "not a data directory"));
	assert_int_equal(rk_reader_open("/nowhere/at/all", &r, &err),
			 RK_ABSENT);
	sample_dir_remove(dir);
}

static void
range_is_inclusive_and_counts_from_the_end(void **state)
{
	struct member m;

	(void)state;
	member_init(&m);
	member_append_some(&m, 9, 9);
	member_apply(&m, 6);
	reads(m.dir, (struct rk_read){.from = 5, .to = 8}, RK_OK,
	      "5=5 6=6 7=7 8=8 ");
	reads(m.dir, (struct rk_read){.from = 7, .to = 7}, RK_OK, "7=7 ");
	reads(m.dir, (struct rk_read){.to = 2}, RK_OK, "1=1 2=2 ");
	reads(m.dir, (struct rk_read){.from = -2}, RK_OK, "8=8 9=9 ");
	reads(m.dir, (struct rk_read){.from = -100, .to = 1}, RK_OK, "1=1 ");
	reads(m.dir, (struct rk_read){.from = 10}, RK_OK, "");
	reads(m.dir, (struct rk_read){.from = 8, .to = 99}, RK_OK, "8=8 9=9 ");
	reads(m.dir, (struct rk_read){.last = 2}, RK_OK, "8=8 9=9 ");
	reads(m.dir, (struct rk_read){.last = 2, .to = 6}, RK_OK, "5=5 6=6 ");
	reads(m.dir, (struct rk_read){.last = 50, .from = 8}, RK_OK,
	      "8=8 9=9 ");
	member_close(&m);
}

static void
last_counts_what_is_selected(void **state)
{
	struct bytes lines = {.data = NULL};
	struct rk_entry noop = {.term = 1, .type = RK_ENTRY_NOOP};
	struct seen s = {.count = 0};
	struct rk_read what = {.last = 30};
	struct rk_reader *r;
	struct rk_error err;
	struct member m;
	rk_index i;

	(void)state;
	member_init(&m);
	for (i = 1; i <= 5000; i++) {
		noop.index = i;
		if (i % 100 == 0)
			sample_lines(&lines, i, i + 1);
		else
			line_encode(&lines, &noop);
	}
	member_append(&m, &lines, 5000, 5000);
	member_apply(&m, 4900);
	assert_int_equal(rk_reader_open(m.dir, &r, &err), RK_OK);
	assert_int_equal(rk_reader_read(r, &what, see, &s, &err), RK_OK);
	assert_int_equal(s.count, 30);
	assert_int_equal(s.last, 5000);
	assert_memory_equal(text_of(&s), "2100=2100 ", 10);
	rk_reader_close(r);
	bytes_close(&s.text);
	bytes_close(&lines);
	member_close(&m);
}

static void
visitor_may_stop(void **state)
{
	struct seen s = {.stop_after = 2};
	struct rk_read what = {.from = 2};
	struct rk_reader *r;
	struct rk_error err;
	struct member m;

	(void)state;
	member_init(&m);
	member_append_some(&m, 9, 9);
	member_apply(&m, 2);
	assert_int_equal(rk_reader_open(m.dir, &r, &err), RK_OK);
	assert_int_equal(rk_reader_read(r, &what, see, &s, &err), RK_OK);
	assert_string_equal(text_of(&s), "2=2 3=3 ");
	rk_reader_close(r);
	bytes_close(&s.text);
	member_close(&m);
}

static void
repeats_are_hidden_in_history_and_log(void **state)
{
	struct bytes lines = {.data = NULL};
	struct member m;

	(void)state;
	member_init(&m);
	sample_line(&lines, 1, "a", 1, "x");
	sample_line(&lines, 2, "a", 1, "x");
	sample_line(&lines, 3, "a", 2, "y");
	sample_line(&lines, 4, "a", 2, "y");
	sample_line(&lines, 5, "a", 1, "x");
	member_append(&m, &lines, 5, 4);
	member_apply(&m, 2);
	reads(m.dir, (struct rk_read){.from = 0}, RK_OK, "1=x 3=y ");
	reads(m.dir, everything, RK_OK, "1=x 2=x~1 3=y 4=y~3 5=x~1? ");
	member_snapshot(&m, 1);
	reads(m.dir, everything, RK_OK, "1=x 2=x~1 3=y 4=y~3 5=x~1? ");
	member_apply(&m, 4);
	reads(m.dir, everything, RK_OK, "1=x 2=x~1 3=y 4=y~3 5=x~1? ");
	bytes_close(&lines);
	member_close(&m);
}

static void
bytes_come_back_as_they_went_in(void **state)
{
	static const uint8_t data[] = {0, 1, 0xff, '"', '\\', '\n', 0xc3, 0x28};
	struct rk_entry in = {
		.index = 1, .term = 1, .data = data, .len = sizeof data};
	struct bytes lines = {.data = NULL};
	struct seen s = {.count = 0};
	struct rk_read what = {.from = 1};
	struct rk_reader *r;
	struct rk_error err;
	struct member m;

	(void)state;
	member_init(&m);
	line_encode(&lines, &in);
	in = (struct rk_entry){
		.index = 2, .term = 1, .data = "q\"\\\n\t", .len = 5};
	line_encode(&lines, &in);
	member_append(&m, &lines, 2, 2);
	assert_int_equal(rk_reader_open(m.dir, &r, &err), RK_OK);
	assert_int_equal(rk_reader_read(r, &what, see, &s, &err), RK_OK);
	assert_memory_equal(s.text.data + 2, data, sizeof data);
	assert_memory_equal(s.text.data + 2 + sizeof data, " 2=q\"\\\n\t ", 9);
	rk_reader_close(r);
	bytes_close(&s.text);
	bytes_close(&lines);
	member_close(&m);
}

static void
lost_history_is_made_up_for_by_snapshot_and_log(void **state)
{
	struct member m;
	char *history;

	(void)state;
	member_init(&m);
	member_append_some(&m, 6, 6);
	member_apply(&m, 4);
	member_snapshot(&m, 1);
	member_apply(&m, 6);
	history = sample_path(m.dir, "machine/history.ndjson");
	assert_int_equal(unlink(history), 0);
	reads(m.dir, everything, RK_OK, "1=1 2=2 3=3 4=4 5=5 6=6 ");
	sample_write(history, m.lines.data, 70); /* Half a line. */
	reads(m.dir, everything, RK_OK, "1=1 2=2 3=3 4=4 5=5 6=6 ");
	mem_free(history);
	member_close(&m);
}

/* The only segment of the member's log. */
static char *
segment_of(const struct member *m)
{
	char *dir = sample_path(m->dir, "log");
	char *path = NULL;
	struct rk_error err;
	char **names;
	size_t count;
	size_t i;

	assert_int_equal(file_list(dir, &names, &count, &err), RK_OK);
	for (i = 0; i < count; i++) {
		if (strstr(names[i], ".seg") != NULL && path == NULL)
			path = sample_path(dir, names[i]);
	}
	assert_non_null(path);
	file_list_free(names, count);
	mem_free(dir);
	return path;
}

static void
segment_is_read_alone(void **state)
{
	struct member m;
	char *segment;

	(void)state;
	member_init(&m);
	member_append_some(&m, 2, 0);
	member_append_some(&m, 1, 2);
	segment = segment_of(&m);
	reads(segment, everything, RK_OK, "1=1 2=2 3=3? ");
	mem_free(segment);
	member_close(&m);
}

static void
saved_snapshot_is_read_in_each_form(void **state)
{
	struct member m;
	char *path;

	(void)state;
	member_init(&m);
	member_append_some(&m, 5, 5);
	member_apply(&m, 3);
	member_snapshot(&m, 1);
	member_apply(&m, 5);
	path = sample_path(m.dir, "saved");
	member_save(&m, path);
	reads(path, everything, RK_OK, "1=1 2=2 3=3 ");
	reads(path, (struct rk_read){.from = -1}, RK_OK, "3=3 ");
	mem_free(path);
	path = sample_path(m.dir, "snapshot/3-1.data");
	reads(path, everything, RK_OK, "1=1 2=2 3=3 ");
	mem_free(path);
	path = sample_path(m.dir, "snapshot/3-1.json");
	reads(path, everything, RK_OK, "1=1 2=2 3=3 ");
	mem_free(path);
	path = sample_path(m.dir, "machine/history.ndjson");
	reads(path, everything, RK_OK, "1=1 2=2 3=3 4=4 5=5 ");
	mem_free(path);
	member_close(&m);
}

static void
flip(const char *path, size_t at)
{
	struct bytes file = sample_read(path);

	assert_true(at < file.len);
	file.data[at] ^= 0x10;
	sample_write(path, file.data, file.len);
	bytes_close(&file);
}

/* Where the line of `index` is in a file. */
static size_t
find_line(const char *path, rk_index index)
{
	struct bytes file = sample_read(path);
	const uint8_t *found;
	char head[40];
	size_t at;

	snprintf(head, sizeof head, "{\"index\":%" PRIu64 ",", index);
	found = memmem(file.data, file.len, head, strlen(head));
	assert_non_null(found);
	at = (size_t)(found - file.data);
	bytes_close(&file);
	return at;
}

static void
damaged_log_is_shown_up_to_the_damage(void **state)
{
	struct member m;
	struct rk_error err;
	struct rk_checked checked;
	char *segment;
	int i;

	(void)state;
	member_init(&m);
	for (i = 0; i < 6; i++)
		member_append_some(&m, 1, 0);
	member_apply(&m, 2);
	member_close_files(&m);
	segment = segment_of(&m);
	flip(segment, find_line(segment, 4) + 20);
	reads(m.dir, (struct rk_read){.to = 3}, RK_OK, "1=1 2=2 3=3? ");
	reads(m.dir, (struct rk_read){.from = 1}, RK_CORRUPT, "1=1 2=2 3=3? ");
	reads(segment, (struct rk_read){.to = 3}, RK_OK, "1=1? 2=2? 3=3? ");
	assert_int_equal(rk_check(m.dir, &checked, &err), RK_CORRUPT);
	assert_non_null(strstr(err.text, segment));
	assert_non_null(strstr(err.text, "(index 4)"));
	mem_free(segment);
	member_close(&m);
}

static void
sound_directory_is_checked(void **state)
{
	struct rk_checked checked;
	struct rk_error err;
	struct member m;

	(void)state;
	member_init(&m);
	member_append_some(&m, 5, 5);
	member_apply(&m, 2);
	member_snapshot(&m, 1);
	member_apply(&m, 3);
	member_snapshot(&m, 1);
	member_append_some(&m, 2, 5);
	member_apply(&m, 4);
	assert_int_equal(rk_check(m.dir, &checked, &err), RK_OK);
	assert_int_equal(checked.first, 1);
	assert_int_equal(checked.last, 7);
	assert_int_equal(checked.committed, 5);
	assert_int_equal(checked.term, 1);
	assert_int_equal(checked.snapshots, 2);
	assert_int_equal(checked.node, 1);
	assert_string_equal(checked.cluster, m.identity.cluster);
	member_close(&m);
}

static void
check_finds(const struct member *m, const char *text)
{
	struct rk_checked checked;
	struct rk_error err;

	assert_int_equal(rk_check(m->dir, &checked, &err), RK_CORRUPT);
	if (strstr(err.text, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, err.text);
}

static void
damage_to_snapshot_or_history_is_found(void **state)
{
	struct member m;
	char *history;
	char *header;

	(void)state;
	member_init(&m);
	member_append_some(&m, 5, 5);
	member_apply(&m, 4);
	member_snapshot(&m, 1);
	member_apply(&m, 5);
	history = sample_path(m.dir, "machine/history.ndjson");
	header = sample_path(m.dir, "snapshot/4-1.json");
	flip(history, find_line(history, 2) + 30); /* The snapshot's, too. */
	check_finds(&m, "bad checksum");
	flip(history, find_line(history, 2) + 30);
	flip(history, find_line(history, 5) + 20);
	check_finds(&m, "history.ndjson: bad line at byte");
	flip(history, find_line(history, 5) + 20);
	flip(header, 20);
	check_finds(&m, "4-1.json");
	mem_free(history);
	mem_free(header);
	member_close(&m);
}

static void
lost_log_and_another_members_log_are_found(void **state)
{
	struct member other;
	struct member m;
	char *segment;
	char *lost;
	char *from;
	char *to;
	struct bytes file;

	(void)state;
	member_init(&m);
	member_init(&other);
	member_append_some(&m, 3, 3);
	member_close_files(&m);
	from = sample_path(other.dir, "identity.json");
	to = sample_path(m.dir, "identity.json");
	file = sample_read(to);
	*strchr(strstr((char *)file.data, "\"node\":"), '1') = '2';
	sample_write(to, file.data, file.len);
	check_finds(&m, "belongs to member 1");
	bytes_close(&file);
	file = sample_read(from);
	sample_write(to, file.data, file.len);
	segment = segment_of(&m);
	lost = sample_path(m.dir, "lost");
	assert_int_equal(rename(segment, lost), 0);
	check_finds(&m, "no segment is there");
	bytes_close(&file);
	mem_free(segment);
	mem_free(lost);
	mem_free(from);
	mem_free(to);
	member_close(&m);
	member_close(&other);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_is_history_and_log_as_one),
		cmocka_unit_test(directory_just_made_is_empty),
		cmocka_unit_test(what_is_no_data_directory_is_absent),
		cmocka_unit_test(range_is_inclusive_and_counts_from_the_end),
		cmocka_unit_test(last_counts_what_is_selected),
		cmocka_unit_test(visitor_may_stop),
		cmocka_unit_test(repeats_are_hidden_in_history_and_log),
		cmocka_unit_test(bytes_come_back_as_they_went_in),
		cmocka_unit_test(
			lost_history_is_made_up_for_by_snapshot_and_log),
		cmocka_unit_test(segment_is_read_alone),
		cmocka_unit_test(saved_snapshot_is_read_in_each_form),
		cmocka_unit_test(damaged_log_is_shown_up_to_the_damage),
		cmocka_unit_test(sound_directory_is_checked),
		cmocka_unit_test(damage_to_snapshot_or_history_is_found),
		cmocka_unit_test(lost_log_and_another_members_log_are_found),
	};

	return unit_run("reader", tests, LEN(tests));
}
