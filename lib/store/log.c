/* log.c - the writer's side of the log: one batch, one write, one sync. */

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/log_scan.h"
#include "store/log_writer.h"

/* A buffer larger than this is not kept for the next batch. */
#define BUFFER_KEPT (4U << 20)

/* A batch on its way into the buffer. */
struct encoding {
	struct log *log;
	uint64_t start; /* Where in the file the buffer goes. */
	uint32_t records;
	uint32_t crc32c;
	struct log_end last;
	struct hard_state hard_state;
	struct log_placement *placement;
};

struct log *
log_writer_new(const char *dir, const struct identity *id,
	       const struct log_options *options)
{
	struct log *log = mem_alloc(1, sizeof *log);

	assert(options->segment_bytes > SEGMENT_HEAD_BYTES);
	log->dir = mem_strdup(dir);
	log->log_dir = log_dir_path(dir);
	log->options = *options;
	log->cluster = log_cluster_number(id);
	log->node = id->node;
	log->fd = -1;
	return log;
}

/* ---- encoding ---- */

static uint64_t
add_record(struct encoding *e, struct record r)
{
	struct bytes *buffer = &e->log->buffer;
	uint64_t offset = e->start + buffer->len;
	uint8_t crc[4];

	r.batch = e->log->batch + 1;
	bytes_put_u32(crc, record_append(buffer, &r, e->log->seed, offset));
	e->crc32c = crc32c(e->crc32c, crc, sizeof crc);
	e->records++;
	return offset;
}

/* Digits up to the next byte that is none. */
static uint64_t
read_number(const uint8_t **p, const uint8_t *end)
{
	uint64_t n = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; ++*p)
		n = n * 10 + (uint64_t)(**p - '0');
	return n;
}

static void
skip_text(const uint8_t **p, const uint8_t *end, const char *text)
{
	size_t len = strlen(text);

	assert((size_t)(end - *p) > len);
	assert(memcmp(*p, text, len) == 0);
	*p += len;
}

/* What a record's header repeats of its line. The caller made or checked the
 * line; only its first three keys are looked at here. */
static struct record
entry_record(const uint8_t *line, size_t len)
{
	struct record r = {.kind = RECORD_ENTRY, .payload = {line, len}};
	const uint8_t *end = line + len;

	skip_text(&line, end, "{\"index\":");
	r.index = read_number(&line, end);
	skip_text(&line, end, ",\"term\":");
	r.term = read_number(&line, end);
	skip_text(&line, end, ",\"type\":\"");
	switch (*line) {
	case 'd':
		r.type = RK_ENTRY_DATA;
		break;
	case 'n':
		r.type = RK_ENTRY_NOOP;
		break;
	default:
		assert(*line == 'c');
		r.type = RK_ENTRY_CONFIGURATION;
		break;
	}
	return r;
}

static void
add_entries(struct encoding *e, const struct log_op *op)
{
	const uint8_t *line = op->lines.data;
	const uint8_t *end = line + op->lines.len;
	const uint8_t *newline;
	struct record r;
	uint64_t offset;
	uint64_t i;

	for (i = 0; i < op->count; i++, line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		assert(newline != NULL);
		r = entry_record(line, (size_t)(newline + 1 - line));
		assert(r.index == op->first + i);
		assert(r.index == e->last.index + 1);
		assert(r.term >= e->last.term);
		offset = add_record(e, r);
		log_placement_entry(e->placement, r.index, offset,
				    e->start + e->log->buffer.len);
		e->last = (struct log_end){r.index, r.term};
	}
	assert(line == end);
}

static void
add_hard_state(struct encoding *e, struct hard_state hard_state)
{
	uint8_t vote[8];

	assert(hard_state.term >= e->hard_state.term);
	bytes_put_u64(vote, hard_state.vote);
	add_record(e, (struct record){.kind = RECORD_HARD_STATE,
				      .term = hard_state.term,
				      .payload = {vote, sizeof vote}});
	e->hard_state = hard_state;
}

static void
add_op(struct encoding *e, const struct log_op *op)
{
	if (op->has_hard_state)
		add_hard_state(e, op->hard_state);
	if (op->reset) {
		add_record(e, (struct record){.kind = RECORD_RESET,
					      .index = op->reset_to.index,
					      .term = op->reset_to.term});
		log_placement_reset(e->placement, op->reset_to.index);
		e->last = op->reset_to;
	}
	if (op->truncate_from != 0) {
		assert(op->truncate_from <= e->last.index + 1);
		add_record(e, (struct record){.kind = RECORD_TRUNCATE,
					      .index = op->truncate_from});
		log_placement_truncate(e->placement, op->truncate_from);
		e->last = (struct log_end){op->truncate_from - 1, 0};
	}
	if (op->count > 0)
		add_entries(e, op);
}

static void
add_batch_end(struct encoding *e, rk_index commit)
{
	uint8_t payload[16];

	bytes_put_u64(payload, commit);
	bytes_put_u32(payload + 8, e->records);
	bytes_put_u32(payload + 12, e->crc32c);
	add_record(e, (struct record){.kind = RECORD_BATCH_END,
				      .payload = {payload, sizeof payload}});
}

/* ---- room ---- */

/* No batch of these takes more; `*entries` says if there are any. */
static uint64_t
batch_bytes(const struct log_op *ops, size_t count, bool *entries)
{
	uint64_t bytes = RECORD_BATCH_END_BYTES;
	size_t i;

	*entries = false;
	for (i = 0; i < count; i++) {
		/* Hard state, reset and truncation. */
		bytes += 3 * record_size(sizeof(uint64_t));
		bytes += ops[i].lines.len;
		bytes += ops[i].count * (RECORD_HEAD_BYTES + RECORD_ALIGN - 1);
		*entries = *entries || ops[i].count > 0;
	}
	return bytes;
}

/* Be in a segment that takes `bytes`, on blocks that are there. */
static enum rk_code
make_room(struct log *log, uint64_t bytes, bool entries,
	  struct log_placement *placement, struct rk_error *err)
{
	uint64_t reserve = LOG_RESERVE_BYTES;
	enum rk_code rc;

	if (reserve > log->options.segment_bytes / 8)
		reserve = log->options.segment_bytes / 8;
	bytes += RECORD_SEAL_BYTES + (entries ? reserve : 0);
	if (log->at + bytes > log->options.segment_bytes &&
	    log->at > SEGMENT_HEAD_BYTES) {
		rc = log_roll(log, err);
		if (rc != RK_OK)
			return rc;
		log_placement_segment(placement, log->name, log->seed);
	}
	return log_grow(log, log->at + bytes, err);
}

/* ---- writing ---- */

/* Nothing of a batch that had no space may count, and what is there of it may
 * not be whole by chance. */
static enum rk_code
spoil(struct log *log, struct rk_error *err)
{
	uint8_t zeros[RECORD_HEAD_BYTES] = {0};
	struct iovec part = {zeros, sizeof zeros};

	return file_write_at(log->fd, &part, 1, log->at, err);
}

static enum rk_code
write_buffer(struct log *log, struct rk_error *err)
{
	struct iovec part = {log->buffer.data, log->buffer.len};
	struct rk_error second;
	enum rk_code rc;

	rc = file_write_at(log->fd, &part, 1, log->at, err);
	if (rc == RK_REJECTED && spoil(log, &second) != RK_OK) {
		err->code = RK_FAILED;
		return RK_FAILED;
	}
	return rc == RK_OK ? log_sync(log, log->fd, err) : rc;
}

static enum rk_code
write_batch(struct log *log, const struct log_op *ops, size_t count,
	    rk_index commit, struct log_placement *placement,
	    struct rk_error *err)
{
	struct encoding e = {
		.log = log,
		.last = log->last,
		.hard_state = log->hard_state,
		.placement = placement,
	};
	uint64_t bytes;
	bool entries;
	enum rk_code rc;
	size_t i;

	bytes = batch_bytes(ops, count, &entries);
	rc = make_room(log, bytes, entries, placement, err);
	if (rc != RK_OK)
		return rc;
	e.start = log->at;
	log->buffer.len = 0;
	bytes_reserve(&log->buffer, (size_t)bytes);
	for (i = 0; i < count; i++)
		add_op(&e, &ops[i]);
	add_batch_end(&e, commit);
	assert(log->buffer.len <= bytes);
	rc = write_buffer(log, err);
	if (rc != RK_OK)
		return rc;
	log->at += log->buffer.len;
	log->batch++;
	log->last = e.last;
	log->hard_state = e.hard_state;
	log->commit = commit;
	if (log->buffer.cap > BUFFER_KEPT)
		bytes_close(&log->buffer);
	return RK_OK;
}

enum rk_code
log_write(struct log *log, const struct log_op *ops, size_t count,
	  rk_index commit, struct log_placement *placement,
	  struct rk_error *err)
{
	size_t before = placement->count;
	enum rk_code rc;

	if (log->failed.code != RK_OK) {
		*err = log->failed;
		return err->code;
	}
	rc = write_batch(log, ops, count, commit, placement, err);
	if (rc == RK_OK)
		return RK_OK;
	/* A new segment stays; the reader must hear of it. */
	while (placement->count > before &&
	       placement->parts[placement->count - 1].kind != LOG_PART_SEGMENT)
		placement->count--;
	if (rc != RK_REJECTED)
		log->failed = *err;
	error_wrap(err, "append to the log");
	return rc;
}

bool
log_wants_segment(const struct log *log)
{
	return log->at > log->options.segment_bytes / 2;
}

void
log_close(struct log *log)
{
	struct log_placement placement = {0};
	struct rk_error ignored;

	if (log == NULL)
		return;
	/* The batch before an empty one is proven to have been whole, and is
	 * never taken for torn. If it cannot be written, that is all we lose.
	 */
	if (log->fd >= 0 && log->failed.code == RK_OK)
		(void)!log_write(log, NULL, 0, log->commit, &placement,
				 &ignored);
	log_placement_close(&placement);
	file_close(log->fd);
	bytes_close(&log->buffer);
	mem_free(log->log_dir);
	mem_free(log->dir);
	mem_free(log);
}
