/* codec_peer_parts.h - what the two halves of codec_peer share.
 *
 * Private to codec_peer's own files. */

#ifndef WIRE_CODEC_PEER_PARTS_H
#define WIRE_CODEC_PEER_PARTS_H

#include "base/json.h"
#include "wire/codec_peer.h"

/* The value of "type" in a header: "append", "append-reply". Static. */
const char *peer_type_name(enum message_type type);

/* Read the fields of an append's header, then the lines in m->body, and fill
 * m->message.as.append, m->runs, m->sizes and m->configurations. On failure
 * the arrays may be there, for peer_message_close(). */
RK_CHECKED enum rk_code peer_decode_append(const json_t *header,
					   struct peer_message *m,
					   struct rk_error *err);

/* An index and a term that are both 0 or both not, named `<name>_index` and
 * `<name>_term`. */
RK_CHECKED enum rk_code peer_decode_end(const json_t *header,
					const char *index_name,
					const char *term_name,
					struct log_end *end,
					struct rk_error *err);

#endif /* WIRE_CODEC_PEER_PARTS_H */
