/* identity.c - whose directory this is. */

#include "store/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/prng.h"
#include "store/file.h"
#include "store/log_files.h"

#define IDENTITY_NAME  "identity.json"
#define LOCK_NAME      "lock"
#define IDENTITY_BYTES 4096

static bool
is_id_text(const char *text)
{
	return strlen(text) == STORE_ID_TEXT - 1 &&
	       strspn(text, "0123456789abcdef") == STORE_ID_TEXT - 1;
}

static enum rk_code
decode(const json_t *json, struct identity *found, struct rk_error *err)
{
	const char *cluster;
	const char *incarnation;
	enum rk_code rc;

	rc = json_get_u64(json, "format", LIMIT_NUMBER, &found->format, err);
	if (rc != RK_OK)
		return rc;
	if (found->format != STORE_FORMAT)
		return error_set(err, RK_CORRUPT,
				 "format %" PRIu64
				 "; this program reads format %d",
				 found->format, STORE_FORMAT);
	rc = json_get_text(json, "cluster", &cluster, err);
	if (rc == RK_OK)
		rc = json_get_u64(json, "node", LIMIT_NUMBER, &found->node,
				  err);
	if (rc == RK_OK)
		rc = json_get_text(json, "incarnation", &incarnation, err);
	if (rc != RK_OK)
		return rc;
	if (!is_id_text(cluster) || !is_id_text(incarnation) ||
	    found->node == 0)
		return error_set(err, RK_CORRUPT, "not an identity");
	memcpy(found->cluster, cluster, STORE_ID_TEXT);
	memcpy(found->incarnation, incarnation, STORE_ID_TEXT);
	return RK_OK;
}

enum rk_code
identity_read(const char *dir, struct identity *found, struct rk_error *err)
{
	char *path = file_path(dir, IDENTITY_NAME);
	struct bytes text = {0};
	json_t *json = NULL;
	enum rk_code rc;

	rc = file_read_whole(path, IDENTITY_BYTES, &text, err);
	if (rc == RK_OK) {
		rc = json_read((struct slice){text.data, text.len},
			       IDENTITY_BYTES, &json, err);
		if (rc == RK_OK)
			rc = decode(json, found, err);
		json_decref(json);
		if (rc != RK_OK) {
			/* Nobody wrote it by hand: whatever is wrong with it,
			 * it is damage. */
			err->code = RK_CORRUPT;
			rc = error_wrap(err, "%s", path);
		}
	}
	bytes_close(&text);
	mem_free(path);
	return rc;
}

static enum rk_code
check(const char *dir, const struct identity *wanted,
      const struct identity *found, struct rk_error *err)
{
	if (wanted->node != 0 && wanted->node != found->node) {
		error_set(err, RK_USAGE,
			  "%s belongs to member %" PRIu64
			  " of cluster %s, not to member %" PRIu64,
			  dir, found->node, found->cluster, wanted->node);
		return error_hint(err,
				  "start it with --id=%" PRIu64
				  ", or give member %" PRIu64
				  " a directory of its own",
				  found->node, wanted->node);
	}
	if (wanted->cluster[0] != '\0' &&
	    strcmp(wanted->cluster, found->cluster) != 0) {
		error_set(err, RK_USAGE,
			  "%s belongs to cluster %s, not to cluster %s", dir,
			  found->cluster, wanted->cluster);
		return error_hint(err, "give the member of the other cluster "
				       "a directory of its own");
	}
	return RK_OK;
}

/* A directory with a log but no identity has lost it. */
static enum rk_code
check_is_new(const char *dir, struct rk_error *err)
{
	char *begun = file_path(dir, LOG_BEGUN_NAME);
	enum rk_code rc;
	int fd;

	rc = file_open(begun, FILE_READ, &fd, err);
	mem_free(begun);
	if (rc == RK_ABSENT)
		return RK_OK;
	if (rc != RK_OK)
		return rc;
	file_close(fd);
	error_set(err, RK_CORRUPT, "%s holds a log, but no " IDENTITY_NAME,
		  dir);
	return error_hint(err, "put back the one that belongs to it");
}

static enum rk_code
create(const char *dir, const struct identity *wanted, struct identity *found,
       struct rk_error *err)
{
	struct bytes text = {0};
	enum rk_code rc;

	if (!is_id_text(wanted->cluster) || wanted->node == 0)
		return error_set(err, RK_USAGE,
				 "%s is new: which cluster and member is it "
				 "for?",
				 dir);
	rc = check_is_new(dir, err);
	if (rc != RK_OK)
		return rc;
	*found = *wanted;
	found->format = STORE_FORMAT;
	snprintf(found->incarnation, sizeof found->incarnation, "%016" PRIx64,
		 prng_entropy());
	bytes_printf(
		&text,
		"{\"format\":%" PRIu64 ",\"cluster\":\"%s\",\"node\":%" PRIu64
		",\"incarnation\":\"%s\"}\n",
		found->format, found->cluster, found->node, found->incarnation);
	rc = file_replace(dir, IDENTITY_NAME,
			  (struct slice){text.data, text.len}, err);
	bytes_close(&text);
	return rc;
}

/* See that the name of `dir` is on disk. */
static enum rk_code
sync_parent(const char *dir, struct rk_error *err)
{
	char *parent = mem_strdup(dir);
	char *slash;
	enum rk_code rc;

	while ((slash = strrchr(parent, '/')) != NULL && slash != parent &&
	       slash[1] == '\0')
		*slash = '\0';
	if (slash != NULL)
		slash[slash == parent] = '\0';
	rc = file_sync_dir(slash != NULL ? parent : ".", err);
	mem_free(parent);
	return rc;
}

static enum rk_code
lock(const char *dir, int *fd, struct rk_error *err)
{
	char *path = file_path(dir, LOCK_NAME);
	int64_t holder;
	enum rk_code rc;

	rc = file_open(path, FILE_CREATE, fd, err);
	mem_free(path);
	if (rc != RK_OK)
		return rc;
	rc = file_lock(*fd, &holder, err);
	if (rc == RK_OK)
		return RK_OK;
	file_close(*fd);
	error_wrap(err, "%s", dir);
	return rc == RK_REJECTED
		       ? error_hint(err,
				    "one member is run by one process; "
				    "end process %" PRId64 " first",
				    holder)
		       : rc;
}

enum rk_code
identity_open(const char *dir, const struct identity *wanted,
	      struct identity *found, bool *created, int *lock_fd,
	      struct rk_error *err)
{
	enum rk_code rc;
	bool made;
	int fd;

	*created = false;
	rc = file_make_dir(dir, &made, err);
	if (rc == RK_OK)
		rc = lock(dir, &fd, err);
	if (rc != RK_OK)
		return rc;
	/* Whoever made what is there may have been killed before it was
	 * synced. */
	rc = identity_read(dir, found, err);
	if (rc == RK_ABSENT) {
		rc = sync_parent(dir, err);
		if (rc == RK_OK)
			rc = create(dir, wanted, found, err);
		*created = rc == RK_OK;
	} else if (rc == RK_OK) {
		rc = check(dir, wanted, found, err);
		if (rc == RK_OK)
			rc = file_sync_dir(dir, err);
	}
	if (rc == RK_OK)
		*lock_fd = fd;
	else
		file_close(fd);
	return rc;
}
