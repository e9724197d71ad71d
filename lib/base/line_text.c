/* line_text.c - the text between the quotes of a line's data.
 *
 * Most bytes of most entries are plain ASCII that stands for itself, so all
 * loops here step over eight such bytes at once. */

#include "base/line_text.h"

#include <endian.h>
#include <string.h>

/* Text is escaped in blocks, so that what is reserved for the worst case stays
 * small however large an entry is. */
#define BLOCK 4096

static const char digit[] = "0123456789abcdef";

/* What follows the backslash, where that is one letter. */
static const uint8_t letter_of[256] = {
	['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
	['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

/* And back. */
static const uint8_t byte_of[256] = {
	['"'] = '"',  ['\\'] = '\\', ['b'] = '\b', ['f'] = '\f',
	['n'] = '\n', ['r'] = '\r',  ['t'] = '\t',
};

/* All eight bytes of a word set to `c`. */
static inline uint64_t
all(uint8_t c)
{
	return UINT64_C(0x0101010101010101) * c;
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many of the eight bytes at `p` are plain before the first that is not.
 *
 * Each term sets the high bit of the bytes that it looks for. Borrows and
 * carries spoil only bytes above one that is found, so the lowest is right. */
static inline size_t
plain_run(const uint8_t *p)
{
	uint64_t w;
	uint64_t quote;
	uint64_t backslash;
	uint64_t found;

	memcpy(&w, p, sizeof w);
	w = le64toh(w);
	quote = w ^ all('"');
	backslash = w ^ all('\\');
	found = (w - all(0x20)) | (w + all(1)) | (quote - all(1)) |
		(backslash - all(1)) | w;
	found &= all(0x80);
	return found == 0 ? 8 : (size_t)__builtin_ctzll(found) / 8;
}

static uint8_t *
put_escaped(uint8_t *to, uint8_t c)
{
	*to++ = '\\';
	if (letter_of[c] != 0) {
		*to++ = letter_of[c];
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = (uint8_t)digit[c >> 4];
	to[4] = (uint8_t)digit[c & 15];
	return to + 5;
}

/* Escape the character at `*p`, which is not plain; false if it is not text. */
static bool
escape_one(const uint8_t **p, const uint8_t *end, uint8_t **to)
{
	size_t len;

	if (**p < 0x80) {
		if (**p == 0)
			return false;
		*to = put_escaped(*to, **p);
		(*p)++;
		return true;
	}
	len = bytes_utf8_length(*p, (size_t)(end - *p));
	if (len == 0)
		return false;
	while (len-- > 0)
		*(*to)++ = *(*p)++; /* Two to four: too few for memcpy(). */
	return true;
}

/* Escape at least up to `stop`; the last character may end behind it. NULL if
 * the data is not text, else the end of what is written at `to`. */
static uint8_t *
escape_block(const uint8_t **from, const uint8_t *stop, const uint8_t *end,
	     uint8_t *to)
{
	const uint8_t *p = *from;
	size_t run;

	while (p < stop) {
		if (end - p >= 8) {
			/* Copy all eight; only the plain ones count. */
			run = plain_run(p);
			memcpy(to, p, 8);
			p += run;
			to += run;
			if (run == 8)
				continue;
		} else if (is_plain(*p)) {
			*to++ = *p++;
			continue;
		}
		/* What needs care seldom comes alone. */
		do {
			if (!escape_one(&p, end, &to))
				return NULL;
		} while (p < stop && !is_plain(*p));
	}
	*from = p;
	return to;
}

bool
line_text_escape(struct bytes *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	const uint8_t *end;
	size_t len_before = out->len;
	uint8_t *to;
	size_t block;

	if (len == 0)
		return true; /* `data` may be NULL. */
	end = p + len;
	while (p < end) {
		block = (size_t)(end - p) < BLOCK ? (size_t)(end - p) : BLOCK;
		to = bytes_reserve(out, LINE_TEXT_ESCAPED_MAX * block + 16);
		to = escape_block(&p, p + block, end, to);
		if (to == NULL) {
			out->len = len_before;
			return false;
		}
		out->len = (size_t)(to - out->data);
	}
	return true;
}

/* The value of a lower-case digit, or 16. */
static unsigned int
digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned int)'0';
	if (c >= 'a' && c <= 'f')
		return c - (unsigned int)'a' + 10;
	return 16;
}

/* The length of the escape at `p`, a backslash; 0 if it is not the form that
 * put_escaped() gives. */
static size_t
escape_length(const uint8_t *p, const uint8_t *end)
{
	unsigned int high;
	unsigned int low;
	unsigned int c;

	if (end - p < 2)
		return 0;
	if (byte_of[p[1]] != 0)
		return 2;
	if (end - p < 6 || memcmp(p, "\\u00", 4) != 0)
		return 0;
	high = digit_value(p[4]);
	low = digit_value(p[5]);
	if (high > 15 || low > 15)
		return 0;
	c = high << 4 | low;
	if (c == 0 || (c >= 0x20 && c != 0x7f) || letter_of[c] != 0)
		return 0;
	return 6;
}

/* The length of the character at `p`, which is neither plain nor a quote; 0 if
 * it is not in the one form. */
static inline size_t
special_length(const uint8_t *p, const uint8_t *end)
{
	if (*p == '\\')
		return escape_length(p, end);
	if (*p >= 0x80)
		return bytes_utf8_length(p, (size_t)(end - p));
	return 0; /* A bare control byte. */
}

const uint8_t *
line_text_end(const uint8_t *p, const uint8_t *end)
{
	size_t step;

	while (p < end) {
		if (end - p >= 8) {
			step = plain_run(p);
			p += step;
			if (step == 8)
				continue;
		} else if (is_plain(*p)) {
			p++;
			continue;
		}
		do {
			if (*p == '"')
				return p;
			step = special_length(p, end);
			if (step == 0)
				return NULL;
			p += step;
		} while (p < end && !is_plain(*p));
	}
	return NULL;
}

void
line_text_unescape(struct bytes *out, struct slice text)
{
	const uint8_t *p = text.data;
	const uint8_t *end = p + text.len;
	const uint8_t *backslash;
	size_t run;
	uint8_t c;

	while (p < end) {
		backslash = memchr(p, '\\', (size_t)(end - p));
		run = (size_t)((backslash == NULL ? end : backslash) - p);
		bytes_append(out, p, run);
		p += run;
		if (backslash == NULL)
			break;
		c = byte_of[p[1]];
		p += 2;
		if (c == 0) { /* u00xx */
			c = (uint8_t)(digit_value(p[2]) << 4 |
				      digit_value(p[3]));
			p += 4;
		}
		bytes_append_char(out, (char)c);
	}
}

size_t
line_text_prefix(const uint8_t *p, size_t len)
{
	size_t done = 0;
	size_t step;

	while (done < len && p[done] != 0) {
		step = bytes_utf8_length(p + done, len - done);
		if (step == 0)
			break;
		done += step;
	}
	return done;
}
