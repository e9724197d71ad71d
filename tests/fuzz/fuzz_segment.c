/* fuzz_segment.c - no bytes in a segment make the store wrong.
 *
 *   clang -std=c11 -g -O1 -D_GNU_SOURCE -Ilib \
 *       -fsanitize=fuzzer,address,undefined -DRK_VERSION_TEXT='""' \
 *       -DRK_COMMIT_TEXT='""' -o fuzz_segment tests/fuzz/fuzz_segment.c \
 *       lib/store/[!is]*.c lib/store/inspect.c lib/store/segment*.c \
 *       lib/base/[!j]*.c
 *
 * The bytes are scanned as they are; then once more with a good header before
 * them and good checksums wherever a record might be, for else nothing behind
 * the checksums would ever be reached. What is accepted must be read again to
 * the same length. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/log_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	uint64_t count;
	uint64_t bytes;
};

static bool
add_line(void *context, struct slice line)
{
	struct sum *sum = context;

	sum->count++;
	sum->bytes += line.len;
	return true;
}

static void
scan(const char *path, const struct bytes *data)
{
	struct log_recovered r;
	struct sum sum = {0};
	struct rk_error err;
	struct iovec part = {data->data, data->len};
	uint64_t bytes = 0;
	uint64_t i;
	int fd;

	if (file_open(path, FILE_CREATE, &fd, &err) != RK_OK ||
	    file_truncate(fd, 0, &err) != RK_OK ||
	    file_write_at(fd, &part, 1, 0, &err) != RK_OK)
		abort();
	file_close(fd);
	if (log_inspect_file(path, add_line, &sum, &r, &err) != RK_OK)
		return;
	for (i = 0; i < r.count; i++)
		bytes += r.sizes[i];
	if (sum.bytes != bytes || sum.count != r.count)
		abort();
	log_recovered_close(&r);
}

/* Make each record whose head could be one right in its sums: its own, its
 * batch number, and the two of a batch's end. */
static void
put_right(struct bytes *data, const struct segment_head *head)
{
	uint32_t seed = segment_seed(head->id);
	uint64_t batch = head->first_batch;
	uint32_t records = 0;
	uint32_t sum = 0;
	uint64_t at = SEGMENT_HEAD_BYTES;
	uint8_t place[8];
	uint8_t *p;
	uint64_t size;
	uint32_t payload;

	while (at + RECORD_HEAD_BYTES <= data->len) {
		p = data->data + at;
		p[8] = (uint8_t)(1 + p[8] % RECORD_SEAL);
		p[9] %= 3;
		memset(p + 10, 0, 6);
		bytes_put_u32(p + 4, bytes_get_u32(p + 4) % 128);
		if (p[8] != RECORD_ENTRY) {
			p[9] = 0;
			bytes_put_u32(p + 4, p[8] == RECORD_HARD_STATE ? 8
					     : p[8] == RECORD_BATCH_END ||
							     p[8] == RECORD_SEAL
						     ? 16
						     : 0);
		}
		bytes_put_u64(p + 16, bytes_get_u64(p + 16) % 16);
		bytes_put_u64(p + 24, bytes_get_u64(p + 24) % 16);
		size = record_claimed_size(p);
		if (size == 0 || at + size > data->len)
			return;
		payload = bytes_get_u32(p + 4);
		if (p[8] == RECORD_ENTRY && payload > 0)
			p[RECORD_HEAD_BYTES + payload - 1] = '\n';
		bytes_put_u64(p + 32, batch);
		if (p[8] == RECORD_BATCH_END) {
			bytes_put_u32(p + RECORD_HEAD_BYTES + 8, records);
			bytes_put_u32(p + RECORD_HEAD_BYTES + 12, sum);
			batch++;
		}
		bytes_put_u64(place, at);
		bytes_put_u32(p, crc32c(crc32c(seed, place, 8), p + 4,
					(size_t)size - 4));
		sum = p[8] == RECORD_BATCH_END ? 0 : crc32c(sum, p, 4);
		records = p[8] == RECORD_BATCH_END ? 0 : records + 1;
		at += size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct segment_head head = {.first_batch = 1, .node = 1};
	struct bytes file = {0};
	char path[64];

	snprintf(path, sizeof path, "/dev/shm/fuzz_segment-%d.seg", getpid());
	bytes_append(&file, data, size);
	if (size > 0)
		scan(path, &file);
	file.len = 0;
	segment_head_encode(&head, bytes_reserve(&file, SEGMENT_HEAD_BYTES));
	file.len += SEGMENT_HEAD_BYTES;
	bytes_append(&file, data, size);
	put_right(&file, &head);
	scan(path, &file);
	bytes_close(&file);
	unlink(path);
	return 0;
}
