/* peers.h - two members of a cluster and what they may say, for tests. */

#ifndef UNIT_PEERS_H
#define UNIT_PEERS_H

#include "base/bytes.h"
#include "wire/codec_peer.h"

/* Members of one cluster; messages here go from one to two. */
extern const struct peer_identity peers_one;
extern const struct peer_identity peers_two;

extern const struct slice peers_nothing;

struct slice peers_slice(const struct bytes *b);

/* A message as it travels: header and lines in one body. */
struct bytes peers_encode(const struct peer_identity *from,
			  const struct message *m, struct slice lines);

/* Of term 7 and stream 11, the rest zero, padding included, so that unions
 * can be compared as memory. */
struct message peers_message(enum message_type type);

void peers_append_line(struct bytes *out, rk_index index, rk_term term,
		       enum rk_entry_type type, const char *data);

/* Entries 8 to 11 behind entry 7 of term 5: a noop of term 6, then data, a
 * configuration and data that is no text, of term 7. */
extern const struct term_run peers_runs[2];
struct message peers_append(struct bytes *lines);

/* The last chunk, at offset 10, of a snapshot that ends at 100 of term 6. */
struct message peers_snapshot(struct slice chunk);

#endif /* UNIT_PEERS_H */
