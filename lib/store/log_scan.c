/* log_scan.c - read all segments and say what the log is. */

#include "store/log_scan.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"

/* Read at once. */
#define CHUNK (1U << 20)

/* One segment on the way. */
struct walk {
	struct log_scan *scan;
	const char *log_dir;
	const char *source;
	const struct log_files *files;
	size_t i; /* Of `files`. */
	struct segment_reader reader;
	uint64_t at;  /* The record looked at. */
	uint64_t end; /* Behind the last whole batch. */
	bool sealed;
	uint8_t next_id[SEGMENT_ID_BYTES]; /* If sealed: what follows. */
	struct log_placement placement;
};

static const struct log_file *
file_at(const struct walk *w)
{
	return &w->files->files[w->i];
}

static uint64_t
expected_batch(const struct walk *w)
{
	return w->scan->state.now.batch + 1;
}

static enum rk_code
open_segment(const struct walk *w, size_t i, int *fd, struct rk_error *err)
{
	char *path = file_path(w->log_dir, w->files->files[i].name);
	enum rk_code rc;

	rc = file_open(path, FILE_READ, fd, err);
	mem_free(path);
	return rc;
}

/* ---- what is wrong ---- */

/* Ends of batches behind the damage, in this and all later segments. */
static enum rk_code
count_later_batches(const struct walk *w, uint64_t *count, struct rk_error *err)
{
	struct segment_found found;
	struct segment_reader reader;
	enum rk_code rc = RK_OK;
	uint64_t from = w->at;
	size_t i;
	int fd;

	*count = 0;
	for (i = w->i; i < w->files->count && rc == RK_OK; i++) {
		rc = open_segment(w, i, &fd, err);
		if (rc != RK_OK)
			return rc;
		segment_reader_init(&reader, fd, CHUNK);
		rc = segment_search(&reader, from, w->files->files[i].seed,
				    expected_batch(w), &found, err);
		segment_reader_close(&reader);
		file_close(fd);
		*count += found.later_batches;
		from = SEGMENT_HEAD_BYTES;
	}
	return rc;
}

static enum rk_code
damage(const struct walk *w, struct rk_error *err)
{
	rk_index index = log_state_next_index(&w->scan->state);
	uint64_t batches;
	enum rk_code rc;

	rc = count_later_batches(w, &batches, err);
	if (rc != RK_OK)
		return rc;
	error_set(err, RK_CORRUPT,
		  "%s/%s: bad checksum at byte %" PRIu64 " (index %" PRIu64
		  "); %" PRIu64 " valid batch%s",
		  w->log_dir, file_at(w)->name, w->at, index, batches,
		  batches == 1 ? " follows" : "es follow");
	if (index <= w->scan->state.now.compacted.index + 1)
		return error_hint(err, "the disk or a copy damaged this file");
	return error_hint(err,
			  "the disk or a copy damaged this file. Good up to "
			  "%" PRIu64 ": raft-dump -i :%" PRIu64 " %s",
			  index - 1, index - 1, w->source);
}

static enum rk_code
impossible(const struct walk *w, uint64_t offset, struct rk_error *err)
{
	return error_set(err, RK_CORRUPT,
			 "%s/%s: a record with a good checksum does not fit at "
			 "byte %" PRIu64 " (index %" PRIu64 ")",
			 w->log_dir, file_at(w)->name, offset,
			 log_state_next_index(&w->scan->state));
}

/* What should follow the segment at hand does not. */
static enum rk_code
gap(const struct walk *w, struct rk_error *err)
{
	if (w->i + 1 == w->files->count)
		error_set(err, RK_CORRUPT,
			  "%s: a segment is missing: the one that follows %s",
			  w->log_dir, file_at(w)->name);
	else
		error_set(err, RK_CORRUPT,
			  "%s: a segment is missing between %s and %s",
			  w->log_dir, file_at(w)->name,
			  w->files->files[w->i + 1].name);
	return error_hint(err, "put it back from where it was moved; without "
			       "it this member's log is not whole");
}

/* ---- following the chain ---- */

/* A segment's header continues what was read before it. */
static bool
head_continues(const struct log_state *s, const struct segment_head *head)
{
	struct log_end last = log_state_last(s);

	return head->first_batch == s->now.batch + 1 &&
	       head->last.index == last.index &&
	       (head->last.term == last.term || head->last.term == 0) &&
	       head->hard_state.term == s->now.hard_state.term &&
	       head->hard_state.vote == s->now.hard_state.vote;
}

static enum rk_code
take_batch(struct walk *w, const struct record *end, struct rk_error *err)
{
	uint64_t offset = w->at;

	w->placement.count = 0;
	if (!log_state_end_batch(&w->scan->state, end, &w->placement, &offset))
		return impossible(w, offset, err);
	log_map_note(w->scan->map, &w->placement);
	w->end = w->at + end->size;
	return RK_OK;
}

/* Follow the records from w->at until one is not as it must be. */
static enum rk_code
follow(struct walk *w, struct rk_error *err)
{
	struct log_state *s = &w->scan->state;
	struct record r;
	enum rk_code rc;
	bool valid;

	for (;; w->at += r.size) {
		rc = segment_reader_record(&w->reader, w->at, file_at(w)->seed,
					   &r, &valid, err);
		if (rc != RK_OK)
			return rc;
		if (!valid || r.batch != expected_batch(w))
			return RK_OK;
		if (r.kind == RECORD_SEAL) {
			w->sealed = s->pending_count == 0;
			memcpy(w->next_id, r.payload.data, SEGMENT_ID_BYTES);
			return RK_OK;
		}
		if (r.kind != RECORD_BATCH_END) {
			log_state_add(s, &r, w->at);
			continue;
		}
		if (!log_state_batch_is_whole(s, &r))
			return RK_OK;
		rc = take_batch(w, &r, err);
		if (rc != RK_OK)
			return rc;
	}
}

/* Whether the record at w->at is sound now: a writer beside us may have
 * finished it since we read it. */
static enum rk_code
look_again(struct walk *w, bool *sound, struct rk_error *err)
{
	struct record r;
	enum rk_code rc;

	segment_reader_forget(&w->reader);
	rc = segment_reader_record(&w->reader, w->at, file_at(w)->seed, &r,
				   sound, err);
	*sound = *sound && r.batch == expected_batch(w) &&
		 (r.kind != RECORD_BATCH_END ||
		  log_state_batch_is_whole(&w->scan->state, &r));
	return rc;
}

/* In the newest segment: go on to where the log ends. */
static enum rk_code
find_end(struct walk *w, struct rk_error *err)
{
	struct log_scan *scan = w->scan;
	struct segment_found found = {0};
	enum rk_code rc;
	bool sound;

	for (;;) {
		scan->is_sealed = w->sealed;
		if (w->sealed && !w->files->alone && !w->files->open_ended)
			return gap(w, err);
		if (w->sealed)
			break;
		rc = segment_search(&w->reader, w->at, file_at(w)->seed,
				    expected_batch(w), &found, err);
		if (rc != RK_OK)
			return rc;
		if (!found.later)
			break;
		rc = look_again(w, &sound, err);
		if (rc == RK_OK && !sound)
			rc = damage(w, err);
		if (rc == RK_OK)
			rc = follow(w, err);
		if (rc != RK_OK)
			return rc;
	}
	scan->end = w->end;
	scan->torn_end = w->at > found.same_end ? w->at : found.same_end;
	/* A recycled file is full of what it held before. */
	if (!file_at(w)->head.recycled && scan->torn_end < found.zeros_from)
		scan->torn_end = found.zeros_from;
	return RK_OK;
}

/* In an older segment: it must have ended with a seal, or the newest one is
 * still empty, and this one's seal was cut short. */
static enum rk_code
check_end(struct walk *w, struct rk_error *err)
{
	const struct log_file *next = &w->files->files[w->i + 1];

	if (w->sealed) {
		if (memcmp(w->next_id, next->head.id, SEGMENT_ID_BYTES) != 0)
			return gap(w, err);
		return RK_OK;
	}
	if (w->i + 2 == w->files->count &&
	    next->head.first_batch == expected_batch(w)) {
		w->scan->seal_at = w->end;
		return RK_OK;
	}
	return damage(w, err);
}

static enum rk_code
walk_segment(struct walk *w, struct rk_error *err)
{
	struct log_scan *scan = w->scan;
	bool newest = w->i + 1 == w->files->count;
	enum rk_code rc;

	if (w->i > 0 && !head_continues(&scan->state, &file_at(w)->head))
		return impossible(w, 0, err);
	w->at = SEGMENT_HEAD_BYTES;
	w->end = SEGMENT_HEAD_BYTES;
	w->sealed = false;
	w->placement.count = 0;
	log_placement_segment(&w->placement, file_at(w)->name,
			      file_at(w)->seed);
	log_map_note(scan->map, &w->placement);
	rc = follow(w, err);
	if (rc == RK_OK)
		rc = newest ? find_end(w, err) : check_end(w, err);
	if (rc == RK_OK && newest && scan->seal_at != 0 &&
	    w->end > SEGMENT_HEAD_BYTES) {
		/* It is not empty, so the seal before it was on disk. */
		w->i--;
		w->at = scan->seal_at;
		rc = damage(w, err);
	}
	log_state_drop_batch(&scan->state);
	return rc;
}

static enum rk_code
walk_file(struct walk *w, struct rk_error *err)
{
	uint64_t size;
	enum rk_code rc;
	int fd;

	rc = open_segment(w, w->i, &fd, err);
	if (rc != RK_OK)
		return rc;
	rc = file_size(fd, &size, err);
	if (rc == RK_OK) {
		segment_reader_init(&w->reader, fd,
				    size < CHUNK ? (size_t)size : CHUNK);
		rc = walk_segment(w, err);
		segment_reader_close(&w->reader);
	}
	file_close(fd);
	return rc;
}

enum rk_code
log_scan_run(struct log_scan *scan, const char *log_dir, const char *source,
	     const struct log_files *files, struct rk_error *err)
{
	struct walk w = {
		.scan = scan,
		.log_dir = log_dir,
		.source = source,
		.files = files,
	};
	struct log_recovered *now = &scan->state.now;
	enum rk_code rc = RK_OK;

	assert(files->count > 0);
	*scan = (struct log_scan){0};
	log_state_init(&scan->state, &files->files[0].head);
	scan->map = log_map_new(log_dir, now->compacted.index);
	for (; w.i < files->count && rc == RK_OK; w.i++)
		rc = walk_file(&w, err);
	/* A leader may commit, by the others, what it has not written yet. */
	if (now->commit_hint > log_state_last(&scan->state).index)
		now->commit_hint = log_state_last(&scan->state).index;
	log_placement_close(&w.placement);
	return rc;
}

void
log_scan_close(struct log_scan *scan)
{
	log_state_close(&scan->state);
	log_map_free(scan->map);
	*scan = (struct log_scan){0};
}
