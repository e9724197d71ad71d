/* expect.h - whether cores stand as a scenario says that they must. */

#ifndef DRIVE_EXPECT_H
#define DRIVE_EXPECT_H

#include "drive.h"

/* `want` maps an id to fields of its status, or "last" to fields of what the
 * last step did. Prints whether that is so. */
RK_CHECKED enum rk_code expect(struct drive *d, const json_t *want,
			       struct rk_error *err);

#endif /* DRIVE_EXPECT_H */
