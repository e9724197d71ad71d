/* platter.c - a host's disk: what programs see, and what a power cut leaves. */

#include "platter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define FDS_MOST  256
#define FD_FIRST  100
#define PATH_SIZE 200

/* `size` bytes count of `seen`, and `kept_size` of `kept`; both have room for
 * `cap`. `dirty` has a flag for each sector that may differ by a write that
 * was not synced. */
struct file {
	uint8_t *seen;
	uint8_t *kept;
	uint8_t *dirty;
	size_t size;
	size_t kept_size;
	size_t cap;
	size_t dirty_from; /* Sectors; none is dirty outside of these. */
	size_t dirty_to;
	bool is_dir;
	bool is_used;       /* While sweeping. */
	struct file *older; /* Of all. */
};

struct name {
	char path[PATH_SIZE];
	struct file *file;
};

struct names {
	struct name *items;
	size_t count;
	size_t cap;
};

/* A change of a directory, not yet durable: a new name, one moved here (`from`
 * is not empty), or one removed. */
struct change {
	char from[PATH_SIZE];
	char to[PATH_SIZE];
	struct file *file;
	bool removes;
	bool is_lost;
};

struct descriptor {
	struct file *file; /* NULL: closed. */
	char path[PATH_SIZE];
};

struct platter {
	struct names seen;
	struct names kept;
	struct change *changes; /* In the order in which they were made. */
	size_t change_count;
	size_t change_cap;
	struct descriptor fds[FDS_MOST];
	struct file *files;
	size_t file_count;
	size_t sweep_at;
	bool takes_time;
	struct file *under_way; /* Its sync; NULL: none. */
	struct platter_faults faults;
};

static void write_all(struct file *f);

void
platter_settle(struct platter *d)
{
	struct file *f = d->under_way;

	if (!f)
		return;
	d->under_way = NULL;
	write_all(f);
}

/* ---- names ---- */

static struct name *
find(const struct names *n, const char *path)
{
	size_t i;

	for (i = 0; i < n->count; i++) {
		if (strcmp(n->items[i].path, path) == 0)
			return &n->items[i];
	}
	return NULL;
}

static void
set_path(char to[PATH_SIZE], const char *path)
{
	size_t len = strlen(path);

	assert(len < PATH_SIZE);
	memcpy(to, path, len + 1);
}

static void *
grown(void *items, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return items;
	*cap = need * 2 + 16;
	items = realloc(items, *cap * size);
	assert(items);
	return items;
}

static void
put(struct names *n, const char *path, struct file *file)
{
	struct name *name = find(n, path);

	if (!name) {
		n->items = grown(n->items, &n->cap, n->count + 1,
				 sizeof *n->items);
		name = &n->items[n->count++];
		set_path(name->path, path);
	}
	name->file = file;
}

static void
take_away(struct names *n, const char *path)
{
	struct name *name = find(n, path);

	if (name)
		*name = n->items[--n->count];
}

static bool
is_in(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/' &&
	       strchr(path + len + 1, '/') == NULL;
}

static void
note_change(struct platter *d, const char *from, const char *to,
	    struct file *file)
{
	struct change *c;

	if (d->takes_time)
		platter_settle(d);
	d->changes = grown(d->changes, &d->change_cap, d->change_count + 1,
			   sizeof *d->changes);
	c = &d->changes[d->change_count++];
	set_path(c->from, from);
	set_path(c->to, to);
	c->file = file;
	c->removes = c->is_lost = false;
}

static void
make_durable(struct platter *d, const struct change *c)
{
	struct name *old;

	if (c->removes) {
		take_away(&d->kept, c->to);
		return;
	}
	put(&d->kept, c->to, c->file);
	old = c->from[0] ? find(&d->kept, c->from) : NULL;
	if (old && old->file == c->file)
		take_away(&d->kept, c->from);
}

static void
sync_dir(struct platter *d, const char *dir)
{
	size_t left = 0;
	size_t i;

	for (i = 0; i < d->change_count; i++) {
		if (is_in(dir, d->changes[i].to))
			make_durable(d, &d->changes[i]);
		else
			d->changes[left++] = d->changes[i];
	}
	d->change_count = left;
}

/* ---- files ---- */

static struct file *
file_new(struct platter *d)
{
	struct file *f = calloc(1, sizeof *f);

	assert(f);
	f->older = d->files;
	d->files = f;
	d->file_count++;
	return f;
}

static void
file_free(struct file *f)
{
	free(f->seen);
	free(f->kept);
	free(f->dirty);
	free(f);
}

static void
mark_used(const struct names *n)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		n->items[i].file->is_used = true;
}

/* Free the files that have neither name nor descriptor. */
static void
sweep(struct platter *d)
{
	struct file **at = &d->files;
	struct file *f;
	size_t i;

	mark_used(&d->seen);
	mark_used(&d->kept);
	if (d->under_way)
		d->under_way->is_used = true;
	for (i = 0; i < d->change_count; i++)
		d->changes[i].file->is_used = true;
	for (i = 0; i < FDS_MOST; i++) {
		if (d->fds[i].file)
			d->fds[i].file->is_used = true;
	}
	while ((f = *at)) {
		if (f->is_used) {
			f->is_used = false;
			at = &f->older;
			continue;
		}
		*at = f->older;
		file_free(f);
		d->file_count--;
	}
	d->sweep_at = d->file_count * 2 + 16;
}

static size_t
sectors(size_t bytes)
{
	return (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;
}

static void
reserve(struct file *f, size_t bytes)
{
	size_t cap = f->cap ? f->cap : 8 * SECTOR_BYTES;

	if (bytes <= f->cap)
		return;
	while (cap < bytes)
		cap *= 2;
	f->seen = realloc(f->seen, cap);
	f->kept = realloc(f->kept, cap);
	f->dirty = realloc(f->dirty, sectors(cap));
	assert(f->seen);
	assert(f->kept);
	assert(f->dirty);
	memset(f->seen + f->cap, 0, cap - f->cap);
	memset(f->kept + f->cap, 0, cap - f->cap);
	memset(f->dirty + sectors(f->cap), 0, sectors(cap) - sectors(f->cap));
	f->cap = cap;
}

static void
soil(struct file *f, size_t from, size_t to)
{
	size_t first = from / SECTOR_BYTES;
	size_t end = sectors(to);

	if (from >= to)
		return;
	memset(f->dirty + first, 1, end - first);
	if (f->dirty_from == f->dirty_to) {
		f->dirty_from = first;
		f->dirty_to = end;
		return;
	}
	if (first < f->dirty_from)
		f->dirty_from = first;
	if (end > f->dirty_to)
		f->dirty_to = end;
}

static void
copy_sector(uint8_t *to, const uint8_t *from, size_t sector)
{
	memcpy(to + sector * SECTOR_BYTES, from + sector * SECTOR_BYTES,
	       SECTOR_BYTES);
}

/* Write the dirty sectors out; `all`, or any of them. None is dirty then. */
static void
write_out(struct file *f, bool all)
{
	size_t i;

	for (i = f->dirty_from; i < f->dirty_to; i++) {
		if (f->dirty[i] && (all || world_chance(1, 2)))
			copy_sector(f->kept, f->seen, i);
		f->dirty[i] = 0;
	}
	f->dirty_from = f->dirty_to = 0;
}

static void
write_all(struct file *f)
{
	write_out(f, true);
	f->kept_size = f->size;
}

/* ---- life ---- */

struct platter *
platter_new(void)
{
	struct platter *d = calloc(1, sizeof *d);
	struct file *root;

	assert(d);
	d->sweep_at = 64;
	root = file_new(d);
	root->is_dir = true;
	put(&d->seen, "/data", root);
	put(&d->kept, "/data", root);
	return d;
}

void
platter_free(struct platter *d)
{
	struct file *f;

	while ((f = d->files)) {
		d->files = f->older;
		file_free(f);
	}
	free(d->seen.items);
	free(d->kept.items);
	free(d->changes);
	free(d);
}

struct platter_faults *
platter_faults(struct platter *d)
{
	return &d->faults;
}

void
platter_close_all(struct platter *d)
{
	d->takes_time = false;
	d->under_way = NULL;
	memset(d->fds, 0, sizeof d->fds);
	sweep(d);
}

void
platter_take_time(struct platter *d, bool on)
{
	d->takes_time = on;
}

/* What is left of a file: none of the sectors, all, or some of them. */
static void
file_power_cut(struct file *f)
{
	bool some = world_chance(2, 3);

	if (f->dirty_from < f->dirty_to || f->size != f->kept_size) {
		if (some)
			write_out(f, world_chance(1, 4));
		if (some && world_chance(1, 2))
			f->kept_size = f->size;
	}
	if (f->cap) {
		memcpy(f->seen, f->kept, f->cap);
		memset(f->dirty, 0, sectors(f->cap));
		memset(f->seen + f->kept_size, 0, f->cap - f->kept_size);
		memset(f->kept + f->kept_size, 0, f->cap - f->kept_size);
	}
	f->size = f->kept_size;
	f->dirty_from = f->dirty_to = 0;
}

/* Whether it builds on a change that is lost: of the same file or name. */
static bool
depends_on_lost(const struct platter *d, size_t i)
{
	const struct change *c = &d->changes[i];
	size_t j;

	for (j = 0; j < i; j++) {
		const struct change *before = &d->changes[j];

		if (before->is_lost &&
		    (before->file == c->file || strcmp(before->to, c->to) == 0))
			return true;
	}
	return false;
}

/* Directories: a prefix of the changes, or any of them; but those of one file
 * stay in order, as every journal keeps them. */
static void
names_power_cut(struct platter *d)
{
	size_t upto = (size_t)world_draw(0, d->change_count + 1);
	bool prefix = world_chance(1, 2);
	size_t i;

	for (i = 0; i < d->change_count; i++) {
		if ((prefix ? i < upto : world_chance(1, 2)) &&
		    !depends_on_lost(d, i))
			make_durable(d, &d->changes[i]);
		else
			d->changes[i].is_lost = true;
	}
	d->change_count = 0;
	d->seen.count = 0;
	for (i = 0; i < d->kept.count; i++)
		put(&d->seen, d->kept.items[i].path, d->kept.items[i].file);
}

void
platter_power_cut(struct platter *d)
{
	struct file *f;

	names_power_cut(d);
	for (f = d->files; f; f = f->older)
		file_power_cut(f);
	platter_close_all(d);
}

/* ---- calls ---- */

static int
fail(int error)
{
	errno = error;
	return -1;
}

static struct descriptor *
at_fd(const struct platter *d, int fd)
{
	size_t i = (size_t)(fd - FD_FIRST);

	if (fd < FD_FIRST || i >= FDS_MOST || !d->fds[i].file)
		world_fail("a call on descriptor %d, which is not open", fd);
	return (struct descriptor *)(uintptr_t)&d->fds[i];
}

int
platter_open(struct platter *d, const char *path, int flags)
{
	struct name *name = find(&d->seen, path);
	struct file *f = name ? name->file : NULL;
	size_t i;

	if (f && (flags & O_CREAT) && (flags & O_EXCL))
		return fail(EEXIST);
	if (!f && !(flags & O_CREAT))
		return fail(ENOENT);
	for (i = 0; i < FDS_MOST && d->fds[i].file; i++)
		;
	if (i == FDS_MOST)
		world_fail("%zu descriptors are open", i);
	if (!f) {
		if (d->faults.is_limited && !d->faults.space)
			return fail(ENOSPC);
		if (d->file_count > d->sweep_at)
			sweep(d);
		f = file_new(d);
		put(&d->seen, path, f);
		note_change(d, "", path, f);
	}
	d->fds[i].file = f;
	set_path(d->fds[i].path, path);
	return FD_FIRST + (int)i;
}

int
platter_close(struct platter *d, int fd)
{
	at_fd(d, fd)->file = NULL;
	return 0;
}

ssize_t
platter_read(struct platter *d, int fd, void *to, size_t len, uint64_t at)
{
	struct file *f = at_fd(d, fd)->file;

	if (world_chance(d->faults.read_fails, 10000))
		return fail(EIO);
	if (at >= f->size)
		return 0;
	if (len > f->size - at)
		len = f->size - (size_t)at;
	memcpy(to, f->seen + at, len);
	return (ssize_t)len;
}

/* How much more of the disk this needs, and whether it is there. */
static bool
take_space(struct platter *d, const struct file *f, uint64_t end)
{
	uint64_t more = end > f->size ? end - f->size : 0;

	if (!d->faults.is_limited)
		return true;
	if (more > d->faults.space)
		return false;
	d->faults.space -= more;
	return true;
}

ssize_t
platter_write(struct platter *d, int fd, const void *from, size_t len,
	      uint64_t at)
{
	struct file *f = at_fd(d, fd)->file;

	if (d->takes_time)
		platter_settle(d);
	if (world_chance(d->faults.write_fails, 10000))
		return fail(EIO);
	if (len > 1 && world_chance(1, 50))
		len = (size_t)world_draw(1, len); /* A short one. */
	if (!take_space(d, f, at + len))
		return fail(ENOSPC);
	reserve(f, (size_t)(at + len));
	memcpy(f->seen + at, from, len);
	soil(f, (size_t)at, (size_t)at + len);
	if (at + len > f->size)
		f->size = (size_t)(at + len);
	return (ssize_t)len;
}

int
platter_sync(struct platter *d, int fd)
{
	struct descriptor *at = at_fd(d, fd);

	if (d->takes_time)
		platter_settle(d);
	if (at->file->is_dir) {
		sync_dir(d, at->path);
		return 0;
	}
	if (world_chance(d->faults.sync_fails, 10000)) {
		/* The pages count as clean, and are on disk or not. */
		write_out(at->file, false);
		return fail(EIO);
	}
	if (d->takes_time)
		d->under_way = at->file;
	else
		write_all(at->file);
	return 0;
}

int
platter_drop_cache(struct platter *d, int fd)
{
	struct file *f = at_fd(d, fd)->file;
	size_t i;

	for (i = 0; i < sectors(f->size); i++) {
		if (!f->dirty[i])
			copy_sector(f->seen, f->kept, i);
	}
	return 0;
}

int
platter_truncate(struct platter *d, int fd, uint64_t size)
{
	struct file *f = at_fd(d, fd)->file;
	size_t old = f->size;

	if (!take_space(d, f, size))
		return fail(ENOSPC);
	reserve(f, (size_t)size);
	if (size < old) {
		memset(f->seen + size, 0, old - (size_t)size);
		soil(f, (size_t)size, old);
	}
	f->size = (size_t)size;
	return 0;
}

int
platter_size(struct platter *d, int fd, uint64_t *size)
{
	*size = at_fd(d, fd)->file->size;
	return 0;
}

int
platter_rename(struct platter *d, const char *from, const char *to)
{
	struct name *name = find(&d->seen, from);
	struct file *f;

	if (!name)
		return fail(ENOENT);
	f = name->file;
	take_away(&d->seen, from);
	put(&d->seen, to, f);
	note_change(d, from, to, f);
	return 0;
}

int
platter_link(struct platter *d, const char *from, const char *to)
{
	struct name *name = find(&d->seen, from);
	struct file *f;

	if (!name)
		return fail(ENOENT);
	if (find(&d->seen, to))
		return fail(EEXIST);
	f = name->file;
	put(&d->seen, to, f);
	note_change(d, "", to, f);
	return 0;
}

int
platter_unlink(struct platter *d, const char *path)
{
	struct name *name = find(&d->seen, path);
	struct file *f;

	if (!name)
		return fail(ENOENT);
	f = name->file;
	take_away(&d->seen, path);
	note_change(d, "", path, f);
	d->changes[d->change_count - 1].removes = true;
	return 0;
}

int
platter_make_dir(struct platter *d, const char *path)
{
	struct file *f;

	if (find(&d->seen, path))
		return fail(EEXIST);
	f = file_new(d);
	f->is_dir = true;
	put(&d->seen, path, f);
	note_change(d, "", path, f);
	return 0;
}

bool
platter_is_dir(const struct platter *d, const char *path)
{
	const struct name *name = find(&d->seen, path);

	return name && name->file->is_dir;
}

const char *
platter_path_of(const struct platter *d, int fd)
{
	return at_fd(d, fd)->path;
}

const char *
platter_entry(const struct platter *d, const char *dir, size_t i)
{
	size_t j;

	for (j = 0; j < d->seen.count; j++) {
		if (is_in(dir, d->seen.items[j].path) && i-- == 0)
			return strrchr(d->seen.items[j].path, '/') + 1;
	}
	return NULL;
}

const uint8_t *
platter_peek(const struct platter *d, const char *path, size_t *size)
{
	const struct name *name = find(&d->seen, path);

	*size = name ? name->file->size : 0;
	return name ? name->file->seen : NULL;
}
