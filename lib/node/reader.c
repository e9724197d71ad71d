/* reader.c - entries of a data directory, a segment or a snapshot, offline. */

#include "node/reader.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"

/* What is asked for, made definite. */
struct selection {
	rk_index from; /* [from, to) */
	rk_index to;
	unsigned types;
	bool repeats;
	uint64_t since_ms;
	uint64_t until_ms;
	uint64_t skip; /* So many of those selected are left out first. */
};

/* Called with each line of a range; false to stop. */
struct visitor {
	bool (*line)(void *context, struct slice text, const struct line *line);
	void *context;
};

/* rk_reader_read()'s visitor. */
struct reading {
	struct rk_reader *r;
	struct selection selection;
	bool (*entry)(void *user, const struct rk_entry *entry);
	void *user;
};

/* select_last()'s visitor. */
struct counting {
	struct selection selection;
	uint64_t count;
};

enum rk_code
rk_reader_open(const char *path, struct rk_reader **reader,
	       struct rk_error *err)
{
	struct rk_reader *r;
	struct stat status;
	enum rk_code rc;

	if (stat(path, &status) < 0)
		return error_set(err, errno == ENOENT ? RK_ABSENT : RK_FAILED,
				 "%s: %s", path, strerror(errno));
	r = mem_alloc(1, sizeof *r);
	r->path = mem_strdup(path);
	r->first = 1;
	r->archive = (struct archive){.fd = -1, .first = 1};
	rc = S_ISDIR(status.st_mode) ? reader_open_directory(r, err)
				     : reader_open_file(r, err);
	if (rc) {
		rk_reader_close(r);
		return rc;
	}
	assert(r->last + 1 >= r->first);
	*reader = r;
	return RK_OK;
}

void
rk_reader_close(struct rk_reader *r)
{
	if (r == NULL)
		return;
	archive_close(&r->archive);
	snapshot_header_close(&r->snapshot);
	bytes_close(&r->members);
	bytes_close(&r->tail);
	bytes_close(&r->data);
	mem_free(r->path);
	mem_free(r);
}

void
rk_reader_info(const struct rk_reader *r, struct rk_reader_info *info)
{
	*info = (struct rk_reader_info){
		.first = r->first,
		.last = r->last,
		.committed = r->committed,
		.torn_bytes = r->torn_bytes,
	};
}

enum rk_code
reader_seek(const struct rk_reader *r, rk_index from, struct reader_cursor *c,
	    struct rk_error *err)
{
	*c = (struct reader_cursor){.reader = r, .from = from};
	return archive_seek(&r->archive, from, &c->archive, err);
}

void
reader_cursor_close(struct reader_cursor *c)
{
	archive_cursor_close(&c->archive);
	*c = (struct reader_cursor){.reader = NULL};
}

enum rk_code
reader_next(struct reader_cursor *c, struct slice *text, struct line *line,
	    struct rk_error *err)
{
	const struct bytes *tail = &c->reader->tail;
	bool canonical;

	if (archive_next(&c->archive, text, line, err))
		return err->code;
	while (text->len == 0 && c->at < tail->len) {
		canonical = line_scan(tail->data + c->at, tail->len - c->at,
				      true, line);
		assert(canonical); /* Or it would not be in the tail. */
		if (line->index >= c->from)
			*text = (struct slice){tail->data + c->at, line->len};
		c->at += line->len;
	}
	return RK_OK;
}

/* All lines of [from, to) that are held, until the visitor has enough. */
static enum rk_code
visit(struct rk_reader *r, rk_index from, rk_index to, const struct visitor *v,
      struct rk_error *err)
{
	struct reader_cursor c;
	struct slice text;
	struct line line;
	enum rk_code rc;

	rc = reader_seek(r, from, &c, err);
	while (rc == RK_OK) {
		rc = reader_next(&c, &text, &line, err);
		if (rc || text.len == 0 || line.index >= to ||
		    !v->line(v->context, text, &line))
			break;
	}
	reader_cursor_close(&c);
	return rc;
}

static bool
is_selected(const struct selection *s, const struct line *line)
{
	return (s->types & 1U << line->type) != 0 &&
	       (s->repeats || line->repeat == 0) &&
	       line->time_ms >= s->since_ms && line->time_ms <= s->until_ms;
}

static bool
count_line(void *context, struct slice text, const struct line *line)
{
	struct counting *c = context;

	(void)text;
	c->count += is_selected(&c->selection, line);
	return true;
}

/* Narrow the selection to its last `count` entries: look back, further each
 * time, until there are so many. */
static enum rk_code
select_last(struct rk_reader *r, struct selection *s, uint64_t count,
	    struct rk_error *err)
{
	struct counting c = {.selection = *s};
	struct visitor v = {.line = count_line, .context = &c};
	uint64_t window = count < LIMIT_NUMBER / 8 ? count : LIMIT_NUMBER / 8;
	rk_index from;

	do {
		window = 4 * window + 64;
		from = s->to - s->from > window ? s->to - window : s->from;
		c.count = 0;
		if (visit(r, from, s->to, &v, err))
			return err->code;
	} while (c.count < count && from > s->from);
	s->from = from;
	s->skip = c.count > count ? c.count - count : 0;
	return RK_OK;
}

static void
fill_entry(struct rk_reader *r, struct slice text, const struct line *line,
	   struct rk_entry *entry)
{
	*entry = (struct rk_entry){
		.index = line->index,
		.term = line->term,
		.type = line->type,
		.time_ms = line->time_ms,
		.seq = line->seq,
		.data = line->data.data,
		.len = line->data.len,
		.repeat = line->repeat,
		.committed = line->index <= r->committed,
		.line = (const char *)text.data,
		.line_len = text.len,
	};
	if (line->session != NULL) {
		memcpy(r->session, line->session, line->session_len);
		r->session[line->session_len] = '\0';
		entry->session = r->session;
	}
	if (!line->base64 &&
	    memchr(line->data.data, '\\', line->data.len) == NULL)
		return; /* It stands in the line as it is. */
	r->data.len = 0;
	line_decode_data(line, &r->data);
	entry->data = r->data.data;
	entry->len = r->data.len;
}

static bool
hand_over(void *context, struct slice text, const struct line *line)
{
	struct reading *reading = context;
	struct rk_entry entry;

	if (!is_selected(&reading->selection, line))
		return true;
	if (reading->selection.skip > 0) {
		reading->selection.skip--;
		return true;
	}
	fill_entry(reading->r, text, line, &entry);
	return reading->entry(reading->user, &entry);
}

static enum rk_code
resolve(const struct rk_reader *r, const struct rk_read *what,
	struct selection *s, struct rk_error *err)
{
	uint64_t back = 0 - (uint64_t)what->from;

	*s = (struct selection){
		.from = r->first,
		.to = r->last + 1,
		.types = what->types != 0 ? what->types : 1U << RK_ENTRY_DATA,
		.repeats = what->repeats,
		.since_ms = what->since_ms,
		.until_ms = what->until_ms ? what->until_ms : UINT64_MAX,
	};
	if (what->to != 0 && what->to < r->last)
		s->to = what->to + 1;
	if (what->from > 0) {
		s->from = (rk_index)what->from;
		if (s->from < r->first) {
			error_set(err, RK_ABSENT,
				  "%s: entry %" PRIu64
				  " has been compacted; the first held is "
				  "%" PRIu64,
				  r->path, s->from, r->first);
			return error_hint(err, "raft-dump -i %" PRIu64 ": %s",
					  r->first, r->path);
		}
	} else if (what->from < 0 && back <= r->last &&
		   r->last + 1 - back > r->first) {
		s->from = r->last + 1 - back;
	}
	return RK_OK;
}

enum rk_code
rk_reader_read(struct rk_reader *r, const struct rk_read *what,
	       bool (*entry)(void *user, const struct rk_entry *entry),
	       void *user, struct rk_error *err)
{
	struct reading reading = {.r = r, .entry = entry, .user = user};
	struct visitor v = {.line = hand_over, .context = &reading};
	struct selection *s = &reading.selection;

	if (resolve(r, what, s, err))
		return err->code;
	if (s->from < s->to) {
		if (what->last != 0 && select_last(r, s, what->last, err))
			return err->code;
		if (visit(r, s->from, s->to, &v, err))
			return err->code;
	}
	if (r->damage.code != RK_OK && (what->to == 0 || what->to > r->last)) {
		*err = r->damage;
		return err->code;
	}
	return RK_OK;
}
