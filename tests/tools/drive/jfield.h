/* jfield.h - the fields of a line: optional, but of one type.
 *
 * A field that is missing or null leaves what it would fill as it was, so
 * that the caller's default stands. One of a wrong type or out of range is
 * RK_USAGE and names the field. */

#ifndef DRIVE_JFIELD_H
#define DRIVE_JFIELD_H

#include "base/json.h"
#include "core/types.h"

enum jfield_kind {
	JFIELD_NUMBER, /* uint64_t, at most LIMIT_NUMBER. */
	JFIELD_SHORT,  /* uint32_t. */
	JFIELD_FLAG,   /* bool. */
};

bool jfield_is_missing(const json_t *object, const char *name);

RK_CHECKED enum rk_code jfield_u64(const json_t *object, const char *name,
				   uint64_t *n, struct rk_error *err);
RK_CHECKED enum rk_code jfield_text(const json_t *object, const char *name,
				    const char **text, struct rk_error *err);
RK_CHECKED enum rk_code jfield_array(const json_t *object, const char *name,
				     json_t **array, struct rk_error *err);
RK_CHECKED enum rk_code jfield_object(const json_t *object, const char *name,
				      json_t **value, struct rk_error *err);

/* The field of `kind` into `place`; and out of it. */
RK_CHECKED enum rk_code jfield_read(const json_t *object, const char *name,
				    enum jfield_kind kind, void *place,
				    struct rk_error *err);
json_t *jfield_write(enum jfield_kind kind, const void *place);

/* Whether a list holds the integer `n`; what is no list does not. */
bool jfield_holds(const json_t *list, uint64_t n);

/* Each number of an array, at most `max`. The caller frees `*numbers` with
 * mem_free(). Missing: NULL and 0. */
RK_CHECKED enum rk_code jfield_numbers(const json_t *object, const char *name,
				       uint64_t max, uint64_t **numbers,
				       size_t *count, struct rk_error *err);

/* Ids in any order, each once. */
RK_CHECKED enum rk_code jfield_ids(const json_t *object, const char *name,
				   struct id_set *set, struct rk_error *err);

/* Index and term, in fields of these names. */
RK_CHECKED enum rk_code jfield_log_end(const json_t *object, const char *index,
				       const char *term, struct log_end *end,
				       struct rk_error *err);

/* `voters`, `old` and `learners`; refused if they contradict one another. */
RK_CHECKED enum rk_code jfield_configuration(const json_t *object,
					     struct configuration *c,
					     struct rk_error *err);

/* `index`, `term` and `configuration`. */
RK_CHECKED enum rk_code jfield_meta(const json_t *object,
				    struct snapshot_meta *meta,
				    struct rk_error *err);

/* What the above would read. */
json_t *jfield_from_u64(uint64_t n);
json_t *jfield_from_log_end(struct log_end end);
json_t *jfield_from_configuration(const struct configuration_at *at);
json_t *jfield_from_meta(const struct snapshot_meta *meta);

/* json_object_set_new() that cannot be forgotten to succeed. */
void jfield_set(json_t *object, const char *name, json_t *steal);

#endif /* DRIVE_JFIELD_H */
