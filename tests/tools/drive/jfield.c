/* jfield.c - the fields of a line: optional, but of one type. */

#include "jfield.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "core/configuration.h"

bool
jfield_is_missing(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return !value || json_is_null(value);
}

enum rk_code
jfield_u64(const json_t *object, const char *name, uint64_t *n,
	   struct rk_error *err)
{
	if (jfield_is_missing(object, name))
		return RK_OK;
	return json_get_u64(object, name, LIMIT_NUMBER, n, err);
}

enum rk_code
jfield_text(const json_t *object, const char *name, const char **text,
	    struct rk_error *err)
{
	if (jfield_is_missing(object, name))
		return RK_OK;
	return json_get_text(object, name, text, err);
}

enum rk_code
jfield_array(const json_t *object, const char *name, json_t **array,
	     struct rk_error *err)
{
	if (jfield_is_missing(object, name))
		return RK_OK;
	return json_get_array(object, name, array, err);
}

enum rk_code
jfield_object(const json_t *object, const char *name, json_t **value,
	      struct rk_error *err)
{
	if (jfield_is_missing(object, name))
		return RK_OK;
	return json_get_object(object, name, value, err);
}

enum rk_code
jfield_read(const json_t *object, const char *name, enum jfield_kind kind,
	    void *place, struct rk_error *err)
{
	enum rk_code rc;
	uint64_t n;

	if (jfield_is_missing(object, name))
		return RK_OK;
	switch (kind) {
	case JFIELD_NUMBER:
		return jfield_u64(object, name, place, err);
	case JFIELD_SHORT:
		rc = json_get_u64(object, name, UINT32_MAX, &n, err);
		if (!rc)
			*(uint32_t *)place = (uint32_t)n;
		return rc;
	case JFIELD_FLAG:
		return json_get_bool(object, name, place, err);
	}
	assert(false);
	return RK_FAILED;
}

json_t *
jfield_write(enum jfield_kind kind, const void *place)
{
	switch (kind) {
	case JFIELD_NUMBER:
		return jfield_from_u64(*(const uint64_t *)place);
	case JFIELD_SHORT:
		return jfield_from_u64(*(const uint32_t *)place);
	case JFIELD_FLAG:
		return json_boolean(*(const bool *)place);
	}
	assert(false);
	return NULL;
}

static bool
is_number(const json_t *value, uint64_t max, uint64_t *n)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || (uint64_t)number > max)
		return false;
	*n = (uint64_t)number;
	return true;
}

enum rk_code
jfield_numbers(const json_t *object, const char *name, uint64_t max,
	       uint64_t **numbers, size_t *count, struct rk_error *err)
{
	json_t *array = NULL;
	uint64_t *list;
	enum rk_code rc;
	size_t i;

	*numbers = NULL;
	*count = 0;
	rc = jfield_array(object, name, &array, err);
	if (rc || !array)
		return rc;
	list = mem_alloc(json_array_size(array), sizeof *list);
	for (i = 0; i < json_array_size(array); i++)
		if (!is_number(json_array_get(array, i), max, &list[i])) {
			mem_free(list);
			return error_set(err, RK_USAGE,
					 "\"%s\"[%zu] is not an integer from 0 "
					 "to %llu",
					 name, i, (unsigned long long)max);
		}
	*numbers = list;
	*count = json_array_size(array);
	return RK_OK;
}

bool
jfield_holds(const json_t *list, uint64_t n)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_is_integer(item) &&
		    json_integer_value(item) == (json_int_t)n)
			return true;
	}
	return false;
}

enum rk_code
jfield_ids(const json_t *object, const char *name, struct id_set *set,
	   struct rk_error *err)
{
	uint64_t *ids;
	size_t count, i;
	enum rk_code rc;

	if (jfield_is_missing(object, name))
		return RK_OK;
	rc = jfield_numbers(object, name, LIMIT_NUMBER, &ids, &count, err);
	if (rc)
		return rc;
	memset(set, 0, sizeof *set);
	if (count > LIMIT_MEMBERS)
		rc = error_set(err, RK_USAGE, "\"%s\": at most %d members",
			       name, LIMIT_MEMBERS);
	for (i = 0; !rc && i < count; i++) {
		if (ids[i] == 0)
			rc = error_set(err, RK_USAGE, "\"%s\": ids start at 1",
				       name);
		else if (!id_set_add(set, ids[i]))
			rc = error_set(err, RK_USAGE, "\"%s\": %llu is twice",
				       name, (unsigned long long)ids[i]);
	}
	mem_free(ids);
	return rc;
}

enum rk_code
jfield_log_end(const json_t *object, const char *index, const char *term,
	       struct log_end *end, struct rk_error *err)
{
	enum rk_code rc = jfield_u64(object, index, &end->index, err);

	return rc ? rc : jfield_u64(object, term, &end->term, err);
}

static size_t
member_count(const struct configuration *c)
{
	size_t count = c->voters.count, i;

	for (i = 0; i < c->old.count; i++)
		if (!id_set_contains(&c->voters, c->old.ids[i]))
			count++;
	for (i = 0; i < c->learners.count; i++)
		if (!id_set_contains(&c->voters, c->learners.ids[i]) &&
		    !id_set_contains(&c->old, c->learners.ids[i]))
			count++;
	return count;
}

enum rk_code
jfield_configuration(const json_t *object, struct configuration *c,
		     struct rk_error *err)
{
	enum rk_code rc;
	size_t i;

	rc = jfield_ids(object, "voters", &c->voters, err);
	if (!rc)
		rc = jfield_ids(object, "old", &c->old, err);
	if (!rc)
		rc = jfield_ids(object, "learners", &c->learners, err);
	if (rc)
		return rc;
	if (member_count(c) > LIMIT_MEMBERS)
		return error_set(err, RK_USAGE, "at most %d members in all",
				 LIMIT_MEMBERS);
	for (i = 0; i < c->learners.count; i++)
		if (id_set_contains(&c->voters, c->learners.ids[i]))
			return error_set(
				err, RK_USAGE, "%llu is a voter and a learner",
				(unsigned long long)c->learners.ids[i]);
	if (c->old.count && !c->voters.count)
		return error_set(err, RK_USAGE, "\"old\" without \"voters\"");
	return RK_OK;
}

enum rk_code
jfield_meta(const json_t *object, struct snapshot_meta *meta,
	    struct rk_error *err)
{
	struct configuration_at *at = &meta->configuration;
	json_t *sets = NULL;
	enum rk_code rc;

	rc = jfield_log_end(object, "index", "term", &meta->last, err);
	if (!rc)
		rc = jfield_object(object, "configuration", &sets, err);
	if (rc || !sets)
		return rc;
	memset(at, 0, sizeof *at);
	rc = jfield_u64(sets, "index", &at->index, err);
	return rc ? rc : jfield_configuration(sets, &at->configuration, err);
}

json_t *
jfield_from_u64(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
from_ids(const struct id_set *set)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < set->count; i++)
		json_array_append_new(array, jfield_from_u64(set->ids[i]));
	return array;
}

json_t *
jfield_from_log_end(struct log_end end)
{
	json_t *object = json_object();

	jfield_set(object, "index", jfield_from_u64(end.index));
	jfield_set(object, "term", jfield_from_u64(end.term));
	return object;
}

json_t *
jfield_from_configuration(const struct configuration_at *at)
{
	json_t *object = json_object();

	jfield_set(object, "index", jfield_from_u64(at->index));
	jfield_set(object, "voters", from_ids(&at->configuration.voters));
	jfield_set(object, "old", from_ids(&at->configuration.old));
	jfield_set(object, "learners", from_ids(&at->configuration.learners));
	return object;
}

json_t *
jfield_from_meta(const struct snapshot_meta *meta)
{
	json_t *object = jfield_from_log_end(meta->last);

	jfield_set(object, "configuration",
		   jfield_from_configuration(&meta->configuration));
	return object;
}

void
jfield_set(json_t *object, const char *name, json_t *steal)
{
	int failed = json_object_set_new(object, name, steal);

	assert(!failed);
}
