/* log_writer.h - the writer's side of the log; inside the store. */

#ifndef STORE_LOG_WRITER_H
#define STORE_LOG_WRITER_H

#include "store/log_files.h"

/* A file grows by this much zeros ahead of the data, so that most batches are
 * written to blocks that are there, and fdatasync has no metadata to write. */
#define LOG_GROW_BYTES (1U << 20)

/* Room that entries leave for the node's own records (term and vote), so that
 * it can take part while the disk is full. An eighth of a small segment. */
#define LOG_RESERVE_BYTES (64U << 10)

struct log {
	char *dir;     /* DIR. */
	char *log_dir; /* DIR/log. */
	struct log_options options;
	uint64_t cluster;
	rk_id node;

	/* The newest segment. */
	int fd;
	char name[SEGMENT_NAME_BYTES];
	uint32_t seed;
	uint64_t at;   /* Where the next batch goes. */
	uint64_t size; /* Of the file: blocks are there up to here. */

	uint64_t batch;      /* The last one's number. */
	struct log_end last; /* Term 0: not known. */
	struct hard_state hard_state;
	rk_index commit;

	struct bytes buffer;
	struct rk_error failed; /* Code not RK_OK: for good. */
};

/* A writer that is in no segment yet. */
struct log *log_writer_new(const char *dir, const struct identity *id,
			   const struct log_options *options);

/* Go to a new segment; the first batch in it will be `log->batch + 1`. */
RK_CHECKED enum rk_code log_roll(struct log *log, struct rk_error *err);

/* Write the seal at `at` in `fd`. */
RK_CHECKED enum rk_code log_seal(struct log *log, int fd, uint32_t seed,
				 uint64_t at, const struct segment_head *next,
				 struct rk_error *err);

/* See that blocks are there up to `end`, or RK_REJECTED, before anything of a
 * batch is written. */
RK_CHECKED enum rk_code log_grow(struct log *log, uint64_t end,
				 struct rk_error *err);

RK_CHECKED enum rk_code log_sync(struct log *log, int fd, struct rk_error *err);

#endif /* STORE_LOG_WRITER_H */
