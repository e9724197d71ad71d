/* bytes.h - a growing string of bytes, and what is done with bytes. */

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is a valid empty one. `data` is not NUL-terminated. */
struct bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
};

/* Borrowed bytes. */
struct slice {
	const uint8_t *data;
	size_t len;
};

/* Frees what `b` holds and zeroes it. */
void bytes_close(struct bytes *b);

/* Make room for `more` bytes behind len and return where they go; the caller
 * adds to len what it wrote. */
uint8_t *bytes_reserve(struct bytes *b, size_t more);

void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_append_text(struct bytes *b, const char *text);
void bytes_append_char(struct bytes *b, char c);
void bytes_append_u64(struct bytes *b, uint64_t n); /* In decimal. */
void bytes_printf(struct bytes *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void bytes_vprintf(struct bytes *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Move all of `from` to `to`, which was empty; `from` is empty after. */
void bytes_take(struct bytes *to, struct bytes *from);

/* Drop the first `len` bytes. */
void bytes_consume(struct bytes *b, size_t len);

/* Little-endian numbers in a buffer. */
void bytes_put_u32(uint8_t *p, uint32_t n);
void bytes_put_u64(uint8_t *p, uint64_t n);
uint32_t bytes_get_u32(const uint8_t *p);
uint64_t bytes_get_u64(const uint8_t *p);

/* Decimal digits only, no sign, no leading zero but "0" itself, at most
 * `max`; all of the `len` bytes. */
bool bytes_parse_u64(const char *text, size_t len, uint64_t max, uint64_t *n);

/* Valid UTF-8 (no overlong form, surrogate, or code above U+10FFFF). */
bool bytes_is_utf8(const void *data, size_t len);

/* The length of the one UTF-8 character at `p`; 0 if there is none. */
size_t bytes_utf8_length(const uint8_t *p, size_t len);

/* Base64 with padding, RFC 4648, section 4. Decoding is strict: only the one
 * canonical form. Appends to `b`; on failure `b` is as it was. */
void bytes_append_base64(struct bytes *b, const void *data, size_t len);
bool bytes_decode_base64(struct bytes *b, const char *text, size_t len);

void bytes_append_hex(struct bytes *b, const void *data, size_t len);

#endif /* BASE_BYTES_H */
