/* cmd_snapshot.c - what is done with the snapshots of a cluster. */

#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void
print_object(const struct rk_snapshot *s)
{
	printf("{\"id\":\"%s\",\"index\":%" PRIu64 ",\"term\":%" PRIu64
	       ",\"bytes\":%" PRIu64 ",\"time\":\"%s\",\"machine\":",
	       s->id, s->index, s->term, s->bytes, s->time);
	cmd_print_json_text(stdout, s->machine);
	printf("}\n");
}

enum rk_code
cmd_take(const struct cmd *c, struct rk_error *err)
{
	struct rk_client *client = cmd_client(c);
	struct rk_snapshot s;
	enum rk_code rc = rk_client_snapshot_take(client, &s, err);

	rk_client_close(client);
	if (rc == RK_OK && c->json)
		print_object(&s);
	else if (rc == RK_OK)
		printf("%s\n", s.id);
	return rc;
}

struct listing {
	const struct cmd *cmd;
	bool has_head;
};

static void
print_row(void *user, const struct rk_snapshot *s)
{
	struct listing *l = user;

	if (l->cmd->json) {
		print_object(s);
		return;
	}
	if (!l->has_head)
		printf("%-20s %12s %-24s %s\n", "ID", "BYTES", "TIME",
		       "MACHINE");
	l->has_head = true;
	printf("%-20s %12" PRIu64 " %-24s %s\n", s->id, s->bytes, s->time,
	       s->machine);
}

enum rk_code
cmd_list(const struct cmd *c, struct rk_error *err)
{
	struct rk_client *client = cmd_client(c);
	struct listing l = {.cmd = c};
	enum rk_code rc = rk_client_snapshot_list(client, print_row, &l, err);

	rk_client_close(client);
	return rc;
}

/* Where the bytes of a snapshot go. */
struct target {
	const struct cmd *cmd;
	int fd;
	uint64_t bytes;
	uint64_t shown_ms;
	int error; /* errno of a write that failed. */
};

static bool
write_piece(void *user, const void *data, size_t len)
{
	struct target *t = user;
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(t->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			t->error = errno;
			return false;
		}
		p += n;
		len -= (size_t)n;
		t->bytes += (uint64_t)n;
	}
	cmd_progress(t->cmd, &t->shown_ms, t->bytes, 0);
	return true;
}

static enum rk_code
fetch(struct target *t, const char *name, struct rk_error *err)
{
	struct rk_client *client = cmd_client(t->cmd);
	enum rk_code rc =
		rk_client_snapshot_save(client, NULL, write_piece, t, err);

	rk_client_close(client);
	cmd_progress_end(&t->shown_ms);
	if (t->error != 0)
		rc = cmd_error(err, RK_FAILED, NULL, "write %s: %s", name,
			       strerror(t->error));
	return rc;
}

/* Read back what was written, all of it; learn its id. */
static enum rk_code
verify(int fd, const char *name, char id[48], struct rk_error *err)
{
	struct rk_saved *s;
	enum rk_code rc;

	lseek(fd, 0, SEEK_SET);
	rc = rk_saved_open(fd, name, &s, err);
	if (rc != RK_OK)
		return rc;
	rc = rk_saved_read(s, NULL, NULL, err);
	memcpy(id, rk_saved_info(s)->snapshot.id, 48);
	rk_saved_close(s);
	return rc;
}

/* Give what was written and verified its name. */
static enum rk_code
publish(const struct target *t, const char *aside, const char *file,
	const char *id, struct rk_error *err)
{
	char name[PATH_MAX];

	snprintf(name, sizeof name, "%s", file);
	if (file[0] == '\0')
		snprintf(name, sizeof name, "%s.snap", id);
	if (fsync(t->fd) < 0 || rename(aside, name) < 0 ||
	    !cmd_sync_directory_of(name))
		return cmd_error(err, RK_FAILED, NULL, "write %s: %s", name,
				 strerror(errno));
	printf("%s\n", name);
	cmd_note(t->cmd, "saved and verified: %s, %" PRIu64 " bytes", id,
		 t->bytes);
	return RK_OK;
}

enum rk_code
cmd_save(const struct cmd *c, const char *file, struct rk_error *err)
{
	struct target t = {.cmd = c, .fd = STDOUT_FILENO};
	char aside[PATH_MAX];
	char id[48] = "";
	enum rk_code rc;

	if (file != NULL && strcmp(file, "-") == 0)
		return fetch(&t, "standard output", err);
	if (file == NULL)
		file = "";
	snprintf(aside, sizeof aside, "%s.%d.part",
		 file[0] != '\0' ? file : "raft-snapshot", (int)getpid());
	t.fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (t.fd < 0)
		return cmd_error(err, RK_FAILED, NULL, "%s: %s", aside,
				 strerror(errno));
	rc = fetch(&t, aside, err);
	if (rc == RK_OK)
		rc = verify(t.fd, aside, id, err);
	if (rc == RK_OK)
		rc = publish(&t, aside, file, id, err);
	if (rc != RK_OK)
		unlink(aside);
	close(t.fd);
	return rc;
}
