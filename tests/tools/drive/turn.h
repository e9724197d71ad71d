/* turn.h - what the disk, the machine and the clock of a core do next.
 *
 * Each steps the core and prints that. False: there was nothing to do, or the
 * core refused. */

#ifndef DRIVE_TURN_H
#define DRIVE_TURN_H

#include "drive.h"

/* {"core":..,"now":..,"event":..}, at the cluster's time. */
json_t *turn_event(const struct drive *d, const struct driven *n,
		   const char *event);

/* Everything handed to its disk is written. */
bool turn_persist(struct drive *d, struct driven *n);

/* Everything handed to its machine is applied. */
bool turn_apply(struct drive *d, struct driven *n);

/* It is told the time, at the deadline that it asked for or later. */
bool turn_tick(struct drive *d, struct driven *n);

#endif /* DRIVE_TURN_H */
