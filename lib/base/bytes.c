/* bytes.c - a growing string of bytes, and what is done with bytes. */

#include "base/bytes.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void
bytes_close(struct bytes *b)
{
	mem_free(b->data);
	*b = (struct bytes){.data = NULL};
}

uint8_t *
bytes_reserve(struct bytes *b, size_t more)
{
	size_t need;
	bool overflows = __builtin_add_overflow(b->len, more, &need);

	assert(!overflows);
	if (need > b->cap || b->data == NULL)
		b->data = mem_grow(b->data, &b->cap, need > 0 ? need : 1, 1);
	return b->data + b->len;
}

void
bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (len == 0)
		return; /* `data` may be NULL. */
	memcpy(bytes_reserve(b, len), data, len);
	b->len += len;
}

void
bytes_append_text(struct bytes *b, const char *text)
{
	bytes_append(b, text, strlen(text));
}

void
bytes_append_char(struct bytes *b, char c)
{
	*bytes_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

void
bytes_append_u64(struct bytes *b, uint64_t n)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	bytes_append(b, text + at, sizeof text - at);
}

void
bytes_vprintf(struct bytes *b, const char *format, va_list args)
{
	va_list again;
	size_t size;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert(len >= 0); /* Our own formats are valid. */
	size = (size_t)len + 1;
	len = vsnprintf((char *)bytes_reserve(b, size), size, format, args);
	assert((size_t)len + 1 == size);
	b->len += size - 1;
}

void
bytes_printf(struct bytes *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	bytes_vprintf(b, format, args);
	va_end(args);
}

void
bytes_take(struct bytes *to, struct bytes *from)
{
	assert(to != from);
	assert(to->len == 0);
	mem_free(to->data);
	*to = *from;
	*from = (struct bytes){.data = NULL};
}

void
bytes_consume(struct bytes *b, size_t len)
{
	assert(len <= b->len);
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}

void
bytes_put_u32(uint8_t *p, uint32_t n)
{
	n = htole32(n);
	memcpy(p, &n, sizeof n);
}

void
bytes_put_u64(uint8_t *p, uint64_t n)
{
	n = htole64(n);
	memcpy(p, &n, sizeof n);
}

uint32_t
bytes_get_u32(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof n);
	return le32toh(n);
}

uint64_t
bytes_get_u64(const uint8_t *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof n);
	return le64toh(n);
}

bool
bytes_parse_u64(const char *text, size_t len, uint64_t max, uint64_t *n)
{
	uint64_t value = 0;
	size_t i;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'),
					   &value))
			return false;
	}
	if (value > max)
		return false;
	*n = value;
	return true;
}

void
bytes_append_hex(struct bytes *b, const void *data, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *from = data;
	uint8_t *to;
	size_t i;

	assert(len <= SIZE_MAX / 2);
	to = bytes_reserve(b, 2 * len);
	for (i = 0; i < len; i++) {
		to[2 * i] = (uint8_t)digit[from[i] >> 4];
		to[2 * i + 1] = (uint8_t)digit[from[i] & 15];
	}
	b->len += 2 * len;
}
