/* line_oracle.c - what must hold of every line that the scanner accepts. */

#include "line_oracle.h"

#include <string.h>

#include <jansson.h>

#include "base/limits.h"

/* Whether it encodes to the very bytes that it was scanned from. */
static bool
encodes_to(const struct line *line, const struct bytes *data, const void *text)
{
	char session[LIMIT_SESSION_ID + 1] = "";
	struct bytes again = {.data = NULL};
	struct rk_entry entry = {
		.index = line->index,
		.term = line->term,
		.type = line->type,
		.time_ms = line->time_ms,
		.session = line->session == NULL ? NULL : session,
		.seq = line->seq,
		.data = data->data,
		.len = data->len,
		.repeat = line->repeat,
	};
	bool same;

	if (line->session != NULL)
		memcpy(session, line->session, line->session_len);
	line_encode(&again, &entry);
	same = again.len == line->len &&
	       memcmp(again.data, text, again.len) == 0 &&
	       again.len <= line_size_bound(&entry);
	bytes_close(&again);
	return same;
}

/* An absent number must be 0 in the line. */
static bool
number_is(const json_t *root, const char *name, uint64_t n)
{
	const json_t *value = json_object_get(root, name);

	if (value == NULL)
		return n == 0;
	return json_is_integer(value) &&
	       (uint64_t)json_integer_value(value) == n;
}

/* An absent text must be NULL. */
static bool
text_is(const json_t *root, const char *name, const void *text, size_t len)
{
	const json_t *value = json_object_get(root, name);

	if (value == NULL || text == NULL)
		return value == NULL && text == NULL;
	return json_is_string(value) && json_string_length(value) == len &&
	       memcmp(json_string_value(value), text, len) == 0;
}

static const char *
compare(const json_t *root, const struct line *line, const struct bytes *data)
{
	const char *type = rk_entry_type_name(line->type);
	size_t fields = 5 + (line->session != NULL ? 2U : 0U) +
			(line->repeat != 0 ? 1U : 0U);
	char time[25];

	line_format_time(line->time_ms, time);
	if (json_object_size(root) != fields)
		return "jansson finds other fields";
	if (!number_is(root, "index", line->index) ||
	    !number_is(root, "term", line->term) ||
	    !number_is(root, "seq", line->seq) ||
	    !number_is(root, "repeat", line->repeat))
		return "jansson reads another number";
	if (!text_is(root, "type", type, strlen(type)) ||
	    !text_is(root, "time", time, strlen(time)) ||
	    !text_is(root, "session", line->session, line->session_len))
		return "jansson reads another text";
	if (!text_is(root, line->base64 ? "data" : "data_base64", NULL, 0))
		return "both forms of data";
	if (line->base64)
		return text_is(root, "data_base64", line->data.data,
			       line->data.len)
			       ? NULL
			       : "jansson reads other base64";
	/* Empty text has no address, and must differ from none. */
	return text_is(root, "data", data->len > 0 ? (void *)data->data : "",
		       data->len)
		       ? NULL
		       : "jansson reads other data";
}

const char *
line_oracle_complaint(const void *text, const struct line *line)
{
	struct bytes data = {.data = NULL};
	const char *complaint;
	json_error_t why;
	json_t *root;

	line_decode_data(line, &data);
	root = json_loadb(text, line->len, JSON_REJECT_DUPLICATES, &why);
	if (!encodes_to(line, &data, text))
		complaint = "it encodes to other bytes";
	else if (root == NULL)
		complaint = "jansson refuses it";
	else
		complaint = compare(root, line, &data);
	json_decref(root);
	bytes_close(&data);
	return complaint;
}
