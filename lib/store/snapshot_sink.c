/* snapshot_sink.c - a snapshot that arrives piece by piece.
 *
 * The name of the part says what it is a part of: index, term, size and
 * checksum of the whole. So it goes on after a restart exactly if the same
 * whole is offered; and if a power cut spoiled it, the checksum says so in the
 * end, and the part is dropped. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/snapshot_files.h"

#define PART_ENDING ".part"

/* `{"trailer":{"crc32c":4294967295}}\n` and no more. */
#define TRAILER_BYTES_MAX 64

struct snapshot_sink {
	char *dir;
	char *path; /* Of the part. */
	struct log_end last;
	uint64_t total;
	uint32_t crc32c;
	uint64_t held; /* Bytes, from the start. */
	int fd;
};

/* Parts of other snapshots are of no use any more: the leader has a newer
 * one. */
static enum rk_code
remove_other_parts(const char *dir, const char *own, struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(dir);
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
			    0)
			continue;
		path = file_path(snapshots, names[i]);
		if (strcmp(path, own) != 0)
			rc = file_unlink(path, err);
		mem_free(path);
	}
	file_list_free(names, count);
	mem_free(snapshots);
	return rc;
}

enum rk_code
snapshot_sink_open(const char *dir, struct log_end last, uint64_t total_bytes,
		   uint32_t total_crc32c, struct snapshot_sink **sink,
		   struct rk_error *err)
{
	struct snapshot_sink *s = mem_alloc(1, sizeof *s);
	char ending[64];
	enum rk_code rc;

	*s = (struct snapshot_sink){
		.dir = mem_strdup(dir),
		.last = last,
		.total = total_bytes,
		.crc32c = total_crc32c,
		.fd = -1,
	};
	snprintf(ending, sizeof ending, ".%" PRIu64 "-%08" PRIx32 PART_ENDING,
		 total_bytes, total_crc32c);
	s->path = snapshot_path(dir, last, ending);
	rc = snapshot_dir_make(dir, err);
	if (rc == RK_OK)
		rc = remove_other_parts(dir, s->path, err);
	if (rc == RK_OK)
		rc = file_open(s->path, FILE_CREATE, &s->fd, err);
	if (rc == RK_OK)
		rc = file_size(s->fd, &s->held, err);
	if (rc == RK_OK && s->held > total_bytes) {
		s->held = 0; /* Nothing of ours. */
		rc = file_truncate(s->fd, 0, err);
	}
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
	mem_free(sink->path);
	mem_free(sink->dir);
	mem_free(sink);
}

uint64_t
snapshot_sink_offset(const struct snapshot_sink *sink)
{
	return sink->held;
}

enum rk_code
snapshot_sink_write(struct snapshot_sink *sink, uint64_t offset,
		    struct slice data, struct rk_error *err)
{
	struct iovec part;
	uint64_t skip;
	enum rk_code rc;

	if (offset > sink->held)
		return error_set(err, RK_REJECTED,
				 "snapshot: bytes from %" PRIu64
				 "; those from %" PRIu64 " are missing",
				 offset, sink->held);
	if (data.len > sink->total || offset > sink->total - data.len)
		return error_set(err, RK_USAGE,
				 "snapshot: more than its %" PRIu64 " bytes",
				 sink->total);
	skip = sink->held - offset;
	if (skip >= data.len)
		return RK_OK; /* Repeated. */
	part.iov_base = (void *)(uintptr_t)(data.data + skip);
	part.iov_len = data.len - (size_t)skip;
	rc = file_write_at(sink->fd, &part, 1, sink->held, err);
	if (rc == RK_OK)
		sink->held += part.iov_len;
	return rc;
}

/* ---- finishing ---- */

static enum rk_code
unusable(const struct snapshot_sink *s, struct rk_error *err, const char *why)
{
	return error_set(err, RK_CORRUPT, "received snapshot %" PRIu64 ": %s",
			 s->last.index, why);
}

/* The header line, whose end is looked for in ever larger pieces. */
static enum rk_code
read_head(const struct snapshot_sink *s, struct snapshot_header *h,
	  uint64_t *head_bytes, struct rk_error *err)
{
	struct bytes head = {0};
	const uint8_t *newline = NULL;
	enum rk_code rc = RK_OK;
	size_t got = 1;

	while (newline == NULL && rc == RK_OK && got > 0 &&
	       head.len < LIMIT_SNAPSHOT_HEAD_BYTES) {
		rc = file_read_at(s->fd, bytes_reserve(&head, SNAPSHOT_CHUNK),
				  SNAPSHOT_CHUNK, head.len, &got, err);
		newline = memchr(head.data + head.len, '\n', got);
		head.len += got;
	}
	if (rc == RK_OK && newline == NULL)
		rc = unusable(s, err, "no header");
	if (rc == RK_OK) {
		*head_bytes = (uint64_t)(newline + 1 - head.data);
		rc = snapshot_header_decode(
			(struct slice){head.data, (size_t)*head_bytes}, h, err);
	}
	bytes_close(&head);
	return rc;
}

/* That the pieces add up, and the trailer is the one of these pieces. */
static enum rk_code
check_shape(const struct snapshot_sink *s, const struct snapshot_header *h,
	    uint64_t head_bytes, struct rk_error *err)
{
	char trailer[TRAILER_BYTES_MAX + 1];
	char want[TRAILER_BYTES_MAX + 1];
	uint32_t crc = 0;
	uint64_t at;
	size_t got;
	enum rk_code rc;

	if (h->meta.last.index != s->last.index ||
	    h->meta.last.term != s->last.term)
		return unusable(s, err, "another one than announced");
	if (h->bytes > s->total - head_bytes)
		return unusable(s, err, "sizes do not add up");
	at = head_bytes + h->bytes;
	if (s->total - at > TRAILER_BYTES_MAX)
		return unusable(s, err, "sizes do not add up");
	rc = snapshot_checksum(s->fd, 0, at, &crc, err);
	if (rc == RK_OK)
		rc = file_read_at(s->fd, trailer, (size_t)(s->total - at), at,
				  &got, err);
	if (rc != RK_OK)
		return rc;
	trailer[got] = '\0';
	snprintf(want, sizeof want, "{\"trailer\":{\"crc32c\":%" PRIu32 "}}\n",
		 crc);
	if (strcmp(trailer, want) != 0)
		return unusable(s, err, "bad trailer");
	if (crc32c(crc, trailer, got) != s->crc32c)
		return unusable(s, err, "bad checksum");
	return RK_OK;
}

static enum rk_code
copy_payload(const struct snapshot_sink *s, const struct snapshot_header *h,
	     uint64_t offset, int to, struct rk_error *err)
{
	uint8_t *data = mem_alloc(SNAPSHOT_CHUNK, 1);
	struct iovec part = {.iov_base = data};
	uint64_t done = 0;
	uint32_t crc = 0;
	size_t want;
	enum rk_code rc;

	rc = file_truncate(to, 0, err);
	while (done < h->bytes && rc == RK_OK) {
		want = h->bytes - done < SNAPSHOT_CHUNK
			       ? (size_t)(h->bytes - done)
			       : SNAPSHOT_CHUNK;
		rc = file_read_at(s->fd, data, want, offset + done,
				  &part.iov_len, err);
		if (rc == RK_OK && part.iov_len < want)
			rc = unusable(s, err, "cut short");
		if (rc == RK_OK)
			rc = file_write_at(to, &part, 1, done, err);
		crc = crc32c(crc, data, part.iov_len);
		done += part.iov_len;
	}
	mem_free(data);
	if (rc == RK_OK && crc != h->crc32c)
		rc = unusable(s, err, "bad checksum of the payload");
	return rc == RK_OK ? file_sync(to, err) : rc;
}

/* The payload into its place. Without a header it is nothing yet. */
static enum rk_code
place_payload(const struct snapshot_sink *s, const struct snapshot_header *h,
	      uint64_t offset, struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(s->dir);
	char *aside = snapshot_path(s->dir, s->last, ".data.tmp");
	char *path = snapshot_data_path(s->dir, s->last);
	enum rk_code rc;
	int fd;

	rc = file_open(aside, FILE_CREATE, &fd, err);
	if (rc == RK_OK) {
		rc = copy_payload(s, h, offset, fd, err);
		file_close(fd);
	}
	if (rc == RK_OK)
		rc = file_rename(aside, path, err);
	if (rc == RK_OK)
		rc = file_sync_dir(snapshots, err);
	mem_free(path);
	mem_free(aside);
	mem_free(snapshots);
	return rc;
}

static enum rk_code
install(struct snapshot_sink *s, struct snapshot_header *h,
	struct rk_error *err)
{
	uint64_t head_bytes;
	enum rk_code rc;

	rc = read_head(s, h, &head_bytes, err);
	if (rc != RK_OK)
		return rc;
	rc = check_shape(s, h, head_bytes, err);
	if (rc == RK_OK)
		rc = place_payload(s, h, head_bytes, err);
	if (rc == RK_OK)
		rc = snapshot_write_header(s->dir, h, err);
	if (rc != RK_OK)
		snapshot_header_close(h);
	return rc;
}

enum rk_code
snapshot_sink_finish(struct snapshot_sink *sink, struct snapshot_header *h,
		     struct rk_error *err)
{
	struct rk_error second;
	enum rk_code rc;

	if (sink->held < sink->total)
		return error_set(err, RK_REJECTED,
				 "snapshot: %" PRIu64 " bytes of %" PRIu64,
				 sink->held, sink->total);
	rc = install(sink, h, err);
	if (rc == RK_CORRUPT) {
		/* Begin again: it will not get better. */
		sink->held = 0;
		if (file_truncate(sink->fd, 0, &second) != RK_OK)
			return rc;
	}
	if (rc == RK_OK && file_unlink(sink->path, &second) != RK_OK)
		return RK_OK; /* The next sink removes it. */
	return rc;
}
