/* jeffects.h - what a core did, as JSON.
 *
 * Whole, as the head of core-drive.c documents it; or brief, in short texts
 * for people and without deadlines. Effects that are absent are left out. */

#ifndef DRIVE_JEFFECTS_H
#define DRIVE_JEFFECTS_H

#include "core/core.h"
#include "jfield.h"

/* Add to `line` the effects that `ev` had on `core`. */
void jeffects_write(json_t *line, const struct core *core,
		    const struct event *ev, const struct effects *effects);
void jeffects_brief(json_t *line, const struct core *core,
		    const struct effects *effects);

const char *jeffects_result_name(enum result_status status);

#endif /* DRIVE_JEFFECTS_H */
