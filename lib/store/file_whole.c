/* file_whole.c - small files, read and replaced as a whole.
 *
 * Made of file.c's calls alone, so that a test that replaces those sees each
 * step. */

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"

char *
file_path(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = mem_alloc(size, 1);

	snprintf(path, size, "%s/%s", dir, name);
	return path;
}

static enum rk_code
write_synced(const char *path, struct slice data, struct rk_error *err)
{
	struct iovec part = {(void *)(uintptr_t)data.data, data.len};
	enum rk_code rc;
	int fd;

	rc = file_open(path, FILE_CREATE, &fd, err);
	if (rc != RK_OK)
		return rc;
	rc = file_truncate(fd, 0, err);
	if (rc == RK_OK)
		rc = file_write_at(fd, &part, 1, 0, err);
	if (rc == RK_OK)
		rc = file_sync(fd, err);
	file_close(fd);
	return rc;
}

enum rk_code
file_replace(const char *dir, const char *name, struct slice data,
	     struct rk_error *err)
{
	struct bytes aside_name = {0};
	char *path = file_path(dir, name);
	char *aside;
	enum rk_code rc;

	bytes_printf(&aside_name, "%s.tmp%c", name, '\0');
	aside = file_path(dir, (char *)aside_name.data);
	rc = write_synced(aside, data, err);
	if (rc == RK_OK)
		rc = file_rename(aside, path, err);
	if (rc == RK_OK)
		rc = file_sync_dir(dir, err);
	mem_free(aside);
	mem_free(path);
	bytes_close(&aside_name);
	return rc;
}

enum rk_code
file_read_whole(const char *path, size_t max, struct bytes *out,
		struct rk_error *err)
{
	uint64_t size;
	size_t got;
	enum rk_code rc;
	int fd;

	rc = file_open(path, FILE_READ, &fd, err);
	if (rc != RK_OK)
		return rc;
	rc = file_size(fd, &size, err);
	if (rc == RK_OK && size > max)
		rc = error_set(err, RK_CORRUPT, "%s: %llu bytes; at most %zu",
			       path, (unsigned long long)size, max);
	if (rc == RK_OK) {
		rc = file_read_at(fd, bytes_reserve(out, (size_t)size),
				  (size_t)size, 0, &got, err);
		if (rc == RK_OK)
			out->len += got;
	}
	file_close(fd);
	return rc;
}
