/* snapshot_files.h - names in DIR/snapshot; inside the store. */

#ifndef STORE_SNAPSHOT_FILES_H
#define STORE_SNAPSHOT_FILES_H

#include "store/snapshot.h"

/* Payloads are read and copied in pieces of this size. */
#define SNAPSHOT_CHUNK (256U << 10)

/* DIR/snapshot, made if it is not there; freed with mem_free(). */
char *snapshot_dir_path(const char *dir);
RK_CHECKED enum rk_code snapshot_dir_make(const char *dir,
					  struct rk_error *err);

/* DIR/snapshot/<index>-<term><ending>; freed with mem_free(). */
char *snapshot_path(const char *dir, struct log_end last, const char *ending);

/* Whether `name` is <index>-<term><ending>. */
bool snapshot_name_parse(const char *name, const char *ending,
			 struct log_end *last);

/* Read and check one header, which must be what its name says. */
RK_CHECKED enum rk_code snapshot_read_header(const char *dir,
					     struct log_end last,
					     struct snapshot_header *h,
					     struct rk_error *err);

/* Write a header: from then on the snapshot exists. */
RK_CHECKED enum rk_code snapshot_write_header(const char *dir,
					      const struct snapshot_header *h,
					      struct rk_error *err);

/* Checksum of `bytes` of `fd` from `offset`, continuing `*crc`. RK_CORRUPT if
 * the file ends before. */
RK_CHECKED enum rk_code snapshot_checksum(int fd, uint64_t offset,
					  uint64_t bytes, uint32_t *crc,
					  struct rk_error *err);

#endif /* STORE_SNAPSHOT_FILES_H */
