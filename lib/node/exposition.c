/* exposition.c - numbers in the text format that Prometheus reads. */

#include "node/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const char *const type_name[] = {
	[FAMILY_COUNTER] = "counter",
	[FAMILY_GAUGE] = "gauge",
	[FAMILY_HISTOGRAM] = "histogram",
};
_Static_assert(LEN(type_name) == FAMILY_HISTOGRAM + 1, "name every type");

void
exposition_family(struct bytes *out, const char *name, enum family_type type,
		  const char *help)
{
	bytes_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		     type_name[type]);
}

static void
put_name(struct bytes *out, const char *name, const char *labels)
{
	bytes_append_text(out, name);
	if (*labels)
		bytes_printf(out, "{%s}", labels);
	bytes_append_char(out, ' ');
}

/* As few digits as say it: 0.0025, 1, 12.5. */
static void
put_seconds(struct bytes *out, uint64_t us)
{
	char fraction[8];
	size_t len = 6;

	bytes_append_u64(out, us / 1000000);
	if (us % 1000000 == 0)
		return;
	snprintf(fraction, sizeof fraction, "%06" PRIu64, us % 1000000);
	while (fraction[len - 1] == '0')
		len--;
	bytes_append_char(out, '.');
	bytes_append(out, fraction, len);
}

void
exposition_sample(struct bytes *out, const char *name, const char *labels,
		  uint64_t value)
{
	put_name(out, name, labels);
	bytes_append_u64(out, value);
	bytes_append_char(out, '\n');
}

void
exposition_seconds(struct bytes *out, const char *name, const char *labels,
		   uint64_t microseconds)
{
	put_name(out, name, labels);
	put_seconds(out, microseconds);
	bytes_append_char(out, '\n');
}

void
exposition_single(struct bytes *out, const char *name, enum family_type type,
		  const char *help, uint64_t value)
{
	exposition_family(out, name, type, help);
	exposition_sample(out, name, "", value);
}

static void
put_value(struct bytes *out, const struct histogram *h, uint64_t value)
{
	switch (h->scale) {
	case HISTOGRAM_MICROSECONDS:
		put_seconds(out, value);
		break;
	case HISTOGRAM_COUNT:
		bytes_append_u64(out, value);
		break;
	}
}

void
exposition_histogram(struct bytes *out, const char *name, const char *labels,
		     const struct histogram *h)
{
	const char *comma = *labels ? "," : "";
	const char *left = *labels ? "{" : "";
	const char *right = *labels ? "}" : "";
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < HISTOGRAM_BOUNDS; i++) {
		total += h->counts[i];
		bytes_printf(out, "%s_bucket{%s%sle=\"", name, labels, comma);
		put_value(out, h, histogram_bound(h, i));
		bytes_printf(out, "\"} %" PRIu64 "\n", total);
	}
	total += h->counts[i];
	bytes_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name,
		     labels, comma, total);
	bytes_printf(out, "%s_sum%s%s%s ", name, left, labels, right);
	put_value(out, h, h->sum);
	bytes_printf(out, "\n%s_count%s%s%s %" PRIu64 "\n", name, left, labels,
		     right, total);
}
