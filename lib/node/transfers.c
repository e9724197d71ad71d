/* transfers.c - a snapshot to a peer, a chunk at a time.
 *
 *   OPENING    the janitor opens the file, which may mean to read it whole;
 *              transfers of the same snapshot share it
 *   SENDING    one chunk is on its way, or the next one waits for its time
 *   FAILED     given up; the core is told in the next tick
 *   OVER       installed, or nobody wants it any more; freed in the next tick
 *
 *   OPENING -> SENDING   advance     the file is open
 *   OPENING -> FAILED    advance     it cannot be opened
 *   SENDING -> FAILED    setback     too many failures in a row
 *   SENDING -> OVER      on_answer   the peer says that it has installed it
 *   any     -> OVER      transfers_start, transfers_tick
 *
 * What is sent next is what the peer's last answer names, whoever sent it the
 * part that it has: so a transfer resumes. */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "node/node.h"

/* Failures in a row before the core is told, which then makes a pause and asks
 * for the newest snapshot: soon, if the peer has nothing yet of this one. */
#define FAILURES_MAX         10
#define FAILURES_MAX_AT_ZERO 2

/* Between attempts: doubled each time, and drawn from the upper half. */
#define RETRY_MIN_MS UINT64_C(50)
#define RETRY_MAX_MS UINT64_C(1000)

/* Deadlines grow with what has to be moved; and with what the peer has to
 * check and sync when it has got the last chunk. */
#define BYTES_PER_MS        1000
#define FINISH_BYTES_PER_MS 20000
#define FINISH_MS           10000

/* A peer's reply, at most: one JSON object. */
#define REPLY_BYTES 4096

enum transfer_state {
	TRANSFER_OPENING,
	TRANSFER_SENDING,
	TRANSFER_FAILED,
	TRANSFER_OVER,
};

/* A snapshot's bytes, shared by the transfers of it. */
struct share {
	struct node *node;
	struct log_end last;
	size_t users;
	bool opening; /* The janitor has it. */
	struct snapshot_source *source;
	enum rk_code rc;
	struct rk_error err;
	struct share *next;
};

struct transfer {
	struct node *node;
	struct effect_snapshot_send what;
	rk_term term; /* In which the core asked for it. */
	uint64_t number;
	enum transfer_state state;
	struct share *share;
	struct outbound_call *call; /* NULL: none under way. */
	uint64_t offset;            /* To be sent next, or being sent. */
	size_t bytes;               /* Of the chunk that is being sent. */
	uint64_t next_ms;           /* Not before this. */
	unsigned failures;          /* In a row. */
};

struct transfers {
	struct transfer **items;
	size_t count;
	size_t cap;
	struct share *shares;
	uint64_t last_number; /* Of a transfer. */
	uint64_t last_chunk;  /* Each chunk is a request of its own. */
	struct prng jitter;
};

static const bool may_become[4][4] = {
	[TRANSFER_OPENING][TRANSFER_SENDING] = true,
	[TRANSFER_OPENING][TRANSFER_FAILED] = true,
	[TRANSFER_OPENING][TRANSFER_OVER] = true,
	[TRANSFER_SENDING][TRANSFER_FAILED] = true,
	[TRANSFER_SENDING][TRANSFER_OVER] = true,
	[TRANSFER_FAILED][TRANSFER_OVER] = true,
};

static void
become(struct transfer *t, enum transfer_state state)
{
	assert(may_become[t->state][state]);
	t->state = state;
}

struct transfers *
transfers_new(void)
{
	struct transfers *t = mem_alloc(1, sizeof *t);

	prng_init(&t->jitter, prng_entropy());
	return t;
}

void
transfers_free(struct transfers *t)
{
	struct share *share;

	if (!t)
		return;
	while (t->count)
		mem_free(t->items[--t->count]);
	while ((share = t->shares)) {
		t->shares = share->next;
		snapshot_source_free(share->source);
		mem_free(share);
	}
	mem_free(t->items);
	mem_free(t);
}

/* ---- the file ---- */

struct open_job {
	struct job job;
	struct share *share;
};

static void
run_open(struct job *job)
{
	struct share *s = ((struct open_job *)job)->share;

	s->rc = snapshot_source_open(s->node->dir, s->last, &s->source,
				     &s->err);
}

static void
drop_share(struct transfers *t, struct share *share)
{
	struct share **at = &t->shares;

	if (share->users || share->opening)
		return;
	while (*at != share)
		at = &(*at)->next;
	*at = share->next;
	snapshot_source_free(share->source);
	mem_free(share);
}

static void
done_open(struct job *job)
{
	struct share *share = ((struct open_job *)job)->share;

	share->opening = false;
	drop_share(share->node->transfers, share);
	mem_free(job);
}

static struct share *
get_share(struct node *n, struct log_end last)
{
	struct transfers *all = n->transfers;
	struct share *s;
	struct open_job *o;

	for (s = all->shares; s; s = s->next) {
		if (s->last.index == last.index && s->last.term == last.term &&
		    !s->rc) {
			s->users++;
			return s;
		}
	}
	s = mem_alloc(1, sizeof *s);
	*s = (struct share){.node = n,
			    .last = last,
			    .users = 1,
			    .opening = true,
			    .next = all->shares};
	all->shares = s;
	o = mem_alloc(1, sizeof *o);
	*o = (struct open_job){.job = {.run = run_open, .done = done_open},
			       .share = s};
	janitor_submit(n->janitor, &o->job);
	return s;
}

/* ---- chunks ---- */

/* Nothing was gained; `why` is told once in a row. */
static void
setback(struct node *n, struct transfer *t, const char *why)
{
	uint64_t pause_ms = RETRY_MIN_MS << t->failures;

	if (!t->failures++)
		trace_line(n->trace, TRACE_WARNING,
			   "snapshot to member %" PRIu64 ": %s", t->what.peer,
			   why);
	if (t->failures >= (t->offset ? FAILURES_MAX : FAILURES_MAX_AT_ZERO)) {
		become(t, TRANSFER_FAILED);
		return;
	}
	if (pause_ms > RETRY_MAX_MS)
		pause_ms = RETRY_MAX_MS;
	t->next_ms = n->now_ms + prng_range(&n->transfers->jitter, pause_ms / 2,
					    pause_ms + 1);
}

static void
step_sent(struct node *n, const struct transfer *t,
	  enum snapshot_outcome outcome, struct log_end match)
{
	struct event ev = {.type = EVENT_SNAPSHOT_SENT,
			   .as.snapshot_sent = {.peer = t->what.peer,
						.stream = t->what.stream,
						.request = t->what.request,
						.outcome = outcome,
						.match = match}};

	node_step(n, &ev, NULL);
}

/* What the peer says of the chunk that began at t->offset. */
static void
on_answer(struct node *n, struct transfer *t, struct message *m)
{
	const struct message_snapshot_reply *reply = &m->as.snapshot_reply;
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = m};
	uint64_t before = t->offset;

	/* To the core the whole transfer is one request. It may learn of a
	 * newer term by this, or begin another transfer in place of this. */
	m->request = t->what.request;
	node_step(n, &ev, NULL);
	if (t->state != TRANSFER_SENDING)
		return;
	if (reply->installed) {
		become(t, TRANSFER_OVER);
		trace_line(n->trace, TRACE_INFO,
			   "member %" PRIu64 " has installed the snapshot; "
			   "it holds all up to %" PRIu64,
			   t->what.peer, reply->match.index);
		step_sent(n, t, SNAPSHOT_INSTALLED, reply->match);
		return;
	}
	if (reply->transfer != t->number ||
	    reply->offset > snapshot_source_bytes(t->share->source)) {
		setback(n, t, "the answer makes no sense");
		return;
	}
	t->offset = reply->offset;
	if (reply->offset > before)
		t->failures = 0;
	else
		setback(n, t, "it must begin again further back");
}

static void
on_reply(void *user, struct outbound_call *call,
	 const struct outbound_reply *reply)
{
	struct transfer *t = user;
	struct node *n = t->node;
	struct meters_end end;
	struct peer_message m;
	struct rk_error err;
	char leader[LIMIT_URL_BYTES];

	assert(call == t->call);
	t->call = NULL;
	if (reply->outcome == OUTBOUND_CANCELLED || n->closing ||
	    t->state != TRANSFER_SENDING)
		return;
	end = (struct meters_end){
		.peer = t->what.peer,
		.type = MESSAGE_SNAPSHOT,
		.is_answered = reply->status == 200,
		.bytes = reply->outcome == OUTBOUND_UNREACHABLE ? 0 : t->bytes,
		.elapsed_us = reply->elapsed_us,
	};
	meters_ended(n->meters, &end);
	if (reply->outcome != OUTBOUND_OK) {
		setback(n, t, reply->why);
	} else if (reply->status != 200) {
		problem_decode(reply->status, reply->body, &err, leader);
		setback(n, t, err.text);
	} else if (peer_decode_reply(reply->body, MESSAGE_SNAPSHOT, &n->self,
				     &m, &err)) {
		setback(n, t, err.text);
	} else {
		if (members_accept_reply(n, &m))
			on_answer(n, t, &m.message);
		else
			setback(n, t, MEMBERS_OTHER);
		peer_message_close(&m);
	}
}

static struct message
make_chunk(const struct node *n, const struct transfer *t, uint64_t len)
{
	uint64_t total = snapshot_source_bytes(t->share->source);
	uint32_t crc = snapshot_source_crc32c(t->share->source);

	return (struct message){
		.type = MESSAGE_SNAPSHOT,
		.from = n->self.id,
		.to = t->what.peer,
		.term = t->term,
		.stream = t->what.stream,
		.request = ++n->transfers->last_chunk,
		.as.snapshot = {.meta = t->what.meta,
				.transfer = t->number,
				.offset = t->offset,
				.chunk_bytes = len,
				.total_bytes = total,
				.total_crc32c = crc,
				.done = t->offset + len == total},
	};
}

static uint64_t
deadline_of(const struct node *n, const struct message_snapshot *m)
{
	uint64_t deadline_ms = n->settings.core.request_timeout_ms +
			       m->chunk_bytes / BYTES_PER_MS;

	if (m->done)
		deadline_ms += FINISH_MS + m->total_bytes / FINISH_BYTES_PER_MS;
	return deadline_ms;
}

static void
send_chunk(struct node *n, struct transfer *t)
{
	static const char *const headers[] = {
		"Content-Type: application/octet-stream", NULL};
	uint64_t rate = n->settings.snapshot_bytes_per_second;
	struct outbound_request request = {
		.method = "POST",
		.url = members_url(n, t->what.peer),
		.path = peer_path(MESSAGE_SNAPSHOT),
		.lane = LANE_SNAPSHOT,
		.headers = headers,
		.max_reply_bytes = REPLY_BYTES,
		.user = t,
		.done = on_reply,
	};
	struct peer_identity self = members_identity(n, t->what.peer);
	struct bytes chunk = {0}, head = {0};
	struct rk_error err;
	struct message m;

	if (!request.url) {
		setback(n, t, "its address is not known");
		return;
	}
	if (t->offset < snapshot_source_bytes(t->share->source) &&
	    snapshot_source_read(t->share->source, t->offset,
				 n->settings.snapshot_chunk_bytes, &chunk,
				 &err)) {
		bytes_close(&chunk);
		setback(n, t, err.text);
		return;
	}
	m = make_chunk(n, t, chunk.len);
	if (rate)
		t->next_ms = n->now_ms + chunk.len * 1000 / rate;
	request.payload = payload_new_take(&chunk);
	peer_encode(&head, &self, &m, payload_slice(request.payload));
	request.head = (struct slice){head.data, head.len};
	request.deadline_ms = deadline_of(n, &m.as.snapshot);
	t->call = outbound_start(n->out, &request);
	t->bytes = head.len + m.as.snapshot.chunk_bytes;
	meters_sent(n->meters, &m);
	payload_unref(request.payload);
	bytes_close(&head);
}

/* ---- life ---- */

void
transfers_start(struct node *n, const struct effect_snapshot_send *send)
{
	struct transfers *all = n->transfers;
	struct transfer *t;
	size_t i;

	for (i = 0; i < all->count; i++) {
		t = all->items[i];
		if (t->what.peer == send->peer && t->state != TRANSFER_OVER)
			become(t, TRANSFER_OVER);
	}
	t = mem_alloc(1, sizeof *t);
	*t = (struct transfer){.node = n,
			       .what = *send,
			       .term = core_term(n->core),
			       .number = ++all->last_number,
			       .share = get_share(n, send->meta.last)};
	all->items =
		mem_grow(all->items, &all->cap, all->count + 1, sizeof(void *));
	all->items[all->count++] = t;
	trace_line(n->trace, TRACE_INFO,
		   "member %" PRIu64 " needs the snapshot at %" PRIu64,
		   send->peer, send->meta.last.index);
}

/* Whether the core still wants it sent. */
static bool
is_wanted(const struct node *n, const struct core_status *status,
	  const struct transfer *t)
{
	size_t i;

	if (!node_is_leader(n) || core_term(n->core) != t->term)
		return false;
	for (i = 0; i < status->stream_count; i++) {
		if (status->streams[i].peer == t->what.peer)
			return status->streams[i].state == STREAM_SNAPSHOTTING;
	}
	return false;
}

/* Whatever can be done for it now. */
static void
advance(struct node *n, struct transfer *t)
{
	if (t->state == TRANSFER_OPENING && !t->share->opening) {
		if (t->share->rc)
			trace_line(n->trace, TRACE_ERROR, "%s",
				   t->share->err.text);
		become(t, t->share->rc ? TRANSFER_FAILED : TRANSFER_SENDING);
	}
	if (t->state == TRANSFER_SENDING && !t->call && t->next_ms <= n->now_ms)
		send_chunk(n, t);
}

/* Free the i-th one, cancelling what is under way. */
static void
end(struct transfers *all, size_t i)
{
	struct transfer *t = all->items[i];

	all->items[i] = all->items[--all->count];
	if (t->call)
		outbound_cancel(t->call);
	t->share->users--;
	drop_share(all, t->share);
	mem_free(t);
}

void
transfers_tick(struct node *n)
{
	struct transfers *all = n->transfers;
	struct core_status status;
	struct transfer *t;
	size_t i = 0;

	while (i < all->count) {
		t = all->items[i];
		core_status(n->core, &status);
		if (t->state != TRANSFER_OVER && !is_wanted(n, &status, t))
			become(t, TRANSFER_OVER);
		if (t->state == TRANSFER_OVER) {
			end(all, i);
			continue;
		}
		advance(n, t);
		if (t->state == TRANSFER_FAILED) {
			become(t, TRANSFER_OVER);
			step_sent(n, t, SNAPSHOT_FAILED, (struct log_end){0});
			continue; /* To be ended. */
		}
		i++;
	}
}

uint64_t
transfers_deadline_ms(const struct node *n)
{
	const struct transfers *all = n->transfers;
	uint64_t deadline_ms = 0, ms;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct transfer *t = all->items[i];

		if (t->call || t->share->opening)
			continue;
		ms = n->now_ms;
		if (t->state == TRANSFER_SENDING && t->next_ms > ms)
			ms = t->next_ms;
		if (!deadline_ms || ms < deadline_ms)
			deadline_ms = ms;
	}
	return deadline_ms;
}

bool
transfers_progress(const struct node *n, rk_id peer, uint64_t *offset,
		   uint64_t *bytes)
{
	const struct transfers *all = n->transfers;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct transfer *t = all->items[i];

		if (t->what.peer != peer || t->state != TRANSFER_SENDING)
			continue;
		*offset = t->offset;
		*bytes = snapshot_source_bytes(t->share->source);
		return true;
	}
	return false;
}
