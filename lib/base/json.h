/* json.h - the one strict way in which JSON is read.
 *
 * Around jansson: duplicate keys, invalid UTF-8, trailing bytes, depth over
 * LIMIT_JSON_DEPTH and numbers that are not integers within [0, 2^53 - 1] are
 * refused where a number is wanted. Unknown fields are ignored, missing ones
 * are an error. */

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/bytes.h"
#include "raftkit.h"

/* Parse one document of at most `max` bytes. The caller owns `*root` and
 * releases it with json_decref(). RK_USAGE with the position otherwise. */
RK_CHECKED enum rk_code json_read(struct slice text, size_t max, json_t **root,
				  struct rk_error *err);

/* A member of an object, of the type asked for; RK_USAGE names the field if it
 * is missing, of another type or out of range. Strings are borrowed from
 * `object` and hold no NUL. */
RK_CHECKED enum rk_code json_get_u64(const json_t *object, const char *name,
				     uint64_t max, uint64_t *n,
				     struct rk_error *err);
RK_CHECKED enum rk_code json_get_bool(const json_t *object, const char *name,
				      bool *value, struct rk_error *err);
RK_CHECKED enum rk_code json_get_text(const json_t *object, const char *name,
				      const char **text, struct rk_error *err);
RK_CHECKED enum rk_code json_get_array(const json_t *object, const char *name,
				       json_t **array, struct rk_error *err);
RK_CHECKED enum rk_code json_get_object(const json_t *object, const char *name,
					json_t **value, struct rk_error *err);

/* Append `root` as compact JSON in the order of insertion, then release it. */
void json_write_steal(struct bytes *out, json_t *root);

#endif /* BASE_JSON_H */
