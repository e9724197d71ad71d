/* saved.c - read a saved snapshot, from a file or a pipe. */

#include "node/saved.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/json.h"
#include "base/line.h"
#include "base/mem.h"

#define PIECE 262144 /* What is read at a time. */

/* `{"trailer":{"crc32c":4294967295}}` and a newline is all that it can be. */
#define TRAILER_BYTES_MAX 64

/* Read on; s->ended at the end. */
static enum rk_code
fill(struct rk_saved *s, struct rk_error *err)
{
	ssize_t got;

	do
		got = read(s->fd, bytes_reserve(&s->buffer, PIECE), PIECE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_set(err, RK_FAILED, "%s: read: %s", s->name,
				 strerror(errno));
	s->buffer.len += (size_t)got;
	s->ended = got == 0;
	return RK_OK;
}

/* Move a line of at most `max` bytes from the buffer to `line`. */
static enum rk_code
take_text(struct rk_saved *s, const char *what, size_t max, struct bytes *line,
	  struct rk_error *err)
{
	const uint8_t *newline = NULL;
	size_t seen = 0;
	size_t len;

	for (;;) {
		if (seen < s->buffer.len)
			newline = memchr(s->buffer.data + seen, '\n',
					 s->buffer.len - seen);
		if (newline != NULL)
			break;
		seen = s->buffer.len;
		if (s->ended || seen > max)
			return error_set(err, RK_CORRUPT, "%s: no %s line",
					 s->name, what);
		if (fill(s, err))
			return err->code;
	}
	len = (size_t)(newline + 1 - s->buffer.data);
	bytes_append(line, s->buffer.data, len);
	bytes_consume(&s->buffer, len);
	return RK_OK;
}

static void
fill_info(struct rk_saved *s)
{
	const struct snapshot_header *h = &s->header;
	struct rk_snapshot *snapshot = &s->info.snapshot;

	snapshot->index = h->meta.last.index;
	snapshot->term = h->meta.last.term;
	snapshot->bytes = h->bytes;
	snprintf(snapshot->id, sizeof snapshot->id, "%" PRIu64 "-%" PRIu64,
		 snapshot->index, snapshot->term);
	snprintf(snapshot->machine, sizeof snapshot->machine, "%s", h->machine);
	line_format_time(h->time_ms, snapshot->time);
	memcpy(s->info.cluster, h->cluster, sizeof h->cluster);
	s->info.crc32c = h->crc32c;
	s->info.voters = h->meta.configuration.configuration.voters.count;
	s->info.learners = h->meta.configuration.configuration.learners.count;
	s->info.header = (const char *)s->line.data;
	s->info.header_len = s->line.len;
}

enum rk_code
rk_saved_open(int fd, const char *name, struct rk_saved **saved,
	      struct rk_error *err)
{
	struct rk_saved *s = mem_alloc(1, sizeof *s);
	struct slice line;
	enum rk_code rc;

	s->fd = fd;
	s->name = mem_strdup(name);
	rc = take_text(s, "header", LIMIT_SNAPSHOT_HEAD_BYTES, &s->line, err);
	if (rc == RK_OK) {
		line = (struct slice){s->line.data, s->line.len};
		if (snapshot_header_decode(line, &s->header, err))
			rc = error_wrap(err, "%s", name);
	}
	if (rc) {
		rk_saved_close(s);
		return rc;
	}
	s->crc = crc32c(0, s->line.data, s->line.len);
	s->payload_left = s->header.bytes;
	fill_info(s);
	*saved = s;
	return RK_OK;
}

void
rk_saved_close(struct rk_saved *s)
{
	if (s == NULL)
		return;
	snapshot_header_close(&s->header);
	bytes_close(&s->line);
	bytes_close(&s->buffer);
	mem_free(s->name);
	mem_free(s);
}

const struct rk_saved_info *
rk_saved_info(const struct rk_saved *s)
{
	return &s->info;
}

static enum rk_code
read_payload(struct rk_saved *s,
	     bool (*piece)(void *user, const void *data, size_t len),
	     void *user, struct rk_error *err)
{
	size_t len;

	while (s->payload_left > 0) {
		if (s->buffer.len == 0 && fill(s, err))
			return err->code;
		len = s->buffer.len;
		if (len == 0)
			return error_set(err, RK_CORRUPT,
					 "%s: ends %" PRIu64 " bytes too early",
					 s->name, s->payload_left);
		if (len > s->payload_left)
			len = (size_t)s->payload_left;
		s->crc = crc32c(s->crc, s->buffer.data, len);
		s->payload_crc = crc32c(s->payload_crc, s->buffer.data, len);
		s->payload_left -= len;
		if (piece != NULL && !piece(user, s->buffer.data, len))
			return error_set(err, RK_FAILED, "%s", "");
		bytes_consume(&s->buffer, len);
	}
	return RK_OK;
}

/* `{"trailer":{"crc32c":N}}` */
static enum rk_code
read_trailer(struct rk_saved *s, uint64_t *crc, struct rk_error *err)
{
	struct bytes line = {.data = NULL};
	json_t *root = NULL;
	json_t *trailer;
	enum rk_code rc;

	rc = take_text(s, "trailer", TRAILER_BYTES_MAX, &line, err);
	if (rc == RK_OK) {
		rc = json_read((struct slice){line.data, line.len},
			       LIMIT_JSON_BYTES, &root, err);
		if (rc == RK_OK)
			rc = json_get_object(root, "trailer", &trailer, err);
		if (rc == RK_OK)
			rc = json_get_u64(trailer, "crc32c", UINT32_MAX, crc,
					  err);
		if (rc)
			error_wrap(err, "%s: trailer", s->name);
	}
	json_decref(root);
	bytes_close(&line);
	if (rc == RK_USAGE)
		err->code = RK_CORRUPT;
	return rc ? err->code : RK_OK;
}

enum rk_code
rk_saved_read(struct rk_saved *s,
	      bool (*piece)(void *user, const void *data, size_t len),
	      void *user, struct rk_error *err)
{
	uint64_t crc;

	if (read_payload(s, piece, user, err) || read_trailer(s, &crc, err))
		return err->code;
	if (s->payload_crc != s->header.crc32c || s->crc != crc)
		return error_set(err, RK_CORRUPT, "%s: bad checksum", s->name);
	if (s->buffer.len == 0 && !s->ended && fill(s, err))
		return err->code;
	if (s->buffer.len > 0)
		return error_set(err, RK_CORRUPT,
				 "%s: goes on behind its trailer", s->name);
	return RK_OK;
}
