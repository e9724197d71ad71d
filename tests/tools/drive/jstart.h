/* jstart.h - where a core starts, from the object of a "new" line.
 *
 * Whatever core_new() would abort on is refused here. */

#ifndef DRIVE_JSTART_H
#define DRIVE_JSTART_H

#include "core/core.h"
#include "jlog.h"

/* What `start` points at is in `log`. */
struct jstart {
	struct core_settings settings;
	struct core_start start;
	struct jlog log;
};

/* On success the caller closes `s` with jstart_close(). */
RK_CHECKED enum rk_code jstart_read(rk_id id, uint64_t now_ms,
				    const json_t *object, struct jstart *s,
				    struct rk_error *err);
void jstart_close(struct jstart *s);

#endif /* DRIVE_JSTART_H */
