/* cmd_read.c - which entries to read, as a command line says it. */

#include "cmd_dump.h"

#include <string.h>

#define INDEX_MAX (UINT64_C(1) << 53)

/* One end of a range; 0 if it is left open. */
static rk_index
parse_end(const struct cmd *c, const char *text)
{
	return *text == '\0' ? 0 : cmd_number(c, "--index", text, 1, INDEX_MAX);
}

bool
cmd_read_range(const struct cmd *c, const char *text, struct rk_read *what)
{
	bool from_end = *text == '-';
	const char *colon = strchr(text, ':');
	char from[24];
	rk_index n;

	if (colon == NULL && from_end)
		cmd_usage(c,
			  "--index: '%s' is no range; the last entries are "
			  "'%s:'",
			  text, text);
	if (strcmp(text, ":") == 0 || *text == '\0')
		cmd_usage(c, "--index: '%s' is no range such as 7 or 7:20",
			  text);
	snprintf(from, sizeof from, "%.*s", (int)strcspn(text, ":"), text);
	n = parse_end(c, from + from_end);
	if (n == 0 && from_end)
		cmd_usage(c, "--index: '%s' is no range such as -100:", text);
	what->from = from_end ? -(int64_t)n : (int64_t)n;
	what->to = colon != NULL ? parse_end(c, colon + 1) : n;
	if (what->to != 0 && what->from > (int64_t)what->to)
		cmd_usage(c, "--index: '%s' ends before it begins", text);
	return what->to != 0 && what->from == (int64_t)what->to;
}

unsigned
cmd_read_types(const struct cmd *c, char *text)
{
	static const char *const words[] = {"data", "noop", "configuration",
					    NULL};
	unsigned types = 0;
	char *word;

	while ((word = strsep(&text, ",")) != NULL)
		types |= 1U << cmd_choice(c, "-y", word, words);
	return types;
}
