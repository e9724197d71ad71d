/* recover.c - opening the log: scan, mend what a crash left, go on writing.
 *
 * Nothing is changed before the scan has found all of it sound. Everything
 * here may be cut short by another crash and is done again then. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/log_scan.h"
#include "store/log_writer.h"

/* A log_open() on its way. */
struct opening {
	const char *dir;
	const struct identity *id;
	struct log_end snapshot;
	char *log_dir;
	struct log_files files;
	struct log_scan scan;
	struct log *log;
};

static enum rk_code
make_log_dir(const struct opening *o, struct rk_error *err)
{
	enum rk_code rc;
	bool made;

	rc = file_make_dir(o->log_dir, &made, err);
	return rc == RK_OK && made ? file_sync_dir(o->dir, err) : rc;
}

/* ---- the first start ---- */

static enum rk_code
check_never_begun(const struct opening *o, struct rk_error *err)
{
	char *begun = file_path(o->dir, LOG_BEGUN_NAME);
	enum rk_code rc;
	int fd;

	rc = file_open(begun, FILE_READ, &fd, err);
	mem_free(begun);
	if (rc == RK_ABSENT)
		return RK_OK;
	if (rc != RK_OK)
		return rc;
	file_close(fd);
	error_set(err, RK_CORRUPT,
		  "%s: the log is lost: no segment is there, though there was "
		  "one",
		  o->log_dir);
	return error_hint(err, "a member that forgot its votes may not come "
			       "back under its id: remove it, and add a new "
			       "one");
}

/* From now on a log without segments is damage. */
static enum rk_code
mark_begun(const struct opening *o, struct rk_error *err)
{
	char *begun = file_path(o->dir, LOG_BEGUN_NAME);
	enum rk_code rc;
	int fd;

	rc = file_open(begun, FILE_READ, &fd, err);
	if (rc == RK_ABSENT) {
		rc = file_open(begun, FILE_CREATE, &fd, err);
		if (rc == RK_OK) {
			rc = file_sync(fd, err);
			file_close(fd);
		}
		if (rc == RK_OK)
			rc = file_sync_dir(o->dir, err);
	} else if (rc == RK_OK) {
		file_close(fd);
	}
	mem_free(begun);
	return rc;
}

static enum rk_code
begin(struct opening *o, struct rk_error *err)
{
	struct log_placement placement = {0};
	enum rk_code rc;

	rc = check_never_begun(o, err);
	if (rc != RK_OK)
		return rc;
	o->scan.state.now.compacted = o->snapshot;
	o->scan.state.now.hard_state.term = o->snapshot.term;
	o->log->last = o->snapshot;
	o->log->hard_state.term = o->snapshot.term;
	rc = log_roll(o->log, err);
	if (rc != RK_OK)
		return rc;
	o->scan.map = log_map_new(o->log_dir, o->snapshot.index);
	log_placement_segment(&placement, o->log->name, o->log->seed);
	log_map_note(o->scan.map, &placement);
	log_placement_close(&placement);
	return RK_OK;
}

/* ---- the torn end ---- */

static enum rk_code
copy_range(int from, const char *to, uint64_t start, uint64_t end,
	   struct rk_error *err)
{
	size_t size = (size_t)(end - start);
	uint8_t *data = mem_alloc(size, 1);
	struct iovec part = {.iov_base = data};
	enum rk_code rc;
	int fd;

	rc = file_read_at(from, data, size, start, &part.iov_len, err);
	if (rc == RK_OK)
		rc = file_open(to, FILE_CREATE, &fd, err);
	if (rc != RK_OK) {
		mem_free(data);
		return rc;
	}
	rc = file_truncate(fd, 0, err);
	if (rc == RK_OK && part.iov_len > 0)
		rc = file_write_at(fd, &part, 1, 0, err);
	if (rc == RK_OK)
		rc = file_sync(fd, err);
	file_close(fd);
	mem_free(data);
	return rc;
}

static enum rk_code
write_zeros(int fd, uint64_t from, uint64_t to, struct rk_error *err)
{
	uint8_t *zeros = mem_alloc((size_t)(to - from), 1);
	struct iovec part = {zeros, (size_t)(to - from)};
	enum rk_code rc;

	rc = file_write_at(fd, &part, 1, from, err);
	mem_free(zeros);
	return rc == RK_OK ? file_sync(fd, err) : rc;
}

static enum rk_code
cut_torn_end(struct opening *o, struct rk_error *err)
{
	struct log_recovered *now = &o->scan.state.now;
	uint64_t from = o->scan.end;
	uint64_t to = o->scan.torn_end;
	enum rk_code rc;

	if (from == to)
		return RK_OK;
	snprintf(now->torn_copy, sizeof now->torn_copy, "%s/%s.torn-%" PRIu64,
		 o->log_dir, o->log->name, from);
	now->torn_bytes = to - from;
	rc = copy_range(o->log->fd, now->torn_copy, from, to, err);
	if (rc == RK_OK)
		rc = file_sync_dir(o->log_dir, err);
	if (rc == RK_OK)
		rc = write_zeros(o->log->fd, from, to, err);
	return rc;
}

/* ---- going on ---- */

static enum rk_code
seal_older(struct opening *o, struct rk_error *err)
{
	const struct log_file *older = &o->files.files[o->files.count - 2];
	char *path;
	enum rk_code rc;
	int fd;

	if (o->scan.seal_at == 0)
		return RK_OK;
	path = file_path(o->log_dir, older->name);
	rc = file_open(path, FILE_WRITE, &fd, err);
	mem_free(path);
	if (rc != RK_OK)
		return rc;
	rc = log_seal(o->log, fd, older->seed, o->scan.seal_at, &older[1].head,
		      err);
	file_close(fd);
	return rc;
}

/* Stand the writer behind the last batch. */
static enum rk_code
resume(struct opening *o, struct rk_error *err)
{
	const struct log_file *newest = &o->files.files[o->files.count - 1];
	struct log *log = o->log;
	char *path;
	enum rk_code rc;

	memcpy(log->name, newest->name, sizeof log->name);
	log->seed = newest->seed;
	log->at = o->scan.end;
	log->batch = o->scan.state.now.batch;
	log->last = log_state_last(&o->scan.state);
	log->hard_state = o->scan.state.now.hard_state;
	log->commit = o->scan.state.now.commit_hint;
	path = file_path(o->log_dir, newest->name);
	rc = file_open(path, FILE_WRITE, &log->fd, err);
	mem_free(path);
	if (rc == RK_OK)
		rc = file_size(log->fd, &log->size, err);
	if (rc == RK_OK)
		rc = cut_torn_end(o, err);
	if (rc == RK_OK)
		rc = seal_older(o, err);
	/* A crash may have lost the name of what we go on with. */
	return rc == RK_OK ? file_sync_dir(o->log_dir, err) : rc;
}

/* ---- the snapshot ---- */

static enum rk_code
reset_to_snapshot(struct opening *o, struct rk_error *err)
{
	struct hard_state *now = &o->scan.state.now.hard_state;
	struct log_op op = {.reset = true, .reset_to = o->snapshot};
	struct log_placement placement = {0};
	enum rk_code rc;

	/* A snapshot may be on disk before the term in which it was sent. No
	 * vote of that term can be lost: it would have been on disk. */
	if (now->term < o->snapshot.term) {
		*now = (struct hard_state){.term = o->snapshot.term};
		op.has_hard_state = true;
		op.hard_state = *now;
	}
	rc = log_write(o->log, &op, 1, o->snapshot.index, &placement, err);
	log_map_note(o->scan.map, &placement);
	log_placement_close(&placement);
	if (rc != RK_OK)
		return rc;
	log_state_reset(&o->scan.state, o->snapshot);
	o->scan.state.now.batch = o->log->batch;
	o->scan.state.now.commit_hint = o->snapshot.index;
	return RK_OK;
}

static enum rk_code
check_no_gap(const struct opening *o, struct rk_error *err)
{
	rk_index base = o->scan.state.now.compacted.index;

	if (o->snapshot.index >= base)
		return RK_OK;
	error_set(err, RK_CORRUPT,
		  "%s: entries %" PRIu64 " to %" PRIu64 " are missing between "
		  "the snapshot and the log",
		  o->dir, o->snapshot.index + 1, base);
	return error_hint(err, "put back the snapshot or the segments that "
			       "held them");
}

/* The log must go on where the snapshot ends, or before that, in the same
 * history; else the snapshot was installed and the log is to be emptied. */
static enum rk_code
reconcile(struct opening *o, struct rk_error *err)
{
	struct log_state *s = &o->scan.state;
	struct log_end *base = &s->now.compacted;
	struct log_end snapshot = o->snapshot;
	struct log_end last = log_state_last(s);

	assert(snapshot.index >= base->index);
	if (snapshot.index > last.index)
		return reset_to_snapshot(o, err);
	if (snapshot.index > base->index &&
	    log_state_term(s, snapshot.index) != snapshot.term)
		return reset_to_snapshot(o, err);
	if (snapshot.index == base->index && base->term == 0)
		base->term = snapshot.term;
	if (snapshot.index == base->index && base->term != snapshot.term)
		return reset_to_snapshot(o, err);
	if (base->term == 0 && base->index > 0) {
		/* Its term went with the segment before; the snapshot covers
		 * the next entry as well. */
		log_state_drop_to(s, (struct log_end){
					     base->index + 1,
					     log_state_term(s, base->index + 1),
				     });
		log_map_drop_to(o->scan.map, base->index);
	}
	return RK_OK;
}

static enum rk_code
open_log(struct opening *o, struct rk_error *err)
{
	enum rk_code rc;

	rc = make_log_dir(o, err);
	if (rc == RK_OK)
		rc = log_files_load(&o->files, o->log_dir, o->id,
				    LOG_FILES_RECOVER, err);
	if (rc != RK_OK)
		return rc;
	if (o->files.count == 0) {
		rc = begin(o, err);
	} else {
		rc = log_scan_run(&o->scan, o->log_dir, o->dir, &o->files, err);
		if (rc == RK_OK)
			rc = check_no_gap(o, err);
		if (rc == RK_OK)
			rc = resume(o, err);
		if (rc == RK_OK)
			rc = reconcile(o, err);
	}
	return rc == RK_OK ? mark_begun(o, err) : rc;
}

enum rk_code
log_open(const char *dir, const struct identity *id,
	 const struct log_options *options, struct log_end snapshot,
	 struct log **log, struct log_map **map,
	 struct log_recovered *recovered, struct rk_error *err)
{
	struct opening o = {.dir = dir, .id = id, .snapshot = snapshot};
	enum rk_code rc;

	o.log_dir = log_dir_path(dir);
	o.log = log_writer_new(dir, id, options);
	rc = open_log(&o, err);
	if (rc == RK_OK) {
		*log = o.log;
		*map = o.scan.map;
		*recovered = o.scan.state.now;
		recovered->unknown_files = o.files.unknown_count;
		memcpy(recovered->unknown_file, o.files.unknown,
		       sizeof recovered->unknown_file);
		o.log = NULL;
		o.scan.map = NULL;
		o.scan.state.now = (struct log_recovered){0};
	} else if (o.log->failed.code == RK_OK) {
		o.log->failed = *err; /* Nothing more is written. */
	}
	log_close(o.log);
	log_scan_close(&o.scan);
	log_files_close(&o.files);
	mem_free(o.log_dir);
	return rc;
}
