/* log_reader.h - what GET /v1/log selects of the history, piece by piece. */

#ifndef NODE_LOG_READER_H
#define NODE_LOG_READER_H

#include "node/node.h"

struct log_reader {
	struct node *node;
	rk_index next;      /* The next index to look at. */
	uint64_t back;      /* Not 0: begin so many before the end. */
	rk_index to;        /* The last one wanted. */
	uint64_t remaining; /* Entries still wanted. */
	unsigned types;     /* Bits 1 << enum rk_entry_type. */
	bool repeats;       /* Show them, too. */
	bool raw;           /* Bare data, each followed by a newline. */
};

/* Read from, to, limit, type, all and raw of a request. False if one is no
 * good; the request has been answered then. */
bool log_reader_parse(struct node *n, struct inbound_request *r,
		      struct log_reader *reader);

/* Whether it has come to its end, given what is applied now. */
bool log_reader_is_done(const struct log_reader *reader);

/* Append what there is now, up to about `max_bytes`; false if the history
 * cannot be read (traced). It may bring less, even nothing, and not have come
 * to its end: where little is wanted of much, go on in the next pass. */
bool log_reader_read(struct log_reader *reader, size_t max_bytes,
		     struct bytes *out);

#endif /* NODE_LOG_READER_H */
