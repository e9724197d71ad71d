/* original.h - what was first applied under the numbers that come again.
 *
 * The same number with other bytes is a mistake of the client's, and must not
 * be taken for a repetition. Internal to lib/node. */

#ifndef NODE_ORIGINAL_H
#define NODE_ORIGINAL_H

#include "node/node.h"

/* Read ahead, for those asked for are mostly neighbours. Zero is a fresh one.
 */
struct originals {
	struct bytes lines; /* Of [from, to), from byte `at` on. */
	size_t at;
	rk_index from;
	rk_index to;
	struct bytes data;
};
void originals_close(struct originals *o);

/* Whether the applied entry at `index` holds exactly these bytes. True as well
 * if it cannot be read any more: then the number alone counts. */
bool originals_match(struct originals *o, struct node *n, rk_index index,
		     struct slice data);

#endif /* NODE_ORIGINAL_H */
