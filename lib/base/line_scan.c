/* line_scan.c - read a canonical line, and nothing else.
 *
 * A line comes from a disk or a peer, so every byte is checked; but in the one
 * order that line_encode() gives, without building anything. */

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/line.h"
#include "base/line_text.h"

/* Base64 is checked in pieces of this many digits; a multiple of four. */
#define PIECE 4096

/* What is left to read. */
struct cursor {
	const uint8_t *p;
	const uint8_t *end;
};

/* Step over `text` if it comes next. */
static inline bool
skip(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len) != 0)
		return false;
	c->p += len;
	return true;
}

static inline bool
scan_number(struct cursor *c, uint64_t min, uint64_t *n)
{
	const uint8_t *start = c->p;
	const uint8_t *p = start;
	uint64_t value = 0;

	/* No more digits than LIMIT_NUMBER has, so this cannot overflow. */
	while (p < c->end && p - start < 16 && *p >= '0' && *p <= '9')
		value = value * 10 + (uint64_t)(*p++ - '0');
	if (p == start || (*start == '0' && p - start > 1))
		return false;
	c->p = p;
	*n = value;
	return value >= min && value <= LIMIT_NUMBER;
}

static bool
scan_type(struct cursor *c, enum rk_entry_type *type)
{
	if (skip(c, "data\""))
		*type = RK_ENTRY_DATA;
	else if (skip(c, "noop\""))
		*type = RK_ENTRY_NOOP;
	else if (skip(c, "configuration\""))
		*type = RK_ENTRY_CONFIGURATION;
	else
		return false;
	return true;
}

static bool
scan_time(struct cursor *c, uint64_t *time_ms)
{
	if (c->end - c->p < 24 ||
	    !line_parse_time((const char *)c->p, 24, time_ms))
		return false;
	c->p += 24;
	return skip(c, "\"");
}

static bool
scan_session(struct cursor *c, struct line *line)
{
	size_t left = (size_t)(c->end - c->p);
	const uint8_t *quote;

	if (left > LIMIT_SESSION_ID + 1)
		left = LIMIT_SESSION_ID + 1;
	quote = memchr(c->p, '"', left);
	if (quote == NULL)
		return false;
	line->session = (const char *)c->p;
	line->session_len = (size_t)(quote - c->p);
	c->p = quote;
	return line_session_is_valid(line->session, line->session_len) &&
	       skip(c, "\",\"seq\":") && scan_number(c, 1, &line->seq);
}

/* Whether the digits are canonical base64 of data that is not text: only that
 * may stand in base64. Decodes a piece at a time into a buffer that takes one,
 * so that nothing is allocated. */
static bool
base64_is_canonical(const char *text, size_t len)
{
	uint8_t buffer[4 + PIECE / 4 * 3];
	struct bytes data = {.data = buffer, .cap = sizeof buffer};
	bool is_text = true;
	size_t kept = 0; /* Bytes of a character that the last piece cut. */
	size_t piece;

	for (; len > 0; text += piece, len -= piece) {
		piece = len < PIECE ? len : PIECE;
		data.len = kept;
		if (!bytes_decode_base64(&data, text, piece))
			return false;
		if (piece < len && data.len - kept != PIECE / 4 * 3)
			return false; /* Padding, and more behind it. */
		if (!is_text) {
			kept = 0;
			continue;
		}
		kept = data.len - line_text_prefix(buffer, data.len);
		is_text = kept < 4;
		if (is_text)
			memmove(buffer, buffer + data.len - kept, kept);
		else
			kept = 0;
	}
	return !is_text || kept > 0;
}

static bool
scan_data(struct cursor *c, struct line *line)
{
	const uint8_t *quote;

	if (skip(c, ",\"data\":\"")) {
		quote = line_text_end(c->p, c->end);
	} else if (skip(c, ",\"data_base64\":\"")) {
		line->base64 = true;
		quote = memchr(c->p, '"', (size_t)(c->end - c->p));
	} else {
		return false;
	}
	if (quote == NULL)
		return false;
	line->data.data = c->p;
	line->data.len = (size_t)(quote - c->p);
	c->p = quote + 1;
	if (line->type == RK_ENTRY_NOOP && line->data.len != 0)
		return false;
	return !line->base64 ||
	       base64_is_canonical((const char *)line->data.data,
				   line->data.len);
}

bool
line_scan(const void *text, size_t len, bool may_repeat, struct line *line)
{
	struct cursor c = {text, (const uint8_t *)text + len};

	*line = (struct line){.index = 0};
	if (!skip(&c, "{\"index\":") || !scan_number(&c, 1, &line->index) ||
	    !skip(&c, ",\"term\":") || !scan_number(&c, 0, &line->term) ||
	    !skip(&c, ",\"type\":\"") || !scan_type(&c, &line->type) ||
	    !skip(&c, ",\"time\":\"") || !scan_time(&c, &line->time_ms))
		return false;
	if (skip(&c, ",\"session\":\"") && !scan_session(&c, line))
		return false;
	if (!scan_data(&c, line))
		return false;
	if (may_repeat && skip(&c, ",\"repeat\":") &&
	    !scan_number(&c, 1, &line->repeat))
		return false;
	if (!skip(&c, "}\n"))
		return false;
	line->len = (size_t)(c.p - (const uint8_t *)text);
	return true;
}

void
line_decode_data(const struct line *line, struct bytes *out)
{
	bool decodes;

	if (line->base64) {
		decodes = bytes_decode_base64(
			out, (const char *)line->data.data, line->data.len);
		assert(decodes); /* line_scan() has seen to it. */
	} else {
		line_text_unescape(out, line->data);
	}
}
