/* line.c - write the canonical line of an entry. */

#include "base/line.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/line_text.h"

/* Everything but the data, however long the numbers and the session are. */
#define FRAME_BYTES 320

static inline uint8_t *
put(uint8_t *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

static uint8_t *
put_number(uint8_t *to, uint64_t n)
{
	uint8_t text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	memcpy(to, text + at, sizeof text - at);
	return to + (sizeof text - at);
}

static uint8_t *
put_session(uint8_t *to, const struct rk_entry *entry)
{
	size_t len = strlen(entry->session);

	assert(line_session_is_valid(entry->session, len));
	assert(entry->seq >= 1);
	assert(entry->seq <= LIMIT_NUMBER);
	to = put(to, ",\"session\":\"");
	memcpy(to, entry->session, len);
	to = put(to + len, "\",\"seq\":");
	return put_number(to, entry->seq);
}

/* All that stands before the data. */
static void
append_head(struct bytes *out, const struct rk_entry *entry)
{
	uint8_t *to = bytes_reserve(out, FRAME_BYTES + entry->len);
	char time[25];

	to = put(to, "{\"index\":");
	to = put_number(to, entry->index);
	to = put(to, ",\"term\":");
	to = put_number(to, entry->term);
	to = put(to, ",\"type\":\"");
	to = put(to, rk_entry_type_name(entry->type));
	to = put(to, "\",\"time\":\"");
	line_format_time(entry->time_ms, time);
	memcpy(to, time, 24);
	to = put(to + 24, "\"");
	if (entry->session != NULL)
		to = put_session(to, entry);
	out->len = (size_t)(to - out->data);
}

/* Try text first: finding out costs little, as binary data shows early. */
static void
append_data(struct bytes *out, const struct rk_entry *entry)
{
	size_t len_before = out->len;

	bytes_append(out, ",\"data\":\"", 9);
	if (!line_text_escape(out, entry->data, entry->len)) {
		out->len = len_before;
		bytes_append(out, ",\"data_base64\":\"", 16);
		bytes_append_base64(out, entry->data, entry->len);
	}
	bytes_append_char(out, '"');
}

void
line_encode(struct bytes *out, const struct rk_entry *entry)
{
	assert(entry->index >= 1);
	assert(entry->index <= LIMIT_NUMBER);
	assert(entry->term <= LIMIT_NUMBER);
	assert(entry->repeat <= LIMIT_NUMBER);
	if (entry->type == RK_ENTRY_NOOP)
		assert(entry->len == 0);
	append_head(out, entry);
	append_data(out, entry);
	if (entry->repeat != 0) {
		bytes_append(out, ",\"repeat\":", 10);
		bytes_append_u64(out, entry->repeat);
	}
	bytes_append(out, "}\n", 2);
}

size_t
line_size_bound(const struct rk_entry *entry)
{
	return FRAME_BYTES + LINE_TEXT_ESCAPED_MAX * entry->len;
}

void
line_mark_repeat(struct bytes *out, struct slice line, rk_index index)
{
	assert(line.len > 2);
	assert(memcmp(line.data + line.len - 2, "}\n", 2) == 0);
	assert(index >= 1);
	assert(index <= LIMIT_NUMBER);
	bytes_append(out, line.data, line.len - 2);
	bytes_append(out, ",\"repeat\":", 10);
	bytes_append_u64(out, index);
	bytes_append(out, "}\n", 2);
}

static bool
is_session_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

bool
line_session_is_valid(const char *id, size_t len)
{
	size_t i;

	if (len == 0 || len > LIMIT_SESSION_ID)
		return false;
	for (i = 0; i < len; i++) {
		if (!is_session_byte(id[i]))
			return false;
	}
	return true;
}
