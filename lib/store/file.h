/* file.h - every call that the store makes to the file system.
 *
 * Thin, so that tests can link another file.c in its place that loses unsynced
 * writes, tears them, fails the nth call or flips bits. Each function fills
 * `err` where errno is fresh, naming the file. Descriptors are opened
 * O_CLOEXEC and O_NOFOLLOW, files made 0600, directories 0700. */

#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "raftkit.h"

enum file_mode {
	FILE_READ,
	FILE_WRITE,      /* Read and write; must exist. */
	FILE_CREATE,     /* Read and write; made if it is not there. */
	FILE_CREATE_NEW, /* Read and write; must not exist. */
};

/* RK_ABSENT if it does not exist (RK_FAILED otherwise). `*fd` is the
 * caller's, to be closed with file_close(). */
RK_CHECKED enum rk_code file_open(const char *path, enum file_mode mode,
				  int *fd, struct rk_error *err);
void file_close(int fd);

/* Read up to `len` bytes at `offset`, short only at the end of the file. */
RK_CHECKED enum rk_code file_read_at(int fd, void *data, size_t len,
				     uint64_t offset, size_t *got,
				     struct rk_error *err);

/* Write all of it. ENOSPC and EDQUOT are RK_REJECTED, the rest RK_FAILED;
 * either way some of it may have been written. */
RK_CHECKED enum rk_code file_write_at(int fd, const struct iovec *parts,
				      int count, uint64_t offset,
				      struct rk_error *err);

/* fdatasync, fsync. A failure is never retried: the kernel may have dropped
 * what it could not write. */
RK_CHECKED enum rk_code file_sync_data(int fd, struct rk_error *err);
RK_CHECKED enum rk_code file_sync(int fd, struct rk_error *err);
RK_CHECKED enum rk_code file_sync_dir(const char *path, struct rk_error *err);

/* fsync, then drop from the page cache, which may hold what the disk lacks. */
RK_CHECKED enum rk_code file_sync_and_drop(int fd, struct rk_error *err);

RK_CHECKED enum rk_code file_size(int fd, uint64_t *size, struct rk_error *err);
RK_CHECKED enum rk_code file_truncate(int fd, uint64_t size,
				      struct rk_error *err);
RK_CHECKED enum rk_code file_rename(const char *from, const char *to,
				    struct rk_error *err);
RK_CHECKED enum rk_code file_link(const char *from, const char *to,
				  struct rk_error *err);
RK_CHECKED enum rk_code file_unlink(const char *path, struct rk_error *err);

/* Fine if it is there; `*made` says that it was not. */
RK_CHECKED enum rk_code file_make_dir(const char *path, bool *made,
				      struct rk_error *err);

/* Names in a directory, sorted, "." and ".." left out; the caller frees them
 * with file_list_free(). */
RK_CHECKED enum rk_code file_list(const char *path, char ***names,
				  size_t *count, struct rk_error *err);
void file_list_free(char **names, size_t count);

/* An fcntl lock on the whole file. RK_REJECTED with `*holder` (a pid) if
 * another process has it. */
RK_CHECKED enum rk_code file_lock(int fd, int64_t *holder,
				  struct rk_error *err);

/* Bytes free for us on the file system of `path`. */
RK_CHECKED enum rk_code file_space(const char *path, uint64_t *bytes,
				   struct rk_error *err);

/* `dir`/`name`; the caller frees it with mem_free(). */
char *file_path(const char *dir, const char *name);

/* Write `name` in `dir` whole: aside, fsync, rename, fsync of the directory. */
RK_CHECKED enum rk_code file_replace(const char *dir, const char *name,
				     struct slice data, struct rk_error *err);

/* All of a file of at most `max` bytes, appended to `out`. */
RK_CHECKED enum rk_code file_read_whole(const char *path, size_t max,
					struct bytes *out,
					struct rk_error *err);

#endif /* STORE_FILE_H */
