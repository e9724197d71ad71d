/* writer.h - the thread that puts the log on disk.
 *
 * Whatever has gathered while one batch was being written goes into the next:
 * one write and one fdatasync (group commit without a timer). A full disk is
 * tried again until there is space; any other failure is final. */

#ifndef NODE_WRITER_H
#define NODE_WRITER_H

#include "store/log.h"

struct writer;

/* What one batch came to. */
struct writer_done {
	enum rk_code rc;     /* RK_OK; RK_REJECTED: full, trying again; else: */
	struct rk_error err; /* final. */
	uint64_t seq;        /* Everything up to here is durable. */
	struct log_placement placement;
	bool wants_segment; /* See log_wants_segment(). */
	uint64_t elapsed_us;
	uint64_t entries; /* In the batch, and the bytes of their lines. */
	uint64_t bytes;
};

/* Takes `log`, and closes it at the end. `event_fd` is written after each
 * batch. */
RK_CHECKED enum rk_code writer_open(struct log *log, int event_fd,
				    struct writer **writer,
				    struct rk_error *err);

/* Writes what is queued, if it can, and ends. NULL is fine. */
void writer_close(struct writer *writer);

/* Hand over `count` operations, the last of which is `seq`; copied, but not
 * the lines they point to, which stay until `seq` is reported. `commit` is a
 * hint for whoever reads the log. */
void writer_submit(struct writer *writer, const struct log_op *ops,
		   size_t count, uint64_t seq, rk_index commit);

/* One result, in order; false if there is none now. The caller closes
 * done->placement. */
bool writer_poll(struct writer *writer, struct writer_done *done);

#endif /* NODE_WRITER_H */
