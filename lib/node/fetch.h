/* fetch.h - snapshots over HTTP: the list, and one as a stream of bytes.
 *
 * Headers hold the sessions and a payload may be read whole to be checked, so
 * that the janitor opens them; the answer comes from the reactor. */

#ifndef NODE_FETCH_H
#define NODE_FETCH_H

#include "node/node.h"

/* GET /v1/snapshots. Consumes `r`. */
void fetch_list(struct node *n, struct inbound_request *r);

/* Answer with the newest one's object. Consumes `r`. */
void fetch_newest(struct node *n, struct inbound_request *r);

/* GET /v1/snapshots/{id}: `INDEX-TERM` or `latest`. Consumes `r`. */
void fetch_one(struct node *n, struct inbound_request *r, const char *id);

/* Append the object that describes a snapshot. */
void fetch_encode(struct bytes *out, const struct snapshot_header *h);

/* `INDEX-TERM`, as fetch_encode() writes it. */
bool fetch_parse_id(const char *id, struct log_end *last);

enum fetch_range {
	FETCH_ALL,  /* No range, or a form that may be ignored. */
	FETCH_REST, /* [*from, total). */
	FETCH_PAST, /* Nothing is there. */
};

/* What a Range header (NULL: none) asks for of `total` bytes: `bytes=N-` alone
 * is understood. */
enum fetch_range fetch_parse_range(const char *range, uint64_t total,
				   uint64_t *from);

#endif /* NODE_FETCH_H */
