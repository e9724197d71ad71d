/* read.c - GET /v1/log and /v1/log/{index}, through any member.
 *
 *   CONFIRM --asked--> ASKED --confirmed--> APPLY --applied--> served
 *      ^                 |                                       |
 *      +----- lost ------+                     POLL (wait=) <----+
 *
 * A linearizable read (the default) is confirmed by the leader after a quorum
 * round that began after it (thesis, 6.4), and served from this member's own
 * history once that has caught up. `leader` is what the leader has, without a
 * round; `stale` is what this member has. */

#include <string.h>

#include "base/line.h"
#include "base/mem.h"
#include "node/log_reader.h"
#include "node/node.h"

/* A reply up to here goes out whole; a longer one is streamed. */
#define WHOLE_BYTES (256U << 10)

/* A blank line this often tells a follower's reader that all is well. */
#define PING_MS 15000

/* The longest that wait= may ask for. */
#define POLL_MS 300000

/* Pause before the leader is asked again. */
#define RETRY_MS 20

enum level {
	LEVEL_LINEARIZABLE,
	LEVEL_LEADER,
	LEVEL_STALE,
};

enum stage {
	STAGE_CONFIRM,
	STAGE_ASKED,
	STAGE_APPLY,
	STAGE_POLL,
};

struct read {
	struct node *node;
	struct inbound_request *request;
	struct log_reader reader;
	enum stage stage;
	enum level level;
	bool entry;       /* One entry's bytes, reader.next. */
	uint64_t poll_ms; /* wait=; 0: none. */
	uint64_t token;
	rk_index index;    /* Serve when this is applied. */
	uint64_t until_ms; /* Give up, or end the poll. */
	uint64_t retry_ms;
	struct outbound_call *call;
	struct read *next;
};

/* An endless reply, or a long one. */
struct follower {
	struct log_reader reader;
	struct inbound_stream *stream;
	struct bytes ready; /* Read before it became a stream. */
	bool endless;
	uint64_t ping_ms;
	struct follower *next;
};

struct reads {
	struct read *list;
	struct follower *followers;
	uint64_t last_token;
};

struct reads *
reads_new(void)
{
	return mem_alloc(1, sizeof(struct reads));
}

void
reads_free(struct reads *reads)
{
	struct read *read;

	if (!reads)
		return;
	while ((read = reads->list)) {
		reads->list = read->next;
		mem_free(read);
	}
	mem_free(reads);
}

/* ---- streams ---- */

static bool
follower_next(void *user, struct bytes *out)
{
	struct follower *f = user;
	struct node *n = f->reader.node;

	if (f->ready.len) {
		bytes_append(out, f->ready.data, f->ready.len);
		bytes_close(&f->ready);
		return true;
	}
	if (!log_reader_read(&f->reader, 64U << 10, out))
		return false;
	if (!out->len && f->endless && n->now_ms >= f->ping_ms)
		bytes_append_char(out, '\n');
	if (out->len)
		f->ping_ms = n->now_ms + PING_MS;
	if (f->endless && f->reader.remaining &&
	    f->reader.next <= f->reader.to && !n->stopping)
		return true;
	return !log_reader_is_done(&f->reader);
}

static void
follower_closed(void *user)
{
	struct follower *f = user;
	struct follower **link = &f->reader.node->reads->followers;

	while (*link != f)
		link = &(*link)->next;
	*link = f->next;
	bytes_close(&f->ready);
	mem_free(f);
}

static void
stream(struct node *n, struct read *read, struct bytes *ready, bool endless)
{
	struct follower *f = mem_alloc(1, sizeof *f);
	const char *type = read->reader.raw ? "application/octet-stream"
					    : "application/x-ndjson";

	f->reader = read->reader;
	f->endless = endless;
	f->ping_ms = n->now_ms + PING_MS;
	bytes_take(&f->ready, ready);
	f->next = n->reads->followers;
	n->reads->followers = f;
	api_add_headers(n, read->request);
	f->stream = inbound_stream(read->request, 200, type, f, follower_next,
				   follower_closed);
}

/* ---- serving ---- */

static void
add_number(struct inbound_request *r, const char *name, uint64_t value)
{
	struct bytes text = {0};

	bytes_append_u64(&text, value);
	bytes_append_char(&text, '\0');
	inbound_add_header(r, name, (const char *)text.data);
	bytes_close(&text);
}

static void
serve_entry(struct node *n, struct read *read)
{
	rk_index index = read->reader.next, end;
	struct inbound_request *r = read->request;
	struct bytes text = {0}, data = {0};
	struct rk_error err;
	struct line line;

	if (index > machine_applied(n->machine)) {
		api_problem(n, r, PROBLEM_NOT_FOUND, NULL,
			    "no entry %" PRIu64 "; the last one is %" PRIu64,
			    index, machine_applied(n->machine));
		return;
	}
	if (history_read(machine_history(n->machine), index, index + 1, 1,
			 &text, &end, &err) ||
	    !line_scan(text.data, text.len, true, &line)) {
		api_problem(n, r, PROBLEM_INTERNAL, NULL,
			    "entry %" PRIu64 " cannot be read", index);
	} else {
		line_decode_data(&line, &data);
		add_number(r, "Raft-Index", index);
		add_number(r, "Raft-Entry-Term", line.term);
		inbound_add_header(r, "Raft-Type",
				   rk_entry_type_name(line.type));
		api_reply(n, r, 200, "application/octet-stream", &data);
	}
	bytes_close(&text);
	bytes_close(&data);
}

/* False if it goes on waiting for entries. */
static bool
serve_range(struct node *n, struct read *read)
{
	struct log_reader *reader = &read->reader;
	struct bytes body = {0};

	if (!log_reader_read(reader, WHOLE_BYTES, &body)) {
		api_problem(n, read->request, PROBLEM_INTERNAL, NULL,
			    "the history cannot be read");
		bytes_close(&body);
		return true;
	}
	if (read->poll_ms) {
		if (!body.len && n->now_ms < read->until_ms && !n->stopping) {
			read->stage = STAGE_POLL;
			return false;
		}
		add_number(read->request, "Raft-Next", reader->next);
	} else if (!log_reader_is_done(reader)) {
		stream(n, read, &body, false);
		return true;
	}
	api_reply(n, read->request, 200,
		  reader->raw ? "application/octet-stream"
			      : "application/x-ndjson",
		  &body);
	return true;
}

/* True if it is over. */
static bool
serve(struct node *n, struct read *read)
{
	if (!read->entry)
		return serve_range(n, read);
	serve_entry(n, read);
	return true;
}

/* ---- confirming ---- */

static void
give_up(struct node *n, struct read *read)
{
	api_problem(n, read->request, PROBLEM_NO_LEADER,
		    "level=stale reads what this member has",
		    "no leader has confirmed the read");
}

static void
ask_again_later(struct read *read)
{
	read->stage = STAGE_CONFIRM;
	read->retry_ms = read->node->now_ms + RETRY_MS;
}

static void
on_confirmed(void *user, struct outbound_call *call,
	     const struct outbound_reply *reply)
{
	struct read *read = user;
	const char *commit;

	read->call = NULL;
	if (reply->outcome == OUTBOUND_CANCELLED)
		return;
	commit = reply->outcome == OUTBOUND_OK && reply->status == 200
			 ? outbound_reply_header(call, "Raft-Commit")
			 : NULL;
	if (commit &&
	    bytes_parse_u64(commit, strlen(commit), LIMIT_NUMBER, &read->index))
		read->stage = STAGE_APPLY;
	else
		ask_again_later(read);
}

/* A follower asks the leader for an index that is safe to read at. */
static void
ask_leader(struct node *n, struct read *read, const char *url)
{
	static const char *const headers[] = {"Raft-Forwarded: 1", NULL};
	struct outbound_request request = {
		.method = "GET",
		.url = url,
		.path = "/v1/log?limit=0",
		.lane = LANE_CLIENT,
		.headers = headers,
		.deadline_ms = n->settings.core.request_timeout_ms,
		.max_reply_bytes = 4096,
		.user = read,
		.done = on_confirmed,
	};

	read->stage = STAGE_ASKED;
	read->call = outbound_start(n->out, &request);
}

static void
confirm(struct node *n, struct read *read)
{
	struct event ev = {.type = EVENT_READ};
	const char *url = node_leader_url(n);

	if (node_is_leader(n)) {
		if (read->level == LEVEL_LEADER) {
			read->stage = STAGE_APPLY;
			read->index = machine_applied(n->machine);
			return;
		}
		read->stage = STAGE_ASKED;
		read->token = ev.as.read_token = ++n->reads->last_token;
		if (node_step(n, &ev, NULL))
			ask_again_later(read);
	} else if (url && !inbound_header(read->request, "Raft-Forwarded")) {
		ask_leader(n, read, url);
	} else {
		ask_again_later(read);
	}
}

void
read_released(struct node *n, const struct effect_read *released)
{
	struct read *read;

	for (read = n->reads->list; read; read = read->next) {
		if (read->stage != STAGE_ASKED || read->call ||
		    read->token != released->token)
			continue;
		if (released->granted) {
			read->stage = STAGE_APPLY;
			read->index = released->index;
		} else {
			ask_again_later(read);
		}
		return;
	}
}

/* ---- in ---- */

static bool
parse_level(struct node *n, struct inbound_request *r, enum level *level)
{
	const char *text = inbound_query(r, "level");

	*level = LEVEL_LINEARIZABLE;
	if (!text || strcmp(text, "linearizable") == 0)
		return true;
	*level = strcmp(text, "leader") == 0 ? LEVEL_LEADER : LEVEL_STALE;
	if (*level == LEVEL_LEADER || strcmp(text, "stale") == 0)
		return true;
	api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
		    "level=%.40s: linearizable, leader or stale", text);
	return false;
}

/* `wait=30s`, `wait=500ms`, or seconds. */
static bool
parse_wait(struct node *n, struct inbound_request *r, uint64_t *wait_ms)
{
	const char *text = inbound_query(r, "wait");
	size_t digits = text ? strspn(text, "0123456789") : 0;
	const char *unit = text ? text + digits : "";
	uint64_t factor = strcmp(unit, "ms") == 0 ? 1 : 1000;

	*wait_ms = 0;
	if (!text)
		return true;
	if ((*unit && factor == 1000 && strcmp(unit, "s") != 0) ||
	    !bytes_parse_u64(text, digits, POLL_MS, wait_ms) ||
	    (*wait_ms *= factor) > POLL_MS) {
		api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
			    "wait=%.40s: a duration of at most 5 minutes, "
			    "such as 30s or 500ms",
			    text);
		return false;
	}
	return true;
}

/* Take the read in, at the stage where its level lets it begin. */
static void
begin(struct node *n, struct read *read)
{
	read->node = n;
	read->until_ms = n->now_ms + proxy_patience_ms(read->request);
	read->stage = STAGE_CONFIRM;
	if (read->level == LEVEL_STALE) {
		read->stage = STAGE_APPLY;
		read->index = 0;
	}
	read->next = n->reads->list;
	n->reads->list = read;
}

void
read_handle(struct node *n, struct inbound_request *r)
{
	struct read *read = mem_alloc(1, sizeof *read);
	struct bytes none = {0};

	read->request = r;
	if (!log_reader_parse(n, r, &read->reader) ||
	    !parse_level(n, r, &read->level) ||
	    !parse_wait(n, r, &read->poll_ms)) {
		mem_free(read);
		return;
	}
	if (inbound_query(r, "follow")) {
		/* Endless: what it has seen is always behind, and always
		 * committed. */
		stream(n, read, &none, true);
		mem_free(read);
		return;
	}
	begin(n, read);
}

void
read_entry_handle(struct node *n, struct inbound_request *r, const char *index)
{
	struct read *read = mem_alloc(1, sizeof *read);

	read->request = r;
	read->entry = true;
	if (!parse_level(n, r, &read->level)) {
		mem_free(read);
		return;
	}
	if (!bytes_parse_u64(index, strlen(index), LIMIT_NUMBER,
			     &read->reader.next) ||
	    read->reader.next == 0) {
		api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
			    "%.40s is no index: a number from 1", index);
		mem_free(read);
		return;
	}
	begin(n, read);
}

/* ---- time ---- */

/* True if the read is over. */
static bool
advance(struct node *n, struct read *read)
{
	if (read->stage == STAGE_CONFIRM && n->now_ms >= read->retry_ms &&
	    n->now_ms < read->until_ms)
		confirm(n, read);
	if ((read->stage == STAGE_APPLY &&
	     read->index <= machine_applied(n->machine)) ||
	    read->stage == STAGE_POLL) {
		if (read->poll_ms && read->stage == STAGE_APPLY)
			read->until_ms = n->now_ms + read->poll_ms;
		return serve(n, read);
	}
	if (n->now_ms < read->until_ms && !n->stopping)
		return false;
	give_up(n, read);
	if (read->call)
		outbound_cancel(read->call);
	return true;
}

void
read_tick(struct node *n)
{
	struct read **link = &n->reads->list;
	struct follower *f;
	struct read *read;

	while ((read = *link)) {
		if (!advance(n, read)) {
			link = &read->next;
			continue;
		}
		*link = read->next;
		mem_free(read);
	}
	for (f = n->reads->followers; f; f = f->next) {
		if (f->stream && n->now_ms >= f->ping_ms)
			inbound_wake(f->stream);
	}
}

void
read_applied(struct node *n)
{
	struct follower *f;

	for (f = n->reads->followers; f; f = f->next) {
		if (f->stream)
			inbound_wake(f->stream);
	}
}

uint64_t
read_deadline_ms(const struct node *n)
{
	const struct follower *f;
	const struct read *read;
	uint64_t deadline = 0, at;

	for (read = n->reads->list; read; read = read->next) {
		at = read->until_ms;
		if (read->stage == STAGE_CONFIRM && read->retry_ms < at)
			at = read->retry_ms ? read->retry_ms : n->now_ms;
		if (read->stage == STAGE_APPLY &&
		    read->index <= machine_applied(n->machine))
			at = n->now_ms;
		if (!deadline || at < deadline)
			deadline = at;
	}
	for (f = n->reads->followers; f; f = f->next) {
		if (!deadline || f->ping_ms < deadline)
			deadline = f->ping_ms;
	}
	return deadline;
}
