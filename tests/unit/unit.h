/* unit.h - what every unit test includes first: cmocka, printing TAP. */

#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

/* Run the tests, print TAP; returns main()'s exit status. */
int unit_run(const char *group, const struct CMUnitTest *tests, size_t count);

/* A seed for random tests: $SEED, else a new one. Printed, so that a run that
 * failed can be had again. */
uint64_t unit_seed(void);

#endif /* UNIT_UNIT_H */
