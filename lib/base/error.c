/* error.c - make an error once, where errno is fresh, and wrap it outward. */

#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

static const char *const code_name[] = {
	[RK_OK] = "ok",
	[RK_FAILED] = "failed",
	[RK_USAGE] = "usage",
	[RK_ABSENT] = "absent",
	[RK_UNREACHABLE] = "unreachable",
	[RK_NO_LEADER] = "no-leader",
	[RK_UNKNOWN] = "unknown",
	[RK_REJECTED] = "rejected",
	[RK_DENIED] = "denied",
	[RK_CORRUPT] = "corrupt",
};
_Static_assert(LEN(code_name) == RK_CORRUPT + 1, "name every code");

/* Take off what a cut in the middle of a character left at the end. */
static void
trim_cut_character(char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t i = len;

	while (i > 0 && len - i < 3 && (p[i - 1] & 0xc0) == 0x80)
		i--;
	if (i > 0 && p[i - 1] >= 0xc0 &&
	    bytes_utf8_length(p + i - 1, len - i + 1) == 0)
		text[i - 1] = '\0';
}

/* The arguments may point into `to`, so the text is made aside. */
static void __attribute__((format(printf, 3, 0)))
put_text(char *to, size_t size, const char *format, va_list args)
{
	char text[sizeof((struct rk_error *)0)->text];
	int len;

	assert(size <= sizeof text);
	len = vsnprintf(text, size, format, args);
	if (len < 0)
		text[0] = '\0';
	else if ((size_t)len >= size)
		trim_cut_character(text, size - 1);
	memcpy(to, text, strlen(text) + 1);
}

static void __attribute__((format(printf, 3, 4)))
print_text(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_text(to, size, format, args);
	va_end(args);
}

/* An error is one line, whatever a peer or a file put into it. */
static void
blank_control_bytes(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

enum rk_code
error_set(struct rk_error *err, enum rk_code code, const char *format, ...)
{
	va_list args;

	assert(code != RK_OK);
	err->code = code;
	va_start(args, format);
	put_text(err->text, sizeof err->text, format, args);
	va_end(args);
	blank_control_bytes(err->text);
	err->hint[0] = '\0';
	return code;
}

enum rk_code
error_wrap(struct rk_error *err, const char *format, ...)
{
	char what[sizeof err->text];
	va_list args;

	assert(err->code != RK_OK);
	va_start(args, format);
	put_text(what, sizeof what, format, args);
	va_end(args);
	print_text(err->text, sizeof err->text, "%s: %s", what, err->text);
	blank_control_bytes(err->text);
	return err->code;
}

enum rk_code
error_hint(struct rk_error *err, const char *format, ...)
{
	va_list args;

	assert(err->code != RK_OK);
	va_start(args, format);
	put_text(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return err->code;
}

const char *
rk_code_name(enum rk_code code)
{
	return (size_t)code < LEN(code_name) ? code_name[code] : "invalid";
}
