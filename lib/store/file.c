/* file.c - every call that the store makes to the file system. */

#include "store/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

/* The kernel takes no more parts than this in one call (UIO_MAXIOV). */
#define PARTS_MAX 1024

static const int mode_flags[] = {
	[FILE_READ] = O_RDONLY,
	[FILE_WRITE] = O_RDWR,
	[FILE_CREATE] = O_RDWR | O_CREAT,
	[FILE_CREATE_NEW] = O_RDWR | O_CREAT | O_EXCL,
};

/* What the caller can do about it: come back later, look elsewhere, or
 * nothing. */
static enum rk_code
code_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return RK_REJECTED;
	case ENOENT:
		return RK_ABSENT;
	default:
		return RK_FAILED;
	}
}

static enum rk_code
fail(struct rk_error *err, const char *what, const char *path)
{
	int error = errno;

	return error_set(err, code_of(error), "%s %s: %s", what, path,
			 strerror(error));
}

/* An open file's name, for messages alone. */
static const char *
fd_name(int fd, char *name, size_t size)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	len = readlink(link, name, size - 1);
	if (len < 0) {
		snprintf(name, size, "descriptor %d", fd);
		return name;
	}
	name[len] = '\0';
	return name;
}

static enum rk_code
fail_fd(struct rk_error *err, enum rk_code code, const char *what, int fd)
{
	char name[256];
	int error = errno;

	return error_set(err, code, "%s %s: %s", what,
			 fd_name(fd, name, sizeof name), strerror(error));
}

enum rk_code
file_open(const char *path, enum file_mode mode, int *fd, struct rk_error *err)
{
	assert((size_t)mode < LEN(mode_flags));
	do {
		*fd = open(path, mode_flags[mode] | O_CLOEXEC | O_NOFOLLOW,
			   0600);
	} while (*fd < 0 && errno == EINTR);
	return *fd < 0 ? fail(err, "open", path) : RK_OK;
}

void
file_close(int fd)
{
	/* What matters was synced before; and the descriptor is gone even if
	 * close() fails. */
	if (fd >= 0)
		(void)close(fd);
}

enum rk_code
file_read_at(int fd, void *data, size_t len, uint64_t offset, size_t *got,
	     struct rk_error *err)
{
	ssize_t n;

	*got = 0;
	while (*got < len) {
		n = pread(fd, (char *)data + *got, len - *got,
			  (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_fd(err, RK_FAILED, "read", fd);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return RK_OK;
}

/* Drop `done` bytes from the front of the parts; returns how many parts are
 * left, moved to the front. */
static int
skip_parts(struct iovec *parts, int count, size_t done)
{
	int i = 0;

	while (i < count && done >= parts[i].iov_len)
		done -= parts[i++].iov_len;
	if (i < count) {
		parts[i].iov_base = (char *)parts[i].iov_base + done;
		parts[i].iov_len -= done;
	}
	memmove(parts, parts + i, (size_t)(count - i) * sizeof *parts);
	return count - i;
}

enum rk_code
file_write_at(int fd, const struct iovec *parts, int count, uint64_t offset,
	      struct rk_error *err)
{
	struct iovec left[16];
	enum rk_code code;
	ssize_t n;

	assert(count > 0);
	assert((size_t)count <= LEN(left));
	_Static_assert(LEN(left) <= PARTS_MAX, "one call takes them all");
	memcpy(left, parts, (size_t)count * sizeof *parts);
	count = skip_parts(left, count, 0);
	while (count > 0) {
		n = pwritev(fd, left, count, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			code = code_of(errno);
			return fail_fd(err, code, "write", fd);
		}
		offset += (uint64_t)n;
		count = skip_parts(left, count, (size_t)n);
	}
	return RK_OK;
}

enum rk_code
file_sync_data(int fd, struct rk_error *err)
{
	return fdatasync(fd) < 0 ? fail_fd(err, RK_FAILED, "sync", fd) : RK_OK;
}

enum rk_code
file_sync(int fd, struct rk_error *err)
{
	return fsync(fd) < 0 ? fail_fd(err, RK_FAILED, "sync", fd) : RK_OK;
}

enum rk_code
file_sync_dir(const char *path, struct rk_error *err)
{
	enum rk_code rc = RK_OK;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "open", path);
	if (fsync(fd) < 0)
		rc = fail_fd(err, RK_FAILED, "sync", fd);
	file_close(fd);
	return rc;
}

enum rk_code
file_sync_and_drop(int fd, struct rk_error *err)
{
	if (fsync(fd) < 0)
		return fail_fd(err, RK_FAILED, "sync", fd);
	/* Advice only: file systems in memory do not take it. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return RK_OK;
}

enum rk_code
file_size(int fd, uint64_t *size, struct rk_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_fd(err, RK_FAILED, "stat", fd);
	*size = (uint64_t)st.st_size;
	return RK_OK;
}

enum rk_code
file_truncate(int fd, uint64_t size, struct rk_error *err)
{
	if (ftruncate(fd, (off_t)size) < 0)
		return fail_fd(err, code_of(errno), "truncate", fd);
	return RK_OK;
}

enum rk_code
file_rename(const char *from, const char *to, struct rk_error *err)
{
	return rename(from, to) < 0 ? fail(err, "rename", from) : RK_OK;
}

enum rk_code
file_link(const char *from, const char *to, struct rk_error *err)
{
	return link(from, to) < 0 ? fail(err, "link", from) : RK_OK;
}

enum rk_code
file_unlink(const char *path, struct rk_error *err)
{
	return unlink(path) < 0 ? fail(err, "remove", path) : RK_OK;
}

enum rk_code
file_make_dir(const char *path, bool *made, struct rk_error *err)
{
	*made = mkdir(path, 0700) == 0;
	return *made || errno == EEXIST ? RK_OK : fail(err, "make", path);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum rk_code
file_list(const char *path, char ***names, size_t *count, struct rk_error *err)
{
	struct dirent *entry;
	enum rk_code rc = RK_OK;
	size_t cap = 0;
	DIR *dir;

	*names = NULL;
	*count = 0;
	dir = opendir(path);
	if (dir == NULL)
		return fail(err, "list", path);
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		*names = mem_grow(*names, &cap, *count + 1, sizeof **names);
		(*names)[(*count)++] = mem_strdup(entry->d_name);
	}
	if (errno != 0)
		rc = fail(err, "list", path);
	closedir(dir);
	if (rc != RK_OK) {
		file_list_free(*names, *count);
		*names = NULL;
		*count = 0;
		return rc;
	}
	if (*count > 0)
		qsort(*names, *count, sizeof **names, compare_names);
	return RK_OK;
}

void
file_list_free(char **names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		mem_free(names[i]);
	mem_free(names);
}

enum rk_code
file_lock(int fd, int64_t *holder, struct rk_error *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	*holder = 0;
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return RK_OK;
	if (errno != EAGAIN && errno != EACCES)
		return fail_fd(err, RK_FAILED, "lock", fd);
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*holder = lock.l_pid;
	return error_set(err, RK_REJECTED, "locked by process %lld",
			 (long long)*holder);
}

enum rk_code
file_space(const char *path, uint64_t *bytes, struct rk_error *err)
{
	struct statvfs vfs;

	if (statvfs(path, &vfs) < 0)
		return fail(err, "stat", path);
	*bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return RK_OK;
}
