/* reader_open.c - what is at a path, and which entries it holds.
 *
 * A data directory: the history holds what has been applied, the log what
 * comes after. A member may be at work meanwhile, so the history is looked at
 * first: what the log no longer has by then, a later look at the history
 * finds. */

#include "node/reader.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "machine/session.h"
#include "store/file.h"
#include "store/identity.h"
#include "store/log.h"

/* How often to look again when a member compacts its log under our eyes. */
#define LOOKS 5

char *
reader_join(const char *dir, const char *name)
{
	struct bytes path = {.data = NULL};

	bytes_printf(&path, "%s/%s", dir, name);
	bytes_append_char(&path, '\0');
	return (char *)path.data;
}

enum rk_code
reader_newest_snapshot(const char *dir, struct snapshot_header *h,
		       struct rk_error *err)
{
	struct rk_error why;
	size_t skipped;
	enum rk_code rc;

	*h = (struct snapshot_header){.bytes = 0};
	rc = snapshot_newest(dir, false, h, &skipped, &why);
	if (rc == RK_OK || rc == RK_ABSENT || rc == RK_CORRUPT)
		return RK_OK; /* rk_check() is for finding fault. */
	*err = why;
	return rc;
}

enum rk_code
reader_open_history(const char *dir, const struct snapshot_header *snapshot,
		    bool strict, struct archive *a, struct rk_error *err)
{
	char *path = reader_join(dir, "machine/history.ndjson");
	enum rk_code rc = archive_open(path, 0, UINT64_MAX, a, err);

	mem_free(path);
	if (rc == RK_OK && a->last >= snapshot->meta.last.index)
		return RK_OK;
	if (rc == RK_CORRUPT && strict)
		return error_hint(err, "the history is made again when the "
				       "member starts");
	archive_close(a);
	if (snapshot->meta.last.index == 0)
		return RK_OK;
	path = snapshot_data_path(dir, snapshot->meta.last);
	rc = archive_open(path, 0, snapshot->bytes, a, err);
	mem_free(path);
	return rc;
}

static bool
take_line(void *context, struct slice text)
{
	struct rk_reader *r = context;
	struct line line;

	if (!line_scan(text.data, text.len, false, &line))
		return false; /* The log's own check would have said so. */
	r->has_log = true;
	if (line.index <= r->archive.last)
		return true;
	if (r->tail.len == 0 && r->archive.path == NULL)
		r->first = line.index;
	r->last = line.index;
	bytes_append(&r->tail, text.data, text.len);
	return true;
}

/* Take what the log, or one segment, holds beyond the archive. RK_ABSENT: the
 * log was compacted meanwhile. */
static enum rk_code
take_log(struct rk_reader *r, bool one_file, rk_index *compacted,
	 struct rk_error *err)
{
	struct log_recovered found = {.count = 0};
	enum rk_code rc;

	r->tail.len = 0;
	r->has_log = false;
	r->last = r->archive.last;
	rc = one_file ? log_inspect_file(r->path, take_line, r, &found, err)
		      : log_inspect(r->path, take_line, r, &found, err);
	*compacted = found.compacted.index;
	if (found.commit_hint > r->committed)
		r->committed = found.commit_hint;
	r->torn_bytes = found.torn_bytes;
	r->hard_state = found.hard_state;
	log_recovered_close(&found);
	if (rc == RK_ABSENT && !one_file && !r->has_log)
		return RK_OK; /* No log yet: a directory just made. */
	if (rc == RK_CORRUPT && (r->tail.len > 0 || r->archive.path != NULL)) {
		r->damage = *err; /* Told once what is good was shown. */
		return RK_OK;
	}
	return rc;
}

static bool
has_sessions(const struct bytes *tail)
{
	static const char mark[] = "\",\"session\":\"";

	/* May find it in data, too: then some work is done for nothing. */
	return memmem(tail->data, tail->len, mark, sizeof mark - 1) != NULL;
}

/* The numbers that were applied up to the archive's end. */
static enum rk_code
know_sessions(const struct rk_reader *r, struct sessions **sessions,
	      struct rk_error *err)
{
	const struct snapshot_header *snapshot = &r->snapshot;
	struct slice text = {snapshot->sessions.data, snapshot->sessions.len};
	struct archive_cursor c;
	rk_index ignored;
	struct line line;
	enum rk_code rc;

	if (text.len == 0)
		*sessions = sessions_new();
	else if (sessions_decode(text, sessions, err))
		return err->code;
	rc = archive_seek(&r->archive, snapshot->meta.last.index + 1, &c, err);
	while (rc == RK_OK) {
		rc = archive_next(&c, &text, &line, err);
		if (rc || text.len == 0)
			break;
		if (line.session != NULL)
			sessions_note(*sessions, line.session, line.session_len,
				      line.seq, line.index, &ignored);
	}
	archive_cursor_close(&c);
	if (rc)
		sessions_free(*sessions);
	return rc;
}

/* Mark the repeats in the tail as the machine will, or would. */
static void
mark_repeats(struct rk_reader *r, struct sessions *sessions)
{
	struct bytes marked = {.data = NULL};
	enum session_verdict verdict;
	struct slice text;
	struct line line;
	rk_index repeat;
	bool canonical;
	size_t at;

	for (at = 0; at < r->tail.len; at += line.len) {
		canonical = line_scan(r->tail.data + at, r->tail.len - at,
				      false, &line);
		assert(canonical); /* take_line() has seen to it. */
		text = (struct slice){r->tail.data + at, line.len};
		repeat = line.index; /* If it is too old. */
		verdict = SESSION_FRESH;
		if (line.session != NULL)
			verdict = sessions_note(sessions, line.session,
						line.session_len, line.seq,
						line.index, &repeat);
		if (verdict == SESSION_FRESH)
			bytes_append(&marked, text.data, text.len);
		else
			line_mark_repeat(&marked, text, repeat);
	}
	r->tail.len = 0;
	bytes_take(&r->tail, &marked);
}

static enum rk_code
know_repeats(struct rk_reader *r, struct rk_error *err)
{
	struct sessions *sessions;

	if (r->tail.len == 0 || !has_sessions(&r->tail))
		return RK_OK;
	if (know_sessions(r, &sessions, err))
		return err->code;
	mark_repeats(r, sessions);
	sessions_free(sessions);
	return RK_OK;
}

/* One look. `*gap`: entries between history and log are missing, which may be
 * because the member went on in between. */
static enum rk_code
look(struct rk_reader *r, bool *gap, struct rk_error *err)
{
	rk_index compacted;
	enum rk_code rc;

	snapshot_header_close(&r->snapshot);
	archive_close(&r->archive);
	if (reader_newest_snapshot(r->path, &r->snapshot, err) ||
	    reader_open_history(r->path, &r->snapshot, false, &r->archive, err))
		return err->code;
	r->first = r->archive.first;
	r->committed = r->archive.last;
	rc = take_log(r, false, &compacted, err);
	*gap = rc == RK_ABSENT;
	if (rc)
		return *gap ? RK_OK : rc;
	*gap = r->archive.path != NULL && compacted > r->archive.last;
	if (*gap)
		error_set(err, RK_CORRUPT,
			  "%s: the history ends at index %" PRIu64
			  ", but the log begins at %" PRIu64,
			  r->path, r->archive.last, compacted + 1);
	return RK_OK;
}

enum rk_code
reader_open_directory(struct rk_reader *r, struct rk_error *err)
{
	bool gap = true;
	enum rk_code rc;
	int looks;

	r->kind = "directory";
	rc = identity_read(r->path, &r->identity, err);
	if (rc == RK_ABSENT)
		return error_set(err, rc,
				 "%s: not a data directory: it has no "
				 "identity.json",
				 r->path);
	for (looks = 0; rc == RK_OK && gap && looks < LOOKS; looks++)
		rc = look(r, &gap, err);
	if (rc == RK_OK)
		rc = gap ? err->code : know_repeats(r, err);
	return rc;
}

static enum rk_code
open_segment(struct rk_reader *r, struct rk_error *err)
{
	rk_index compacted;

	r->kind = "segment";
	if (take_log(r, true, &compacted, err))
		return err->code;
	if (r->tail.len == 0) {
		r->first = compacted + 1;
		r->last = compacted;
	}
	return know_repeats(r, err);
}

/* A snapshot's header line, which a saved one begins with. */
static enum rk_code
read_header(const char *path, int fd, struct snapshot_header *h, size_t *len,
	    struct rk_error *err)
{
	const uint8_t *newline = NULL;
	struct bytes text = {.data = NULL};
	enum rk_code rc = RK_OK;
	size_t seen = 0;
	size_t got = 1;

	while (rc == RK_OK && newline == NULL && got > 0 &&
	       text.len < LIMIT_SNAPSHOT_HEAD_BYTES) {
		rc = file_read_at(fd, bytes_reserve(&text, 65536), 65536,
				  text.len, &got, err);
		if (rc)
			break;
		text.len += got;
		newline = memchr(text.data + seen, '\n', text.len - seen);
		seen = text.len;
	}
	if (rc == RK_OK && newline == NULL)
		rc = error_set(err, RK_CORRUPT, "no header line");
	if (rc == RK_OK) {
		*len = (size_t)(newline + 1 - text.data);
		rc = snapshot_header_decode((struct slice){text.data, *len}, h,
					    err);
	}
	bytes_close(&text);
	return rc ? error_wrap(err, "%s", path) : RK_OK;
}

/* `path` with another ending, if it ends with `from`; else NULL. */
static char *
sibling(const char *path, const char *from, const char *to)
{
	struct bytes other = {.data = NULL};
	size_t len = strlen(path);

	if (len < strlen(from) || strcmp(path + len - strlen(from), from) != 0)
		return NULL;
	bytes_append(&other, path, len - strlen(from));
	bytes_append_text(&other, to);
	bytes_append_char(&other, '\0');
	return (char *)other.data;
}

/* A saved snapshot; or the header of one in a data directory, whose payload
 * stands beside it. */
static enum rk_code
open_snapshot(struct rk_reader *r, const char *path, int fd,
	      struct rk_error *err)
{
	char *data = sibling(path, ".json", ".data");
	struct snapshot_header *h = &r->snapshot;
	size_t len = 0;
	uint64_t size;
	enum rk_code rc;

	r->kind = "snapshot";
	rc = read_header(path, fd, h, &len, err);
	if (rc == RK_OK) {
		rc = file_size(fd, &size, err);
		if (rc == RK_OK && data != NULL && size == len)
			rc = archive_open(data, 0, h->bytes, &r->archive, err);
		else if (rc == RK_OK)
			rc = archive_open(path, len, len + h->bytes,
					  &r->archive, err);
	}
	mem_free(data);
	return rc;
}

/* Lines and nothing else: a history, or a snapshot's payload, of which the
 * header beside it says how much counts. */
static enum rk_code
open_lines(struct rk_reader *r, struct rk_error *err)
{
	char *header = sibling(r->path, ".data", ".json");
	struct rk_error ignored;
	enum rk_code rc;
	int fd;

	if (header != NULL &&
	    file_open(header, FILE_READ, &fd, &ignored) == RK_OK) {
		rc = open_snapshot(r, header, fd, err);
		file_close(fd);
	} else {
		r->kind = "history";
		rc = archive_open(r->path, 0, UINT64_MAX, &r->archive, err);
	}
	mem_free(header);
	return rc;
}

enum rk_code
reader_open_file(struct rk_reader *r, struct rk_error *err)
{
	static const char line_start[] = "{\"index\":";
	char start[sizeof line_start - 1] = "";
	enum rk_code rc;
	size_t got;
	int fd;

	rc = file_open(r->path, FILE_READ, &fd, err);
	if (rc)
		return rc;
	rc = file_read_at(fd, start, sizeof start, 0, &got, err);
	if (rc == RK_OK && start[0] != '{')
		rc = open_segment(r, err);
	else if (rc == RK_OK && memcmp(start, line_start, sizeof start) == 0)
		rc = open_lines(r, err);
	else if (rc == RK_OK)
		rc = open_snapshot(r, r->path, fd, err);
	file_close(fd);
	if (rc == RK_OK && r->archive.path != NULL) {
		r->first = r->archive.first;
		r->last = r->archive.last;
		r->committed = r->last;
	}
	return rc;
}
