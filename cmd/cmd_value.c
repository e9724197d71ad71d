/* cmd_value.c - values on a command line: numbers, durations, sizes, words. */

#include "cmd.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits, then one of the units; the first unit is that of a bare number. */
static bool
parse(const char *text, const struct unit *units, uint64_t *value)
{
	const struct unit *u;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false; /* strtoull takes signs and blanks. */
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	for (u = units; u->name != NULL; u++) {
		if (strcmp(end, u->name) == 0 || (u == units && *end == '\0'))
			return !__builtin_mul_overflow(*value, u->factor,
						       value);
	}
	return false;
}

static uint64_t
within(const struct cmd *c, const char *what, uint64_t value, uint64_t min,
       uint64_t max)
{
	if (value < min || value > max)
		cmd_usage(c,
			  "%s: %" PRIu64 " is not between %" PRIu64
			  " and %" PRIu64,
			  what, value, min, max);
	return value;
}

uint64_t
cmd_number(const struct cmd *c, const char *what, const char *text,
	   uint64_t min, uint64_t max)
{
	static const struct unit units[] = {{"", 1}, {NULL, 0}};
	uint64_t value;

	if (!parse(text, units, &value))
		cmd_usage(c, "%s: '%s' is no number", what, text);
	return within(c, what, value, min, max);
}

uint64_t
cmd_duration_ms(const struct cmd *c, const char *what, const char *text)
{
	static const struct unit units[] = {{"s", 1000},     {"ms", 1},
					    {"m", 60000},    {"h", 3600000},
					    {"d", 86400000}, {NULL, 0}};
	uint64_t value;

	if (!parse(text, units, &value))
		cmd_usage(c,
			  "%s: '%s' is no duration such as 500ms, 10s, 2m or "
			  "0",
			  what, text);
	return within(c, what, value, 0, UINT64_C(1) << 40);
}

uint64_t
cmd_size(const struct cmd *c, const char *what, const char *text, uint64_t min,
	 uint64_t max)
{
	static const struct unit units[] = {
		{"", 1},           {"K", 1U << 10},   {"M", 1U << 20},
		{"G", 1U << 30},   {"KiB", 1U << 10}, {"MiB", 1U << 20},
		{"GiB", 1U << 30}, {NULL, 0}};
	uint64_t value;

	if (!parse(text, units, &value))
		cmd_usage(c, "%s: '%s' is no size such as 4096, 64K or 1M",
			  what, text);
	return within(c, what, value, min, max);
}

size_t
cmd_choice(const struct cmd *c, const char *what, const char *text,
	   const char *const *words)
{
	char list[256] = "";
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
		snprintf(list + strlen(list), sizeof list - strlen(list),
			 "%s%s", i > 0 ? ", " : "", words[i]);
	}
	cmd_usage(c, "%s: '%s' is none of: %s", what, text, list);
}
