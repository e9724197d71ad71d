/* cmd_format.c - an entry as --format says. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
print_hex(FILE *to, const unsigned char *p, size_t len)
{
	while (len-- > 0)
		fprintf(to, "%02x", *p++);
}

static void
print_base64(FILE *to, const unsigned char *p, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t three;

	for (; len > 0; p += 3, len -= len < 3 ? len : 3) {
		three = (uint32_t)p[0] << 16;
		three |= len > 1 ? (uint32_t)p[1] << 8 : 0;
		three |= len > 2 ? p[2] : 0;
		fputc(digit[three >> 18], to);
		fputc(digit[three >> 12 & 63], to);
		fputc(len > 1 ? digit[three >> 6 & 63] : '=', to);
		fputc(len > 2 ? digit[three & 63] : '=', to);
	}
}

static void
print_time(FILE *to, uint64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(to, "%s.%03uZ", text, (unsigned)(time_ms % 1000));
}

static void
print_field(FILE *to, char field, const struct rk_entry *e, const char *reply,
	    rk_id node)
{
	switch (field) {
	case 'i':
		fprintf(to, "%" PRIu64, e->index);
		break;
	case 't':
		fprintf(to, "%" PRIu64, e->term);
		break;
	case 'y':
		fputs(rk_entry_type_name(e->type), to);
		break;
	case 'T':
		print_time(to, e->time_ms);
		break;
	case 's':
		fprintf(to, "%zu", e->len);
		break;
	case 'd':
		fwrite(e->data, 1, e->len, to);
		break;
	case 'x':
		print_hex(to, e->data, e->len);
		break;
	case 'b':
		print_base64(to, e->data, e->len);
		break;
	case 'r':
		fputs(reply != NULL ? reply : "", to);
		break;
	case 'n':
		fprintf(to, "%" PRIu64, node);
		break;
	case '%':
		fputc('%', to);
		break;
	default:
		fprintf(to, "%%%c", field);
	}
}

/* Print what the escape at `p` (behind the backslash) stands for; returns how
 * many characters it took. */
static size_t
print_escape(FILE *to, const char *p)
{
	char digits[3] = {p[0] != '\0' ? p[1] : '\0', '\0', '\0'};
	char *end;
	long byte;

	switch (p[0]) {
	case 'n':
		fputc('\n', to);
		return 1;
	case 't':
		fputc('\t', to);
		return 1;
	case '0':
		fputc('\0', to);
		return 1;
	case '\\':
		fputc('\\', to);
		return 1;
	case 'x':
		if (digits[0] != '\0')
			digits[1] = p[2];
		byte = strtol(digits, &end, 16);
		if (end == digits + 2) {
			fputc((int)byte, to);
			return 3;
		}
		break;
	}
	fputc('\\', to); /* No escape: it stands for itself. */
	return 0;
}

void
cmd_print_format(FILE *to, const char *format, const struct rk_entry *entry,
		 const char *reply, rk_id node)
{
	const char *p = format;

	while (*p != '\0') {
		if (*p == '%' && p[1] != '\0') {
			print_field(to, p[1], entry, reply, node);
			p += 2;
		} else if (*p == '\\') {
			p++;
			p += print_escape(to, p);
		} else {
			fputc(*p++, to);
		}
	}
}
