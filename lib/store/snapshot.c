/* snapshot.c - which snapshots there are; taking and removing them. */

#include "store/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/snapshot_files.h"

static int
compare_newest_first(const void *a, const void *b)
{
	const struct log_end *one = a;
	const struct log_end *other = b;

	if (one->index != other->index)
		return one->index < other->index ? 1 : -1;
	return (one->term < other->term) - (one->term > other->term);
}

/* What is in DIR/snapshot with this ending, newest first. The caller frees
 * `*ends`. */
static enum rk_code
list_ends(const char *dir, const char *ending, struct log_end **ends,
	  size_t *count, struct rk_error *err)
{
	char *path = snapshot_dir_path(dir);
	struct log_end end;
	char **names;
	size_t cap = 0;
	size_t n;
	size_t i;
	enum rk_code rc;

	*ends = NULL;
	*count = 0;
	rc = file_list(path, &names, &n, err);
	mem_free(path);
	if (rc != RK_OK)
		return rc == RK_ABSENT ? RK_OK : rc;
	for (i = 0; i < n; i++) {
		if (!snapshot_name_parse(names[i], ending, &end))
			continue;
		*ends = mem_grow(*ends, &cap, *count + 1, sizeof **ends);
		(*ends)[(*count)++] = end;
	}
	file_list_free(names, n);
	if (*count > 0)
		qsort(*ends, *count, sizeof **ends, compare_newest_first);
	return RK_OK;
}

static enum rk_code
check_payload(const char *dir, const struct snapshot_header *h, bool verify,
	      struct rk_error *err)
{
	char *path = snapshot_data_path(dir, h->meta.last);
	uint32_t crc = 0;
	uint64_t size;
	enum rk_code rc;
	int fd;

	rc = file_open(path, FILE_READ, &fd, err);
	if (rc != RK_OK) {
		mem_free(path);
		return rc;
	}
	rc = file_size(fd, &size, err);
	if (rc == RK_OK && size < h->bytes)
		rc = error_set(
			err, RK_CORRUPT, "%llu bytes; there should be %llu",
			(unsigned long long)size, (unsigned long long)h->bytes);
	/* The cache may hold what the disk lacks. */
	if (rc == RK_OK && verify)
		rc = file_sync_and_drop(fd, err);
	if (rc == RK_OK && verify)
		rc = snapshot_checksum(fd, 0, h->bytes, &crc, err);
	if (rc == RK_OK && verify && crc != h->crc32c)
		rc = error_set(err, RK_CORRUPT, "bad checksum");
	file_close(fd);
	if (rc != RK_OK)
		error_wrap(err, "%s", path);
	mem_free(path);
	return rc;
}

/* What is there to be seen is on disk, too: a crash may have come before the
 * sync of whoever put it there. */
static enum rk_code
sync_names(const char *dir, struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(dir);
	enum rk_code rc;

	rc = file_sync_dir(snapshots, err);
	mem_free(snapshots);
	return rc;
}

/* Whether it is whole; then the caller closes `*h`. */
static enum rk_code
load(const char *dir, struct log_end last, bool verify,
     struct snapshot_header *h, struct rk_error *err)
{
	enum rk_code rc;

	rc = snapshot_read_header(dir, last, h, err);
	if (rc != RK_OK)
		return rc;
	rc = check_payload(dir, h, verify, err);
	if (rc != RK_OK)
		snapshot_header_close(h);
	return rc;
}

enum rk_code
snapshot_sync_names(const char *dir, struct rk_error *err)
{
	enum rk_code rc = sync_names(dir, err);

	return rc == RK_ABSENT ? RK_OK : rc;
}

enum rk_code
snapshot_newest(const char *dir, bool verify, struct snapshot_header *h,
		size_t *skipped, struct rk_error *err)
{
	struct log_end *ends;
	struct rk_error first = {.code = RK_ABSENT};
	size_t count;
	enum rk_code rc;

	*skipped = 0;
	rc = list_ends(dir, ".json", &ends, &count, err);
	if (rc != RK_OK)
		return rc;
	if (count == 0)
		return error_set(err, RK_ABSENT, "%s: no snapshot", dir);
	if (verify)
		rc = sync_names(dir, err);
	if (rc != RK_OK) {
		mem_free(ends);
		return rc;
	}
	for (; *skipped < count; ++*skipped) {
		rc = load(dir, ends[*skipped], verify, h, err);
		if (rc == RK_OK)
			break;
		if (*skipped == 0)
			first = *err;
	}
	mem_free(ends);
	if (rc != RK_OK) {
		*err = first; /* The newest one's is what matters. */
		err->code = RK_CORRUPT;
		return RK_CORRUPT;
	}
	return rc;
}

enum rk_code
snapshot_list(const char *dir, struct snapshot_header **headers, size_t *count,
	      struct rk_error *err)
{
	struct rk_error ignored;
	struct log_end *ends;
	size_t n;
	size_t i;
	enum rk_code rc;

	*headers = NULL;
	*count = 0;
	rc = list_ends(dir, ".json", &ends, &n, err);
	if (rc != RK_OK)
		return rc;
	*headers = mem_alloc(n, sizeof **headers);
	for (i = 0; i < n; i++)
		if (load(dir, ends[i], false, &(*headers)[*count], &ignored) ==
		    RK_OK)
			++*count;
	mem_free(ends);
	return RK_OK;
}

/* ---- taking ---- */

/* Link the payload in. What bears its name without a header was left by a
 * crash. */
static enum rk_code
link_payload(const char *dir, const char *payload_path, struct log_end last,
	     struct rk_error *err)
{
	char *path = snapshot_data_path(dir, last);
	enum rk_code rc;

	rc = file_unlink(path, err);
	if (rc == RK_OK || rc == RK_ABSENT)
		rc = file_link(payload_path, path, err);
	mem_free(path);
	return rc == RK_OK ? sync_names(dir, err) : rc;
}

enum rk_code
snapshot_take(const char *dir, const char *payload_path,
	      const struct snapshot_header *h, struct rk_error *err)
{
	struct snapshot_header there;
	struct rk_error ignored;
	enum rk_code rc;

	rc = snapshot_dir_make(dir, err);
	if (rc != RK_OK)
		return rc;
	if (load(dir, h->meta.last, true, &there, &ignored) == RK_OK) {
		/* Taken, or received, before. One that was damaged since is
		 * replaced: the log is compacted on the strength of it. */
		snapshot_header_close(&there);
		return sync_names(dir, err);
	}
	rc = link_payload(dir, payload_path, h->meta.last, err);
	if (rc == RK_OK)
		rc = snapshot_write_header(dir, h, err);
	if (rc != RK_OK)
		error_wrap(err, "take a snapshot");
	return rc;
}

/* ---- removing ---- */

static enum rk_code
remove_files(const char *dir, const struct log_end *ends, size_t count,
	     const char *ending, struct rk_error *err)
{
	char *path;
	size_t i;
	enum rk_code rc = RK_OK;

	for (i = 0; i < count && rc == RK_OK; i++) {
		path = snapshot_path(dir, ends[i], ending);
		rc = file_unlink(path, err);
		mem_free(path);
		if (rc == RK_ABSENT)
			rc = RK_OK;
	}
	return rc == RK_OK && count > 0 ? sync_names(dir, err) : rc;
}

/* The headers that count: of snapshots that are whole. */
static enum rk_code
find_oldest_kept(const char *dir, size_t keep, struct log_end *oldest,
		 bool *found, struct rk_error *err)
{
	struct snapshot_header *headers;
	size_t count;
	size_t i;
	enum rk_code rc;

	rc = snapshot_list(dir, &headers, &count, err);
	if (rc != RK_OK)
		return rc;
	*found = keep > 0 && count >= keep;
	if (*found)
		*oldest = headers[keep - 1].meta.last;
	for (i = 0; i < count; i++)
		snapshot_header_close(&headers[i]);
	mem_free(headers);
	return RK_OK;
}

enum rk_code
snapshot_prune(const char *dir, size_t keep, struct rk_error *err)
{
	/* A header goes before its payload, so that none is without. */
	static const char *const endings[] = {".json", ".json.tmp", ".data",
					      ".data.tmp"};
	struct log_end oldest;
	struct log_end *ends;
	size_t count;
	size_t kept;
	size_t i;
	bool found;
	enum rk_code rc;

	rc = find_oldest_kept(dir, keep, &oldest, &found, err);
	if (rc != RK_OK || !found)
		return rc;
	for (i = 0; i < LEN(endings) && rc == RK_OK; i++) {
		rc = list_ends(dir, endings[i], &ends, &count, err);
		if (rc != RK_OK)
			return rc;
		for (kept = 0; kept < count; kept++)
			if (compare_newest_first(&ends[kept], &oldest) > 0)
				break;
		rc = remove_files(dir, ends + kept, count - kept, endings[i],
				  err);
		mem_free(ends);
	}
	return rc;
}
