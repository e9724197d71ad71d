/* layer.h - commands to many cores at once, for scenarios.
 *
 * The network, the disks and the clock of a cluster, under command.
 * core-drive.c says what each command means. */

#ifndef DRIVE_LAYER_H
#define DRIVE_LAYER_H

#include "drive.h"

/* A line that names no core. */
RK_CHECKED enum rk_code layer_command(struct drive *d, const json_t *line,
				      struct rk_error *err);

#endif /* DRIVE_LAYER_H */
