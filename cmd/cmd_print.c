/* cmd_print.c - what programs say: messages, errors, entries. */

#include "cmd.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((format(printf, 2, 0)))
print_line(const struct cmd *c, const char *format, va_list args)
{
	fflush(stdout); /* Keep their order on a terminal. */
	fprintf(stderr, "%s: ", c->spec->name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void
cmd_warn(const struct cmd *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(c, format, args);
	va_end(args);
}

void
cmd_note(const struct cmd *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!c->quiet)
		print_line(c, format, args);
	va_end(args);
}

void
cmd_debug(const struct cmd *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->verbose)
		print_line(c, format, args);
	va_end(args);
}

/* Of the character at `p`; 0 if there is none within `len`. */
static size_t
utf8_length(const unsigned char *p, size_t len)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need = p[0] < 0x80       ? 1
		      : p[0] >> 5 == 6  ? 2
		      : p[0] >> 4 == 14 ? 3
		      : p[0] >> 3 == 30 ? 4
					: 0;
	uint32_t code;
	size_t i;

	if (need <= 1 || need > len)
		return need == 1;
	code = p[0] & (0x7fU >> need);
	for (i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	if (code < smallest[need] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return need;
}

void
cmd_print_json_text(FILE *to, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);
	size_t len;

	fputc('"', to);
	for (; left > 0; p += len, left -= len) {
		len = utf8_length(p, left);
		if (len == 0) {
			fputs("\\ufffd", to);
			len = 1;
		} else if (p[0] < 0x20 || p[0] == 0x7f) {
			fprintf(to, "\\u%04x", p[0]);
		} else {
			if (p[0] == '"' || p[0] == '\\')
				fputc('\\', to);
			fwrite(p, 1, len, to);
		}
	}
	fputc('"', to);
}

void
cmd_print_escaped(FILE *to, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t size;

	for (; len > 0; p += size, len -= size) {
		size = utf8_length(p, len);
		if (p[0] == '\\')
			fputs("\\\\", to);
		else if (p[0] == '\n')
			fputs("\\n", to);
		else if (p[0] == '\t')
			fputs("\\t", to);
		else if (size == 0 || p[0] < 0x20 || p[0] == 0x7f)
			fprintf(to, "\\x%02x", p[0]);
		else
			fwrite(p, 1, size, to);
		if (size == 0)
			size = 1;
	}
}

static void
print_problem(const struct rk_error *err)
{
	bool is_unknown = err->code == RK_UNKNOWN;
	bool may_repeat =
		err->code == RK_UNREACHABLE || err->code == RK_NO_LEADER;

	fprintf(stderr, "{\"type\":\"/v1/problems/%s%s\",\"exit\":%d,",
		is_unknown ? "outcome-" : "", rk_code_name(err->code),
		err->code);
	fprintf(stderr, "\"detail\":");
	cmd_print_json_text(stderr, err->text);
	fprintf(stderr, ",\"outcome\":\"%s\",\"retryable\":%s",
		is_unknown ? "unknown" : "none", may_repeat ? "true" : "false");
	if (err->hint[0] != '\0') {
		fprintf(stderr, ",\"hint\":");
		cmd_print_json_text(stderr, err->hint);
	}
	fprintf(stderr, "}\n");
}

int
cmd_fail(const struct cmd *c, const struct rk_error *err)
{
	fflush(stdout);
	if (c->json) {
		print_problem(err);
		return (int)err->code;
	}
	fprintf(stderr, "%s: %s\n", c->spec->name, err->text);
	if (err->hint[0] != '\0')
		fprintf(stderr, "  %s\n", err->hint);
	return (int)err->code;
}

enum rk_code
cmd_error(struct rk_error *err, enum rk_code code, const char *hint,
	  const char *format, ...)
{
	va_list args;

	*err = (struct rk_error){.code = code};
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (hint != NULL)
		snprintf(err->hint, sizeof err->hint, "%s", hint);
	return code;
}
