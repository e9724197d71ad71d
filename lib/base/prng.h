/* prng.h - seeded random numbers (xoshiro256**), the same on every machine.
 *
 * Not for secrets. prng_entropy() alone is different each time. */

#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t state[4];
};

void prng_init(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);

/* Uniform in [from, to); from < to. */
uint64_t prng_range(struct prng *p, uint64_t from, uint64_t to);

/* A seed from the operating system. Not for the core. */
uint64_t prng_entropy(void);

#endif /* BASE_PRNG_H */
