/* line_oracle.h - what must hold of every line that the scanner accepts.
 *
 * Shared by the unit tests and the fuzzer. */

#ifndef UNIT_LINE_ORACLE_H
#define UNIT_LINE_ORACLE_H

#include "base/line.h"

/* Why the line, which line_scan() accepted, is not what it should be: encoded
 * again it must give the same bytes, and jansson must read the same fields.
 * NULL if all is well. Static. */
const char *line_oracle_complaint(const void *text, const struct line *line);

#endif /* UNIT_LINE_ORACLE_H */
