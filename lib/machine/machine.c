/* machine.c - what committed entries are applied to: the log machine. */

#include "machine/machine.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/line.h"
#include "base/mem.h"

struct machine {
	struct history *history;
	struct sessions *sessions;
	/* The lines that are being applied: how many, how long, what became
	 * of each, and, if any had to be marked, the text that goes to the
	 * history. */
	uint64_t pending;
	size_t pending_len;
	struct machine_reply *replies;
	size_t reply_cap;
	struct bytes marked;
	size_t marked_from; /* How much of the lines is in `marked`. */
	uint64_t time_ms;   /* Of the last one. */
};

/* Unlink what an earlier run left. Never truncate: a file may be a snapshot's
 * too. */
static enum rk_code
empty_directory(const char *path, struct rk_error *err)
{
	enum rk_code rc = RK_OK;
	struct dirent *item;
	DIR *dir;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(err, RK_FAILED, "make %s: %s", path,
				 strerror(errno));
	dir = opendir(path);
	if (dir == NULL)
		return error_set(err, RK_FAILED, "open %s: %s", path,
				 strerror(errno));
	while (rc == RK_OK && (item = readdir(dir)) != NULL) {
		if (strcmp(item->d_name, ".") != 0 &&
		    strcmp(item->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), item->d_name, 0) < 0)
			rc = error_set(err, RK_FAILED, "remove %s/%s: %s", path,
				       item->d_name, strerror(errno));
	}
	closedir(dir);
	return rc;
}

static enum rk_code
open_history(const struct machine_start *start, struct history **history,
	     struct rk_error *err)
{
	struct bytes path = {.data = NULL};
	const char *dir;
	enum rk_code rc;

	bytes_printf(&path, "%s/machine", start->dir);
	bytes_append_char(&path, '\0');
	dir = (const char *)path.data;
	rc = empty_directory(dir, err);
	if (rc == RK_OK)
		rc = history_open(dir, start->payload, start->bytes,
				  start->crc32c, start->last, history, err);
	bytes_close(&path);
	return rc;
}

enum rk_code
machine_open(const struct machine_start *start, struct machine **machine,
	     struct rk_error *err)
{
	struct machine *m = mem_alloc(1, sizeof *m);
	enum rk_code rc = RK_OK;

	if (start->sessions.len == 0)
		m->sessions = sessions_new();
	else
		rc = sessions_decode(start->sessions, &m->sessions, err);
	if (rc == RK_OK)
		rc = open_history(start, &m->history, err);
	if (rc) {
		machine_free(m);
		return rc;
	}
	*machine = m;
	return RK_OK;
}

void
machine_free(struct machine *m)
{
	if (m == NULL)
		return;
	history_free(m->history);
	sessions_free(m->sessions);
	bytes_close(&m->marked);
	mem_free(m->replies);
	mem_free(m);
}

/* Mark the line of `len` bytes at `at`: copy what lies before it as it is, and
 * then the line, marked. */
static void
mark(struct machine *m, struct slice lines, size_t at, size_t len,
     rk_index index)
{
	struct slice line = {lines.data + at, len};

	bytes_append(&m->marked, lines.data + m->marked_from,
		     at - m->marked_from);
	line_mark_repeat(&m->marked, line, index);
	m->marked_from = at + len;
}

static enum rk_code
apply_one(struct machine *m, struct slice lines, size_t *at, rk_index index,
	  struct machine_reply *reply, struct rk_error *err)
{
	struct line line;

	if (!line_scan(lines.data + *at, lines.len - *at, false, &line) ||
	    line.index != index)
		return error_set(err, RK_CORRUPT,
				 "apply: entry %" PRIu64
				 " is no canonical line, or another's",
				 index);
	*reply = (struct machine_reply){SESSION_FRESH, index};
	if (line.session != NULL)
		reply->verdict = sessions_note(m->sessions, line.session,
					       line.session_len, line.seq,
					       index, &reply->index);
	if (reply->verdict != SESSION_FRESH)
		mark(m, lines, *at, line.len, reply->index);
	m->time_ms = line.time_ms;
	*at += line.len;
	return RK_OK;
}

/* Everything but the writing, which alone may have to be tried again: go on
 * behind what is prepared already. */
static enum rk_code
prepare(struct machine *m, struct slice lines, uint64_t count,
	struct rk_error *err)
{
	rk_index first = history_last(m->history) + 1;

	m->replies = mem_grow(m->replies, &m->reply_cap, (size_t)count,
			      sizeof m->replies[0]);
	for (; m->pending < count; m->pending++) {
		if (apply_one(m, lines, &m->pending_len, first + m->pending,
			      &m->replies[m->pending], err))
			return err->code;
	}
	if (m->pending_len != lines.len)
		return error_set(err, RK_CORRUPT,
				 "apply: more than %" PRIu64 " entries", count);
	if (m->marked_from > 0) {
		bytes_append(&m->marked, lines.data + m->marked_from,
			     lines.len - m->marked_from);
		m->marked_from = lines.len;
	}
	return RK_OK;
}

enum rk_code
machine_apply(struct machine *m, struct slice lines, uint64_t count,
	      struct machine_reply *replies, struct rk_error *err)
{
	struct slice text = lines;

	assert(count >= m->pending);
	assert(lines.len >= m->pending_len);
	if (count == 0)
		return RK_OK;
	if (prepare(m, lines, count, err))
		return err->code;
	if (m->marked_from > 0)
		text = (struct slice){m->marked.data, m->marked.len};
	if (history_append(m->history, text, count, err))
		return err->code;
	if (replies != NULL)
		memcpy(replies, m->replies, (size_t)count * sizeof *replies);
	m->pending = 0;
	m->pending_len = 0;
	m->marked.len = 0;
	m->marked_from = 0;
	return RK_OK;
}

bool
machine_is_pending(const struct machine *m)
{
	return m->pending > 0;
}

rk_index
machine_applied(const struct machine *m)
{
	return history_last(m->history);
}

uint64_t
machine_time_ms(const struct machine *m)
{
	return m->time_ms;
}

struct history *
machine_history(struct machine *m)
{
	return m->history;
}

const struct sessions *
machine_sessions(const struct machine *m)
{
	return m->sessions;
}
