/* inspect.c - reading a log that may belong to a running member.
 *
 * First everything is scanned, then what is live is visited by the map. The
 * member may meanwhile compact, remove and recycle what we read; so whatever
 * goes wrong is tried again from the list of files on, and counts only if it
 * stays wrong. Of a log that is damaged, what is good up to there is visited
 * all the same: it may be all that is left. */

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/log_scan.h"

#define TRIES 100

/* Lines are visited out of a buffer of about this size. */
#define VISIT_BYTES (1U << 20)

/* Which segments were there: the first batches of two. */
struct extremes {
	uint64_t oldest;
	uint64_t newest;
};

/* A visit of all that is live. */
struct tour {
	bool (*visit)(void *context, struct slice line);
	void *context;
	rk_index next; /* Not visited yet; 0: none was. */
	bool stopped;
	bool last_try; /* Damage is damage now. */
};

static void
visit_lines(struct tour *t, const struct bytes *lines)
{
	const uint8_t *p = lines->data;
	const uint8_t *end = p + lines->len;
	const uint8_t *newline;
	struct slice line;

	while (p < end && !t->stopped) {
		newline = memchr(p, '\n', (size_t)(end - p));
		assert(newline != NULL); /* The scan saw to that. */
		line = (struct slice){p, (size_t)(newline + 1 - p)};
		t->stopped = !t->visit(t->context, line);
		t->next++;
		p = newline + 1;
	}
}

static enum rk_code
visit_all(struct tour *t, const struct log_scan *scan, struct rk_error *err)
{
	rk_index first = scan->state.now.compacted.index + 1;
	rk_index end = log_map_end(scan->map);
	struct bytes lines = {0};
	enum rk_code rc = RK_OK;
	rk_index got;

	if (t->next == 0)
		t->next = first;
	if (t->next < first)
		return error_set(err, RK_ABSENT,
				 "entries %" PRIu64 " to %" PRIu64
				 " were compacted while they were read",
				 t->next, first - 1);
	while (t->next < end && !t->stopped) {
		lines.len = 0;
		rc = log_map_read(scan->map, t->next, end, VISIT_BYTES, &lines,
				  &got, err);
		if (rc != RK_OK)
			break;
		visit_lines(t, &lines);
	}
	bytes_close(&lines);
	return rc;
}

static void
take_recovered(struct log_scan *scan, struct log_recovered *recovered)
{
	*recovered = scan->state.now;
	recovered->torn_bytes = scan->torn_end - scan->end;
	scan->state.now = (struct log_recovered){0};
}

/* Whether a segment is there now that is newer than all of `files`. */
static bool
is_followed(const char *log_dir, const struct log_files *files)
{
	struct log_files now;
	struct rk_error ignored;
	bool followed;

	followed = log_files_load(&now, log_dir, NULL, LOG_FILES_LOOK,
				  &ignored) == RK_OK &&
		   now.count > 0 &&
		   now.files[now.count - 1].head.first_batch >
			   files->files[files->count - 1].head.first_batch;
	log_files_close(&now);
	return followed;
}

/* A busy member goes on to further segments faster than they can be listed and
 * read: then we have read the log as it was when they were listed. But a seal
 * that nothing follows tells of a segment that is lost. */
static enum rk_code
scan_live(struct log_scan *scan, const char *log_dir, const char *source,
	  struct log_files *files, struct rk_error *err)
{
	enum rk_code rc;

	files->open_ended = true;
	rc = log_scan_run(scan, log_dir, source, files, err);
	if (rc != RK_OK || !scan->is_sealed || is_followed(log_dir, files))
		return rc;
	log_scan_close(scan);
	files->open_ended = false;
	return log_scan_run(scan, log_dir, source, files, err);
}

static enum rk_code
scan_and_visit(struct tour *t, const char *log_dir, const char *source,
	       struct log_files *files, struct log_recovered *recovered,
	       struct rk_error *err)
{
	struct log_scan scan;
	struct rk_error ignored;
	enum rk_code rc;

	if (files->alone)
		rc = log_scan_run(&scan, log_dir, source, files, err);
	else
		rc = scan_live(&scan, log_dir, source, files, err);
	if (rc == RK_OK && t->visit != NULL)
		rc = visit_all(t, &scan, err);
	else if (rc == RK_CORRUPT && t->visit != NULL && t->last_try)
		(void)(visit_all(t, &scan, &ignored) == RK_OK);
	if (rc == RK_OK)
		take_recovered(&scan, recovered);
	log_scan_close(&scan);
	return rc;
}

static enum rk_code
inspect_once(struct tour *t, const char *dir, struct log_recovered *recovered,
	     struct extremes *seen, struct rk_error *err)
{
	char *log_dir = log_dir_path(dir);
	struct log_files files;
	enum rk_code rc;

	*seen = (struct extremes){0};
	rc = log_files_load(&files, log_dir, NULL, LOG_FILES_LOOK, err);
	if (rc == RK_OK && files.count == 0) {
		rc = error_set(err, RK_ABSENT, "%s: no segments", log_dir);
	} else if (rc == RK_OK) {
		seen->oldest = files.files[0].head.first_batch;
		seen->newest = files.files[files.count - 1].head.first_batch;
		rc = scan_and_visit(t, log_dir, dir, &files, recovered, err);
	}
	if (rc == RK_OK) {
		recovered->unknown_files = files.unknown_count;
		memcpy(recovered->unknown_file, files.unknown,
		       sizeof recovered->unknown_file);
	}
	log_files_close(&files);
	mem_free(log_dir);
	return rc;
}

enum rk_code
log_inspect(const char *dir, bool (*visit)(void *context, struct slice line),
	    void *context, struct log_recovered *recovered,
	    struct rk_error *err)
{
	struct tour t = {.visit = visit, .context = context};
	struct extremes before = {0};
	struct extremes seen;
	struct rk_error last = {.code = RK_OK};
	enum rk_code rc;
	int i;

	for (i = 0; i < TRIES; i++) {
		rc = inspect_once(&t, dir, recovered, &seen, err);
		if (rc == RK_OK)
			return RK_OK;
		if (strcmp(err->text, last.text) == 0 &&
		    seen.oldest == before.oldest &&
		    seen.newest == before.newest)
			break;
		last = *err;
		before = seen;
	}
	/* It stays wrong; what is good of it is visited now. */
	t.last_try = true;
	return inspect_once(&t, dir, recovered, &seen, err);
}

enum rk_code
log_inspect_file(const char *path,
		 bool (*visit)(void *context, struct slice line), void *context,
		 struct log_recovered *recovered, struct rk_error *err)
{
	struct tour t = {.visit = visit, .context = context, .last_try = true};
	const char *slash = strrchr(path, '/');
	struct bytes log_dir = {0};
	struct log_files files;
	enum rk_code rc;

	if (slash == NULL)
		bytes_append(&log_dir, ".", sizeof ".");
	else
		bytes_printf(&log_dir, "%.*s%c", (int)(slash + 1 - path), path,
			     '\0');
	rc = log_files_load_one(&files, path, err);
	if (rc == RK_OK)
		rc = scan_and_visit(&t, (char *)log_dir.data, path, &files,
				    recovered, err);
	log_files_close(&files);
	bytes_close(&log_dir);
	return rc;
}
