/* segment_reader.c - a window on a file, read in large pieces. */

#include "store/segment_reader.h"

#include <assert.h>
#include <string.h>

#include "store/file.h"

void
segment_reader_init(struct segment_reader *r, int fd, size_t chunk)
{
	if (chunk < RECORD_HEAD_BYTES)
		chunk = RECORD_HEAD_BYTES;
	*r = (struct segment_reader){.fd = fd, .chunk = chunk};
}

void
segment_reader_close(struct segment_reader *r)
{
	bytes_close(&r->window);
}

void
segment_reader_forget(struct segment_reader *r)
{
	r->window.len = 0;
	r->at_end = false;
}

enum rk_code
segment_reader_get(struct segment_reader *r, uint64_t offset, size_t need,
		   const uint8_t **data, size_t *got, struct rk_error *err)
{
	size_t want = need > r->chunk ? need : r->chunk;
	uint64_t end = r->start + r->window.len;
	size_t skip;
	enum rk_code rc;

	if (offset < r->start || offset > end ||
	    (offset + need > end && !r->at_end)) {
		r->window.len = 0;
		r->start = offset;
		rc = file_read_at(r->fd, bytes_reserve(&r->window, want), want,
				  offset, &r->window.len, err);
		if (rc != RK_OK)
			return rc;
		r->at_end = r->window.len < want;
	}
	skip = (size_t)(offset - r->start);
	*data = r->window.data + skip;
	*got = r->window.len - skip;
	return RK_OK;
}

enum rk_code
segment_reader_record(struct segment_reader *r, uint64_t offset, uint32_t seed,
		      struct record *record, bool *valid, struct rk_error *err)
{
	const uint8_t *data;
	uint64_t size;
	size_t got;
	enum rk_code rc;

	*valid = false;
	rc = segment_reader_get(r, offset, RECORD_HEAD_BYTES, &data, &got, err);
	if (rc != RK_OK || got < RECORD_HEAD_BYTES)
		return rc;
	size = record_claimed_size(data);
	if (size == 0)
		return RK_OK;
	if (size > got) {
		rc = segment_reader_get(r, offset, (size_t)size, &data, &got,
					err);
		if (rc != RK_OK)
			return rc;
	}
	*valid = record_check(data, got, seed, offset, record);
	return RK_OK;
}

static bool
may_begin_record(const uint8_t *data, size_t len, uint64_t batch)
{
	return len >= RECORD_HEAD_BYTES && record_claimed_size(data) != 0 &&
	       bytes_get_u64(data + 32) >= batch;
}

static void
note_found(struct segment_found *found, const struct record *r, uint64_t offset,
	   uint64_t batch)
{
	if (r->batch == batch) {
		found->same_end = offset + r->size;
		return;
	}
	found->later = true;
	found->later_batches += r->kind == RECORD_BATCH_END;
}

enum rk_code
segment_search(struct segment_reader *r, uint64_t from, uint32_t seed,
	       uint64_t batch, struct segment_found *found,
	       struct rk_error *err)
{
	const uint8_t *data;
	struct record record;
	uint64_t at = from;
	size_t got;
	size_t step;
	bool valid;
	enum rk_code rc;

	assert(from % RECORD_ALIGN == 0);
	*found = (struct segment_found){.zeros_from = from};
	for (;;) {
		rc = segment_reader_get(r, at, RECORD_HEAD_BYTES, &data, &got,
					err);
		if (rc != RK_OK || got == 0)
			return rc;
		step = got < RECORD_ALIGN ? got : RECORD_ALIGN;
		if (memcmp(data, "\0\0\0\0\0\0\0", step) != 0)
			found->zeros_from = at + step;
		if (may_begin_record(data, got, batch)) {
			rc = segment_reader_record(r, at, seed, &record, &valid,
						   err);
			if (rc != RK_OK)
				return rc;
			if (valid) {
				note_found(found, &record, at, batch);
				step = (size_t)record.size;
				found->zeros_from = at + step;
			}
		}
		at += step;
	}
}
