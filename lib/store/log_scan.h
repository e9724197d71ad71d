/* log_scan.h - read all segments and say what the log is; inside the store.
 *
 * Reads only. The chain of records of each segment is followed until it ends.
 * In the newest segment it ends at the end of the log, or in a torn batch: then
 * nothing valid of a later batch is behind it, for batch n + 1 is only written
 * when n is on disk. Anything else is damage to what was on disk before. */

#ifndef STORE_LOG_SCAN_H
#define STORE_LOG_SCAN_H

#include "store/log_files.h"
#include "store/log_state.h"

struct log_scan {
	struct log_state state;
	struct log_map *map;
	/* In the newest segment: behind the last whole batch; and behind what
	 * is left of a torn one, or the same. */
	uint64_t end;
	uint64_t torn_end;
	/* The segment before the newest, which is empty, has no seal; where it
	 * belongs. 0: it has, or there is none. */
	uint64_t seal_at;
	/* The newest has a seal: of files that are alone or open-ended. */
	bool is_sealed;
};

/* Scan `files`, at least one, in `log_dir`. The caller closes `*scan`, also
 * after a failure. RK_CORRUPT names file, byte and index, and `source` as what
 * to give to raft-dump. */
RK_CHECKED enum rk_code log_scan_run(struct log_scan *scan, const char *log_dir,
				     const char *source,
				     const struct log_files *files,
				     struct rk_error *err);

/* Frees what was not taken out of it. */
void log_scan_close(struct log_scan *scan);

#endif /* STORE_LOG_SCAN_H */
