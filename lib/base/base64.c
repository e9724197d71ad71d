/* base64.c - base64, RFC 4648, section 4, in its one canonical form. */

#include <assert.h>

#include "base/bytes.h"

static const char digit[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789+/";

#define NO 0xff /* Not a digit; the only value with the two high bits. */

/* The value of each byte as a digit. */
static const uint8_t value[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63, 52, 53, 54, 55, 56, 57,
	58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0,  1,  2,  3,  4,  5,  6,
	7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
	25, NO, NO, NO, NO, NO, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
	37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO,
};

void
bytes_append_base64(struct bytes *b, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t group;
	uint8_t *to;
	size_t rest;

	assert(len / 3 < SIZE_MAX / 4 - 1);
	to = bytes_reserve(b, (len + 2) / 3 * 4);
	b->len += (len + 2) / 3 * 4;
	for (rest = len; rest >= 3; rest -= 3, p += 3) {
		group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*to++ = (uint8_t)digit[group >> 18];
		*to++ = (uint8_t)digit[group >> 12 & 63];
		*to++ = (uint8_t)digit[group >> 6 & 63];
		*to++ = (uint8_t)digit[group & 63];
	}
	if (rest == 0)
		return;
	group = (uint32_t)p[0] << 16 | (rest == 2 ? (uint32_t)p[1] << 8 : 0);
	to[0] = (uint8_t)digit[group >> 18];
	to[1] = (uint8_t)digit[group >> 12 & 63];
	to[2] = rest == 2 ? (uint8_t)digit[group >> 6 & 63] : '=';
	to[3] = '=';
}

/* The last four digits, which may be padded; the number of bytes written, or 0
 * if they are not canonical: bits that pad are zero. */
static size_t
decode_last(const uint8_t *p, uint8_t to[3])
{
	uint8_t a = value[p[0]];
	uint8_t b = value[p[1]];
	uint8_t c = p[2] == '=' ? 0 : value[p[2]];
	uint8_t d = p[3] == '=' ? 0 : value[p[3]];

	if (((a | b | c | d) & 0xc0) != 0 || (p[2] == '=' && p[3] != '='))
		return 0;
	to[0] = (uint8_t)(a << 2 | b >> 4);
	to[1] = (uint8_t)(b << 4 | c >> 2);
	to[2] = (uint8_t)(c << 6 | d);
	if (p[2] == '=')
		return to[1] == 0 ? 1 : 0;
	if (p[3] == '=')
		return to[2] == 0 ? 2 : 0;
	return 3;
}

bool
bytes_decode_base64(struct bytes *b, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	uint32_t bad = 0;
	uint32_t group;
	uint8_t *to;
	size_t last;

	if (len % 4 != 0)
		return false;
	to = bytes_reserve(b, len / 4 * 3);
	if (len == 0)
		return true;
	for (; len > 4; len -= 4, p += 4, to += 3) {
		bad |= value[p[0]] | value[p[1]] | value[p[2]] | value[p[3]];
		group = (uint32_t)value[p[0]] << 18 |
			(uint32_t)value[p[1]] << 12 |
			(uint32_t)value[p[2]] << 6 | value[p[3]];
		to[0] = (uint8_t)(group >> 16);
		to[1] = (uint8_t)(group >> 8);
		to[2] = (uint8_t)group;
	}
	last = decode_last(p, to);
	if ((bad & 0xc0) != 0 || last == 0)
		return false;
	b->len = (size_t)(to - b->data) + last;
	return true;
}
