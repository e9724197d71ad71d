/* jstatus.h - how a core stands, as JSON: whole, or brief for people. */

#ifndef DRIVE_JSTATUS_H
#define DRIVE_JSTATUS_H

#include "core/core.h"
#include "jfield.h"

/* Add to `line` everything core_status() says, and the log's terms. */
void jstatus_write(json_t *line, const struct core *core);
void jstatus_brief(json_t *line, const struct core *core);

#endif /* DRIVE_JSTATUS_H */
