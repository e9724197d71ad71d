/* restore.c - a new cluster that begins with a saved snapshot.
 *
 * The directory is made under another name and renamed when all is in it and
 * synced, so that no member ever starts on half of one. */

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/cluster_id.h"
#include "node/saved.h"
#include "store/file.h"
#include "store/log.h"
#include "store/segment.h"

/* The payload on its way in. */
struct copy {
	int fd;
	uint64_t offset;
	struct rk_error err;
};

/* `dir` and what follows it; the caller frees it with mem_free(). */
static char *
join(const char *dir, const char *rest)
{
	struct bytes path = {.data = NULL};

	bytes_append_text(&path, dir);
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.len--;
	bytes_append_text(&path, rest);
	bytes_append_char(&path, '\0');
	return (char *)path.data;
}

static int
remove_one(const char *path, const struct stat *status, int type,
	   struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
remove_all(const char *dir)
{
	/* Of a failed attempt; the next one meets what is left. */
	int rc = nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	(void)rc;
}

/* Whether there is nothing at `dir`, or nothing in it. */
static enum rk_code
check_is_free(const char *dir, struct rk_error *err)
{
	struct stat status;
	enum rk_code rc;
	char **names;
	size_t count;

	if (lstat(dir, &status) < 0)
		return errno == ENOENT ? RK_OK
				       : error_set(err, RK_FAILED, "%s: %s",
						   dir, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return error_set(err, RK_REJECTED, "%s: not a directory", dir);
	rc = file_list(dir, &names, &count, err);
	if (rc)
		return rc;
	file_list_free(names, count);
	if (count == 0)
		return RK_OK;
	error_set(err, RK_REJECTED, "%s: holds something already", dir);
	return error_hint(err, "restore into a directory that is not there");
}

static bool
copy_piece(void *user, const void *data, size_t len)
{
	struct copy *copy = user;
	struct iovec part = {.iov_base = (void *)(uintptr_t)data,
			     .iov_len = len};

	if (file_write_at(copy->fd, &part, 1, copy->offset, &copy->err))
		return false;
	copy->offset += len;
	return true;
}

static enum rk_code
copy_payload(struct rk_saved *s, const char *path, struct rk_error *err)
{
	struct copy copy = {.fd = -1};
	enum rk_code rc;

	rc = file_open(path, FILE_CREATE_NEW, &copy.fd, err);
	if (rc)
		return rc;
	rc = rk_saved_read(s, copy_piece, &copy, err);
	if (rc && copy.err.code != RK_OK) {
		*err = copy.err;
		rc = err->code;
	}
	if (rc == RK_OK)
		rc = file_sync(copy.fd, err);
	file_close(copy.fd);
	return rc;
}

/* The snapshot again, but of the new cluster. */
static enum rk_code
write_snapshot(struct rk_saved *s, const char *dir,
	       const struct identity *identity, const struct configuration *c,
	       const struct addresses *a, struct rk_error *err)
{
	char *part = join(dir, "/payload.part");
	struct snapshot_header h = s->header;
	enum rk_code rc;

	memcpy(h.cluster, identity->cluster, sizeof h.cluster);
	h.meta.configuration = (struct configuration_at){
		.index = h.meta.last.index, .configuration = *c};
	h.addresses = (struct bytes){.data = NULL};
	members_encode(&h.addresses, c, a);
	rc = copy_payload(s, part, err);
	if (rc == RK_OK)
		rc = snapshot_take(dir, part, &h, err);
	if (rc == RK_OK)
		rc = file_unlink(part, err);
	bytes_close(&h.addresses); /* The sessions stay those of `s`. */
	mem_free(part);
	return rc;
}

/* A log that goes on behind the snapshot, in its term. */
static enum rk_code
write_log(const char *dir, const struct identity *identity, struct log_end last,
	  struct rk_error *err)
{
	struct log_options options = {.segment_bytes = SEGMENT_BYTES_DEFAULT,
				      .sync = true};
	struct log_op op = {
		.has_hard_state = true,
		.hard_state = {.term = last.term},
		.reset = true,
		.reset_to = last,
	};
	struct log_recovered recovered = {.count = 0};
	struct log_placement placement = {.count = 0};
	struct log_map *map;
	struct log *log;
	enum rk_code rc;

	rc = log_open(dir, identity, &options, last, &log, &map, &recovered,
		      err);
	if (rc)
		return rc;
	rc = log_write(log, &op, 1, last.index, &placement, err);
	log_placement_close(&placement);
	log_recovered_close(&recovered);
	log_map_free(map);
	log_close(log);
	return rc;
}

static enum rk_code
fill(struct rk_saved *s, const char *dir, struct identity *wanted,
     const struct configuration *c, const struct addresses *a,
     struct rk_error *err)
{
	struct identity identity;
	bool created;
	int lock_fd;
	enum rk_code rc;

	rc = identity_open(dir, wanted, &identity, &created, &lock_fd, err);
	if (rc)
		return rc;
	rc = write_snapshot(s, dir, &identity, c, a, err);
	if (rc == RK_OK)
		rc = write_log(dir, &identity, s->header.meta.last, err);
	file_close(lock_fd);
	return rc;
}

/* The directory that holds `path`'s last part; the caller frees it with
 * mem_free(). */
static char *
parent_of(const char *path)
{
	char *parent = join(path, "");
	char *slash = strrchr(parent, '/');

	if (slash == NULL)
		slash = parent;
	else if (slash == parent)
		slash++;
	*slash = '\0';
	if (parent[0] != '\0')
		return parent;
	mem_free(parent);
	return mem_strdup(".");
}

static enum rk_code
make_and_rename(struct rk_saved *s, const char *dir, struct identity *wanted,
		const struct configuration *c, const struct addresses *a,
		struct rk_error *err)
{
	char *aside = join(dir, ".part");
	char *parent = parent_of(dir);
	enum rk_code rc;

	remove_all(aside);
	rc = fill(s, aside, wanted, c, a, err);
	if (rc == RK_OK)
		rc = file_sync_dir(aside, err);
	if (rc == RK_OK)
		rc = file_rename(aside, dir, err);
	if (rc == RK_OK)
		rc = file_sync_dir(parent, err);
	else
		remove_all(aside);
	mem_free(aside);
	mem_free(parent);
	return rc;
}

enum rk_code
rk_restore(struct rk_saved *s, const struct rk_restore *restore,
	   struct rk_error *err)
{
	const char *name =
		restore->cluster_name != NULL ? restore->cluster_name : "";
	struct identity wanted = {.format = STORE_FORMAT, .node = restore->id};
	struct configuration c;
	struct addresses a;

	if (members_parse(restore->cluster, &c, &a, err))
		return error_wrap(err, "--cluster");
	if (addresses_find(&a, restore->id) == NULL)
		return error_set(err, RK_USAGE,
				 "--cluster does not name member %" PRIu64,
				 restore->id);
	cluster_id_derive(name, &c, &a, wanted.cluster);
	if (check_is_free(restore->dir, err))
		return err->code;
	return make_and_rename(s, restore->dir, &wanted, &c, &a, err);
}
