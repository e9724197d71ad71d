/* snapshot_sink.c - a snapshot that arrives piece by piece.
 *
 *   header line    kept in memory: it comes first, and again after a restart
 *   payload        to DIR/snapshot/payload.part, which becomes the .data
 *   trailer line   in memory
 *
 * The payload is a history, and that of a newer snapshot begins with that of
 * an older one. So whatever snapshot a part was begun for, it is the beginning
 * of the payload of the next one, and once the header has come the sender is
 * told to go on behind it. If it was not so, or a power cut spoiled it, the
 * checksum of the whole says so in the end, and the part is dropped. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/snapshot_files.h"

#define PART_NAME   "payload.part"
#define PART_ENDING ".part"

/* `{"trailer":{"crc32c":4294967295}}\n` and no more. */
#define TRAILER_BYTES_MAX 64

struct snapshot_sink {
	char *dir;
	char *path; /* Of the part. */
	struct log_end last;
	uint64_t total;
	uint32_t crc32c;
	int fd;
	uint64_t part_bytes; /* In the file. */
	struct bytes head;
	bool has_header; /* The head is whole: `header` is it, decoded. */
	struct snapshot_header header;
	struct bytes trailer;
};

/* Parts under other names are of no use to anybody. */
static enum rk_code
remove_other_parts(const char *snapshots, struct rk_error *err)
{
	char **names = NULL;
	char *path;
	size_t count = 0;
	size_t len;
	size_t i;
	enum rk_code rc;

	rc = file_list(snapshots, &names, &count, err);
	for (i = 0; i < count && rc == RK_OK; i++) {
		len = strlen(names[i]);
		if (len < strlen(PART_ENDING) ||
		    strcmp(names[i] + len - strlen(PART_ENDING), PART_ENDING) !=
			    0 ||
		    strcmp(names[i], PART_NAME) == 0)
			continue;
		path = file_path(snapshots, names[i]);
		rc = file_unlink(path, err);
		mem_free(path);
	}
	file_list_free(names, count);
	return rc;
}

enum rk_code
snapshot_sink_open(const char *dir, struct log_end last, uint64_t total_bytes,
		   uint32_t total_crc32c, struct snapshot_sink **sink,
		   struct rk_error *err)
{
	struct snapshot_sink *s = mem_alloc(1, sizeof *s);
	char *snapshots = snapshot_dir_path(dir);
	enum rk_code rc;

	*s = (struct snapshot_sink){
		.dir = mem_strdup(dir),
		.path = file_path(snapshots, PART_NAME),
		.last = last,
		.total = total_bytes,
		.crc32c = total_crc32c,
		.fd = -1,
	};
	rc = snapshot_dir_make(dir, err);
	if (rc == RK_OK)
		rc = remove_other_parts(snapshots, err);
	if (rc == RK_OK)
		rc = file_open(s->path, FILE_CREATE, &s->fd, err);
	if (rc == RK_OK)
		rc = file_size(s->fd, &s->part_bytes, err);
	mem_free(snapshots);
	if (rc != RK_OK) {
		snapshot_sink_free(s);
		return rc;
	}
	*sink = s;
	return RK_OK;
}

void
snapshot_sink_free(struct snapshot_sink *sink)
{
	if (sink == NULL)
		return;
	file_close(sink->fd);
	snapshot_header_close(&sink->header);
	bytes_close(&sink->head);
	bytes_close(&sink->trailer);
	mem_free(sink->path);
	mem_free(sink->dir);
	mem_free(sink);
}

uint64_t
snapshot_sink_offset(const struct snapshot_sink *sink)
{
	if (!sink->has_header)
		return sink->head.len;
	return sink->head.len + sink->part_bytes + sink->trailer.len;
}

uint64_t
snapshot_sink_part(const struct snapshot_sink *sink)
{
	return sink->part_bytes;
}

static enum rk_code
unusable(const struct snapshot_sink *s, struct rk_error *err, const char *why)
{
	return error_set(err, RK_CORRUPT, "received snapshot %" PRIu64 ": %s",
			 s->last.index, why);
}

/* Hold nothing any more. */
static enum rk_code
begin_again(struct snapshot_sink *s, struct rk_error *err)
{
	snapshot_header_close(&s->header);
	s->has_header = false;
	s->head.len = 0;
	s->trailer.len = 0;
	s->part_bytes = 0;
	return file_truncate(s->fd, 0, err);
}

/* ---- writing ---- */

/* The header is whole: it says how much of the part is of use. */
static enum rk_code
take_header(struct snapshot_sink *s, struct rk_error *err)
{
	struct slice line = {s->head.data, s->head.len};
	uint64_t left = s->total - s->head.len;
	enum rk_code rc;

	rc = snapshot_header_decode(line, &s->header, err);
	if (rc != RK_OK)
		return rc;
	if (s->header.meta.last.index != s->last.index ||
	    s->header.meta.last.term != s->last.term)
		return unusable(s, err, "another one than announced");
	if (s->header.bytes > left ||
	    left - s->header.bytes > TRAILER_BYTES_MAX)
		return unusable(s, err, "sizes do not add up");
	if (s->part_bytes > s->header.bytes) {
		rc = file_truncate(s->fd, s->header.bytes, err);
		if (rc != RK_OK)
			return rc;
		s->part_bytes = s->header.bytes;
	}
	s->has_header = true;
	return RK_OK;
}

static enum rk_code
write_head(struct snapshot_sink *s, struct slice data, struct rk_error *err)
{
	const uint8_t *newline = memchr(data.data, '\n', data.len);
	enum rk_code rc = RK_OK;

	if (newline != NULL)
		data.len = (size_t)(newline + 1 - data.data);
	if (s->head.len + data.len > LIMIT_SNAPSHOT_HEAD_BYTES)
		rc = unusable(s, err, "no header");
	else
		bytes_append(&s->head, data.data, data.len);
	if (rc == RK_OK && newline != NULL)
		rc = take_header(s, err);
	return rc;
}

static enum rk_code
write_payload(struct snapshot_sink *s, struct slice data, struct rk_error *err)
{
	uint64_t room = s->header.bytes - s->part_bytes;
	struct iovec part = {.iov_base = (void *)(uintptr_t)data.data,
			     .iov_len = data.len};
	enum rk_code rc;

	if (part.iov_len > room)
		part.iov_len = (size_t)room;
	rc = file_write_at(s->fd, &part, 1, s->part_bytes, err);
	if (rc == RK_OK)
		s->part_bytes += part.iov_len;
	return rc;
}

/* What comes next of the whole, as much as belongs together. */
static enum rk_code
write_some(struct snapshot_sink *s, struct slice data, struct rk_error *err)
{
	struct rk_error second;
	enum rk_code rc;

	if (s->has_header && s->part_bytes < s->header.bytes)
		return write_payload(s, data, err);
	if (s->has_header) {
		bytes_append(&s->trailer, data.data, data.len);
		return RK_OK;
	}
	rc = write_head(s, data, err);
	if (rc == RK_CORRUPT && begin_again(s, &second) != RK_OK)
		return second.code;
	return rc;
}

enum rk_code
snapshot_sink_write(struct snapshot_sink *sink, uint64_t offset,
		    struct slice data, struct rk_error *err)
{
	uint64_t held = snapshot_sink_offset(sink);
	struct slice rest;
	enum rk_code rc = RK_OK;

	if (offset > held)
		return error_set(err, RK_REJECTED,
				 "snapshot: bytes from %" PRIu64
				 "; those from %" PRIu64 " are missing",
				 offset, held);
	if (data.len > sink->total || offset > sink->total - data.len)
		return error_set(err, RK_USAGE,
				 "snapshot: more than its %" PRIu64 " bytes",
				 sink->total);
	/* What is held may grow by more than is written: see take_header(). */
	while (rc == RK_OK && held - offset < data.len) {
		rest.data = data.data + (held - offset);
		rest.len = data.len - (size_t)(held - offset);
		rc = write_some(sink, rest, err);
		held = snapshot_sink_offset(sink);
	}
	return rc;
}

/* ---- finishing ---- */

/* Go on with a checksum over the payload. */
static enum rk_code
check_payload(struct snapshot_sink *s, uint32_t *whole, struct rk_error *err)
{
	uint8_t *data = mem_alloc(SNAPSHOT_CHUNK, 1);
	uint32_t crc = 0;
	uint64_t at = 0;
	size_t want;
	size_t got;
	enum rk_code rc;

	/* A sync of the part may have failed in a former life: then the cache
	 * holds what the disk lacks. */
	rc = file_sync_and_drop(s->fd, err);
	for (; at < s->header.bytes && rc == RK_OK; at += got) {
		want = s->header.bytes - at < SNAPSHOT_CHUNK
			       ? (size_t)(s->header.bytes - at)
			       : SNAPSHOT_CHUNK;
		rc = file_read_at(s->fd, data, want, at, &got, err);
		if (rc == RK_OK && got < want)
			rc = unusable(s, err, "cut short");
		if (rc != RK_OK)
			break;
		crc = crc32c(crc, data, got);
		*whole = crc32c(*whole, data, got);
	}
	mem_free(data);
	if (rc == RK_OK && crc != s->header.crc32c)
		rc = unusable(s, err, "bad checksum of the payload");
	return rc;
}

/* That all is as it was sent. */
static enum rk_code
check(struct snapshot_sink *s, struct rk_error *err)
{
	uint32_t crc = crc32c(0, s->head.data, s->head.len);
	char want[TRAILER_BYTES_MAX];
	enum rk_code rc;

	rc = check_payload(s, &crc, err);
	if (rc != RK_OK)
		return rc;
	snprintf(want, sizeof want, "{\"trailer\":{\"crc32c\":%" PRIu32 "}}\n",
		 crc);
	if (s->trailer.len != strlen(want) ||
	    memcmp(s->trailer.data, want, s->trailer.len) != 0)
		return unusable(s, err, "bad trailer");
	if (crc32c(crc, s->trailer.data, s->trailer.len) != s->crc32c)
		return unusable(s, err, "bad checksum");
	return RK_OK;
}

/* The payload into its place; without a header it is nothing yet. Renamed, not
 * linked: the history will go on in this file, so no part may be left that
 * the next sink would write to. */
static enum rk_code
install(struct snapshot_sink *s, struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(s->dir);
	char *path = snapshot_data_path(s->dir, s->last);
	struct rk_error second;
	enum rk_code rc;

	rc = file_sync(s->fd, err);
	if (rc == RK_OK)
		rc = file_rename(s->path, path, err);
	if (rc == RK_OK)
		rc = file_sync_dir(snapshots, err);
	if (rc == RK_OK)
		rc = snapshot_write_header(s->dir, &s->header, err);
	/* No space for the header: keep what has come until there is some. */
	if (rc == RK_REJECTED && file_rename(path, s->path, &second) != RK_OK)
		rc = error_set(err, second.code, "%s", second.text);
	mem_free(path);
	mem_free(snapshots);
	return rc;
}

enum rk_code
snapshot_sink_finish(struct snapshot_sink *sink, struct snapshot_header *h,
		     struct rk_error *err)
{
	uint64_t held = snapshot_sink_offset(sink);
	struct rk_error second;
	enum rk_code rc;

	if (held < sink->total)
		return error_set(err, RK_REJECTED,
				 "snapshot: %" PRIu64 " bytes of %" PRIu64,
				 held, sink->total);
	rc = check(sink, err);
	if (rc == RK_CORRUPT && begin_again(sink, &second) != RK_OK)
		return second.code;
	if (rc == RK_OK)
		rc = install(sink, err);
	if (rc != RK_OK)
		return rc;
	*h = sink->header;
	sink->header = (struct snapshot_header){0};
	return RK_OK;
}

enum rk_code
snapshot_sink_remove(const char *dir, struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(dir);
	char *path = file_path(snapshots, PART_NAME);
	enum rk_code rc = file_unlink(path, err);

	mem_free(path);
	mem_free(snapshots);
	return rc == RK_ABSENT ? RK_OK : rc;
}
