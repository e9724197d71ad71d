/* fetch.c - snapshots over HTTP: the list, and one as a stream of bytes. */

#include "node/fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "base/mem.h"

/* What a stream reads at a time. */
#define PIECE_BYTES (256U << 10)

#define ID_TEXT 48

static void
format_id(char text[ID_TEXT], struct log_end last)
{
	snprintf(text, ID_TEXT, "%" PRIu64 "-%" PRIu64, last.index, last.term);
}

bool
fetch_parse_id(const char *id, struct log_end *last)
{
	const char *dash = strchr(id, '-');

	return dash &&
	       bytes_parse_u64(id, (size_t)(dash - id), LIMIT_NUMBER,
			       &last->index) &&
	       bytes_parse_u64(dash + 1, strlen(dash + 1), LIMIT_NUMBER,
			       &last->term);
}

enum fetch_range
fetch_parse_range(const char *range, uint64_t total, uint64_t *from)
{
	static const char unit[] = "bytes=";
	size_t len;

	*from = 0;
	if (!range || strncmp(range, unit, strlen(unit)) != 0)
		return FETCH_ALL;
	range += strlen(unit);
	len = strlen(range);
	if (len < 2 || range[len - 1] != '-' ||
	    !bytes_parse_u64(range, len - 1, UINT64_MAX, from)) {
		*from = 0;
		return FETCH_ALL;
	}
	return *from < total ? FETCH_REST : FETCH_PAST;
}

void
fetch_encode(struct bytes *out, const struct snapshot_header *h)
{
	char id[ID_TEXT], time[25];

	format_id(id, h->meta.last);
	line_format_time(h->time_ms, time);
	bytes_printf(out,
		     "{\"id\":\"%s\",\"index\":%" PRIu64 ",\"term\":%" PRIu64
		     ",\"bytes\":%" PRIu64
		     ",\"time\":\"%s\",\"machine\":\"%s\"}",
		     id, h->meta.last.index, h->meta.last.term, h->bytes, time,
		     h->machine);
}

/* ---- the list ---- */

struct list_job {
	struct job job;
	struct node *node;
	struct inbound_request *request;
	bool all; /* False: the newest one alone. */
	struct bytes body;
	size_t count;
	enum rk_code rc;
	struct rk_error err;
};

static void
run_list(struct job *job)
{
	struct list_job *l = (struct list_job *)job;
	struct snapshot_header *headers = NULL;
	size_t i;

	l->rc = snapshot_list(l->node->dir, &headers, &l->count, &l->err);
	if (l->rc)
		return;
	if (l->all)
		bytes_append_text(&l->body, "{\"snapshots\":[");
	for (i = 0; i < l->count; i++) {
		if (l->all && i > 0)
			bytes_append_char(&l->body, ',');
		if (l->all || i == 0)
			fetch_encode(&l->body, &headers[i]);
		snapshot_header_close(&headers[i]);
	}
	bytes_append_text(&l->body, l->all ? "]}\n" : "\n");
	mem_free(headers);
}

static void
done_list(struct job *job)
{
	struct list_job *l = (struct list_job *)job;
	struct node *n = l->node;

	if (n->closing)
		; /* Inbound answers what is open when it closes. */
	else if (l->rc)
		api_problem(n, l->request, PROBLEM_INTERNAL, NULL, "%s",
			    l->err.text);
	else if (!l->all && !l->count)
		api_problem(n, l->request, PROBLEM_NOT_FOUND, NULL,
			    "there is no snapshot");
	else
		api_reply(n, l->request, 200, "application/json", &l->body);
	bytes_close(&l->body);
	mem_free(l);
}

static void
submit_list(struct node *n, struct inbound_request *r, bool all)
{
	struct list_job *l = mem_alloc(1, sizeof *l);

	l->job.run = run_list;
	l->job.done = done_list;
	l->node = n;
	l->request = r;
	l->all = all;
	janitor_submit(n->janitor, &l->job);
}

void
fetch_list(struct node *n, struct inbound_request *r)
{
	submit_list(n, r, true);
}

void
fetch_newest(struct node *n, struct inbound_request *r)
{
	submit_list(n, r, false);
}

/* ---- one snapshot's bytes ---- */

/* A stream under way. It knows nothing of the node, whose parts may end before
 * inbound closes the last stream. */
struct fetch {
	const struct trace *trace;
	struct snapshot_source *source;
	uint64_t offset;
};

static bool
next_piece(void *user, struct bytes *out)
{
	struct fetch *f = user;
	size_t before = out->len;
	struct rk_error err;

	if (f->offset == snapshot_source_bytes(f->source))
		return false;
	if (snapshot_source_read(f->source, f->offset, PIECE_BYTES, out,
				 &err)) {
		/* The trailer is missing then, so that nobody takes what was
		 * sent for the whole. */
		trace_line(f->trace, TRACE_ERROR, "send a snapshot: %s",
			   err.text);
		return false;
	}
	f->offset += out->len - before;
	return out->len > before;
}

static void
close_fetch(void *user)
{
	struct fetch *f = user;

	snapshot_source_free(f->source);
	mem_free(f);
}

struct open_job {
	struct job job;
	struct node *node;
	struct inbound_request *request;
	struct log_end last; /* index 0: the newest. */
	struct snapshot_source *source;
	enum rk_code rc;
	struct rk_error err;
};

static void
run_open(struct job *job)
{
	struct open_job *o = (struct open_job *)job;
	const char *dir = o->node->dir;
	struct snapshot_header h;
	size_t skipped;

	if (!o->last.index) {
		o->rc = snapshot_newest(dir, false, &h, &skipped, &o->err);
		if (o->rc)
			return;
		o->last = h.meta.last;
		snapshot_header_close(&h);
	}
	o->rc = snapshot_source_open(dir, o->last, &o->source, &o->err);
}

/* Start the stream from where the client wants it. Takes the source. */
static void
serve(struct node *n, struct open_job *o)
{
	uint64_t total = snapshot_source_bytes(o->source), from;
	struct inbound_request *r = o->request;
	const char *only = inbound_header(r, "If-Range");
	char id[ID_TEXT], text[96];
	enum fetch_range range;
	struct fetch *f;

	format_id(id, o->last);
	snprintf(text, sizeof text, "\"%s\"", id);
	inbound_add_header(r, "ETag", text);
	inbound_add_header(r, "Accept-Ranges", "bytes");
	range = fetch_parse_range(inbound_header(r, "Range"), total, &from);
	if (range != FETCH_ALL && only && strcmp(only, text) != 0) {
		range = FETCH_ALL; /* The rest of something else. */
		from = 0;
	}
	if (range == FETCH_PAST) {
		snprintf(text, sizeof text, "bytes */%" PRIu64, total);
		inbound_add_header(r, "Content-Range", text);
		api_problem(n, r, PROBLEM_RANGE, NULL,
			    "snapshot %s has %" PRIu64 " bytes", id, total);
		snapshot_source_free(o->source);
		return;
	}
	if (range == FETCH_REST) {
		snprintf(text, sizeof text,
			 "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
			 total - 1, total);
		inbound_add_header(r, "Content-Range", text);
	}
	f = mem_alloc(1, sizeof *f);
	*f = (struct fetch){n->trace, o->source, from};
	api_add_headers(n, r);
	inbound_stream(r, range == FETCH_REST ? 206 : 200,
		       "application/octet-stream", f, next_piece, close_fetch);
}

static void
done_open(struct job *job)
{
	struct open_job *o = (struct open_job *)job;
	struct node *n = o->node;

	if (n->closing)
		snapshot_source_free(o->source);
	else if (o->rc)
		api_problem(n, o->request,
			    o->rc == RK_ABSENT ? PROBLEM_NOT_FOUND
					       : PROBLEM_INTERNAL,
			    NULL, "%s", o->err.text);
	else
		serve(n, o);
	mem_free(o);
}

void
fetch_one(struct node *n, struct inbound_request *r, const char *id)
{
	struct log_end last = {0};
	struct open_job *o;

	if (strcmp(id, "latest") != 0 &&
	    (!fetch_parse_id(id, &last) || !last.index)) {
		api_problem(n, r, PROBLEM_NOT_FOUND,
			    "GET /v1/snapshots lists them",
			    "no snapshot is called %.80s", id);
		return;
	}
	o = mem_alloc(1, sizeof *o);
	o->job.run = run_open;
	o->job.done = done_open;
	o->node = n;
	o->request = r;
	o->last = last;
	janitor_submit(n->janitor, &o->job);
}
