/* unit.c - what every unit test uses. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"

int
unit_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	/* The macro counts an array, and here is a pointer. */
	return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}

uint64_t
unit_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : prng_entropy();

	printf("# SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return seed;
}
