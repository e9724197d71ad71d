/* clock.c - what time it is. */

#include "base/clock.h"

#include <assert.h>
#include <time.h>

static struct timespec
now(clockid_t id)
{
	struct timespec t;
	int rc;

	rc = clock_gettime(id, &t);
	assert(rc == 0);
	return t;
}

uint64_t
clock_now_us(void)
{
	struct timespec t = now(CLOCK_MONOTONIC);

	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

uint64_t
clock_wall_ms(void)
{
	struct timespec t = now(CLOCK_REALTIME);

	if (t.tv_sec < 0)
		return 0; /* A clock set before 1970 is not worth more. */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
