/* trace.c - diagnostics for people. */

#include "base/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"

/* Whether the byte at `i` could steer a terminal or begin a line: the C0 and
 * C1 control characters, and whatever is not text at all. */
static bool
is_unsafe(const struct bytes *text, size_t i, bool is_text)
{
	uint8_t c = text->data[i];

	if (c < 0x80)
		return c < 0x20 || c == 0x7f;
	if (!is_text)
		return true;
	if (c == 0xc2)
		return text->data[i + 1] < 0xa0;
	return c < 0xa0 && text->data[i - 1] == 0xc2;
}

static void
append_escaped(struct bytes *out, const struct bytes *text)
{
	bool is_text = bytes_is_utf8(text->data, text->len);
	size_t i;

	for (i = 0; i < text->len; i++) {
		if (is_unsafe(text, i, is_text))
			bytes_printf(out, "\\x%02x", text->data[i]);
		else
			bytes_append_char(out, (char)text->data[i]);
	}
}

void
trace_line(const struct trace *t, enum trace_level level, const char *format,
	   ...)
{
	struct bytes text = {.data = NULL};
	struct bytes line = {.data = NULL};
	int saved_errno = errno;
	ssize_t ignored;
	va_list args;

	if (t == NULL || t->fd < 0 || level > t->level)
		return;
	va_start(args, format);
	bytes_vprintf(&text, format, args);
	va_end(args);
	bytes_append_text(&line, t->name);
	bytes_append_text(&line, ": ");
	append_escaped(&line, &text);
	bytes_append_char(&line, '\n');
	/* Nobody can be told of a failure here. */
	ignored = write(t->fd, line.data, line.len);
	(void)ignored;
	bytes_close(&line);
	bytes_close(&text);
	errno = saved_errno;
}
