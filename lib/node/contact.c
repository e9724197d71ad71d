/* contact.c - who can be reached, said once when it changes. */

#include "node/node.h"

static size_t
find_down(const struct id_set *down, rk_id id)
{
	size_t i;

	for (i = 0; i < down->count; i++) {
		if (down->ids[i] == id)
			break;
	}
	return i;
}

void
contact_lost(struct node *n, rk_id id, const char *why)
{
	const char *url = members_url(n, id);

	if (find_down(&n->down, id) < n->down.count ||
	    n->down.count == LIMIT_MEMBERS)
		return;
	n->down.ids[n->down.count++] = id;
	trace_line(n->trace, TRACE_WARNING,
		   "member %" PRIu64 " (%s) cannot be reached: %s", id,
		   url ? url : "-", why);
}

void
contact_found(struct node *n, rk_id id)
{
	size_t i = find_down(&n->down, id);

	if (i == n->down.count)
		return;
	n->down.ids[i] = n->down.ids[--n->down.count];
	trace_line(n->trace, TRACE_INFO, "member %" PRIu64 " is back", id);
}
