/* append_body.h - the body of POST /v1/log, cut into entries. */

#ifndef NODE_APPEND_BODY_H
#define NODE_APPEND_BODY_H

#include "node/node.h"

struct append_body {
	struct slice *entries; /* In the request's body, or in `decoded`. */
	uint64_t count;
	char session[LIMIT_SESSION_ID + 1]; /* "": none. */
	uint64_t seq;                       /* Of the first entry. */
	struct bytes decoded;               /* Data that came as JSON. */
};

/* False, and the request answered, if the body or a header is no good. The
 * slices are good for as long as `r` is. */
bool append_body_parse(struct node *n, struct inbound_request *r,
		       struct append_body *b);
void append_body_close(struct append_body *b);

#endif /* NODE_APPEND_BODY_H */
