/* read.c - GET /v1/log and /v1/log/{index}, through any member.
 *
 *   CONFIRM --confirmed--> APPLY --applied--> served
 *                                   |
 *                    POLL (wait=) <-+
 *
 * A linearizable read (the default) waits for a round of confirm.c that began
 * after it, and is served from this member's own history once that has caught
 * up. `leader` is what the leader has, without a round; `stale` is what this
 * member has. The reply says which of them it is, and how old it may be. */

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

enum level {
	LEVEL_LINEARIZABLE,
	LEVEL_LEADER,
	LEVEL_STALE,
};

static const char *const level_name[] = {
	[LEVEL_LINEARIZABLE] = "linearizable",
	[LEVEL_LEADER] = "leader",
	[LEVEL_STALE] = "stale",
};

enum stage {
	STAGE_CONFIRM,
	STAGE_APPLY,
	STAGE_POLL,
};

struct read {
	struct inbound_request *request;
	struct log_reader reader;
	enum stage stage;
	enum level level;
	bool entry;        /* One entry's bytes, reader.next. */
	uint64_t poll_ms;  /* wait=; 0: none. */
	uint64_t round;    /* Of confirm.c. */
	rk_index index;    /* Serve when this is applied. */
	uint64_t until_ms; /* Give up, or end the poll. */
	struct read *next;
};

/* An endless reply, or a long one. */
struct follower {
	struct log_reader reader;
	struct inbound_stream *stream;
	struct bytes ready; /* Read before it became a stream. */
	bool endless;
	bool looking;  /* There is more to look at, in the next pass. */
	bool ping_due; /* Something must be said, if only that. */
	uint64_t ping_ms;
	struct follower *next;
};

struct reads {
	struct read *list;
	struct follower *followers;
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

/* ---- headers ---- */

/* How old what is read here may be: since when this member cannot know what
 * the cluster has done. */
static uint64_t
age_ms(const struct node *n, enum level level)
{
	uint64_t heard_ms = core_contact_ms(n->core);

	if (level == LEVEL_LINEARIZABLE)
		return 0;
	if (!heard_ms)
		heard_ms = n->started_ms;
	return heard_ms < n->now_ms ? n->now_ms - heard_ms : 0;
}

static void
say_level(const struct node *n, const struct read *read)
{
	inbound_add_header(read->request, "Raft-Level",
			   level_name[read->level]);
	api_add_number(read->request, "Raft-Stale-Ms", age_ms(n, read->level));
}

/* ---- streams ---- */

static bool
follower_next(void *user, struct bytes *out)
{
	struct follower *f = user;
	struct node *n = f->reader.node;
	bool done;

	if (f->ready.len) {
		bytes_append(out, f->ready.data, f->ready.len);
		bytes_close(&f->ready);
		return true;
	}
	if (!log_reader_read(&f->reader, 64U << 10, out)) {
		inbound_stream_fail(f->stream);
		return false;
	}
	done = log_reader_is_done(&f->reader);
	f->looking = !done && !out->len;
	if (!out->len && f->endless && f->ping_due)
		bytes_append_char(out, '\n');
	f->ping_due = false;
	if (out->len)
		f->ping_ms = n->now_ms + PING_MS;
	if (f->endless && f->reader.remaining &&
	    f->reader.next <= f->reader.to && !n->stopping)
		return true;
	return !done;
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
	say_level(n, read);
	api_add_headers(n, read->request);
	f->stream = inbound_stream(read->request, 200, type, f, follower_next,
				   follower_closed);
}

/* ---- serving ---- */

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
		say_level(n, read);
		api_add_number(r, "Raft-Index", index);
		api_add_number(r, "Raft-Entry-Term", line.term);
		inbound_add_header(r, "Raft-Type",
				   rk_entry_type_name(line.type));
		api_reply(n, r, 200, "application/octet-stream", &data);
	}
	bytes_close(&text);
	bytes_close(&data);
}

/* Wait until more is applied. */
static void
begin_poll(struct node *n, struct read *read)
{
	read->stage = STAGE_POLL;
	read->index = machine_applied(n->machine) + 1;
}

/* False if it goes on waiting for entries. */
static bool
serve_range(struct node *n, struct read *read)
{
	struct log_reader *reader = &read->reader;
	struct bytes body = {0};
	bool done;

	if (!log_reader_read(reader, WHOLE_BYTES, &body)) {
		api_problem(n, read->request, PROBLEM_INTERNAL, NULL,
			    "the history cannot be read");
		bytes_close(&body);
		return true;
	}
	done = log_reader_is_done(reader);
	if (read->poll_ms) {
		if (!body.len && !done)
			return false; /* There is more to look at. */
		if (!body.len && n->now_ms < read->until_ms && !n->stopping) {
			begin_poll(n, read);
			return false;
		}
		api_add_number(read->request, "Raft-Next", reader->next);
	} else if (!done) {
		stream(n, read, &body, false);
		return true;
	}
	say_level(n, read);
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

/* False if the read has been answered: it came from a member that took this
 * one for the leader, and that had better ask again. */
static bool
confirm(struct node *n, struct read *read)
{
	if (!node_is_leader(n) &&
	    inbound_header(read->request, "Raft-Forwarded")) {
		api_problem(n, read->request, PROBLEM_HOPS, NULL,
			    "forwarded here, but this is not the leader");
		return false;
	}
	if (read->level == LEVEL_LEADER && node_is_leader(n)) {
		read->stage = STAGE_APPLY;
		read->index = machine_applied(n->machine);
	} else if (!read->round) {
		read->round = confirm_want(n, read->until_ms);
	} else if (confirm_is_done(n, read->round, &read->index)) {
		read->stage = STAGE_APPLY;
		read->level = LEVEL_LINEARIZABLE;
	}
	return true;
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
	read->until_ms = n->now_ms + proxy_patience_ms(read->request);
	read->stage = STAGE_APPLY;
	if (read->level != LEVEL_STALE)
		read->stage = STAGE_CONFIRM;
	if (read->level == LEVEL_LINEARIZABLE)
		read->round = confirm_want(n, read->until_ms);
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
		read->level = LEVEL_STALE;
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

static bool
is_due(const struct node *n, const struct read *read)
{
	if (read->stage == STAGE_CONFIRM)
		return false;
	if (read->index <= machine_applied(n->machine))
		return true;
	return read->stage == STAGE_POLL &&
	       (n->now_ms >= read->until_ms || n->stopping);
}

/* True if the read is over. */
static bool
advance(struct node *n, struct read *read)
{
	if (read->stage == STAGE_CONFIRM && !confirm(n, read))
		return true;
	if (is_due(n, read)) {
		/* Time begins to count when there is nothing to say. */
		if (read->poll_ms && read->stage == STAGE_APPLY)
			read->until_ms = n->now_ms + read->poll_ms;
		return serve(n, read);
	}
	if (n->now_ms < read->until_ms && !n->stopping)
		return false;
	give_up(n, read);
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
		bool ping = n->now_ms >= f->ping_ms;

		if (!f->stream || (!f->looking && !ping))
			continue;
		f->looking = false;
		f->ping_due |= ping;
		/* Once a period, also if its reader stands still. */
		if (ping)
			f->ping_ms = n->now_ms + PING_MS;
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
		at = is_due(n, read) ? n->now_ms : read->until_ms;
		if (!deadline || at < deadline)
			deadline = at;
	}
	for (f = n->reads->followers; f; f = f->next) {
		at = f->looking ? n->now_ms : f->ping_ms;
		if (!deadline || at < deadline)
			deadline = at;
	}
	return deadline;
}
