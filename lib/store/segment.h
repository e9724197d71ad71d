/* segment.h - the bytes of one log file: its header and its records.
 *
 * All numbers are little-endian. A segment begins with a header of 128 bytes:
 *
 *     0   8  magic "rk-segm\n"
 *     8   4  format: 1
 *    12   4  flags: 1, the file held another segment before
 *    16  16  segment id, random
 *    32   8  cluster
 *    40   8  node
 *    48   8  index of the last entry when this segment was begun
 *    56   8  its term; 0 if not known
 *    64   8  hard state then: term
 *    72   8                   vote
 *    80   8  number of the first batch in this segment
 *    88   8  index known to be committed then
 *    96  28  0
 *   124   4  crc32c of the 124 bytes before it
 *
 * So a segment stands for itself when those before it are removed. Its name is
 * the index that its first entry would have, in 20 digits, and `.seg`; if that
 * name is taken (the log was cut back to there), a hyphen and the number of
 * its first batch in 20 digits stand between the two.
 *
 * Records follow without a gap, each at a multiple of 8 bytes:
 *
 *     0   4  crc32c, see below
 *     4   4  bytes of the payload
 *     8   1  kind
 *     9   1  type of the entry; 0 in other kinds
 *    10   6  0
 *    16   8  index
 *    24   8  term
 *    32   8  number of the batch
 *    40      payload, then zeros up to a multiple of 8
 *
 *     kind            index        term   payload
 *     1 entry         its own      its    the canonical line
 *     2 hard state    0            term   vote (8)
 *     3 truncate      first lost   0      none
 *     4 batch end     0            0      commit index known (8), records in
 *                                         the batch before this one (4),
 *                                         crc32c over their checksums (4)
 *     5 reset         of snapshot  its    none
 *     6 seal          0            0      id of the next segment (16)
 *
 * A batch is what one write and one fdatasync covered; its records bear its
 * number, batches are numbered without a gap, and a batch without its end
 * does not count. A seal stands behind the last batch of every segment but
 * the newest; the next segment was there before it was written, and its
 * number is that of the next segment's first batch.
 *
 * A record's checksum is taken over its segment's id, its own offset (8) and
 * all of the record behind the checksum. So neither what a recycled file held
 * before nor a misdirected write reads as a record. */

#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/bytes.h"
#include "core/types.h"
#include "store/identity.h"

#define SEGMENT_BYTES_DEFAULT (64U << 20)

#define SEGMENT_HEAD_BYTES 128
#define SEGMENT_ID_BYTES   16
#define RECORD_HEAD_BYTES  40
#define RECORD_ALIGN       8

/* Records of fixed size, whole. */
#define RECORD_BATCH_END_BYTES (RECORD_HEAD_BYTES + 16)
#define RECORD_SEAL_BYTES      (RECORD_HEAD_BYTES + SEGMENT_ID_BYTES)

enum record_kind {
	RECORD_ENTRY = 1,      /* Payload: the canonical line. */
	RECORD_HARD_STATE = 2, /* Payload: vote; the term is in the header. */
	RECORD_TRUNCATE = 3,   /* Drop `index` and all behind it. */
	RECORD_BATCH_END = 4,  /* Payload: commit index known then, count. */
	RECORD_RESET = 5, /* A snapshot at (index, term) replaced the log. */
	RECORD_SEAL = 6,  /* Payload: the next segment's id. */
};

struct segment_head {
	uint32_t format;
	bool recycled;
	uint8_t id[SEGMENT_ID_BYTES];
	uint64_t cluster;
	rk_id node;
	struct log_end last; /* When this segment was begun. */
	struct hard_state hard_state;
	uint64_t first_batch;
	rk_index commit;
};

/* `index` and `term` are as the table above says; the rest is valid for the
 * kind that it is named after. */
struct record {
	enum record_kind kind;
	enum rk_entry_type type; /* Entry. */
	rk_index index;
	rk_term term;
	uint64_t batch;
	uint64_t size;        /* Of the whole record, padding included. */
	uint32_t crc32c;      /* As stored, and right. */
	struct slice payload; /* Borrowed from the data checked. */
	rk_id vote;           /* Hard state. */
	rk_index commit;      /* Batch end. */
	uint32_t records;     /* Batch end. */
	uint32_t batch_crc32c;
};

/* Fill `out` from `head`; `head->format` is not read. */
void segment_head_encode(const struct segment_head *head,
			 uint8_t out[SEGMENT_HEAD_BYTES]);

/* RK_CORRUPT for anything that segment_head_encode() would not make, and for
 * another format. The error does not name the file. */
RK_CHECKED enum rk_code
segment_head_decode(const uint8_t data[SEGMENT_HEAD_BYTES],
		    struct segment_head *head, struct rk_error *err);

/* Where the checksums of a segment's records start. */
uint32_t segment_seed(const uint8_t id[SEGMENT_ID_BYTES]);

/* Append the record that will stand at `offset` to `out`; `r->kind`, `type`,
 * `index`, `term`, `batch` and `payload` are read. Returns its checksum. */
uint32_t record_append(struct bytes *out, const struct record *r, uint32_t seed,
		       uint64_t offset);

/* The size of a record with such a payload. */
uint64_t record_size(uint64_t payload_bytes);

/* The size that a record says it has, by its head alone; 0 if no record has
 * such a head. `len` is at least RECORD_HEAD_BYTES. */
uint64_t record_claimed_size(const uint8_t *data);

/* Whether a record begins at `data`, `len` bytes of the segment from
 * `offset`. False for damage, and for what is not wholly there. */
bool record_check(const uint8_t *data, size_t len, uint32_t seed,
		  uint64_t offset, struct record *r);

#endif /* STORE_SEGMENT_H */
