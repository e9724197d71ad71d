/* cmd_settings.c - what raft-node has to say of its settings, and its temporary
 * directory's end. */

#include "cmd.h"

#include <ftw.h>

char *
cmd_settings_help(const char *head, const struct rk_settings *settings,
		  const char *tail)
{
	struct rk_setting s;
	char *text = NULL;
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fputs(head, out);
	for (i = 0; rk_settings_get(settings, i, &s); i++)
		fprintf(out, "  --%-26s %s (%s)\n", s.name, s.help,
			s.initial[0] ? s.initial : "none");
	fputs(tail, out);
	fclose(out);
	return text;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
cmd_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
