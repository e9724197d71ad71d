/* cmd_resume.c - what raft-append --resume keeps, as a small text file. */

#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES 512

static bool
parse(const char *text, struct cmd_resume *r)
{
	int end = 0;

	/* %n is set only if all before it was there. */
	sscanf(text,
	       "raft-append resume 1\nsession %64[A-Za-z0-9._-]\n"
	       "cluster %64[A-Za-z0-9._-]\nacknowledged %" SCNu64 "\n%n",
	       r->session, r->cluster, &r->acknowledged, &end);
	if (strcmp(r->cluster, "-") == 0)
		r->cluster[0] = '\0';
	/* To sscanf() the last newline is as good as none. */
	return end > 0 && text[end] == '\0' && text[end - 1] == '\n';
}

static enum rk_code
read_file(struct cmd_resume *r, struct rk_error *err)
{
	char text[FILE_BYTES] = "";
	int fd = open(r->path, O_RDONLY | O_CLOEXEC);
	enum rk_code rc = RK_OK;

	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		rc = cmd_error(err, errno == ENOENT ? RK_ABSENT : RK_FAILED,
			       NULL, "read %s: %s", r->path, strerror(errno));
	else if (!parse(text, r))
		rc = cmd_error(err, RK_CORRUPT, "remove it to begin anew",
			       "%s is not what --resume writes", r->path);
	if (fd >= 0)
		close(fd);
	return rc;
}

void
cmd_resume_open(const struct cmd *c, const char *session, struct cmd_resume *r)
{
	enum rk_code rc = RK_ABSENT;
	struct rk_error err;

	if (r->path != NULL)
		rc = read_file(r, &err);
	if (rc != RK_OK && rc != RK_ABSENT)
		exit(cmd_fail(c, &err));
	if (rc == RK_OK && session != NULL && strcmp(session, r->session) != 0)
		cmd_usage(c, "%s is of session %s, not %s", r->path, r->session,
			  session);
	if (rc == RK_OK)
		return;
	rk_session_new(r->session);
	if (session != NULL && strlen(session) >= sizeof r->session)
		cmd_usage(c, "--session: '%s' is too long", session);
	if (session != NULL)
		snprintf(r->session, sizeof r->session, "%s", session);
}

static bool
write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

bool
cmd_sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	bool ok;
	int fd;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

enum rk_code
cmd_resume_save(const struct cmd_resume *r, struct rk_error *err)
{
	const char *path = r->path;
	char aside[PATH_MAX];
	char text[FILE_BYTES];
	int len;

	if (path == NULL)
		return RK_OK;
	len = snprintf(aside, sizeof aside, "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof aside)
		return cmd_error(err, RK_FAILED, NULL, "%s: name too long",
				 path);
	len = snprintf(text, sizeof text,
		       "raft-append resume 1\nsession %s\ncluster %s\n"
		       "acknowledged %" PRIu64 "\n",
		       r->session, r->cluster[0] != '\0' ? r->cluster : "-",
		       r->acknowledged);
	if (!write_file(aside, text, (size_t)len) || rename(aside, path) < 0 ||
	    !cmd_sync_directory_of(path))
		return cmd_error(err, RK_FAILED, NULL, "write %s: %s", path,
				 strerror(errno));
	return RK_OK;
}
