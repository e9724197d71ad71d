/* segment.h - the bytes of one log file: its header and its records.
 *
 * (The exact layout is documented here by its implementer: all numbers
 * little-endian; header of 64 bytes {magic, format, first index, segment id
 * (random 16 bytes), cluster, node, crc32c}; records aligned to 8 bytes:
 * {crc32c, payload length, kind, entry type, index, term, batch} and payload.
 * A record's checksum starts from its segment's id and its own offset, so that
 * neither what a recycled file held before nor a misdirected write reads as a
 * record.) */

#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "core/types.h"

#define SEGMENT_BYTES_DEFAULT (64U << 20)

enum record_kind {
	RECORD_ENTRY = 1,      /* Payload: the canonical line. */
	RECORD_HARD_STATE = 2, /* Payload: vote; the term is in the header. */
	RECORD_TRUNCATE = 3,   /* Drop `index` and all behind it. */
	RECORD_BATCH_END = 4,  /* Payload: commit index known then, count. */
	RECORD_RESET = 5, /* A snapshot at (index, term) replaced the log. */
};

#endif /* STORE_SEGMENT_H */
