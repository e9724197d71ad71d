/* sample.c - what tests of files begin with: a directory, and some lines. */

#include "sample.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/line.h"
#include "base/mem.h"

char *
sample_path(const char *dir, const char *name)
{
	struct bytes path = {.data = NULL};

	bytes_printf(&path, "%s/%s", dir, name);
	bytes_append_char(&path, '\0');
	return (char *)path.data;
}

char *
sample_dir(void)
{
	const char *base = getenv("TMPDIR");
	struct bytes path = {.data = NULL};
	char *made;
	int i;

	bytes_printf(&path, "%s/unit-", base != NULL ? base : "/tmp");
	for (i = 0; i < 6; i++)
		bytes_append_char(&path, 'X'); /* mkdtemp() fills them in. */
	bytes_append_char(&path, '\0');
	made = mkdtemp((char *)path.data);
	assert(made != NULL);
	return made;
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

void
sample_dir_remove(char *dir)
{
	int rc = nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	assert(rc == 0);
	mem_free(dir);
}

void
sample_line(struct bytes *out, rk_index index, const char *session,
	    uint64_t seq, const char *data)
{
	struct rk_entry entry = {
		.index = index,
		.term = 1,
		.time_ms = 1000 * index,
		.session = session,
		.seq = seq,
		.data = data,
		.len = strlen(data),
	};

	line_encode(out, &entry);
}

void
sample_lines(struct bytes *out, rk_index from, rk_index to)
{
	char data[24];

	for (; from < to; from++) {
		snprintf(data, sizeof data, "%" PRIu64, from);
		sample_line(out, from, NULL, 0, data);
	}
}

struct bytes
sample_read(const char *path)
{
	struct bytes out = {.data = NULL};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	assert(fd >= 0);
	while ((got = read(fd, bytes_reserve(&out, 65536), 65536)) > 0)
		out.len += (size_t)got;
	assert(got == 0);
	close(fd);
	*bytes_reserve(&out, 1) = '\0';
	return out;
}

void
sample_write(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t put;

	assert(fd >= 0);
	put = write(fd, data, len);
	assert(put == (ssize_t)len);
	close(fd);
}
