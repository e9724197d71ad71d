/* codec_peer.h - the members' messages as HTTP bodies: encode, and decode
 * strictly.
 *
 *   POST /v1/peer/vote         vote, pre-vote            JSON
 *   POST /v1/peer/append       append, heartbeat         a JSON header line,
 *                                                        then canonical lines
 *   POST /v1/peer/snapshot     a chunk                   a JSON header line,
 *                                                        then raw bytes
 *   POST /v1/peer/timeout-now  leadership transfer       JSON
 *
 * A reply is one JSON object with status 200. Every header carries cluster,
 * from, to, incarnation and protocol, which are checked first; and, where the
 * sender knows it, `expects`: the incarnation that it takes the addressee for,
 * so that one whose directory was replaced learns of it. */

#ifndef WIRE_CODEC_PEER_H
#define WIRE_CODEC_PEER_H

#include "base/bytes.h"
#include "core/message.h"

#define PEER_PROTOCOL 1

/* Who speaks: written into each message, and expected of each received. */
struct peer_identity {
	const char *cluster;     /* 16 hex digits. */
	const char *incarnation; /* The sender's. */
	rk_id id;
	/* The addressee's incarnation, if the sender knows it; else NULL. */
	const char *expects;
};

/* `/v1/peer/append` and so on, for a request's type. Static. */
const char *peer_path(enum message_type type);

/* Encode a request's header line, or a reply. For an append, `lines` are the
 * canonical lines of its entries and follow the header in the body (they are
 * not copied to `out`; count, bytes and crc32c of them are in the header). For
 * a snapshot `lines` are the chunk's bytes. Empty otherwise. */
void peer_encode(struct bytes *out, const struct peer_identity *self,
		 const struct message *m, struct slice lines);

/* What a decoded message points to; zero is empty. */
struct peer_message {
	struct message message;
	char incarnation[17]; /* The sender's. */
	char expects[17];     /* What the sender takes us for; or "". */
	struct slice body;    /* Canonical lines or chunk; in the input. */
	struct term_run *runs;
	uint32_t *sizes;
	struct configuration_at *configurations;
};
void peer_message_close(struct peer_message *m);

/* Decode a request that came to `path`, or the reply to a request of type
 * `of`. Checks protocol, cluster and addressee (RK_DENIED), numbers, counts,
 * checksum, and of an append that each line is canonical, in order behind
 * prev, and of the terms that the runs say (RK_USAGE). `*m` points into
 * `body`; on failure there is nothing to close. */
RK_CHECKED enum rk_code peer_decode_request(struct slice body, const char *path,
					    const struct peer_identity *self,
					    struct peer_message *m,
					    struct rk_error *err);
RK_CHECKED enum rk_code peer_decode_reply(struct slice body,
					  enum message_type of,
					  const struct peer_identity *self,
					  struct peer_message *m,
					  struct rk_error *err);

#endif /* WIRE_CODEC_PEER_H */
