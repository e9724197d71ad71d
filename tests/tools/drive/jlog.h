/* jlog.h - a stretch of log: the terms, sizes and configurations in it. */

#ifndef DRIVE_JLOG_H
#define DRIVE_JLOG_H

#include "jfield.h"

/* Owns its arrays. Zero is a valid empty one. */
struct jlog {
	uint64_t count;
	struct term_run *runs;
	size_t run_count;
	uint32_t *sizes; /* One for each entry. */
	struct configuration_at *configurations;
	size_t configuration_count;
};

/* Read the terms of the entries from field `terms` of `object`, and `sizes`
 * (default: all 0) and `configurations` beside it. The first entry's index is
 * base + 1, and the configurations lie in the stretch, in order. `log` is zero
 * before; on failure it is so again. */
RK_CHECKED enum rk_code jlog_read(const json_t *object, const char *terms,
				  rk_index base, struct jlog *log,
				  struct rk_error *err);
void jlog_close(struct jlog *log);

#endif /* DRIVE_JLOG_H */
