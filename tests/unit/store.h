/* store.h - what the tests of the store share: a directory, a log in it. */

#ifndef UNIT_STORE_H
#define UNIT_STORE_H

#include "store/log.h"
#include "unit.h"

/* A data directory of its own, and the log in it while it is open. */
struct store_fixture {
	char dir[128];
	struct identity id;
	struct log_options options;
	struct log_end snapshot;
	struct log *log;
	struct log_map *map;
	struct log_recovered recovered;
	struct rk_error err;
	rk_index last; /* Of the log, as the test wrote it. */
};

/* An empty directory below $TMPDIR; removed again by store_close(). */
void store_init(struct store_fixture *f);
void store_close(struct store_fixture *f);

/* log_open(), log_close() and so on. */
enum rk_code store_open_log(struct store_fixture *f);
void store_close_log(struct store_fixture *f);

/* As kill -9 would leave it: without the last empty batch. */
void store_crash(struct store_fixture *f);

/* Entries from f->last + 1, each with `size` bytes of data, in one batch. */
enum rk_code store_append(struct store_fixture *f, rk_term term, uint64_t count,
			  size_t size);
enum rk_code store_write(struct store_fixture *f, const struct log_op *op);

/* The line that store_append() makes. */
void store_line(struct bytes *out, rk_index index, rk_term term, size_t size);

/* Fail unless the map holds exactly these lines for [from, to). */
void store_expect(struct store_fixture *f, rk_index from, rk_index to,
		  rk_term term, size_t size);

/* Names in DIR/log that end like this; the last one counts. */
size_t store_count_files(const struct store_fixture *f, const char *ending);
void store_path(const struct store_fixture *f, char *path, size_t size,
		const char *name);
/* The newest segment's path. */
void store_newest(const struct store_fixture *f, char *path, size_t size);

/* Files as bytes. */
void store_read_file(const char *path, struct bytes *out);
void store_write_file(const char *path, const struct bytes *data);
void store_flip(const char *path, uint64_t offset, uint8_t mask);
void store_copy_dir(const char *from, const char *to);
void store_remove_dir(const char *dir);

#endif /* UNIT_STORE_H */
