/* platter.h - a host's disk: what programs see, and what a power cut leaves.
 *
 * Each file has the bytes that a reader sees and those on the platter; a sync
 * makes them one. Directory entries are durable once their directory was
 * synced. A power cut keeps any subset of the sectors and of the directory's
 * changes that were not synced. */

#ifndef SIM_PLATTER_H
#define SIM_PLATTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SECTOR_BYTES 512

struct platter;

/* What it does wrong; all zero: nothing. Chances are of 10,000 calls. */
struct platter_faults {
	unsigned read_fails;
	unsigned write_fails;
	unsigned sync_fails;
	uint64_t space; /* Bytes that it takes yet, if `is_limited`. */
	bool is_limited;
};

struct platter *platter_new(void);
void platter_free(struct platter *d);
struct platter_faults *platter_faults(struct platter *d);

/* The process has ended: its descriptors are closed. */
void platter_close_all(struct platter *d);
void platter_power_cut(struct platter *d);

/* From `on` until off: a sync takes time. It counts only once the next write
 * or sync is made, which waits for it, or with platter_settle(). */
void platter_take_time(struct platter *d, bool on);
void platter_settle(struct platter *d);

/* As the system calls: a descriptor or count, or -1 and errno. */
int platter_open(struct platter *d, const char *path, int flags);
int platter_close(struct platter *d, int fd);
ssize_t platter_read(struct platter *d, int fd, void *to, size_t len,
		     uint64_t at);
ssize_t platter_write(struct platter *d, int fd, const void *from, size_t len,
		      uint64_t at);
int platter_sync(struct platter *d, int fd);
int platter_drop_cache(struct platter *d, int fd);
int platter_truncate(struct platter *d, int fd, uint64_t size);
int platter_size(struct platter *d, int fd, uint64_t *size);
int platter_rename(struct platter *d, const char *from, const char *to);
int platter_link(struct platter *d, const char *from, const char *to);
int platter_unlink(struct platter *d, const char *path);
int platter_make_dir(struct platter *d, const char *path);
bool platter_is_dir(const struct platter *d, const char *path);
const char *platter_path_of(const struct platter *d, int fd);

/* The name of the `i`th entry of a directory; NULL if there are fewer. */
const char *platter_entry(const struct platter *d, const char *dir, size_t i);

/* What a reader sees of a file, without a call; NULL: no such file. */
const uint8_t *platter_peek(const struct platter *d, const char *path,
			    size_t *size);

#endif /* SIM_PLATTER_H */
