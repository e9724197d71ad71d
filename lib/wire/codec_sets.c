/* codec_sets.c - the sets of a configuration as members of a JSON object. */

#include "wire/codec_sets.h"

#include <assert.h>

#include "base/error.h"

static void
encode_ids(struct bytes *out, const struct id_set *set)
{
	size_t i;

	assert(set->count <= LIMIT_MEMBERS);
	bytes_append_char(out, '[');
	for (i = 0; i < set->count; i++) {
		assert(set->ids[i] >= 1 && set->ids[i] <= LIMIT_NUMBER);
		if (i > 0)
			bytes_append_char(out, ',');
		bytes_append_u64(out, set->ids[i]);
	}
	bytes_append_char(out, ']');
}

enum rk_code
set_decode(const json_t *object, const char *name, struct id_set *set,
	   struct rk_error *err)
{
	json_t *array;
	const json_t *id;
	rk_id before = 0;
	size_t i;

	if (json_get_array(object, name, &array, err))
		return err->code;
	if (json_array_size(array) > LIMIT_MEMBERS)
		return error_set(err, RK_USAGE, "field \"%s\": over %d ids",
				 name, LIMIT_MEMBERS);
	for (i = 0; i < json_array_size(array); i++) {
		id = json_array_get(array, i);
		if (!json_is_integer(id) || json_integer_value(id) < 1 ||
		    json_integer_value(id) > (json_int_t)LIMIT_NUMBER)
			return error_set(err, RK_USAGE,
					 "field \"%s\": not an id", name);
		set->ids[i] = (rk_id)json_integer_value(id);
		if (set->ids[i] <= before)
			return error_set(err, RK_USAGE,
					 "field \"%s\": not ascending", name);
		before = set->ids[i];
	}
	set->count = json_array_size(array);
	return RK_OK;
}

static bool
sets_meet(const struct id_set *a, const struct id_set *b)
{
	size_t i, k;

	for (i = 0; i < a->count; i++) {
		for (k = 0; k < b->count; k++) {
			if (a->ids[i] == b->ids[k])
				return true;
		}
	}
	return false;
}

void
sets_encode(struct bytes *out, const struct configuration *c)
{
	bytes_append_text(out, "\"voters\":");
	encode_ids(out, &c->voters);
	if (c->old.count > 0) {
		bytes_append_text(out, ",\"voters_old\":");
		encode_ids(out, &c->old);
	}
	bytes_append_text(out, ",\"learners\":");
	encode_ids(out, &c->learners);
}

enum rk_code
sets_decode(const json_t *object, struct configuration *c, struct rk_error *err)
{
	struct configuration found = {.voters = {.count = 0}};

	if (set_decode(object, "voters", &found.voters, err) ||
	    set_decode(object, "learners", &found.learners, err))
		return err->code;
	if (json_object_get(object, "voters_old") != NULL &&
	    set_decode(object, "voters_old", &found.old, err))
		return err->code;
	if (found.voters.count == 0)
		return error_set(err, RK_USAGE,
				 "field \"voters\": there must be one");
	if (sets_meet(&found.voters, &found.learners))
		return error_set(err, RK_USAGE, "a voter is a learner, too");
	*c = found;
	return RK_OK;
}
