/* prng.c - seeded random numbers.
 *
 * xoshiro256** by Blackman and Vigna, its state filled by splitmix64 so that
 * close seeds give unrelated sequences. */

#include "base/prng.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t
rotate_left(uint64_t x, unsigned int by)
{
	return (x << by) | (x >> (64 - by));
}

static uint64_t
splitmix(uint64_t *seed)
{
	uint64_t z;

	*seed += UINT64_C(0x9e3779b97f4a7c15);
	z = *seed;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
prng_init(struct prng *p, uint64_t seed)
{
	int i;

	for (i = 0; i < 4; i++)
		p->state[i] = splitmix(&seed);
}

uint64_t
prng_next(struct prng *p)
{
	uint64_t *s = p->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t
prng_range(struct prng *p, uint64_t from, uint64_t to)
{
	uint64_t span = to - from;
	uint64_t uneven; /* Below this, some remainders are more likely. */
	uint64_t n;

	assert(from < to);
	uneven = (UINT64_MAX - span + 1) % span;
	do
		n = prng_next(p);
	while (n < uneven);
	return from + n % span;
}

uint64_t
prng_entropy(void)
{
	uint64_t seed;

	/* Without it members would time out in step, for ever. */
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		abort();
	return seed;
}
