/* segment_reader.h - a window on a file, read in large pieces.
 *
 * What it shows was read at some time before and may have changed since:
 * segment_reader_forget() makes it look again. */

#ifndef STORE_SEGMENT_READER_H
#define STORE_SEGMENT_READER_H

#include "store/segment.h"

struct segment_reader {
	int fd;       /* The caller's. */
	size_t chunk; /* Bytes read at once, at least. */
	uint64_t start;
	struct bytes window; /* The file's bytes from `start`. */
	bool at_end;         /* There was nothing behind them. */
};

void segment_reader_init(struct segment_reader *r, int fd, size_t chunk);
void segment_reader_close(struct segment_reader *r);
void segment_reader_forget(struct segment_reader *r);

/* `*got` bytes from `offset` at `*data`, borrowed until the next call; at
 * least `need`, unless the file ends before. */
RK_CHECKED enum rk_code segment_reader_get(struct segment_reader *r,
					   uint64_t offset, size_t need,
					   const uint8_t **data, size_t *got,
					   struct rk_error *err);

/* The record at `offset`, borrowed until the next call; `*valid` says whether
 * there is one. */
RK_CHECKED enum rk_code
segment_reader_record(struct segment_reader *r, uint64_t offset, uint32_t seed,
		      struct record *record, bool *valid, struct rk_error *err);

/* What segment_search() finds behind a place. */
struct segment_found {
	uint64_t later_batches; /* Ends of batches after `batch`. */
	bool later;             /* Any record of such a batch. */
	uint64_t same_end;      /* End of the last record of `batch`; or 0. */
	uint64_t zeros_from;    /* Nothing but zeros from here on. */
};

/* Look at every place from `from` to the end of the file at which a record
 * might begin. Slow; for when the chain of records has ended. */
RK_CHECKED enum rk_code segment_search(struct segment_reader *r, uint64_t from,
				       uint32_t seed, uint64_t batch,
				       struct segment_found *found,
				       struct rk_error *err);

#endif /* STORE_SEGMENT_READER_H */
