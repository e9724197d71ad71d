/* cmd_source.c - entries from wherever they are: a cluster, or files. */

#include "cmd_dump.h"

#include <inttypes.h>
#include <string.h>

/* Hands entries on, and sees where the uncommitted ones begin. */
struct passage {
	bool (*entry)(void *user, const struct rk_entry *entry);
	void *user;
	rk_index uncommitted; /* 0: there was none. */
};

static bool
pass(void *user, const struct rk_entry *entry)
{
	struct passage *p = user;

	if (!entry->committed && p->uncommitted == 0)
		p->uncommitted = entry->index;
	return p->entry(p->user, entry);
}

static enum rk_code
read_files(const struct cmd *c, const char *path, const struct rk_read *what,
	   struct passage *p, struct rk_error *err)
{
	struct rk_reader_info info;
	struct rk_reader *r;
	enum rk_code rc;

	if (what->follow)
		cmd_usage(c, "-f follows a cluster, not files");
	rc = rk_reader_open(path, &r, err);
	if (rc)
		return rc;
	rk_reader_info(r, &info);
	rc = rk_reader_read(r, what, pass, p, err);
	if (info.torn_bytes != 0)
		cmd_note(c,
			 "%s: the last %" PRIu64
			 " bytes were only half written; left out",
			 path, info.torn_bytes);
	if (p->uncommitted != 0)
		cmd_note(c,
			 "%s: from index %" PRIu64
			 " on not known to be committed",
			 path, p->uncommitted);
	rk_reader_close(r);
	return rc;
}

static enum rk_code
read_cluster(const struct cmd *c, const char *url, const struct rk_read *what,
	     struct passage *p, struct rk_error *err)
{
	struct cmd own = *c;
	struct rk_client *client;
	enum rk_code rc;

	if (url != NULL)
		own.client.endpoints = url;
	client = cmd_client(&own);
	if (what->follow)
		cmd_watch_reader(client);
	rc = rk_client_read(client, what, pass, p, err);
	rk_client_close(client);
	return rc;
}

bool
cmd_source_is_cluster(const char *source)
{
	return source == NULL || strstr(source, "://") != NULL;
}

enum rk_code
cmd_source_read(const struct cmd *c, const char *source,
		const struct rk_read *what,
		bool (*entry)(void *user, const struct rk_entry *entry),
		void *user, struct rk_error *err)
{
	struct passage p = {.entry = entry, .user = user};

	return cmd_source_is_cluster(source)
		       ? read_cluster(c, source, what, &p, err)
		       : read_files(c, source, what, &p, err);
}
