/* histogram.h - how often a value was at most so large.
 *
 * Fixed bounds, so that adding one costs a short search and no allocation. */

#ifndef NODE_HISTOGRAM_H
#define NODE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 16

/* What a value is. */
enum histogram_scale {
	HISTOGRAM_MICROSECONDS, /* 50 us to 10 s. */
	HISTOGRAM_COUNT,        /* 1 to 32768, by powers of two. */
};

/* Zero, but for the scale, is a valid empty one. */
struct histogram {
	enum histogram_scale scale;
	/* Values at most the i-th bound and above the one before; the last:
	 * above all. */
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum;
};

void histogram_add(struct histogram *h, uint64_t value);

/* The i-th bound, i < HISTOGRAM_BOUNDS. */
uint64_t histogram_bound(const struct histogram *h, unsigned i);

#endif /* NODE_HISTOGRAM_H */
