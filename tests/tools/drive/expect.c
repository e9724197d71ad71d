/* expect.c - whether cores stand as a scenario says that they must. */

#include "expect.h"

#include <string.h>

#include "base/error.h"
#include "jstatus.h"

static json_t *
walkable(const json_t *object)
{
	return (json_t *)(uintptr_t)object; /* The iterator changes nothing. */
}

/* Of a list of streams, that to the peer named `key`. */
static const json_t *
find_peer(const json_t *list, const char *key)
{
	uint64_t id;
	size_t i;

	if (!bytes_parse_u64(key, strlen(key), LIMIT_NUMBER, &id))
		return NULL;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *peer = json_object_get(item, "peer");

		if (peer && (uint64_t)json_integer_value(peer) == id)
			return item;
	}
	return NULL;
}

static const json_t *
member(const json_t *is, const char *key)
{
	return json_is_array(is) ? find_peer(is, key)
				 : json_object_get(is, key);
}

/* Fields that are not wanted may be anything; null wants that there is none;
 * lists are wanted whole. */
static bool
matches(const json_t *want, const json_t *is)
{
	json_t *walk = walkable(want);
	void *at;
	size_t i;

	if (json_is_null(want) || !is)
		return json_is_null(want) && !is;
	if (json_is_array(want) && json_is_array(is)) {
		if (json_array_size(want) != json_array_size(is))
			return false;
		for (i = 0; i < json_array_size(want); i++)
			if (!matches(json_array_get(want, i),
				     json_array_get(is, i)))
				return false;
		return true;
	}
	if (!json_is_object(want))
		return json_equal(want, is);
	for (at = json_object_iter(walk); at;
	     at = json_object_iter_next(walk, at))
		if (!matches(json_object_iter_value(at),
			     member(is, json_object_iter_key(at))))
			return false;
	return true;
}

/* Print the first field of `want` that `is` does not meet; false: none. */
static bool
complain(struct drive *d, const char *who, const json_t *want, const json_t *is)
{
	json_t *walk = walkable(want), *line;
	void *at;

	for (at = json_object_iter(walk); at;
	     at = json_object_iter_next(walk, at)) {
		const char *key = json_object_iter_key(at);
		json_t *found = json_object_get(is, key);

		if (matches(json_object_iter_value(at), found))
			continue;
		line = json_object();
		jfield_set(line, "expect", json_string("not met"));
		jfield_set(line, "of", json_string(who));
		jfield_set(line, "field", json_string(key));
		jfield_set(line, "is",
			   found ? json_incref(found) : json_null());
		json_object_set(line, "wanted", json_object_iter_value(at));
		drive_print_steal(d, line);
		d->failed = true;
		return true;
	}
	return false;
}

/* What is known of `who`; NULL: nothing. The caller releases it. */
static json_t *
look_up(const struct drive *d, const char *who)
{
	const struct driven *n;
	json_t *status;
	uint64_t id;

	if (strcmp(who, "last") == 0)
		return json_incref(d->last);
	if (!bytes_parse_u64(who, strlen(who), LIMIT_NUMBER, &id))
		return NULL;
	n = drive_find(d, id);
	if (!n || !n->core)
		return NULL;
	status = json_object();
	jstatus_write(status, n->core);
	return status;
}

enum rk_code
expect(struct drive *d, const json_t *want, struct rk_error *err)
{
	json_t *walk = walkable(want);
	bool met = true;
	void *at;

	if (!json_is_object(want))
		return error_set(err, RK_USAGE, "\"expect\" is not an object");
	for (at = json_object_iter(walk); at;
	     at = json_object_iter_next(walk, at)) {
		const char *who = json_object_iter_key(at);
		json_t *is = look_up(d, who);

		if (!is)
			return error_set(err, RK_USAGE,
					 "nothing is known of "
					 "\"%s\"",
					 who);
		if (complain(d, who, json_object_iter_value(at), is))
			met = false;
		json_decref(is);
	}
	if (met)
		drive_print_steal(d, json_pack("{s:s}", "expect", "met"));
	return RK_OK;
}
