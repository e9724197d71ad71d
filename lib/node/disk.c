/* disk.c - what the core wants persisted, by way of the writer. */

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/line.h"
#include "base/mem.h"
#include "node/node.h"

/* Lines kept in memory beyond those not yet on disk or not yet applied; and
 * beyond those not yet on disk, when applying them has to wait for long. */
#define TAIL_BYTES      (8U << 20)
#define TAIL_BYTES_MOST (64U << 20)

/* How long to wait after a segment could not be made ahead of its time. */
#define SEGMENT_RETRY_MS 10000

/* A chunk that an operation refers to, until that is durable. */
struct held_chunk {
	struct chunk *chunk;
	uint64_t seq;
};

static struct log_op *
queue_op(struct disk_queue *q, uint64_t seq)
{
	struct log_op *op;

	assert(seq > q->seq);
	q->ops = mem_grow(q->ops, &q->cap, q->count + 1, sizeof *q->ops);
	op = &q->ops[q->count++];
	memset(op, 0, sizeof *op);
	q->seq = seq;
	return op;
}

static void
hold(struct disk_queue *q, struct chunk *chunk, uint64_t seq)
{
	q->chunks = mem_grow(q->chunks, &q->chunk_cap, q->chunk_count + 1,
			     sizeof *q->chunks);
	chunk->refs++;
	q->chunks[q->chunk_count++] =
		(struct held_chunk){.chunk = chunk, .seq = seq};
}

static void
release(struct disk_queue *q)
{
	size_t done = 0;

	while (done < q->chunk_count && q->chunks[done].seq <= q->durable)
		chunk_unref(q->chunks[done++].chunk);
	if (!done)
		return;
	q->chunk_count -= done;
	memmove(q->chunks, q->chunks + done,
		q->chunk_count * sizeof *q->chunks);
}

/* The line of an entry that the core made by itself. */
static struct chunk *
append_own(struct node *n, const struct effect_persist *p)
{
	struct bytes data = {0}, line = {0};
	struct rk_entry entry = {
		.index = p->append_from,
		.term = p->append_term,
		.type = p->append_type,
		.time_ms = clock_wall_ms(),
	};
	struct chunk *chunk;
	uint32_t size;

	assert(p->append_to == p->append_from + 1);
	if (p->configuration)
		members_encode_own(n, p->configuration, &data);
	entry.data = data.data;
	entry.len = data.len;
	line_encode(&line, &entry);
	size = (uint32_t)line.len;
	chunk = tail_append(&n->tail, p->append_from, 1, line.data, &size);
	bytes_close(&line);
	bytes_close(&data);
	return chunk;
}

static struct chunk *
append_given(struct node *n, const struct effect_persist *p,
	     const struct step_lines *given)
{
	const uint8_t *lines = given->lines;
	uint64_t skip = p->append_from - given->first;
	uint64_t i;

	assert(p->append_from >= given->first);
	assert(p->append_to <= given->first + given->count);
	for (i = 0; i < skip; i++)
		lines += given->sizes[i];
	return tail_append(&n->tail, p->append_from,
			   p->append_to - p->append_from, lines,
			   given->sizes + skip);
}

void
disk_persist(struct node *n, const struct effect_persist *p,
	     const struct step_lines *given)
{
	struct log_op *op;
	struct chunk *chunk;

	if (!p->seq)
		return;
	op = queue_op(&n->disk, p->seq);
	op->has_hard_state = p->has_hard_state;
	op->hard_state = p->hard_state;
	op->truncate_from = p->truncate_from;
	if (p->truncate_from) {
		tail_truncate(&n->tail, p->truncate_from);
		members_truncate(n, p->truncate_from);
	}
	if (p->append_from == p->append_to)
		return;
	if (p->append_type == RK_ENTRY_DATA) {
		assert(given);
		chunk = append_given(n, p, given);
	} else {
		chunk = append_own(n, p);
	}
	op->first = chunk->first;
	op->count = chunk->count;
	op->lines = (struct slice){chunk->lines.data, chunk->lines.len};
	hold(&n->disk, chunk, p->seq);
}

void
disk_reset(struct node *n, uint64_t seq, struct log_end to, bool keep_tail)
{
	struct disk_queue *q = &n->disk;
	struct log_op *op;

	if (keep_tail)
		return; /* The log goes on as it is. */
	/* The step's own op, if it had something to persist besides. */
	op = q->count && q->seq == seq ? &q->ops[q->count - 1]
				       : queue_op(q, seq);
	op->reset = true;
	op->reset_to = to;
	tail_clear(&n->tail);
}

void
disk_submit(struct node *n)
{
	struct disk_queue *q = &n->disk;

	if (!q->count)
		return;
	writer_submit(n->writer, q->ops, q->count, q->seq,
		      core_commit(n->core));
	q->submitted = q->seq;
	q->count = 0;
}

/* Zero-fills the next segment. */
struct segment_job {
	struct job job;
	struct node *node;
	enum rk_code rc;
	struct rk_error err;
};

static void
run_segment(struct job *job)
{
	struct segment_job *s = (struct segment_job *)job;

	s->rc = log_prepare(s->node->dir, s->node->segment_bytes, &s->err);
}

static void
done_segment(struct job *job)
{
	struct segment_job *s = (struct segment_job *)job;

	/* Not fatal: the writer makes one itself, only slower. */
	if (s->rc) {
		trace_line(s->node->trace, TRACE_WARNING, "%s", s->err.text);
		s->node->segment_retry_ms = s->node->now_ms + SEGMENT_RETRY_MS;
	}
	s->node->segment_wanted = false;
	mem_free(s);
}

static void
want_segment(struct node *n)
{
	struct segment_job *s;

	if (n->segment_wanted || n->now_ms < n->segment_retry_ms)
		return;
	n->segment_wanted = true;
	s = mem_alloc(1, sizeof *s);
	s->job.run = run_segment;
	s->job.done = done_segment;
	s->node = n;
	janitor_submit(n->janitor, &s->job);
}

static void
disk_failed(struct node *n, const struct rk_error *err)
{
	struct event ev = {.type = EVENT_PERSIST_FAILED};

	node_step(n, &ev, NULL);
	node_fail(n, err);
}

static void
note_full(struct node *n, bool full, const char *why)
{
	if (full && !n->disk.full)
		trace_line(n->trace, TRACE_ERROR,
			   "%s; appends are refused until there is space", why);
	if (!full && n->disk.full)
		trace_line(n->trace, TRACE_WARNING, "the disk has space again");
	n->disk.full = full;
}

/* The last line up to `safe` that may leave memory: it is on disk. (A leader
 * may commit and apply what its own disk does not have yet.) */
static rk_index
trimmable(const struct node *n, rk_index safe)
{
	size_t i;

	for (i = 0; i < n->disk.chunk_count; i++) {
		if (n->disk.chunks[i].chunk->first <= safe)
			safe = n->disk.chunks[i].chunk->first - 1;
	}
	return safe;
}

void
disk_collect(struct node *n)
{
	struct event ev = {.type = EVENT_PERSISTED};
	struct writer_done done;
	rk_index applied;

	while (writer_poll(n->writer, &done)) {
		meters_written(n->meters, &done);
		log_map_note(n->map, &done.placement);
		log_placement_close(&done.placement);
		if (done.rc != RK_OK && done.rc != RK_REJECTED) {
			disk_failed(n, &done.err);
			return;
		}
		note_full(n, done.rc == RK_REJECTED, done.err.text);
		if (done.rc)
			continue;
		n->disk.durable = done.seq;
		ev.as.persisted_seq = done.seq;
		node_step(n, &ev, NULL);
		if (done.wants_segment)
			want_segment(n);
	}
	release(&n->disk);
	peers_release(n);
	applied = machine_applied(n->machine);
	tail_trim(&n->tail, trimmable(n, applied), TAIL_BYTES);
	tail_trim(&n->tail, trimmable(n, LIMIT_NUMBER), TAIL_BYTES_MOST);
}

void
disk_close(struct node *n)
{
	size_t i;

	for (i = 0; i < n->disk.chunk_count; i++)
		chunk_unref(n->disk.chunks[i].chunk);
	mem_free(n->disk.chunks);
	mem_free(n->disk.ops);
	memset(&n->disk, 0, sizeof n->disk);
}
