/* identity.h - whose directory this is: DIR/identity.json and DIR/lock.
 *
 * Written once, when the directory is made; checked at every start, so that a
 * directory never serves another member or another cluster. */

#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "core/types.h"

#define STORE_FORMAT 1

/* Ids of clusters and incarnations: 16 hex digits and a NUL. */
#define STORE_ID_TEXT 17

struct identity {
	uint64_t format;
	char cluster[STORE_ID_TEXT];
	rk_id node;
	char incarnation[STORE_ID_TEXT]; /* Made with the directory. */
};

/* Make `dir` if it is not there, lock it (`*lock_fd` is the caller's until
 * the process ends or file_close()), and read its identity, or write `wanted`
 * with a fresh incarnation if it has none (`*created`). RK_REJECTED with the
 * pid if it is locked, RK_USAGE if it belongs to another member or cluster
 * (an empty wanted->cluster accepts any), RK_CORRUPT if the format is newer. */
RK_CHECKED enum rk_code identity_open(const char *dir,
				      const struct identity *wanted,
				      struct identity *found, bool *created,
				      int *lock_fd, struct rk_error *err);

/* Read it without a lock. */
RK_CHECKED enum rk_code identity_read(const char *dir, struct identity *found,
				      struct rk_error *err);

#endif /* STORE_IDENTITY_H */
