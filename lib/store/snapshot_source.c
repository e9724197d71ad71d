/* snapshot_source.c - a snapshot as one range of bytes, to be sent. */

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/snapshot_files.h"

/* Castagnoli's polynomial, the lowest power in the highest bit. */
#define POLYNOMIAL 0x82f63b78U

struct snapshot_source {
	struct snapshot_header header;
	struct bytes head;    /* The header line. */
	struct bytes trailer; /* The trailer line. */
	uint32_t crc32c;      /* Of all. */
	int fd;               /* The payload. */
};

/* a * b modulo the polynomial. */
static uint32_t
multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;
	uint32_t bit;

	for (bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
		if ((a & bit) != 0)
			product ^= b;
		b = (b & 1) != 0 ? b >> 1 ^ POLYNOMIAL : b >> 1;
	}
	return product;
}

/* The checksum of two pieces from theirs. A checksum is a remainder, and so
 * many bytes behind the first piece multiply its remainder by x^8 as often;
 * no need to read gigabytes again. */
static uint32_t
join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
	uint32_t power = UINT32_C(1) << 31;  /* 1. */
	uint32_t square = UINT32_C(1) << 23; /* x^8, x^16, x^32, ... */

	for (; second_bytes > 0; second_bytes >>= 1) {
		if ((second_bytes & 1) != 0)
			power = multiply(power, square);
		square = multiply(square, square);
	}
	return multiply(power, first) ^ second;
}

static void
make_ends(struct snapshot_source *s)
{
	uint32_t crc;

	snapshot_header_encode(&s->header, &s->head);
	crc = join(crc32c(0, s->head.data, s->head.len), s->header.crc32c,
		   s->header.bytes);
	bytes_printf(&s->trailer, "{\"trailer\":{\"crc32c\":%u}}\n", crc);
	s->crc32c = crc32c(crc, s->trailer.data, s->trailer.len);
}

enum rk_code
snapshot_source_open(const char *dir, struct log_end last,
		     struct snapshot_source **source, struct rk_error *err)
{
	struct snapshot_source *s = mem_alloc(1, sizeof *s);
	char *path = snapshot_data_path(dir, last);
	enum rk_code rc;

	s->fd = -1;
	rc = snapshot_read_header(dir, last, &s->header, err);
	if (rc == RK_OK)
		rc = file_open(path, FILE_READ, &s->fd, err);
	mem_free(path);
	if (rc != RK_OK) {
		snapshot_source_free(s);
		return rc;
	}
	make_ends(s);
	*source = s;
	return RK_OK;
}

void
snapshot_source_free(struct snapshot_source *source)
{
	if (source == NULL)
		return;
	file_close(source->fd);
	bytes_close(&source->head);
	bytes_close(&source->trailer);
	snapshot_header_close(&source->header);
	mem_free(source);
}

uint64_t
snapshot_source_bytes(const struct snapshot_source *source)
{
	return source->head.len + source->header.bytes + source->trailer.len;
}

uint32_t
snapshot_source_crc32c(const struct snapshot_source *source)
{
	return source->crc32c;
}

const struct snapshot_header *
snapshot_source_header(const struct snapshot_source *source)
{
	return &source->header;
}

/* Take what of `piece`, which begins at `start`, is in [*offset, + *max). */
static void
take_piece(const struct bytes *piece, uint64_t start, uint64_t *offset,
	   size_t *max, struct bytes *out)
{
	size_t skip;
	size_t len;

	if (*offset < start || *offset >= start + piece->len)
		return;
	skip = (size_t)(*offset - start);
	len = piece->len - skip < *max ? piece->len - skip : *max;
	bytes_append(out, piece->data + skip, len);
	*offset += len;
	*max -= len;
}

static enum rk_code
take_payload(struct snapshot_source *s, uint64_t *offset, size_t *max,
	     struct bytes *out, struct rk_error *err)
{
	uint64_t end = s->head.len + s->header.bytes;
	size_t want;
	size_t got;
	enum rk_code rc;

	if (*offset < s->head.len || *offset >= end || *max == 0)
		return RK_OK;
	want = end - *offset < *max ? (size_t)(end - *offset) : *max;
	rc = file_read_at(s->fd, bytes_reserve(out, want), want,
			  *offset - s->head.len, &got, err);
	if (rc != RK_OK)
		return rc;
	if (got < want)
		return error_set(err, RK_CORRUPT,
				 "the payload of snapshot %llu is cut short",
				 (unsigned long long)s->header.meta.last.index);
	out->len += got;
	*offset += got;
	*max -= got;
	return RK_OK;
}

enum rk_code
snapshot_source_read(struct snapshot_source *source, uint64_t offset,
		     size_t max, struct bytes *out, struct rk_error *err)
{
	uint64_t trailer_at = source->head.len + source->header.bytes;
	enum rk_code rc;

	take_piece(&source->head, 0, &offset, &max, out);
	rc = take_payload(source, &offset, &max, out, err);
	if (rc == RK_OK)
		take_piece(&source->trailer, trailer_at, &offset, &max, out);
	return rc;
}
