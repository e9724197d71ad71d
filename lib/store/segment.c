/* segment.c - the bytes of one log file: its header and its records. */

#include "store/segment.h"

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"

#define FLAG_RECYCLED 1U
#define HEAD_CRC_AT   (SEGMENT_HEAD_BYTES - 4)
#define HEAD_ZEROS_AT 96

_Static_assert(SEGMENT_HEAD_BYTES % RECORD_ALIGN == 0, "records are aligned");
_Static_assert(RECORD_HEAD_BYTES % RECORD_ALIGN == 0, "payloads are aligned");

static const char magic[8] = {'r', 'k', '-', 's', 'e', 'g', 'm', '\n'};

/* Which payload each kind has: its size, or ANY up to a line's limit. */
#define ANY UINT32_MAX
static const uint32_t payload_bytes[] = {
	[RECORD_ENTRY] = ANY,  [RECORD_HARD_STATE] = 8,
	[RECORD_TRUNCATE] = 0, [RECORD_BATCH_END] = 16,
	[RECORD_RESET] = 0,    [RECORD_SEAL] = SEGMENT_ID_BYTES,
};

static bool
all_zero(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

void
segment_head_encode(const struct segment_head *head,
		    uint8_t out[SEGMENT_HEAD_BYTES])
{
	memset(out, 0, SEGMENT_HEAD_BYTES);
	memcpy(out, magic, sizeof magic);
	bytes_put_u32(out + 8, STORE_FORMAT);
	bytes_put_u32(out + 12, head->recycled ? FLAG_RECYCLED : 0);
	memcpy(out + 16, head->id, SEGMENT_ID_BYTES);
	bytes_put_u64(out + 32, head->cluster);
	bytes_put_u64(out + 40, head->node);
	bytes_put_u64(out + 48, head->last.index);
	bytes_put_u64(out + 56, head->last.term);
	bytes_put_u64(out + 64, head->hard_state.term);
	bytes_put_u64(out + 72, head->hard_state.vote);
	bytes_put_u64(out + 80, head->first_batch);
	bytes_put_u64(out + 88, head->commit);
	bytes_put_u32(out + HEAD_CRC_AT, crc32c(0, out, HEAD_CRC_AT));
}

static bool
numbers_are_in_range(const struct segment_head *head)
{
	return head->node <= LIMIT_NUMBER && head->last.index <= LIMIT_NUMBER &&
	       head->last.term <= LIMIT_NUMBER &&
	       head->hard_state.term <= LIMIT_NUMBER &&
	       head->hard_state.vote <= LIMIT_NUMBER &&
	       head->commit <= LIMIT_NUMBER && head->first_batch != 0;
}

enum rk_code
segment_head_decode(const uint8_t data[SEGMENT_HEAD_BYTES],
		    struct segment_head *head, struct rk_error *err)
{
	uint32_t flags = bytes_get_u32(data + 12);
	uint32_t format = bytes_get_u32(data + 8);

	if (memcmp(data, magic, sizeof magic) != 0)
		return error_set(err, RK_CORRUPT, "not a log segment (byte 0)");
	if (format != STORE_FORMAT) /* Its header may be another, too. */
		return error_set(err, RK_CORRUPT,
				 "format %u; this program reads format %u",
				 format, STORE_FORMAT);
	if (bytes_get_u32(data + HEAD_CRC_AT) != crc32c(0, data, HEAD_CRC_AT))
		return error_set(err, RK_CORRUPT,
				 "bad checksum in the header (byte 0)");
	*head = (struct segment_head){
		.format = format,
		.recycled = (flags & FLAG_RECYCLED) != 0,
		.cluster = bytes_get_u64(data + 32),
		.node = bytes_get_u64(data + 40),
		.last.index = bytes_get_u64(data + 48),
		.last.term = bytes_get_u64(data + 56),
		.hard_state.term = bytes_get_u64(data + 64),
		.hard_state.vote = bytes_get_u64(data + 72),
		.first_batch = bytes_get_u64(data + 80),
		.commit = bytes_get_u64(data + 88),
	};
	memcpy(head->id, data + 16, SEGMENT_ID_BYTES);
	if ((flags & ~FLAG_RECYCLED) != 0 ||
	    !all_zero(data + HEAD_ZEROS_AT, HEAD_CRC_AT - HEAD_ZEROS_AT) ||
	    !numbers_are_in_range(head))
		return error_set(err, RK_CORRUPT, "impossible header");
	return RK_OK;
}

uint32_t
segment_seed(const uint8_t id[SEGMENT_ID_BYTES])
{
	return crc32c(0, id, SEGMENT_ID_BYTES);
}

static uint32_t
checksum(const uint8_t *data, uint64_t size, uint32_t seed, uint64_t offset)
{
	uint8_t place[8];

	bytes_put_u64(place, offset);
	return crc32c(crc32c(seed, place, sizeof place), data + 4,
		      (size_t)size - 4);
}

uint64_t
record_size(uint64_t payload)
{
	return (RECORD_HEAD_BYTES + payload + RECORD_ALIGN - 1) / RECORD_ALIGN *
	       RECORD_ALIGN;
}

uint32_t
record_append(struct bytes *out, const struct record *r, uint32_t seed,
	      uint64_t offset)
{
	uint64_t size = record_size(r->payload.len);
	uint8_t *p = bytes_reserve(out, (size_t)size);
	uint32_t crc;

	assert(offset % RECORD_ALIGN == 0);
	assert(r->payload.len <= LIMIT_LINE_BYTES);
	bytes_put_u32(p + 4, (uint32_t)r->payload.len);
	bytes_put_u64(p + 8, (uint64_t)r->kind | (uint64_t)r->type << 8);
	bytes_put_u64(p + 16, r->index);
	bytes_put_u64(p + 24, r->term);
	bytes_put_u64(p + 32, r->batch);
	if (r->payload.len > 0) {
		/* The padding is in the last word; the payload covers the
		 * rest of it. */
		bytes_put_u64(p + size - RECORD_ALIGN, 0);
		memcpy(p + RECORD_HEAD_BYTES, r->payload.data, r->payload.len);
	}
	crc = checksum(p, size, seed, offset);
	bytes_put_u32(p, crc);
	out->len += (size_t)size;
	return crc;
}

uint64_t
record_claimed_size(const uint8_t *data)
{
	uint64_t kind_and_type = bytes_get_u64(data + 8);
	uint64_t kind = kind_and_type & 0xff;
	uint64_t type = kind_and_type >> 8;
	uint32_t payload = bytes_get_u32(data + 4);

	if (kind < RECORD_ENTRY || kind > RECORD_SEAL)
		return 0;
	if (payload_bytes[kind] == ANY) {
		if (payload > LIMIT_LINE_BYTES || type > RK_ENTRY_CONFIGURATION)
			return 0;
	} else if (payload != payload_bytes[kind] || type != 0) {
		return 0;
	}
	if (bytes_get_u64(data + 16) > LIMIT_NUMBER ||
	    bytes_get_u64(data + 24) > LIMIT_NUMBER)
		return 0;
	return record_size(payload);
}

bool
record_check(const uint8_t *data, size_t len, uint32_t seed, uint64_t offset,
	     struct record *r)
{
	uint64_t size;
	const uint8_t *payload = data + RECORD_HEAD_BYTES;

	assert(offset % RECORD_ALIGN == 0);
	if (len < RECORD_HEAD_BYTES)
		return false;
	size = record_claimed_size(data);
	if (size == 0 || size > len)
		return false;
	*r = (struct record){
		.kind = (enum record_kind)data[8],
		.type = (enum rk_entry_type)data[9],
		.index = bytes_get_u64(data + 16),
		.term = bytes_get_u64(data + 24),
		.batch = bytes_get_u64(data + 32),
		.size = size,
		.crc32c = bytes_get_u32(data),
		.payload = {payload, bytes_get_u32(data + 4)},
	};
	if (r->crc32c != checksum(data, size, seed, offset))
		return false;
	if (r->kind == RECORD_HARD_STATE)
		r->vote = bytes_get_u64(payload);
	if (r->kind == RECORD_BATCH_END) {
		r->commit = bytes_get_u64(payload);
		r->records = bytes_get_u32(payload + 8);
		r->batch_crc32c = bytes_get_u32(payload + 12);
	}
	return true;
}
