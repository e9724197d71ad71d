/* log_roll.c - making, sealing, preparing and recycling segment files.
 *
 * A new segment appears under its name with its header on disk, and only then
 * is the one before it sealed. A crash between the two leaves an empty newest
 * segment, which is used, and a missing seal, which is written then. */

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/prng.h"
#include "store/file.h"
#include "store/log_scan.h"
#include "store/log_writer.h"

/* Zeros are written from a buffer of this size. */
#define ZEROS_BYTES (256U << 10)

static enum rk_code
write_zeros(int fd, uint64_t from, uint64_t to, struct rk_error *err)
{
	uint8_t *zeros = mem_alloc(ZEROS_BYTES, 1);
	struct iovec part = {.iov_base = zeros};
	enum rk_code rc = RK_OK;

	for (; from < to && rc == RK_OK; from += part.iov_len) {
		part.iov_len = ZEROS_BYTES;
		if (part.iov_len > to - from)
			part.iov_len = (size_t)(to - from);
		rc = file_write_at(fd, &part, 1, from, err);
	}
	mem_free(zeros);
	return rc;
}

enum rk_code
log_sync(struct log *log, int fd, struct rk_error *err)
{
	return log->options.sync ? file_sync_data(fd, err) : RK_OK;
}

enum rk_code
log_grow(struct log *log, uint64_t end, struct rk_error *err)
{
	uint64_t size = end;
	enum rk_code rc;

	if (end <= log->size)
		return RK_OK;
	if (size < log->size + LOG_GROW_BYTES)
		size = log->size + LOG_GROW_BYTES;
	if (size > log->options.segment_bytes)
		size = log->options.segment_bytes;
	if (size < end)
		size = end;
	rc = write_zeros(log->fd, log->size, size, err);
	if (rc == RK_OK)
		log->size = size;
	return rc;
}

/* ---- a new segment ---- */

static void
random_id(uint8_t id[SEGMENT_ID_BYTES])
{
	bytes_put_u64(id, prng_entropy());
	bytes_put_u64(id + 8, prng_entropy());
}

/* The prepared file under a name of ours, or an empty one. Renamed first: from
 * then on nobody else touches it. */
static enum rk_code
claim_file(const struct log *log, const char *aside, int *fd,
	   struct rk_error *err)
{
	char *next = file_path(log->log_dir, LOG_NEXT_NAME);
	enum rk_code rc;

	rc = file_rename(next, aside, err);
	mem_free(next);
	if (rc == RK_OK)
		return file_open(aside, FILE_WRITE, fd, err);
	if (rc == RK_ABSENT)
		return file_open(aside, FILE_CREATE, fd, err);
	return rc;
}

static enum rk_code
write_head(int fd, struct segment_head *head, struct rk_error *err)
{
	uint8_t data[SEGMENT_HEAD_BYTES];
	struct iovec part = {data, sizeof data};
	enum rk_code rc;
	size_t got;

	/* What was there tells whether the file held a segment. */
	rc = file_read_at(fd, data, 8, 0, &got, err);
	if (rc != RK_OK)
		return rc;
	head->recycled = got == 8 && bytes_get_u64(data) != 0;
	segment_head_encode(head, data);
	rc = file_write_at(fd, &part, 1, 0, err);
	return rc == RK_OK ? file_sync(fd, err) : rc;
}

/* Give it that one of its two names that is free. */
static enum rk_code
name_file(const struct log *log, const char *aside,
	  const struct segment_head *head, char name[SEGMENT_NAME_BYTES],
	  struct rk_error *err)
{
	char *path;
	enum rk_code rc;
	int fd;

	log_file_name(name, head, false);
	path = file_path(log->log_dir, name);
	rc = file_open(path, FILE_READ, &fd, err);
	if (rc == RK_OK) {
		file_close(fd);
		mem_free(path);
		log_file_name(name, head, true);
		path = file_path(log->log_dir, name);
	}
	if (rc == RK_OK || rc == RK_ABSENT)
		rc = file_rename(aside, path, err);
	mem_free(path);
	return rc == RK_OK ? file_sync_dir(log->log_dir, err) : rc;
}

static enum rk_code
make_segment(const struct log *log, struct segment_head *head,
	     char name[SEGMENT_NAME_BYTES], int *fd, struct rk_error *err)
{
	char *aside = file_path(log->log_dir, LOG_ROLL_TMP_NAME);
	enum rk_code rc;

	*head = (struct segment_head){
		.cluster = log->cluster,
		.node = log->node,
		.last = log->last,
		.hard_state = log->hard_state,
		.first_batch = log->batch + 1,
		.commit = log->commit,
	};
	random_id(head->id);
	*fd = -1;
	rc = claim_file(log, aside, fd, err);
	if (rc == RK_OK)
		rc = write_head(*fd, head, err);
	if (rc == RK_OK)
		rc = name_file(log, aside, head, name, err);
	mem_free(aside);
	if (rc != RK_OK)
		file_close(*fd);
	return rc;
}

enum rk_code
log_seal(struct log *log, int fd, uint32_t seed, uint64_t at,
	 const struct segment_head *next, struct rk_error *err)
{
	struct record seal = {
		.kind = RECORD_SEAL,
		.batch = next->first_batch,
		.payload = {next->id, SEGMENT_ID_BYTES},
	};
	struct bytes data = {0};
	struct iovec part;
	enum rk_code rc;

	record_append(&data, &seal, seed, at);
	part = (struct iovec){data.data, data.len};
	rc = file_write_at(fd, &part, 1, at, err);
	if (rc == RK_OK)
		rc = log_sync(log, fd, err);
	bytes_close(&data);
	return rc;
}

enum rk_code
log_roll(struct log *log, struct rk_error *err)
{
	char name[SEGMENT_NAME_BYTES];
	struct segment_head head;
	enum rk_code rc;
	int fd;

	rc = make_segment(log, &head, name, &fd, err);
	if (rc != RK_OK)
		return rc;
	if (log->fd >= 0) {
		rc = log_seal(log, log->fd, log->seed, log->at, &head, err);
		if (rc != RK_OK) {
			/* There is room for it, so this is no lack of space;
			 * and nothing more may be written to the old one. */
			file_close(fd);
			err->code = RK_FAILED;
			return RK_FAILED;
		}
		file_close(log->fd);
	}
	log->fd = fd;
	log->seed = segment_seed(head.id);
	log->at = SEGMENT_HEAD_BYTES;
	memcpy(log->name, name, sizeof log->name);
	return file_size(log->fd, &log->size, err);
}

/* ---- on other threads ---- */

enum rk_code
log_prepare(const char *dir, uint64_t segment_bytes, struct rk_error *err)
{
	char *log_dir = log_dir_path(dir);
	char *next = file_path(log_dir, LOG_NEXT_NAME);
	char *aside = file_path(log_dir, LOG_NEXT_TMP_NAME);
	struct rk_error ignored;
	enum rk_code rc;
	int fd;

	rc = file_open(next, FILE_READ, &fd, err);
	if (rc == RK_OK) { /* There is one already. */
		file_close(fd);
	} else if (rc == RK_ABSENT) {
		rc = file_open(aside, FILE_CREATE, &fd, err);
		if (rc == RK_OK) {
			rc = write_zeros(fd, 0, segment_bytes, err);
			if (rc == RK_OK)
				rc = file_sync(fd, err);
			file_close(fd);
		}
		if (rc == RK_OK)
			rc = file_rename(aside, next, err);
		if (rc == RK_OK)
			rc = file_sync_dir(log_dir, err);
		/* What is left of the disk is for the log itself. */
		if (rc != RK_OK)
			(void)!file_unlink(aside, &ignored);
	}
	mem_free(aside);
	mem_free(next);
	mem_free(log_dir);
	return rc;
}

enum rk_code
log_discard(const char *dir, const char *file, struct rk_error *err)
{
	char *log_dir = log_dir_path(dir);
	char *path = file_path(log_dir, file);
	char *next = file_path(log_dir, LOG_NEXT_NAME);
	enum rk_code rc;
	int fd;

	rc = file_open(next, FILE_READ, &fd, err);
	if (rc == RK_OK) {
		file_close(fd);
		rc = file_unlink(path, err);
	} else if (rc == RK_ABSENT) {
		rc = file_rename(path, next, err);
	}
	if (rc == RK_OK)
		rc = file_sync_dir(log_dir, err);
	mem_free(next);
	mem_free(path);
	mem_free(log_dir);
	return rc;
}
