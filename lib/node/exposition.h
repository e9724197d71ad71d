/* exposition.h - numbers in the text format that Prometheus reads.
 *
 * A family is a name with its help and type, and then all of its samples.
 * Label values given here hold no quotes, backslashes or newlines. */

#ifndef NODE_EXPOSITION_H
#define NODE_EXPOSITION_H

#include "base/bytes.h"
#include "node/histogram.h"

enum family_type {
	FAMILY_COUNTER,
	FAMILY_GAUGE,
	FAMILY_HISTOGRAM,
};

void exposition_family(struct bytes *out, const char *name,
		       enum family_type type, const char *help);

/* `labels` like `peer="2"`; "": none. */
void exposition_sample(struct bytes *out, const char *name, const char *labels,
		       uint64_t value);
void exposition_seconds(struct bytes *out, const char *name, const char *labels,
			uint64_t microseconds);
void exposition_histogram(struct bytes *out, const char *name,
			  const char *labels, const struct histogram *h);

/* A family of one sample without labels. */
void exposition_single(struct bytes *out, const char *name,
		       enum family_type type, const char *help, uint64_t value);

#endif /* NODE_EXPOSITION_H */
