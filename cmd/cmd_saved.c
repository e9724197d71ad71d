/* cmd_saved.c - what is done with a saved snapshot. */

#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum rk_code
open_saved(const char *file, int *fd, struct rk_saved **s, struct rk_error *err)
{
	bool is_stdin = strcmp(file, "-") == 0;
	enum rk_code rc;

	*fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return cmd_error(err, errno == ENOENT ? RK_ABSENT : RK_FAILED,
				 NULL, "%s: %s", file, strerror(errno));
	rc = rk_saved_open(*fd, is_stdin ? "standard input" : file, s, err);
	if (rc)
		close(*fd);
	return rc;
}

static void
print_info(const struct rk_saved_info *info, bool verified)
{
	printf("id        %s\n", info->snapshot.id);
	printf("cluster   %s\n", info->cluster);
	printf("taken     %s\n", info->snapshot.time);
	printf("machine   %s\n", info->snapshot.machine);
	printf("index     %" PRIu64 "\n", info->snapshot.index);
	printf("term      %" PRIu64 "\n", info->snapshot.term);
	printf("members   %zu voters, %zu learners\n", info->voters,
	       info->learners);
	printf("bytes     %" PRIu64 "\n", info->snapshot.bytes);
	printf("crc32c    %08" PRIx32 "\n", info->crc32c);
	if (verified)
		printf("verified  whole\n");
}

enum rk_code
cmd_inspect(const struct cmd *c, const char *file, bool verify,
	    struct rk_error *err)
{
	const struct rk_saved_info *info;
	enum rk_code rc = RK_OK;
	struct rk_saved *s;
	int fd;

	if (open_saved(file, &fd, &s, err))
		return err->code;
	if (verify)
		rc = rk_saved_read(s, NULL, NULL, err);
	info = rk_saved_info(s);
	if (rc == RK_OK && c->json)
		fwrite(info->header, 1, info->header_len, stdout);
	else if (rc == RK_OK)
		print_info(info, verify);
	rk_saved_close(s);
	close(fd);
	return rc;
}

static bool
print_piece(void *user, const void *data, size_t len)
{
	(void)user;
	return fwrite(data, 1, len, stdout) == len;
}

enum rk_code
cmd_extract(const struct cmd *c, const char *file, struct rk_error *err)
{
	struct rk_saved *s;
	enum rk_code rc;
	int fd;

	(void)c;
	if (open_saved(file, &fd, &s, err))
		return err->code;
	rc = rk_saved_read(s, print_piece, NULL, err);
	if (rc == RK_FAILED && ferror(stdout))
		cmd_error(err, rc, NULL, "write to standard output: %s",
			  strerror(errno));
	rk_saved_close(s);
	close(fd);
	return rc;
}

/* A command line for each member of `1=URL,2=URL`. */
static void
print_starts(const struct cmd *c, const struct rk_restore *what)
{
	char *list = strdup(what->cluster);
	char *rest = list;
	char *member;
	char *url;

	if (list == NULL)
		abort();
	while ((member = strsep(&rest, ",")) != NULL) {
		url = strchr(member, '=');
		if (url == NULL)
			continue;
		*url++ = '\0';
		if (strncmp(url, "http://", 7) == 0)
			url += 7;
		printf("raft-node serve -D %s --id=%s -l %s --cluster=%s%s%s\n",
		       what->dir, member, url, what->cluster,
		       what->cluster_name != NULL ? " --cluster-name=" : "",
		       what->cluster_name != NULL ? what->cluster_name : "");
		if (strtoull(member, NULL, 10) != what->id)
			cmd_note(c,
				 "first make member %s's directory where it "
				 "runs: the same with --id=%s",
				 member, member);
	}
	free(list);
}

enum rk_code
cmd_restore(const struct cmd *c, const char *file,
	    const struct rk_restore *what, struct rk_error *err)
{
	struct rk_saved *s;
	enum rk_code rc;
	int fd;

	if (open_saved(file, &fd, &s, err))
		return err->code;
	rc = rk_restore(s, what, err);
	if (rc == RK_OK)
		print_starts(c, what);
	rk_saved_close(s);
	close(fd);
	return rc;
}
