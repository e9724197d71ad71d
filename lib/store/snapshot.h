/* snapshot.h - DIR/snapshot/<index>-<term>.json and .data.
 *
 * The .json is the header: one line of JSON, checksummed, with what the
 * snapshot covers, the members, the sessions and the machine's size and
 * checksum. The .data is the machine's payload; for the log machine a hard
 * link to its history, of which the header's `bytes` count.
 *
 * A saved snapshot and a transfer between members are the same bytes: the
 * header line, the payload, and a trailer line {"trailer":{"crc32c":N}} that
 * covers both.
 *
 * Written aside, synced, renamed, directory synced: the rename of the .json is
 * the moment at which a snapshot exists, also one received from a leader; what
 * the log must lose then, log_open() would find out again. */

#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "base/bytes.h"
#include "core/types.h"
#include "store/identity.h"

struct snapshot_header {
	char cluster[STORE_ID_TEXT];
	struct snapshot_meta meta;
	char machine[16]; /* "log". */
	uint64_t bytes;   /* Of the payload. */
	uint32_t crc32c;  /* Of the payload. */
	uint64_t time_ms; /* Of its last entry; Unix time. */
	/* The members' addresses and the sessions, as JSON texts that the
	 * store keeps and does not read. */
	struct bytes addresses;
	struct bytes sessions;
};
void snapshot_header_close(struct snapshot_header *h);

/* The header as its one line, newline included, and back. RK_CORRUPT if its
 * own checksum or form is wrong. */
void snapshot_header_encode(const struct snapshot_header *h, struct bytes *out);
RK_CHECKED enum rk_code snapshot_header_decode(struct slice line,
					       struct snapshot_header *h,
					       struct rk_error *err);

/* Make durable which snapshots there are: a process that was killed may have
 * left a name that is not. Before anything is built on one of them. RK_OK if
 * there is no such directory. */
RK_CHECKED enum rk_code snapshot_sync_names(const char *dir,
					    struct rk_error *err);

/* The newest snapshot whose header and payload are whole (payload checked by
 * its checksum if `verify`), older ones being the fall-back; RK_ABSENT if
 * there is none at all, RK_CORRUPT if none of those there is whole.
 * `*skipped` counts the broken ones passed over. */
RK_CHECKED enum rk_code snapshot_newest(const char *dir, bool verify,
					struct snapshot_header *h,
					size_t *skipped, struct rk_error *err);

/* All headers, newest first; the caller closes each and frees the array. */
RK_CHECKED enum rk_code snapshot_list(const char *dir,
				      struct snapshot_header **headers,
				      size_t *count, struct rk_error *err);

/* Path of a snapshot's payload; the caller frees it with mem_free(). */
char *snapshot_data_path(const char *dir, struct log_end last);

/* Take: link `payload_path`, which is synced, as the .data and write `h`
 * beside it. Any thread; slow. */
RK_CHECKED enum rk_code snapshot_take(const char *dir, const char *payload_path,
				      const struct snapshot_header *h,
				      struct rk_error *err);

/* Remove all but the newest `keep`. Any thread; slow. */
RK_CHECKED enum rk_code snapshot_prune(const char *dir, size_t keep,
				       struct rk_error *err);

/* Sending: a reader of header, payload and trailer as one range of bytes. */
struct snapshot_source;
RK_CHECKED enum rk_code snapshot_source_open(const char *dir,
					     struct log_end last,
					     struct snapshot_source **source,
					     struct rk_error *err);
void snapshot_source_free(struct snapshot_source *source);
uint64_t snapshot_source_bytes(const struct snapshot_source *source);
uint32_t snapshot_source_crc32c(const struct snapshot_source *source);
const struct snapshot_header *
snapshot_source_header(const struct snapshot_source *source);
RK_CHECKED enum rk_code snapshot_source_read(struct snapshot_source *source,
					     uint64_t offset, size_t max,
					     struct bytes *out,
					     struct rk_error *err);

/* Receiving. The payload goes to DIR/snapshot/payload.part, in order of
 * offset. A part that is there is resumed, also if it was begun for another
 * snapshot: a sink holds nothing at first, but once it has got the header line
 * it holds as well what the part has of the payload. Bytes that are held
 * already may come again. sink_write() gives RK_REJECTED for bytes too far
 * ahead or a full disk, RK_CORRUPT if the header is not sound. sink_finish()
 * checks everything and renames header and payload into place: the snapshot
 * exists then. RK_REJECTED if bytes are missing or the disk is full;
 * RK_CORRUPT if the whole is not sound. After RK_CORRUPT nothing is held any
 * more. Any one thread; finish is slow. */
struct snapshot_sink;
RK_CHECKED enum rk_code snapshot_sink_open(const char *dir, struct log_end last,
					   uint64_t total_bytes,
					   uint32_t total_crc32c,
					   struct snapshot_sink **sink,
					   struct rk_error *err);
void snapshot_sink_free(struct snapshot_sink *sink); /* Keeps the part. */
uint64_t snapshot_sink_offset(const struct snapshot_sink *sink); /* Held. */
/* Bytes of a payload that are there, before the header as well. */
uint64_t snapshot_sink_part(const struct snapshot_sink *sink);
RK_CHECKED enum rk_code snapshot_sink_write(struct snapshot_sink *sink,
					    uint64_t offset, struct slice data,
					    struct rk_error *err);
RK_CHECKED enum rk_code snapshot_sink_finish(struct snapshot_sink *sink,
					     struct snapshot_header *h,
					     struct rk_error *err);
/* Remove the part, if there is one. No sink may be open. */
RK_CHECKED enum rk_code snapshot_sink_remove(const char *dir,
					     struct rk_error *err);

#endif /* STORE_SNAPSHOT_H */
