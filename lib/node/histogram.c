/* histogram.c - how often a value was at most so large. */

#include "node/histogram.h"

#include <assert.h>

static const uint64_t bounds[][HISTOGRAM_BOUNDS] = {
	[HISTOGRAM_MICROSECONDS] = {50, 100, 250, 500, 1000, 2500, 5000, 10000,
				    25000, 50000, 100000, 250000, 500000,
				    1000000, 2500000, 10000000},
	[HISTOGRAM_COUNT] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048,
			     4096, 8192, 16384, 32768},
};

void
histogram_add(struct histogram *h, uint64_t value)
{
	unsigned i = 0;

	while (i < HISTOGRAM_BOUNDS && value > bounds[h->scale][i])
		i++;
	h->counts[i]++;
	h->sum += value;
}

uint64_t
histogram_bound(const struct histogram *h, unsigned i)
{
	assert(i < HISTOGRAM_BOUNDS);
	return bounds[h->scale][i];
}
