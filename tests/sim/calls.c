/* calls.c - the system calls, as the simulated hosts make them.
 *
 * The linker puts each __wrap_x() in place of x() (see SIM_CALLS in the
 * Makefile), so that all of lib/ above them is what members run. A host may be
 * killed in any of them. */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>

#include "base/mem.h"
#include "platter.h"
#include "world.h"

/* 2026-11-23, so that lines look as they do. */
#define WALL_MS UINT64_C(1795417200000)

/* A directory that is being read: what was there at first. */
struct listing {
	struct bytes names; /* Each with its NUL. */
	size_t at;
	int fd;
	struct dirent entry;
};

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t len, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_posix_fadvise(int fd, off_t at, off_t len, int advice);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_mkdir(const char *path, mode_t mode);
DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *dir);
int __wrap_closedir(DIR *dir);
int __wrap_dirfd(DIR *dir);
int __wrap_fcntl(int fd, int what, ...);
int __wrap_statvfs(const char *path, struct statvfs *vfs);
ssize_t __wrap_readlink(const char *path, char *to, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t len);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
ssize_t __wrap_getrandom(void *to, size_t len, unsigned flags);
const char *__wrap_rk_version(void);

/* Whoever calls, and may die of it. */
static struct platter *
enter(void)
{
	struct world *w = world_now();
	struct host *h = w->running;

	assert(h);
	if (h->kill_calls && --h->kill_calls == 0)
		longjmp(w->killed, 1);
	return h->disk;
}

int
__wrap_open(const char *path, int flags, ...)
{
	return platter_open(enter(), path, flags);
}

int
__wrap_close(int fd)
{
	return platter_close(enter(), fd);
}

ssize_t
__wrap_pread(int fd, void *to, size_t len, off_t at)
{
	return platter_read(enter(), fd, to, len, (uint64_t)at);
}

ssize_t
__wrap_pwrite(int fd, const void *from, size_t len, off_t at)
{
	return platter_write(enter(), fd, from, len, (uint64_t)at);
}

ssize_t
__wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	struct platter *d = enter();
	ssize_t sum = 0;
	ssize_t n;
	int i;

	for (i = 0; i < count; i++) {
		n = platter_write(d, fd, parts[i].iov_base, parts[i].iov_len,
				  (uint64_t)(at + sum));
		if (n < 0)
			return sum ? sum : -1;
		sum += n;
		if ((size_t)n < parts[i].iov_len)
			break;
	}
	return sum;
}

int
__wrap_fsync(int fd)
{
	return platter_sync(enter(), fd);
}

int
__wrap_fdatasync(int fd)
{
	return platter_sync(enter(), fd);
}

int
__wrap_posix_fadvise(int fd, off_t at, off_t len, int advice)
{
	(void)at;
	(void)len;
	assert(advice == POSIX_FADV_DONTNEED);
	return platter_drop_cache(enter(), fd);
}

int
__wrap_fstat(int fd, struct stat *st)
{
	uint64_t size;

	memset(st, 0, sizeof *st);
	if (platter_size(enter(), fd, &size) < 0)
		return -1;
	st->st_size = (off_t)size;
	return 0;
}

int
__wrap_ftruncate(int fd, off_t size)
{
	return platter_truncate(enter(), fd, (uint64_t)size);
}

int
__wrap_rename(const char *from, const char *to)
{
	return platter_rename(enter(), from, to);
}

int
__wrap_link(const char *from, const char *to)
{
	return platter_link(enter(), from, to);
}

int
__wrap_unlink(const char *path)
{
	return platter_unlink(enter(), path);
}

int
__wrap_unlinkat(int fd, const char *name, int flags)
{
	struct platter *d = enter();
	char path[512];

	assert(flags == 0);
	snprintf(path, sizeof path, "%s/%s", platter_path_of(d, fd), name);
	return platter_unlink(d, path);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	(void)mode;
	return platter_make_dir(enter(), path);
}

DIR *
__wrap_opendir(const char *path)
{
	struct platter *d = enter();
	const char *name;
	struct listing *l;
	size_t i;
	int fd;

	if (!platter_is_dir(d, path)) {
		errno = ENOENT;
		return NULL;
	}
	fd = platter_open(d, path, O_RDONLY);
	if (fd < 0)
		return NULL;
	l = mem_alloc(1, sizeof *l);
	l->fd = fd;
	for (i = 0; (name = platter_entry(d, path, i)); i++)
		bytes_append(&l->names, name, strlen(name) + 1);
	return (DIR *)(void *)l;
}

struct dirent *
__wrap_readdir(DIR *dir)
{
	struct listing *l = (struct listing *)(void *)dir;
	const char *name = (const char *)l->names.data + l->at;

	enter();
	if (l->at == l->names.len)
		return NULL;
	l->at += strlen(name) + 1;
	snprintf(l->entry.d_name, sizeof l->entry.d_name, "%s", name);
	return &l->entry;
}

int
__wrap_closedir(DIR *dir)
{
	struct listing *l = (struct listing *)(void *)dir;
	int rc = platter_close(enter(), l->fd);

	bytes_close(&l->names);
	mem_free(l);
	return rc;
}

int
__wrap_dirfd(DIR *dir)
{
	return ((struct listing *)(void *)dir)->fd;
}

/* Locks alone: a host has one member, so nobody else has it. */
int
__wrap_fcntl(int fd, int what, ...)
{
	(void)fd;
	(void)what;
	enter();
	return 0;
}

int
__wrap_statvfs(const char *path, struct statvfs *vfs)
{
	struct platter_faults *faults = platter_faults(enter());

	(void)path;
	memset(vfs, 0, sizeof *vfs);
	vfs->f_frsize = 1;
	vfs->f_bavail = faults->is_limited ? faults->space : UINT32_MAX;
	return 0;
}

ssize_t
__wrap_readlink(const char *path, char *to, size_t size)
{
	int fd = atoi(strrchr(path, '/') + 1);

	return snprintf(to, size, "%s", platter_path_of(enter(), fd));
}

/* The trace. */
ssize_t
__wrap_write(int fd, const void *from, size_t len)
{
	struct world *w = world_now();

	(void)fd;
	if (w->verbose)
		world_say(w->running, "%.*s", (int)len - 1, (const char *)from);
	return (ssize_t)len;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	struct world *w = world_now();
	struct host *h = w->running;
	uint64_t us = w->now_us;

	if (id == CLOCK_REALTIME)
		us += (WALL_MS + (h ? h->wall_ms : 0)) * 1000;
	else
		us += h ? h->clock_us : 0;
	t->tv_sec = (time_t)(us / 1000000);
	t->tv_nsec = (long)(us % 1000000) * 1000;
	return 0;
}

ssize_t
__wrap_getrandom(void *to, size_t len, unsigned flags)
{
	uint64_t n = prng_next(&world_now()->random);

	(void)flags;
	assert(len <= sizeof n);
	memcpy(to, &n, len);
	return (ssize_t)len;
}

/* Members say it in replies, and a seed is the same history in every build. */
const char *
__wrap_rk_version(void)
{
	return "simulated";
}
