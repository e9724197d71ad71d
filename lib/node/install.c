/* install.c - a snapshot from the leader: received, checked, put in force.
 *
 *   chunk by chunk     install_chunk    to a sink on disk; each is answered
 *                                       with the offset wanted next
 *   the last one       start_finish     the janitor checks and renames; this
 *                                       request is held meanwhile
 *   it exists          received         the core is told, and answers with
 *   the switch         install_switch   the log's reset goes to the disk, the
 *                                       janitor opens a machine from it
 *   both are done      install_tick,    the leader is answered; the machines
 *                      done_switch      are exchanged
 *
 * A snapshot that the core does not want any more when it is there does no
 * harm: it is a whole one. */

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/node.h"

/* The newest, and one to fall back to. */
#define KEEP 2

struct installs {
	struct snapshot_sink *sink;   /* NULL: nothing is being received. */
	struct message_snapshot what; /* That of the sink. */
	bool finishing;               /* The janitor has the sink. */
	bool full;                    /* There was no space, as was traced. */
	/* The answer owed to the last chunk; `to` 0: none. It leaves when
	 * `answer_seq` is durable; 0: that is not known yet. */
	struct message answer;
	uint64_t answer_seq;
	/* Set while the core is told; install_switch() takes it. */
	struct snapshot_header *received;
	size_t switches; /* Under way. */
};

struct installs *
installs_new(void)
{
	return mem_alloc(1, sizeof(struct installs));
}

void
installs_free(struct installs *i)
{
	if (!i)
		return;
	snapshot_sink_free(i->sink);
	mem_free(i);
}

/* ---- answers ---- */

static struct message
answer_to(const struct message *m)
{
	return (struct message){.type = MESSAGE_SNAPSHOT_REPLY,
				.from = m->to,
				.to = m->from,
				.stream = m->stream,
				.request = m->request,
				.as.snapshot_reply.transfer =
					m->as.snapshot.transfer};
}

static void
answer_offset(struct node *n, struct message answer, uint64_t offset)
{
	answer.term = core_term(n->core);
	answer.as.snapshot_reply.offset = offset;
	peers_reply(n, &answer);
}

/* Say why it could not be stored: not sound, and it must begin again; full, and
 * it may come again later; else the disk is not to be trusted any further. */
static void
fail(struct node *n, const struct message *answer, struct rk_error *err)
{
	if (err->code == RK_CORRUPT) {
		trace_line(n->trace, TRACE_WARNING,
			   "receive a snapshot again: %s", err->text);
		answer_offset(n, *answer, 0);
		return;
	}
	if (err->code == RK_REJECTED) {
		if (!n->installs->full)
			trace_line(n->trace, TRACE_WARNING,
				   "receive a snapshot: %s", err->text);
		n->installs->full = true;
		peers_refuse(n, answer, PROBLEM_DISK_FULL, err->text);
		return;
	}
	error_wrap(err, "receive a snapshot");
	node_fail(n, err);
	peers_refuse(n, answer, PROBLEM_INTERNAL, err->text);
}

/* ---- the last chunk ---- */

struct finish_job {
	struct job job;
	struct node *node;
	struct snapshot_sink *sink;
	struct snapshot_header header; /* Valid if rc is RK_OK. */
	enum rk_code rc;
	struct rk_error err;
};

static void
run_finish(struct job *job)
{
	struct finish_job *f = (struct finish_job *)job;

	f->rc = snapshot_sink_finish(f->sink, &f->header, &f->err);
}

/* It is there: tell the core, which answers with install_switch(). */
static void
received(struct node *n, struct snapshot_header *h)
{
	struct installs *i = n->installs;
	struct event ev = {.type = EVENT_SNAPSHOT_RECEIVED,
			   .as.snapshot_received = h->meta};
	struct message answer = i->answer;
	int rc;

	trace_line(n->trace, TRACE_INFO,
		   "received the snapshot at %" PRIu64 ", %" PRIu64 " bytes",
		   h->meta.last.index, h->bytes);
	i->answer_seq = 0;
	i->received = h;
	rc = node_step(n, &ev, NULL);
	i->received = NULL;
	if (rc || !i->answer_seq) {
		/* Overtaken; whoever asks next is told so by the core. */
		i->answer = (struct message){0};
		answer_offset(n, answer, 0);
	}
}

static void
not_finished(struct node *n, struct rk_error *err)
{
	struct installs *i = n->installs;
	struct message answer = i->answer;

	i->answer = (struct message){0};
	fail(n, &answer, err);
}

static void
done_finish(struct job *job)
{
	struct finish_job *f = (struct finish_job *)job;
	struct node *n = f->node;
	struct installs *i = n->installs;

	assert(i->finishing);
	assert(i->sink == f->sink);
	i->finishing = false;
	i->sink = NULL;
	snapshot_sink_free(f->sink);
	if (!n->closing && f->rc)
		not_finished(n, &f->err);
	else if (!n->closing)
		received(n, &f->header);
	if (!f->rc)
		snapshot_header_close(&f->header);
	mem_free(f);
}

static void
start_finish(struct node *n, struct message answer)
{
	struct installs *i = n->installs;
	struct finish_job *f = mem_alloc(1, sizeof *f);

	f->job.run = run_finish;
	f->job.done = done_finish;
	f->node = n;
	f->sink = i->sink;
	i->finishing = true;
	i->answer = answer;
	i->answer_seq = 0;
	janitor_submit(n->janitor, &f->job);
}

/* ---- chunks ---- */

/* Whether `m` is of the file that is being received, by whomever it is sent:
 * the bytes are what counts, so that a new leader goes on where the old one
 * was. */
static bool
is_same(const struct installs *i, const struct message_snapshot *m)
{
	return i->what.meta.last.index == m->meta.last.index &&
	       i->what.meta.last.term == m->meta.last.term &&
	       i->what.total_bytes == m->total_bytes &&
	       i->what.total_crc32c == m->total_crc32c;
}

static enum rk_code
open_sink(struct node *n, const struct message *m, struct rk_error *err)
{
	const struct message_snapshot *s = &m->as.snapshot;
	struct installs *i = n->installs;
	enum rk_code rc;

	if (i->sink && is_same(i, s))
		return RK_OK;
	/* The core has seen to it that this one is the current leader's. */
	snapshot_sink_free(i->sink);
	i->sink = NULL;
	rc = snapshot_sink_open(n->dir, s->meta.last, s->total_bytes,
				s->total_crc32c, &i->sink, err);
	if (rc)
		return rc;
	i->what = *s;
	trace_line(n->trace, TRACE_INFO,
		   "member %" PRIu64 " sends the snapshot at %" PRIu64
		   ", %" PRIu64 " bytes; %" PRIu64 " are here",
		   m->from, s->meta.last.index, s->total_bytes,
		   snapshot_sink_part(i->sink));
	return RK_OK;
}

/* A chunk while an answer to the last one is owed: the leader gave up waiting
 * and asks again, or there is a newer one, which must wait. */
static void
chunk_while_finishing(struct node *n, const struct message *m)
{
	struct installs *i = n->installs;
	struct message answer = answer_to(m);

	if (!is_same(i, &m->as.snapshot)) {
		peers_refuse(n, &answer, PROBLEM_BUSY,
			     "another snapshot is being installed");
		return;
	}
	answer_offset(n, i->answer, i->what.total_bytes);
	i->answer = answer;
}

void
install_chunk(struct node *n, const struct message *m,
	      const struct step_lines *chunk)
{
	const struct message_snapshot *s = &m->as.snapshot;
	struct slice data = {chunk->lines, (size_t)s->chunk_bytes};
	struct message answer = answer_to(m);
	struct installs *i = n->installs;
	enum rk_code rc;
	struct rk_error err;

	if (i->finishing || i->answer_seq) {
		chunk_while_finishing(n, m);
		return;
	}
	rc = open_sink(n, m, &err);
	/* Others are late, repeated or ahead: the answer sets that right. */
	if (!rc && s->offset == snapshot_sink_offset(i->sink) && data.len) {
		rc = snapshot_sink_write(i->sink, s->offset, data, &err);
		if (!rc)
			i->full = false;
	}
	if (rc) {
		/* What it holds it still holds, if this is no worse than a
		 * full disk; anything else ends the member. */
		fail(n, &answer, &err);
		return;
	}
	if (snapshot_sink_offset(i->sink) == s->total_bytes)
		start_finish(n, answer);
	else
		answer_offset(n, answer, snapshot_sink_offset(i->sink));
}

/* ---- the switch ---- */

struct switch_job {
	struct job job;
	struct node *node;
	struct snapshot_header header;
	struct machine *machine; /* Valid if rc is RK_OK. */
	enum rk_code rc;
	struct rk_error err;
};

static void
run_switch(struct job *job)
{
	struct switch_job *s = (struct switch_job *)job;
	const struct snapshot_header *h = &s->header;
	char *payload = snapshot_data_path(s->node->dir, h->meta.last);
	struct machine_start start = {
		.dir = s->node->dir,
		.payload = payload,
		.bytes = h->bytes,
		.crc32c = h->crc32c,
		.last = h->meta.last.index,
		.sessions = {h->sessions.data, h->sessions.len},
	};
	struct rk_error ignored;

	s->rc = machine_open(&start, &s->machine, &s->err);
	mem_free(payload);
	/* An old one that stays is met again when the next is taken. */
	if (!s->rc && snapshot_prune(s->node->dir, KEEP, &ignored))
		return;
}

/* The new machine in place of the old one; nothing was applied to either
 * since the core decided. */
static void
exchange(struct node *n, struct switch_job *s)
{
	struct event ev = {.type = EVENT_APPLIED,
			   .as.applied = s->header.meta.last.index};

	machine_free(n->machine);
	n->machine = s->machine;
	s->machine = NULL;
	assert(machine_applied(n->machine) == ev.as.applied);
	n->retry_apply_ms = 0;
	if (n->apply_to <= ev.as.applied)
		n->apply_to = ev.as.applied + 1;
	n->apply_paused = false;
	trace_line(n->trace, TRACE_INFO, "installed the snapshot at %" PRIu64,
		   ev.as.applied);
	node_step(n, &ev, NULL);
	read_applied(n);
}

static void
done_switch(struct job *job)
{
	struct switch_job *s = (struct switch_job *)job;
	struct node *n = s->node;

	/* The janitor works in order, so the last one is the newest. */
	if (--n->installs->switches || n->closing) {
		if (!s->rc)
			machine_free(s->machine);
	} else if (s->rc) {
		/* The log is gone; the next start opens it from the disk, or
		 * falls back and is sent another. */
		error_wrap(&s->err, "install a snapshot");
		node_fail(n, &s->err);
	} else {
		exchange(n, s);
	}
	snapshot_header_close(&s->header);
	mem_free(s);
}

/* What stands beside the snapshot's configuration. */
static void
take_addresses(struct node *n, const struct snapshot_header *h)
{
	struct slice text = {h->addresses.data, h->addresses.len};
	struct configuration configuration;
	struct addresses addresses = n->addresses;
	struct rk_error err;

	if (members_decode(text, &configuration, &addresses, &err))
		trace_line(n->trace, TRACE_ERROR, "snapshot's members: %s",
			   err.text);
	members_install(n, h->meta.configuration.index, &addresses);
}

void
install_switch(struct node *n, const struct effect_snapshot_install *install)
{
	struct installs *i = n->installs;
	struct switch_job *s = mem_alloc(1, sizeof *s);

	assert(i->received); /* The core installs what it was told of. */
	assert(i->received->meta.last.index == install->meta.last.index);
	n->apply_paused = true;
	snapshot_replaced(n);
	disk_reset(n, install->seq, install->meta.last, install->keep_tail);
	if (!install->keep_tail)
		snapshot_compact(n, install->meta.last); /* Its files go. */
	take_addresses(n, i->received);
	i->answer.as.snapshot_reply.installed = true;
	i->answer.as.snapshot_reply.match = install->meta.last;
	i->answer_seq = install->seq;
	s->job.run = run_switch;
	s->job.done = done_switch;
	s->node = n;
	i->switches++;
	s->header = *i->received;
	*i->received = (struct snapshot_header){0}; /* Taken. */
	janitor_submit(n->janitor, &s->job);
}

void
install_tick(struct node *n)
{
	struct installs *i = n->installs;
	struct message answer = i->answer;

	if (!i->answer_seq || n->disk.durable < i->answer_seq)
		return;
	i->answer = (struct message){0};
	i->answer_seq = 0;
	answer.term = core_term(n->core);
	peers_reply(n, &answer);
}

void
install_forget(struct node *n)
{
	struct installs *i = n->installs;
	struct rk_error err;

	if (i->finishing ||
	    (i->sink && i->what.meta.last.index > core_commit(n->core)))
		return;
	snapshot_sink_free(i->sink);
	i->sink = NULL;
	/* Only space is lost. */
	if (snapshot_sink_remove(n->dir, &err))
		trace_line(n->trace, TRACE_WARNING, "%s", err.text);
}
