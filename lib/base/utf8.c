/* utf8.c - whether bytes are text (Unicode 15, table 3-7). */

#include <string.h>

#include "base/bytes.h"

/* The second byte is where overlong forms, surrogates and codes above
 * U+10FFFF show: its range depends on the first. */
struct sequence {
	uint8_t len;  /* 0: no character begins so. */
	uint8_t low;  /* Second byte, from ... */
	uint8_t high; /* ... to. */
};

static struct sequence
sequence_of(uint8_t first)
{
	if (first < 0x80)
		return (struct sequence){1, 0, 0};
	if (first < 0xc2)
		return (struct sequence){0, 0, 0};
	if (first < 0xe0)
		return (struct sequence){2, 0x80, 0xbf};
	if (first < 0xf0)
		return (struct sequence){3, first == 0xe0 ? 0xa0 : 0x80,
					 first == 0xed ? 0x9f : 0xbf};
	if (first < 0xf5)
		return (struct sequence){4, first == 0xf0 ? 0x90 : 0x80,
					 first == 0xf4 ? 0x8f : 0xbf};
	return (struct sequence){0, 0, 0};
}

size_t
bytes_utf8_length(const uint8_t *p, size_t len)
{
	struct sequence s;
	size_t i;

	if (len == 0)
		return 0;
	s = sequence_of(p[0]);
	if (s.len <= 1)
		return s.len;
	if (s.len > len || p[1] < s.low || p[1] > s.high)
		return 0;
	for (i = 2; i < s.len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return s.len;
}

bool
bytes_is_utf8(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;
	size_t step;

	while (len > 0) {
		if (len >= sizeof word) {
			memcpy(&word, p, sizeof word);
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				p += sizeof word;
				len -= sizeof word;
				continue;
			}
		}
		step = bytes_utf8_length(p, len);
		if (step == 0)
			return false;
		p += step;
		len -= step;
	}
	return true;
}
