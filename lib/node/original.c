/* original.c - what was first applied under the numbers that come again. */

#include "node/original.h"

#include <string.h>

#include "base/line.h"

/* Read at once; a few entries more than needed cost less than another read. */
#define READ_BYTES (64U << 10)

void
originals_close(struct originals *o)
{
	bytes_close(&o->lines);
	bytes_close(&o->data);
	*o = (struct originals){.at = 0};
}

static bool
read_ahead(struct originals *o, struct node *n, rk_index index)
{
	rk_index end = machine_applied(n->machine) + 1;
	struct rk_error ignored;

	o->lines.len = o->at = 0;
	o->from = o->to = index;
	return index < end &&
	       history_read(machine_history(n->machine), index, end, READ_BYTES,
			    &o->lines, &o->to, &ignored) == RK_OK;
}

bool
originals_match(struct originals *o, struct node *n, rk_index index,
		struct slice data)
{
	struct line line;

	if ((index != o->from || o->from == o->to) && !read_ahead(o, n, index))
		return true;
	if (!line_scan(o->lines.data + o->at, o->lines.len - o->at, true,
		       &line)) {
		o->to = o->from; /* What follows is of no use either. */
		return true;
	}
	o->at += line.len;
	o->from++;
	o->data.len = 0;
	line_decode_data(&line, &o->data);
	return o->data.len == data.len &&
	       (data.len == 0 ||
		memcmp(o->data.data, data.data, data.len) == 0);
}
