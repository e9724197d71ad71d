/* check.c - verify a data directory, reading only.
 *
 * The log is compared line by line with the history where both have an entry,
 * and the history with the checksums of the snapshots: three writings of the
 * same, so that what one of them got wrong shows. */

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/reader.h"
#include "store/file.h"
#include "store/identity.h"
#include "store/log_files.h"

/* How often to look again when a running member removes what we look for, or
 * a file is as it should not be, which may just be about to change. */
#define LOOKS 5

struct check {
	const char *dir;
	struct identity identity;
	struct rk_checked *checked;
	struct snapshot_header newest;
	struct archive archive;
	rk_term archive_term; /* Of its last line. */
	/* While the log is visited. */
	struct archive_cursor cursor;
	rk_index next; /* 0: at the first line. */
	rk_term term;
	struct rk_error err; /* Set when visit_line() stops. */
};

static enum rk_code
check_snapshot(struct check *c, const struct snapshot_header *h,
	       struct rk_error *err)
{
	char *path = snapshot_data_path(c->dir, h->meta.last);
	struct archive a;
	enum rk_code rc;

	rc = archive_open(path, 0, h->bytes, &a, err);
	if (rc == RK_OK) {
		rc = archive_verify(&a, h->crc32c, err);
		if (rc == RK_OK && a.last != h->meta.last.index)
			rc = error_set(err, RK_CORRUPT,
				       "%s: ends with index %" PRIu64
				       " instead of %" PRIu64,
				       path, a.last, h->meta.last.index);
		archive_close(&a);
	}
	if (rc == RK_OK && strcmp(h->cluster, c->checked->cluster) != 0)
		rc = error_set(err, RK_CORRUPT,
			       "%s: belongs to cluster %s, the directory to %s",
			       path, h->cluster, c->checked->cluster);
	mem_free(path);
	return rc;
}

/* The header at `path`, as it stands under its name. */
static enum rk_code
check_header(struct check *c, const char *path, struct rk_error *err)
{
	struct bytes text = {.data = NULL};
	struct snapshot_header h;
	enum rk_code rc;

	rc = file_read_whole(path, LIMIT_SNAPSHOT_HEAD_BYTES, &text, err);
	if (rc == RK_OK) {
		rc = snapshot_header_decode((struct slice){text.data, text.len},
					    &h, err);
		if (rc)
			error_wrap(err, "%s", path);
	}
	if (rc == RK_OK) {
		rc = check_snapshot(c, &h, err);
		snapshot_header_close(&h);
	}
	bytes_close(&text);
	return rc;
}

static bool
is_header(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static bool
is_there(const char *path)
{
	struct rk_error ignored;
	int fd;

	if (file_open(path, FILE_READ, &fd, &ignored))
		return false;
	file_close(fd);
	return true;
}

/* All of them, and not only those that a member would find whole. */
static enum rk_code
check_snapshots(struct check *c, struct rk_error *err)
{
	char *dir = reader_join(c->dir, "snapshot");
	char **names;
	enum rk_code rc;
	size_t count;
	char *path;
	size_t i;

	c->checked->snapshots = 0;
	rc = file_list(dir, &names, &count, err);
	if (rc) {
		mem_free(dir);
		return rc == RK_ABSENT ? RK_OK : rc;
	}
	for (i = 0; i < count && rc == RK_OK; i++) {
		if (!is_header(names[i]))
			continue;
		path = reader_join(dir, names[i]);
		rc = check_header(c, path, err);
		if (rc == RK_OK)
			c->checked->snapshots++;
		if (rc == RK_ABSENT && !is_there(path))
			rc = RK_OK; /* Its member pruned it since. */
		else if (rc == RK_ABSENT)
			rc = err->code = RK_CORRUPT; /* No payload. */
		mem_free(path);
	}
	file_list_free(names, count);
	mem_free(dir);
	return rc;
}

/* Each line is canonical and follows the one before; the bytes that the newest
 * snapshot covers are the same as when it was taken. */
static enum rk_code
check_history(struct check *c, struct rk_error *err)
{
	struct archive_cursor cursor;
	struct archive covered;
	struct slice text;
	struct line line;
	enum rk_code rc;

	if (reader_open_history(c->dir, &c->newest, true, &c->archive, err))
		return err->code;
	if (c->archive.path == NULL)
		return RK_OK;
	covered = c->archive;
	covered.end = c->newest.bytes;
	if (c->newest.meta.last.index != 0 &&
	    archive_verify(&covered, c->newest.crc32c, err))
		return err->code;
	rc = archive_seek(&c->archive, c->archive.first, &cursor, err);
	while (rc == RK_OK) {
		rc = archive_next(&cursor, &text, &line, err);
		if (rc || text.len == 0)
			break;
		if (line.term < c->archive_term)
			rc = error_set(
				err, RK_CORRUPT,
				"%s: term falls from %" PRIu64 " to %" PRIu64
				" at byte %" PRIu64 " (index %" PRIu64 ")",
				c->archive.path, c->archive_term, line.term,
				cursor.offset + cursor.at - text.len,
				line.index);
		c->archive_term = line.term;
	}
	archive_cursor_close(&cursor);
	return rc;
}

/* Whether `marked` is `text`, but that it may be marked as a repeat. */
static bool
is_same_entry(struct slice marked, struct slice text)
{
	size_t len = text.len - 2; /* Without the end: `}` and newline. */

	return marked.len >= text.len &&
	       memcmp(marked.data, text.data, len) == 0 &&
	       (marked.data[len] == '}' || marked.data[len] == ',');
}

/* A line that history and log both have. */
static enum rk_code
compare(struct check *c, struct slice text, rk_index index,
	struct rk_error *err)
{
	struct slice other;
	struct line line;

	if (c->cursor.archive == NULL &&
	    archive_seek(&c->archive, index, &c->cursor, err))
		return err->code;
	if (archive_next(&c->cursor, &other, &line, err))
		return err->code;
	if (other.len > 0 && line.index == index && is_same_entry(other, text))
		return RK_OK;
	error_set(err, RK_CORRUPT,
		  "%s: line at byte %" PRIu64 " (index %" PRIu64
		  ") is not as in the log",
		  c->archive.path, c->cursor.offset + c->cursor.at - other.len,
		  index);
	return error_hint(err, "the history is made again when the member "
			       "starts");
}

static enum rk_code
check_line(struct check *c, struct slice text, struct rk_error *err)
{
	struct line line;

	if (!line_scan(text.data, text.len, false, &line) ||
	    (c->next != 0 && line.index != c->next))
		return error_set(err, RK_CORRUPT,
				 "%s/log: not the line of index %" PRIu64,
				 c->dir, c->next);
	if (c->next == 0 && line.index == c->archive.last + 1)
		c->term = c->archive_term;
	if (line.term < c->term)
		return error_set(err, RK_CORRUPT,
				 "%s/log: term falls from %" PRIu64
				 " to %" PRIu64 " at index %" PRIu64,
				 c->dir, c->term, line.term, line.index);
	c->next = line.index + 1;
	c->term = line.term;
	if (line.index >= c->archive.first && line.index <= c->archive.last)
		return compare(c, text, line.index, err);
	return RK_OK;
}

static bool
visit_line(void *context, struct slice text)
{
	struct check *c = context;

	return check_line(c, text, &c->err) == RK_OK;
}

/* No segment is there: fine only if there never was one. */
static enum rk_code
check_never_begun(const struct check *c, struct rk_error *err)
{
	char *path = reader_join(c->dir, LOG_BEGUN_NAME);
	enum rk_code rc;
	int fd;

	rc = file_open(path, FILE_READ, &fd, err);
	mem_free(path);
	if (rc == RK_ABSENT)
		return RK_OK;
	if (rc)
		return rc;
	file_close(fd);
	return error_set(err, RK_CORRUPT,
			 "%s/log: no segment is there, though there was one",
			 c->dir);
}

/* Each segment is this member's. */
static enum rk_code
check_owner(const struct check *c, struct rk_error *err)
{
	char *log_dir = log_dir_path(c->dir);
	struct log_files files = {.count = 0};
	enum rk_code rc = RK_CORRUPT;
	size_t count;
	int looks;

	for (looks = 0; rc == RK_CORRUPT && looks < LOOKS; looks++)
		rc = log_files_load(&files, log_dir, &c->identity,
				    LOG_FILES_LOOK, err);
	mem_free(log_dir);
	if (rc == RK_USAGE)
		return err->code = RK_CORRUPT; /* Files of two directories. */
	if (rc != RK_OK && rc != RK_ABSENT)
		return rc;
	count = files.count;
	log_files_close(&files);
	return count > 0 ? RK_OK : check_never_begun(c, err);
}

static enum rk_code
check_log(struct check *c, bool *gap, struct rk_error *err)
{
	struct log_recovered found = {.count = 0};
	struct rk_checked *checked = c->checked;
	enum rk_code rc;

	rc = log_inspect(c->dir, visit_line, c, &found, err);
	if (rc == RK_ABSENT && c->next == 0)
		rc = RK_OK; /* A directory just made. */
	if (rc == RK_OK && c->err.code != RK_OK) {
		*err = c->err;
		rc = err->code;
	}
	*gap = rc == RK_OK && found.compacted.index > c->archive.last;
	if (*gap)
		error_set(err, RK_CORRUPT,
			  "%s: the history ends at index %" PRIu64
			  ", but the log begins at %" PRIu64,
			  c->dir, c->archive.last, found.compacted.index + 1);
	checked->first = c->archive.first;
	checked->last = c->archive.last;
	checked->term = c->archive_term;
	if (c->next > c->archive.last + 1) {
		checked->last = c->next - 1;
		checked->term = c->term;
	}
	checked->committed = found.commit_hint > c->archive.last
				     ? found.commit_hint
				     : c->archive.last;
	checked->torn_bytes = found.torn_bytes;
	log_recovered_close(&found);
	return rc;
}

static enum rk_code
look(struct check *c, bool *gap, struct rk_error *err)
{
	enum rk_code rc;

	*gap = false;
	rc = check_snapshots(c, err);
	if (rc == RK_OK)
		rc = reader_newest_snapshot(c->dir, &c->newest, err);
	if (rc == RK_OK)
		rc = check_history(c, err);
	if (rc == RK_OK)
		rc = check_owner(c, err);
	if (rc == RK_OK)
		rc = check_log(c, gap, err);
	archive_cursor_close(&c->cursor);
	archive_close(&c->archive);
	snapshot_header_close(&c->newest);
	return rc;
}

enum rk_code
rk_check(const char *dir, struct rk_checked *checked, struct rk_error *err)
{
	struct identity identity;
	struct check c;
	enum rk_code rc;
	bool gap;
	int looks;

	rc = identity_read(dir, &identity, err);
	if (rc == RK_ABSENT)
		return error_set(err, rc,
				 "%s: not a data directory: it has no "
				 "identity.json",
				 dir);
	if (rc)
		return rc;
	*checked = (struct rk_checked){.node = identity.node};
	memcpy(checked->cluster, identity.cluster, sizeof identity.cluster);
	for (looks = 0; looks < LOOKS; looks++) {
		c = (struct check){
			.dir = dir, .identity = identity, .checked = checked};
		rc = look(&c, &gap, err);
		if (!gap && rc != RK_ABSENT)
			return rc;
	}
	return err->code;
}
