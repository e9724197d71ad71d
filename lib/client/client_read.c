/* client_read.c - read and follow the log.
 *
 * A read that is cut off goes on at another endpoint at the next index, so
 * that each entry is seen once and none is left out. */

#include "client/client.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/line.h"
#include "base/mem.h"

/* A member that follows says at least an empty line in 15 s. */
#define FOLLOW_IDLE_MS 45000
#define READ_IDLE_MS   10000

/* How many entries more than wanted to look back at first; no-ops and
 * configurations stand between them. */
#define LOOK_BACK_MORE 16

/* Pause when a reply brought nothing, as of a member that is about to end. */
#define STANDSTILL_MS 50

struct reader {
	struct rk_client *c;
	const struct rk_read *what;
	rk_index next; /* First index that is still wanted; 0: the first kept.
			*/
	rk_index to;   /* Last one; 0: the end. */
	uint64_t skip; /* Leave out so many of those that are selected. */
	bool (*entry)(void *user, const struct rk_entry *entry);
	void *user;
	struct bytes line; /* The beginning of one. */
	struct bytes data;
	char session[LIMIT_SESSION_ID + 1];
	bool is_stopped; /* By `entry`. */
	bool is_bad;     /* It is no canonical line. */
};

static unsigned
types_of(const struct rk_read *what)
{
	return what->types != 0 ? what->types : 1U << RK_ENTRY_DATA;
}

static bool
is_selected(const struct reader *r, const struct line *l)
{
	if (l->repeat != 0 && !r->what->repeats)
		return false;
	if (l->time_ms < r->what->since_ms ||
	    (r->what->until_ms > 0 && l->time_ms > r->what->until_ms))
		return false;
	return (types_of(r->what) >> l->type & 1) != 0;
}

static bool
deliver(struct reader *r, const struct line *l, const uint8_t *text)
{
	struct rk_entry e = {.index = l->index,
			     .term = l->term,
			     .type = l->type,
			     .time_ms = l->time_ms,
			     .seq = l->seq,
			     .repeat = l->repeat,
			     .committed = true,
			     .line = (const char *)text,
			     .line_len = l->len};

	r->data.len = 0;
	line_decode_data(l, &r->data);
	e.data = r->data.data;
	e.len = r->data.len;
	if (l->session != NULL) {
		memcpy(r->session, l->session, l->session_len);
		r->session[l->session_len] = '\0';
		e.session = r->session;
	}
	return r->entry(r->user, &e);
}

/* Take one whole line; false ends the read. */
static bool
take_line(struct reader *r, const uint8_t *text, size_t len)
{
	struct line l;

	if (len == 1)
		return true; /* Only says that it is alive. */
	r->is_bad = !line_scan(text, len, true, &l) || l.index < r->next;
	if (r->is_bad)
		return false;
	r->next = l.index + 1;
	if (!is_selected(r, &l))
		return true;
	if (r->skip > 0) {
		r->skip--;
		return true;
	}
	r->is_stopped = !deliver(r, &l, text);
	return !r->is_stopped;
}

static bool
on_data(void *user, struct slice piece)
{
	struct reader *r = user;
	const uint8_t *end;
	size_t len;

	while (piece.len > 0) {
		end = memchr(piece.data, '\n', piece.len);
		if (end == NULL) {
			bytes_append(&r->line, piece.data, piece.len);
			r->is_bad = r->line.len > LIMIT_LINE_BYTES;
			return !r->is_bad;
		}
		len = (size_t)(end + 1 - piece.data);
		if (r->line.len > 0) {
			bytes_append(&r->line, piece.data, len);
			if (!take_line(r, r->line.data, r->line.len))
				return false;
			r->line.len = 0;
		} else if (!take_line(r, piece.data, len)) {
			return false;
		}
		piece.data += len;
		piece.len -= len;
	}
	return true;
}

static const char *
level_name(enum rk_level level)
{
	switch (level) {
	case RK_LINEARIZABLE:
		break;
	case RK_LEADER:
		return "leader";
	case RK_STALE:
		return "stale";
	}
	return "linearizable";
}

static void
path_encode(const struct reader *r, struct bytes *path)
{
	unsigned types = types_of(r->what);
	const char *separator = "&type=";
	unsigned type;

	path->len = 0;
	bytes_printf(path, "/v1/log?level=%s", level_name(r->what->level));
	if (r->next > 0)
		bytes_printf(path, "&from=%llu", (unsigned long long)r->next);
	if (r->to > 0)
		bytes_printf(path, "&to=%llu", (unsigned long long)r->to);
	for (type = 0; type <= RK_ENTRY_CONFIGURATION; type++) {
		if ((types >> type & 1) == 0)
			continue;
		bytes_append_text(path, separator);
		bytes_append_text(path, rk_entry_type_name(type));
		separator = ",";
	}
	if (r->what->repeats)
		bytes_append_text(path, "&all=1");
	if (r->what->follow)
		bytes_append_text(path, "&follow=1");
	bytes_append_char(path, '\0');
}

/* Read [r->next, r->to] once more from one endpoint; `*cut` if it broke off
 * in the middle. */
static enum rk_code
read_once(struct reader *r, struct client_deadline *deadline, bool *cut,
	  struct rk_error *err)
{
	struct bytes path = {.data = NULL};
	struct client_request request = {
		.method = "GET",
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.nothing_done = "nothing was read",
		.given_only = r->what->level == RK_STALE,
		.data = on_data,
		.user = r,
		.was_cut = cut,
		.first_ms = r->what->follow ? FOLLOW_IDLE_MS : 0,
		.idle_ms = r->what->follow ? FOLLOW_IDLE_MS : READ_IDLE_MS};
	enum rk_code rc;

	*cut = false;
	path_encode(r, &path);
	request.path = (const char *)path.data;
	r->line.len = 0;
	rc = client_call(r->c, &request, deadline, err);
	bytes_close(&path);
	return rc;
}

static enum rk_code
read_all(struct reader *r, struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(r->c);
	rk_index before;
	enum rk_code rc;
	bool cut;

	for (;;) {
		before = r->next;
		rc = read_once(r, &deadline, &cut, err);
		if (rc != RK_OK || r->is_stopped)
			return rc;
		if (r->is_bad)
			return error_set(err, RK_FAILED,
					 "%s sent what is no entry after "
					 "index %llu",
					 r->c->endpoints[r->c->at].url,
					 (unsigned long long)r->next - 1);
		if (!cut && !r->what->follow)
			return RK_OK;
		if (r->c->is_cancelled)
			return error_set(err, RK_FAILED, "interrupted");
		if (r->to > 0 && r->next > r->to)
			return RK_OK;
		/* As long as there is progress there is time; and a member
		 * that is followed may have been silent for long. */
		if (r->next > before || r->what->follow)
			deadline = client_deadline_begin(r->c);
		if (r->next == before)
			client_pause(r->c, STANDSTILL_MS, &deadline);
		if (clock_now_ms() >= deadline.end_ms)
			return error_set(err, RK_UNREACHABLE,
					 "cut off again and again at index "
					 "%llu",
					 (unsigned long long)r->next);
	}
}

/* The last index that is committed. */
static enum rk_code
read_end(struct rk_client *c, const struct rk_read *what, rk_index *end,
	 struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(c);
	char path[64];
	const struct client_request request = {
		.method = "GET",
		.path = path,
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.nothing_done = "nothing was read",
		.given_only = what->level == RK_STALE};
	enum rk_code rc;

	snprintf(path, sizeof path, "/v1/log?limit=0&level=%s",
		 level_name(what->level));
	rc = client_call(c, &request, &deadline, err);
	if (rc == RK_OK)
		*end = c->reply.commit;
	return rc;
}

static bool
count_entry(void *user, const struct rk_entry *entry)
{
	uint64_t *count = user;

	(void)entry;
	++*count;
	return true;
}

/* Set r->next and r->skip so that the last what->last of what is selected up
 * to `end` follow: look back in ever larger steps and count. */
static enum rk_code
find_last(struct reader *r, rk_index end, struct rk_error *err)
{
	struct rk_read what = *r->what;
	uint64_t step = what.last + LOOK_BACK_MORE;
	rk_index least = r->next > 0 ? r->next : 1;
	rk_index from = end + 1;
	uint64_t count = 0;
	enum rk_code rc;

	what.last = 0;
	what.follow = false;
	while (count < r->what->last && from > least) {
		what.to = from - 1;
		from = from - least > step ? from - step : least;
		what.from = (int64_t)from;
		rc = rk_client_read(r->c, &what, count_entry, &count, err);
		if (rc != RK_OK)
			return rc;
		step *= 4;
	}
	r->next = from;
	r->skip = count > r->what->last ? count - r->what->last : 0;
	return RK_OK;
}

static enum rk_code
find_start(struct reader *r, struct rk_error *err)
{
	const struct rk_read *what = r->what;
	rk_index end = what->to;
	enum rk_code rc = RK_OK;

	if (what->from > 0)
		r->next = (rk_index)what->from;
	if (what->from >= 0 && what->last == 0)
		return RK_OK;
	rc = read_end(r->c, what, &end, err);
	if (rc != RK_OK)
		return rc;
	if (what->from < 0 && (uint64_t)-what->from < end)
		r->next = end + 1 - (uint64_t)-what->from;
	if (what->last == 0)
		return RK_OK;
	if (what->to > 0 && what->to < end)
		end = what->to;
	return find_last(r, end, err);
}

enum rk_code
rk_client_read(struct rk_client *c, const struct rk_read *what,
	       bool (*entry)(void *user, const struct rk_entry *entry),
	       void *user, struct rk_error *err)
{
	struct reader r = {.c = c,
			   .what = what,
			   .to = what->to,
			   .entry = entry,
			   .user = user};
	enum rk_code rc;

	if (what->follow && what->level != RK_STALE)
		client_learn(c);
	rc = find_start(&r, err);
	if (rc == RK_OK)
		rc = read_all(&r, err);
	bytes_close(&r.line);
	bytes_close(&r.data);
	return rc;
}
