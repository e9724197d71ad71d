/* limits.h - every bound in raftkit, with its reason. */

#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Ids, terms and indexes: readers of JSON keep integers exact up to here. */
#define LIMIT_NUMBER ((UINT64_C(1) << 53) - 1)

/* Terms move one by one in health (pre-vote); a step as large as this in one
 * message is a forgery or a fault, and would use the numbers up. */
#define LIMIT_TERM_STEP (UINT64_C(1) << 20)

/* Members of all kinds in one configuration: quorums of more are slower than
 * useful, and fixed arrays keep the core free of allocation. */
#define LIMIT_MEMBERS 16

/* Data of one entry, after decoding. The default and the most. */
#define LIMIT_ENTRY_BYTES_DEFAULT (1U << 20)
#define LIMIT_ENTRY_BYTES         (8U << 20)

/* A line escapes a byte to six at worst ("\u0001"), but then base64 is not
 * longer than 4/3; the encoder chooses escapes only for valid UTF-8. */
#define LIMIT_LINE_BYTES (6U * LIMIT_ENTRY_BYTES + 1024U)

/* Session ids: `[A-Za-z0-9._-]{1,64}`. */
#define LIMIT_SESSION_ID 64

/* Sessions kept; the least recently used, by log position, goes first. */
#define LIMIT_SESSIONS 10000

/* A session that was not used for so many entries expires. */
#define LIMIT_SESSION_IDLE_ENTRIES 10000000

/* Sessions known to have expired: 8 bytes each, so that a megabyte covers ten
 * times as many as are kept. */
#define LIMIT_EXPIRED_SESSIONS 100000

/* Separate runs of sequence numbers kept for each session. */
#define LIMIT_SESSION_RUNS 16

/* Entries in one client request. */
#define LIMIT_REQUEST_ENTRIES 65536

/* Body of one client request; of one peer append; of an admin request. */
#define LIMIT_CLIENT_BODY_BYTES (16U << 20)
#define LIMIT_PEER_BODY_BYTES   (64U << 20)
#define LIMIT_ADMIN_BODY_BYTES  (64U << 10)

/* JSON documents: nested this deep, this many bytes (a snapshot's header holds
 * the sessions, hence the second). */
#define LIMIT_JSON_DEPTH          32
#define LIMIT_JSON_BYTES          (1U << 20)
#define LIMIT_SNAPSHOT_HEAD_BYTES (64U << 20)

/* URL of a member or endpoint. */
#define LIMIT_URL_BYTES 256

/* Request line and headers of one HTTP request. */
#define LIMIT_HTTP_HEAD_BYTES (32U << 10)

#endif /* BASE_LIMITS_H */
