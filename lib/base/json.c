/* json.c - the one strict way in which JSON is read. */

#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* Find where nesting first goes too deep, before a parser recurses into it;
 * text.len if nowhere. Text that is not JSON is left to the parser. */
static size_t
find_too_deep(struct slice text)
{
	bool in_string = false;
	size_t depth = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '"':
			in_string = !in_string;
			break;
		case '\\':
			i += in_string;
			break;
		case '[':
		case '{':
			depth += !in_string;
			if (depth > LIMIT_JSON_DEPTH)
				return i;
			break;
		case ']':
		case '}':
			depth -= !in_string && depth > 0;
			break;
		}
	}
	return text.len;
}

enum rk_code
json_read(struct slice text, size_t max, json_t **root, struct rk_error *err)
{
	const char *data = text.len > 0 ? (const char *)text.data : "";
	json_error_t why;
	json_t *value;
	size_t at;

	if (text.len > max)
		return error_set(err, RK_USAGE,
				 "JSON of %zu bytes; at most %zu", text.len,
				 max);
	at = find_too_deep(text);
	if (at < text.len)
		return error_set(err, RK_USAGE,
				 "JSON: byte %zu: nested deeper than %d", at,
				 LIMIT_JSON_DEPTH);
	value = json_loadb(data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL)
		return error_set(err, RK_USAGE, "JSON: line %d, column %d: %s",
				 why.line, why.column, why.text);
	*root = value;
	return RK_OK;
}

/* The member of that name; NULL, and `err` says so, if there is none. */
static json_t *
get(const json_t *object, const char *name, struct rk_error *err)
{
	json_t *value = json_object_get(object, name);

	if (!json_is_object(object))
		error_set(err, RK_USAGE, "field \"%s\": not in an object",
			  name);
	else if (value == NULL)
		error_set(err, RK_USAGE, "field \"%s\": missing", name);
	return value;
}

static enum rk_code
refuse(const char *name, const char *wanted, struct rk_error *err)
{
	return error_set(err, RK_USAGE, "field \"%s\": not %s", name, wanted);
}

enum rk_code
json_get_u64(const json_t *object, const char *name, uint64_t max, uint64_t *n,
	     struct rk_error *err)
{
	json_t *value = get(object, name, err);
	json_int_t number;

	assert(max <= LIMIT_NUMBER);
	if (value == NULL)
		return err->code;
	number = json_is_integer(value) ? json_integer_value(value) : -1;
	if (number < 0 || (uint64_t)number > max)
		return error_set(err, RK_USAGE,
				 "field \"%s\": not an integer from 0 to "
				 "%" PRIu64,
				 name, max);
	*n = (uint64_t)number;
	return RK_OK;
}

enum rk_code
json_get_bool(const json_t *object, const char *name, bool *value,
	      struct rk_error *err)
{
	json_t *found = get(object, name, err);

	if (found == NULL)
		return err->code;
	if (!json_is_boolean(found))
		return refuse(name, "true or false", err);
	*value = json_is_true(found);
	return RK_OK;
}

enum rk_code
json_get_text(const json_t *object, const char *name, const char **text,
	      struct rk_error *err)
{
	json_t *value = get(object, name, err);

	if (value == NULL)
		return err->code;
	if (!json_is_string(value) ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return refuse(name, "a string", err);
	*text = json_string_value(value);
	return RK_OK;
}

enum rk_code
json_get_array(const json_t *object, const char *name, json_t **array,
	       struct rk_error *err)
{
	json_t *value = get(object, name, err);

	if (value == NULL)
		return err->code;
	if (!json_is_array(value))
		return refuse(name, "an array", err);
	*array = value;
	return RK_OK;
}

enum rk_code
json_get_object(const json_t *object, const char *name, json_t **value,
		struct rk_error *err)
{
	json_t *found = get(object, name, err);

	if (found == NULL)
		return err->code;
	if (!json_is_object(found))
		return refuse(name, "an object", err);
	*value = found;
	return RK_OK;
}

static int
append_piece(const char *text, size_t len, void *out)
{
	bytes_append(out, text, len);
	return 0;
}

void
json_write_steal(struct bytes *out, json_t *root)
{
	size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY;
	int rc;

	assert(root != NULL);
	rc = json_dump_callback(root, append_piece, out, flags);
	assert(rc == 0);
	json_decref(root);
}
