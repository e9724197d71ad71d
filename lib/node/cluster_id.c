/* cluster_id.c - the id by which members know their own cluster. */

#include "node/cluster_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a, then a final mixing: short inputs must differ in every digit. */
static uint64_t
hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

void
cluster_id_derive(const char *name, const struct configuration *c,
		  const struct addresses *a, char text[17])
{
	struct bytes seed = {0};
	size_t i;

	bytes_append_text(&seed, name);
	for (i = 0; i < c->voters.count; i++) {
		bytes_printf(&seed, "\n%" PRIu64 "=%s", c->voters.ids[i],
			     addresses_find(a, c->voters.ids[i]));
	}
	snprintf(text, 17, "%016" PRIx64, hash(seed.data, seed.len));
	bytes_close(&seed);
}
