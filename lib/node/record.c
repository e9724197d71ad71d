/* record.c - a file of all that happens to a core, to be replayed. */

#include "node/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "node/event_text.h"

/* Written when so much has gathered, or after so long. */
#define GATHER_BYTES (256U << 10)
#define GATHER_MS    1000

struct record {
	int fd; /* -1: nothing can be written any more. */
	const struct trace *trace;
	struct bytes lines;
	uint64_t written_ms;
};

enum rk_code
record_open(const char *path, const struct trace *trace, struct record **record,
	    struct rk_error *err)
{
	struct record *r;
	/* Whole lines at the end, whoever else writes there. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, RK_USAGE, "--record: %s: %s", path,
				 strerror(errno));
	r = mem_alloc(1, sizeof *r);
	r->fd = fd;
	r->trace = trace;
	*record = r;
	return RK_OK;
}

static void
write_all(struct record *r)
{
	size_t done = 0;

	while (r->fd >= 0 && done < r->lines.len) {
		ssize_t n =
			write(r->fd, r->lines.data + done, r->lines.len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (errno != EINTR) {
			trace_line(r->trace, TRACE_WARNING,
				   "the record of events ends here: %s",
				   strerror(errno));
			close(r->fd);
			r->fd = -1;
		}
	}
	r->lines.len = 0;
}

void
record_close(struct record *r)
{
	if (!r)
		return;
	write_all(r);
	if (r->fd >= 0)
		close(r->fd);
	bytes_close(&r->lines);
	mem_free(r);
}

void
record_start(struct record *r, const struct core_settings *settings,
	     const struct core_start *start)
{
	if (!r)
		return;
	event_text_start(&r->lines, settings, start);
	write_all(r);
	r->written_ms = start->now_ms;
}

void
record_event(struct record *r, rk_id id, const struct event *ev)
{
	if (r && r->fd >= 0)
		event_text_step(&r->lines, id, ev);
}

void
record_tick(struct record *r, uint64_t now_ms)
{
	if (!r || !r->lines.len)
		return;
	if (r->lines.len < GATHER_BYTES && now_ms < r->written_ms + GATHER_MS)
		return;
	write_all(r);
	r->written_ms = now_ms;
}
