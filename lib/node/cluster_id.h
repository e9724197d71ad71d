/* cluster_id.h - the id by which members know their own cluster.
 *
 * Derived from the cluster's name and its first members, so that members that
 * are started with the same --cluster agree without a word, and members of
 * different clusters never listen to one another by mistake. */

#ifndef NODE_CLUSTER_ID_H
#define NODE_CLUSTER_ID_H

#include "core/types.h"
#include "wire/codec_members.h"

/* 16 hex digits and a NUL into `text`. `name` may be empty; each voter of `c`
 * has an address. */
void cluster_id_derive(const char *name, const struct configuration *c,
		       const struct addresses *a, char text[17]);

#endif /* NODE_CLUSTER_ID_H */
