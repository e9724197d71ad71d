/* append.c - POST /v1/log: from a request's body to committed entries.
 *
 * What comes in during one pass of the reactor is proposed together at its
 * end, in groups: one step, one write, one append to each peer. The reply
 * waits until the machine has applied the entries. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/line.h"
#include "base/mem.h"
#include "node/append_body.h"
#include "node/original.h"

/* Lines that go into one proposal, give or take a request. */
#define GROUP_BYTES (1U << 20)

/* Beside the core's reasons for refusing: it did not, but cannot tell. */
#define OUTCOME_UNKNOWN 1

/* Consecutive replies: index, index + 1, ... */
struct reply_run {
	rk_index index;
	uint64_t count;
};

/* A request on its way: pending, then (first is set) waiting. */
struct append_wait {
	struct append_wait *next;
	struct inbound_request *request;
	struct append_body body; /* Kept to compare repeats with. */
	uint64_t count;
	uint64_t token;
	rk_index first;
	rk_term term;
	uint64_t proposed_us;
	struct reply_run *runs;
	size_t run_count;
	size_t run_cap;
	uint64_t answered; /* By the machine, of `count`. */
	uint64_t repeats;
	uint64_t fresh;
	uint64_t reused; /* The first entry with another's number, from 1. */
	bool too_old;
};

struct wait_list {
	struct append_wait *head;
	struct append_wait **tail;
};

struct appends {
	struct wait_list pending;
	struct wait_list waiting; /* Ascending by first. */
	uint64_t last_token;
	struct originals originals;
	struct bytes lines; /* Of the group being proposed. */
	uint32_t *sizes;
	size_t sizes_cap;
};

struct appends *
appends_new(void)
{
	struct appends *a = mem_alloc(1, sizeof *a);

	a->pending.tail = &a->pending.head;
	a->waiting.tail = &a->waiting.head;
	return a;
}

static void
wait_free(struct append_wait *w)
{
	append_body_close(&w->body);
	mem_free(w->runs);
	mem_free(w);
}

static void
push(struct wait_list *list, struct append_wait *w)
{
	w->next = NULL;
	*list->tail = w;
	list->tail = &w->next;
}

static struct append_wait *
pop(struct wait_list *list)
{
	struct append_wait *w = list->head;

	if (w) {
		list->head = w->next;
		if (!list->head)
			list->tail = &list->head;
	}
	return w;
}

void
appends_free(struct appends *a)
{
	struct append_wait *w;

	if (!a)
		return;
	while ((w = pop(&a->pending)) || (w = pop(&a->waiting)))
		wait_free(w);
	originals_close(&a->originals);
	bytes_close(&a->lines);
	mem_free(a->sizes);
	mem_free(a);
}

/* ---- answers ---- */

static void
add_replies(struct append_wait *w, rk_index index, uint64_t count)
{
	struct reply_run *last =
		w->run_count ? &w->runs[w->run_count - 1] : NULL;

	if (last && last->index + last->count == index) {
		last->count += count;
		return;
	}
	w->runs = mem_grow(w->runs, &w->run_cap, w->run_count + 1,
			   sizeof *w->runs);
	w->runs[w->run_count++] = (struct reply_run){index, count};
}

static void
write_json(const struct append_wait *w, struct bytes *out)
{
	size_t i;

	bytes_printf(out,
		     "{\"index\":%" PRIu64 ",\"count\":%" PRIu64
		     ",\"term\":%" PRIu64 ",\"runs\":[",
		     w->runs[0].index, w->count, w->term);
	for (i = 0; i < w->run_count; i++)
		bytes_printf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			     w->runs[i].index, w->runs[i].count);
	bytes_printf(out, "],\"replayed\":%s}\n",
		     w->repeats == w->count ? "true" : "false");
}

static void
write_each(const struct append_wait *w, bool json, struct bytes *out)
{
	uint64_t k;
	size_t i;

	for (i = 0; i < w->run_count; i++) {
		for (k = 0; k < w->runs[i].count; k++) {
			if (json)
				bytes_append_text(out, "{\"index\":");
			bytes_append_u64(out, w->runs[i].index + k);
			if (json)
				bytes_printf(out, ",\"term\":%" PRIu64 "}",
					     w->term);
			bytes_append_char(out, '\n');
		}
	}
}

/* Answer 200 and free `w`. */
static void
succeed(struct node *n, struct append_wait *w)
{
	const char *accept = inbound_header(w->request, "Accept");
	const char *type = "text/plain";
	struct bytes body = {0};

	api_add_number(w->request, "Raft-Index", w->runs[0].index);
	if (w->repeats == w->count)
		inbound_add_header(w->request, "Idempotency-Replayed", "true");
	if (accept && strcmp(accept, "application/json") == 0) {
		type = "application/json";
		write_json(w, &body);
	} else if (accept && strcmp(accept, "application/x-ndjson") == 0) {
		type = "application/x-ndjson";
		write_each(w, true, &body);
	} else {
		write_each(w, false, &body);
	}
	api_reply(n, w->request, 200, type, &body);
	wait_free(w);
}

static void
fail(struct node *n, struct append_wait *w, enum problem_kind kind,
     const char *hint, const char *detail)
{
	api_problem(n, w->request, kind, hint, "%s", detail);
	wait_free(w);
}

static void
fail_unknown(struct node *n, struct append_wait *w)
{
	fail(n, w, PROBLEM_OUTCOME_UNKNOWN,
	     "repeat with the same Idempotency-Key",
	     "leadership was lost while the entries were being replicated; "
	     "they may be committed");
}

/* What became of the others of a request that is refused for one of them. */
static const char *
others(const struct append_wait *w, char text[80])
{
	text[0] = '\0';
	if (w->fresh)
		snprintf(text, 80, "; %" PRIu64 " of %" PRIu64 " were applied",
			 w->fresh, w->count);
	return text;
}

static void
fail_too_old(struct node *n, struct append_wait *w)
{
	char text[80];

	api_problem(n, w->request, PROBLEM_SESSION_EXPIRED,
		    "read the log to see whether it was applied; then go on "
		    "in a new session",
		    "session %s has expired, or its number %" PRIu64
		    " is too old: what was applied under it is not known any "
		    "more%s",
		    w->body.session, w->body.seq, others(w, text));
	wait_free(w);
}

static void
fail_reused(struct node *n, struct append_wait *w)
{
	uint64_t number = w->body.seq + w->reused - 1;
	char text[80];

	api_problem(n, w->request, PROBLEM_KEY_REUSED,
		    "a new entry needs a new number, or another session",
		    "number %" PRIu64 " of session %s was used for another "
		    "entry%s",
		    number, w->body.session, others(w, text));
	wait_free(w);
}

/* ---- a replay ---- */

/* Note that entries [i, i + count) of `w` were applied before, from `index` on.
 */
static void
note_repeats(struct node *n, struct append_wait *w, uint64_t i, rk_index index,
	     uint64_t count)
{
	uint64_t end = i + count;

	add_replies(w, index, count);
	w->repeats += count;
	for (; i < end && !w->reused; i++, index++) {
		if (!originals_match(&n->appends->originals, n, index,
				     w->body.entries[i]))
			w->reused = i + 1;
	}
}

/* Answer at once what has all been applied before, and what may not be. True
 * if `w` is gone. */
static bool
replay(struct node *n, struct append_wait *w)
{
	const struct sessions *s = machine_sessions(n->machine);
	const struct append_body *b = &w->body;
	size_t id_len = strlen(b->session);
	struct session_found found;
	uint64_t fresh = 0, i;

	/* The sessions are ahead of what has been applied. */
	if (machine_is_pending(n->machine))
		return false;
	for (i = 0; i < w->count; i += found.count) {
		found = sessions_find(s, b->session, id_len, b->seq + i);
		if (found.count > w->count - i)
			found.count = w->count - i;
		switch (found.verdict) {
		case SESSION_FRESH:
			fresh += found.count;
			break;
		case SESSION_OLD:
			w->too_old = true;
			break;
		case SESSION_REPEAT:
			note_repeats(n, w, i, found.index, found.count);
			break;
		}
	}
	if (w->reused) {
		fail_reused(n, w);
	} else if (w->too_old) {
		fail_too_old(n, w);
	} else if (!fresh) {
		w->term = core_term(n->core);
		succeed(n, w);
	} else {
		/* For the machine to tell apart. */
		w->run_count = 0;
		w->repeats = 0;
		return false;
	}
	return true;
}

/* ---- in ---- */

static void
take_in(struct node *n, struct inbound_request *r)
{
	struct append_wait *w = mem_alloc(1, sizeof *w);

	if (!append_body_parse(n, r, &w->body)) {
		mem_free(w);
		return; /* It has been answered. */
	}
	w->request = r;
	w->count = w->body.count;
	if (w->body.session[0] && replay(n, w))
		return;
	push(&n->appends->pending, w);
}

void
append_handle(struct node *n, struct inbound_request *r)
{
	if (n->stopping)
		api_problem(n, r, PROBLEM_SHUTTING_DOWN, NULL,
			    "this member is shutting down");
	else if (node_is_leader(n))
		take_in(n, r);
	else
		proxy_handle(n, r, append_handle);
}

/* ---- propose ---- */

/* Encode the entries of `w`, the first of which gets index `first`. */
static void
encode(struct node *n, struct append_wait *w, rk_index first, uint64_t time_ms,
       uint64_t offset)
{
	struct appends *a = n->appends;
	struct rk_entry entry = {.term = core_term(n->core),
				 .type = RK_ENTRY_DATA,
				 .time_ms = time_ms};
	size_t before;
	uint64_t i;

	a->sizes = mem_grow(a->sizes, &a->sizes_cap, offset + w->count,
			    sizeof *a->sizes);
	for (i = 0; i < w->count; i++) {
		entry.index = first + i;
		entry.session = w->body.session[0] ? w->body.session : NULL;
		entry.seq = w->body.session[0] ? w->body.seq + i : 0;
		entry.data = w->body.entries[i].data;
		entry.len = w->body.entries[i].len;
		before = a->lines.len;
		line_encode(&a->lines, &entry);
		a->sizes[offset + i] = (uint32_t)(a->lines.len - before);
	}
}

static void
refuse(struct node *n, struct append_wait *w, int rc)
{
	if (rc == OUTCOME_UNKNOWN) {
		fail_unknown(n, w);
		return;
	}
	if (rc == CORE_FULL) {
		fail(n, w, PROBLEM_BUSY, NULL,
		     "too much is waiting to be committed; nothing of this "
		     "was appended");
		return;
	}
	if (rc == CORE_NOT_LEADER || rc == CORE_BUSY) {
		/* Leadership is on the move: wait for the next leader. */
		proxy_handle(n, w->request, append_handle);
		wait_free(w);
		return;
	}
	fail(n, w, PROBLEM_SHUTTING_DOWN, NULL, core_rc_text(rc));
}

/* Take the requests of `token` out of those waiting, and refuse them. */
static void
refuse_group(struct node *n, uint64_t token, int rc)
{
	struct wait_list *waiting = &n->appends->waiting;
	struct wait_list group = {.tail = &group.head};
	struct append_wait **link = &waiting->head;
	struct append_wait *w;

	while ((w = *link)) {
		if (w->token != token) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		push(&group, w);
	}
	waiting->tail = link;
	while ((w = pop(&group)))
		refuse(n, w, rc);
}

/* Propose the first requests that are pending, up to GROUP_BYTES. */
static void
propose_group(struct node *n)
{
	struct appends *a = n->appends;
	rk_index first = core_last(n->core).index + 1;
	struct event ev = {.type = EVENT_PROPOSE};
	struct wait_list group = {.tail = &group.head};
	uint64_t now = clock_wall_ms(), now_us = clock_now_us();
	struct step_lines lines;
	struct append_wait *w;
	uint64_t count = 0;
	int rc;

	a->lines.len = 0;
	while (a->pending.head && a->lines.len < GROUP_BYTES) {
		w = pop(&a->pending);
		w->first = first + count;
		w->term = core_term(n->core);
		w->token = a->last_token + 1;
		w->proposed_us = now_us;
		encode(n, w, w->first, now, count);
		count += w->count;
		push(&group, w);
	}
	ev.as.propose.token = ++a->last_token;
	ev.as.propose.count = count;
	ev.as.propose.sizes = a->sizes;
	lines = (struct step_lines){.first = first,
				    .count = count,
				    .lines = a->lines.data,
				    .sizes = a->sizes};
	/* Results of a group may come within the step: a member alone. */
	while ((w = pop(&group)))
		push(&a->waiting, w);
	rc = node_step(n, &ev, &lines);
	if (rc)
		refuse_group(n, a->last_token, rc);
}

void
append_propose(struct node *n)
{
	struct appends *a = n->appends;
	struct append_wait *w;

	while (a->pending.head) {
		if (n->disk.full || n->retry_apply_ms) {
			w = pop(&a->pending);
			fail(n, w, PROBLEM_DISK_FULL, "free space on it",
			     "the leader's disk is full");
		} else if (node_is_leader(n)) {
			propose_group(n);
		} else {
			w = pop(&a->pending);
			refuse(n, w, CORE_NOT_LEADER);
		}
	}
}

/* ---- results ---- */

void
append_result(struct node *n, const struct effect_result *result)
{
	switch (result->status) {
	case RESULT_COMMITTED:
		break; /* append_applied() answers. */
	case RESULT_LOST:
		refuse_group(n, result->token, OUTCOME_UNKNOWN);
		break;
	case RESULT_REFUSED:
		refuse_group(n, result->token, CORE_NOT_LEADER);
		break;
	}
}

/* The replies of [from, to) to one request that has entries there. */
static void
note_replies(struct node *n, struct append_wait *w, rk_index from, rk_index to,
	     const struct machine_reply *replies)
{
	rk_index i;

	for (i = from; i < to; i++, replies++) {
		w->answered++;
		switch (replies->verdict) {
		case SESSION_FRESH:
			add_replies(w, replies->index, 1);
			w->fresh++;
			break;
		case SESSION_OLD:
			w->too_old = true;
			break;
		case SESSION_REPEAT:
			note_repeats(n, w, i - w->first, replies->index, 1);
			break;
		}
	}
}

static void
finish(struct node *n, struct append_wait *w)
{
	/* Others' entries took their place; or they came with a snapshot, and
	 * nobody was told of the replies. */
	if (core_term_at(n->core, w->first + w->count - 1) != w->term ||
	    w->answered < w->count)
		fail_unknown(n, w);
	else if (w->reused)
		fail_reused(n, w);
	else if (w->too_old)
		fail_too_old(n, w);
	else
		succeed(n, w);
}

void
append_applied(struct node *n, rk_index first, uint64_t count,
	       const struct machine_reply *replies)
{
	struct appends *a = n->appends;
	rk_index end = first + count;
	struct append_wait *w;

	while ((w = a->waiting.head) && w->first < end) {
		rk_index from = w->first;
		rk_index to = w->first + w->count;

		if (from < first)
			from = first;
		note_replies(n, w, from, to < end ? to : end,
			     replies + (from - first));
		if (to > end)
			return; /* The rest comes with the next slice. */
		pop(&a->waiting);
		histogram_add(&n->meters->append,
			      clock_now_us() - w->proposed_us);
		finish(n, w);
	}
}

void
append_stop(struct node *n)
{
	struct append_wait *w;

	while ((w = pop(&n->appends->pending)))
		fail(n, w, PROBLEM_SHUTTING_DOWN, NULL,
		     "this member is shutting down");
	while ((w = pop(&n->appends->waiting)))
		fail_unknown(n, w);
}
