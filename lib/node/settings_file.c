/* settings_file.c - settings from a file of `key = value` lines. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "raftkit.h"

/* A line at most: a value may be a list of members. */
#define LINE_BYTES 8192

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool
is_given(const struct rk_settings *settings, const char *name)
{
	struct rk_setting s;
	size_t i;

	for (i = 0; rk_settings_get(settings, i, &s); i++) {
		if (strcmp(s.name, name) == 0)
			return strcmp(s.origin, "default") != 0;
	}
	return false;
}

static enum rk_code
read_line(struct rk_settings *settings, char *line, const char *origin,
	  bool (*other)(void *user, const char *name, const char *value),
	  void *user, struct rk_error *err)
{
	char *equals;
	char *value;

	line = trim(line);
	if (!*line || *line == '#')
		return RK_OK;
	equals = strchr(line, '=');
	if (!equals)
		return error_set(err, RK_USAGE, "not `key = value'");
	*equals = '\0';
	value = trim(equals + 1);
	line = trim(line);
	if (other(user, line, value) || is_given(settings, line))
		return RK_OK;
	if (rk_settings_set(settings, line, value, origin, err))
		err->code = RK_USAGE;
	else
		return RK_OK;
	return err->code;
}

enum rk_code
rk_settings_load(struct rk_settings *settings, const char *path,
		 bool (*other)(void *user, const char *name, const char *value),
		 void *user, struct rk_error *err)
{
	enum rk_code rc = RK_OK;
	char line[LINE_BYTES];
	char origin[32];
	int number = 0;
	FILE *in;

	in = fopen(path, "re");
	if (!in)
		return error_set(err, RK_USAGE, "%s: %s", path,
				 strerror(errno));
	while (!rc && fgets(line, sizeof line, in)) {
		snprintf(origin, sizeof origin, "%.20s:%d", path, ++number);
		if (strlen(line) == sizeof line - 1)
			rc = error_set(err, RK_USAGE, "too long");
		else
			rc = read_line(settings, line, origin, other, user,
				       err);
	}
	if (rc)
		error_wrap(err, "%s: line %d", path, number);
	else if (ferror(in))
		rc = error_set(err, RK_FAILED, "%s: %s", path, strerror(errno));
	fclose(in);
	return rc;
}
