/* passage.h - let a cluster come to rest, or time pass over it. */

#ifndef DRIVE_PASSAGE_H
#define DRIVE_PASSAGE_H

#include "drive.h"

/* The commands of these names; core-drive.c says what they mean. RK_FAILED if
 * there is no end to it, or no leader where one is waited for. */
RK_CHECKED enum rk_code passage_settle(struct drive *d, const json_t *value,
				       struct rk_error *err);
RK_CHECKED enum rk_code passage_run(struct drive *d, const json_t *value,
				    struct rk_error *err);

#endif /* DRIVE_PASSAGE_H */
