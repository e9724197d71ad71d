/* snapshot_files.c - names in DIR/snapshot. */

#include "store/snapshot_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"

/* Two numbers of 20 digits, a hyphen, an ending. */
#define NAME_BYTES 96

char *
snapshot_dir_path(const char *dir)
{
	return file_path(dir, "snapshot");
}

enum rk_code
snapshot_dir_make(const char *dir, struct rk_error *err)
{
	char *path = snapshot_dir_path(dir);
	enum rk_code rc;
	bool made;

	rc = file_make_dir(path, &made, err);
	mem_free(path);
	return rc == RK_OK && made ? file_sync_dir(dir, err) : rc;
}

static void
format_name(char name[NAME_BYTES], struct log_end last, const char *ending)
{
	snprintf(name, NAME_BYTES, "%" PRIu64 "-%" PRIu64 "%s", last.index,
		 last.term, ending);
}

char *
snapshot_path(const char *dir, struct log_end last, const char *ending)
{
	char *snapshots = snapshot_dir_path(dir);
	char name[NAME_BYTES];
	char *path;

	format_name(name, last, ending);
	path = file_path(snapshots, name);
	mem_free(snapshots);
	return path;
}

char *
snapshot_data_path(const char *dir, struct log_end last)
{
	return snapshot_path(dir, last, ".data");
}

bool
snapshot_name_parse(const char *name, const char *ending, struct log_end *last)
{
	const char *hyphen = strchr(name, '-');
	const char *dot = strchr(name, '.');

	return hyphen != NULL && dot != NULL && hyphen < dot &&
	       strcmp(dot, ending) == 0 &&
	       bytes_parse_u64(name, (size_t)(hyphen - name), LIMIT_NUMBER,
			       &last->index) &&
	       bytes_parse_u64(hyphen + 1, (size_t)(dot - hyphen - 1),
			       LIMIT_NUMBER, &last->term);
}

enum rk_code
snapshot_read_header(const char *dir, struct log_end last,
		     struct snapshot_header *h, struct rk_error *err)
{
	char *path = snapshot_path(dir, last, ".json");
	struct bytes line = {0};
	enum rk_code rc;

	rc = file_read_whole(path, LIMIT_SNAPSHOT_HEAD_BYTES, &line, err);
	if (rc == RK_OK) {
		rc = snapshot_header_decode((struct slice){line.data, line.len},
					    h, err);
		if (rc != RK_OK)
			error_wrap(err, "%s", path);
	}
	if (rc == RK_OK && (h->meta.last.index != last.index ||
			    h->meta.last.term != last.term)) {
		snapshot_header_close(h);
		rc = error_set(err, RK_CORRUPT, "%s: is of another snapshot",
			       path);
	}
	bytes_close(&line);
	mem_free(path);
	return rc;
}

enum rk_code
snapshot_write_header(const char *dir, const struct snapshot_header *h,
		      struct rk_error *err)
{
	char *snapshots = snapshot_dir_path(dir);
	struct bytes line = {0};
	char name[NAME_BYTES];
	enum rk_code rc;

	format_name(name, h->meta.last, ".json");
	snapshot_header_encode(h, &line);
	rc = file_replace(snapshots, name, (struct slice){line.data, line.len},
			  err);
	bytes_close(&line);
	mem_free(snapshots);
	return rc;
}

enum rk_code
snapshot_checksum(int fd, uint64_t offset, uint64_t bytes, uint32_t *crc,
		  struct rk_error *err)
{
	uint8_t *data = mem_alloc(SNAPSHOT_CHUNK, 1);
	enum rk_code rc = RK_OK;
	size_t want;
	size_t got;

	while (bytes > 0 && rc == RK_OK) {
		want = bytes < SNAPSHOT_CHUNK ? (size_t)bytes : SNAPSHOT_CHUNK;
		rc = file_read_at(fd, data, want, offset, &got, err);
		if (rc == RK_OK && got < want)
			rc = error_set(err, RK_CORRUPT,
				       "cut short at byte %" PRIu64,
				       offset + got);
		if (rc == RK_OK)
			*crc = crc32c(*crc, data, got);
		offset += got;
		bytes -= got;
	}
	mem_free(data);
	return rc;
}
