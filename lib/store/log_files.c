/* log_files.c - which segments are in DIR/log. */

#include "store/log_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"

#define NAME_DIGITS 20

void
log_files_close(struct log_files *f)
{
	mem_free(f->files);
	*f = (struct log_files){0};
}

char *
log_dir_path(const char *dir)
{
	return file_path(dir, "log");
}

uint64_t
log_cluster_number(const struct identity *id)
{
	return strtoull(id->cluster, NULL, 16);
}

void
log_file_name(char name[SEGMENT_NAME_BYTES], const struct segment_head *head,
	      bool second)
{
	if (second)
		snprintf(name, SEGMENT_NAME_BYTES,
			 "%020" PRIu64 "-%020" PRIu64 ".seg",
			 head->last.index + 1, head->first_batch);
	else
		snprintf(name, SEGMENT_NAME_BYTES, "%020" PRIu64 ".seg",
			 head->last.index + 1);
}

static bool
is_number(const char *text)
{
	size_t i;

	for (i = 0; i < NAME_DIGITS; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

static bool
is_segment_name(const char *name)
{
	size_t len = strlen(name);

	if (len == NAME_DIGITS + 4)
		return is_number(name) && strcmp(name + len - 4, ".seg") == 0;
	if (len == 2 * NAME_DIGITS + 5)
		return is_number(name) && name[NAME_DIGITS] == '-' &&
		       is_number(name + NAME_DIGITS + 1) &&
		       strcmp(name + len - 4, ".seg") == 0;
	return false;
}

static bool
is_left_by_crash(const char *name)
{
	return strcmp(name, LOG_NEXT_TMP_NAME) == 0 ||
	       strcmp(name, LOG_ROLL_TMP_NAME) == 0;
}

static bool
is_other_known_name(const char *name)
{
	return is_left_by_crash(name) || strcmp(name, LOG_NEXT_NAME) == 0 ||
	       strstr(name, ".seg.torn-") != NULL;
}

static enum rk_code
read_head(const char *path, int fd, struct segment_head *head,
	  struct rk_error *err)
{
	uint8_t data[SEGMENT_HEAD_BYTES];
	enum rk_code rc;
	size_t got;

	rc = file_read_at(fd, data, sizeof data, 0, &got, err);
	if (rc != RK_OK)
		return rc;
	if (got < sizeof data)
		return error_set(err, RK_CORRUPT,
				 "%s: %zu bytes; a header has %zu", path, got,
				 sizeof data);
	if (segment_head_decode(data, head, err) != RK_OK)
		return error_wrap(err, "%s", path);
	return RK_OK;
}

static enum rk_code
check_owner(const char *path, const struct segment_head *head, uint64_t cluster,
	    rk_id node, struct rk_error *err)
{
	if (head->cluster == cluster && head->node == node)
		return RK_OK;
	error_set(err, RK_USAGE,
		  "%s belongs to member %" PRIu64 " of cluster %016" PRIx64
		  ", not to member %" PRIu64 " of cluster %016" PRIx64,
		  path, head->node, head->cluster, node, cluster);
	return error_hint(err, "it was copied from another directory; give "
			       "each member a directory of its own");
}

static enum rk_code
check_name(const char *path, const char *name, const struct segment_head *head,
	   struct rk_error *err)
{
	char first[SEGMENT_NAME_BYTES];
	char second[SEGMENT_NAME_BYTES];

	log_file_name(first, head, false);
	log_file_name(second, head, true);
	if (strcmp(name, first) == 0 || strcmp(name, second) == 0)
		return RK_OK;
	error_set(err, RK_CORRUPT, "%s is the segment %s by its header", path,
		  first);
	return error_hint(err, "it was renamed or copied; give it back its "
			       "name, or remove the copy");
}

static enum rk_code
load_file(struct log_files *f, const char *path, const char *name,
	  enum log_files_mode mode, struct rk_error *err)
{
	struct log_file file = {.seed = 0};
	enum rk_code rc;
	int fd;

	rc = file_open(path, FILE_READ, &fd, err);
	if (rc != RK_OK)
		return rc;
	if (mode == LOG_FILES_RECOVER)
		rc = file_sync_and_drop(fd, err);
	if (rc == RK_OK)
		rc = read_head(path, fd, &file.head, err);
	file_close(fd);
	if (rc != RK_OK)
		return rc;
	memcpy(file.name, name, strlen(name) + 1);
	file.seed = segment_seed(file.head.id);
	f->files = mem_grow(f->files, &f->cap, f->count + 1, sizeof *f->files);
	f->files[f->count++] = file;
	return RK_OK;
}

/* `id` is NULL if any member's will do, but all must be the same one's. */
static enum rk_code
load_segment(struct log_files *f, const char *path, const char *name,
	     const struct identity *id, enum log_files_mode mode,
	     struct rk_error *err)
{
	const struct segment_head *head;
	enum rk_code rc;

	rc = load_file(f, path, name, mode, err);
	if (rc != RK_OK)
		return rc;
	head = &f->files[f->count - 1].head;
	if (id != NULL)
		rc = check_owner(path, head, log_cluster_number(id), id->node,
				 err);
	else
		rc = check_owner(path, head, f->files[0].head.cluster,
				 f->files[0].head.node, err);
	return rc == RK_OK ? check_name(path, name, head, err) : rc;
}

static enum rk_code
load_name(struct log_files *f, const char *log_dir, const char *name,
	  const struct identity *id, enum log_files_mode mode,
	  struct rk_error *err)
{
	char *path = file_path(log_dir, name);
	enum rk_code rc = RK_OK;

	if (is_segment_name(name)) {
		rc = load_segment(f, path, name, id, mode, err);
	} else if (is_left_by_crash(name) && mode == LOG_FILES_RECOVER) {
		rc = file_unlink(path, err);
	} else if (!is_other_known_name(name) && f->unknown_count++ == 0) {
		snprintf(f->unknown, sizeof f->unknown, "%s", name);
	}
	mem_free(path);
	return rc;
}

static int
compare_files(const void *a, const void *b)
{
	uint64_t one = ((const struct log_file *)a)->head.first_batch;
	uint64_t other = ((const struct log_file *)b)->head.first_batch;

	return (one > other) - (one < other);
}

static enum rk_code
check_copies(const struct log_files *f, const char *log_dir,
	     struct rk_error *err)
{
	size_t i;

	for (i = 1; i < f->count; i++)
		if (f->files[i - 1].head.first_batch ==
		    f->files[i].head.first_batch)
			return error_set(err, RK_CORRUPT,
					 "%s: one of %s and %s is a copy",
					 log_dir, f->files[i - 1].name,
					 f->files[i].name);
	return RK_OK;
}

enum rk_code
log_files_load(struct log_files *f, const char *log_dir,
	       const struct identity *id, enum log_files_mode mode,
	       struct rk_error *err)
{
	char **names;
	size_t count;
	size_t i;
	enum rk_code rc;

	*f = (struct log_files){0};
	rc = file_list(log_dir, &names, &count, err);
	if (rc != RK_OK)
		return rc;
	for (i = 0; i < count && rc == RK_OK; i++)
		rc = load_name(f, log_dir, names[i], id, mode, err);
	file_list_free(names, count);
	if (f->count > 0)
		qsort(f->files, f->count, sizeof *f->files, compare_files);
	if (rc == RK_OK)
		rc = check_copies(f, log_dir, err);
	if (rc != RK_OK)
		log_files_close(f);
	return rc;
}

enum rk_code
log_files_load_one(struct log_files *f, const char *path, struct rk_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	*f = (struct log_files){.alone = true};
	if (strlen(name) >= SEGMENT_NAME_BYTES)
		return error_set(err, RK_USAGE, "%s: not a segment's name",
				 path);
	return load_file(f, path, name, LOG_FILES_LOOK, err);
}
