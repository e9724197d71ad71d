/* client_append.c - append a batch of entries, each exactly once. */

#include "client/client.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/line.h"
#include "base/mem.h"

#define REPLY_BYTES (4U << 20)

/* Room for what stands around the data of an entry in a body. */
#define ENTRY_OVERHEAD 32

/* How entries stand in a body. */
enum form {
	FORM_ONE,   /* The body is the entry. */
	FORM_LINES, /* A newline behind each. */
	FORM_NULLS, /* A NUL behind each. */
	FORM_JSON,  /* A JSON object a line. */
};

static const char *const form_path[] = {
	[FORM_ONE] = "/v1/log",
	[FORM_LINES] = "/v1/log?split=lines",
	[FORM_NULLS] = "/v1/log?split=null",
	[FORM_JSON] = "/v1/log",
};
_Static_assert(LEN(form_path) == FORM_JSON + 1, "a path for every form");

/* Some entries of a batch: what one request carries. */
struct piece {
	const struct rk_batch *batch;
	size_t from;
	size_t count;
};

static bool
some_entry_has(struct piece p, int byte)
{
	const struct rk_data *e = p.batch->entries + p.from;
	const struct rk_data *end = e + p.count;

	for (; e < end; e++) {
		if (e->len > 0 && memchr(e->data, byte, e->len) != NULL)
			return true;
	}
	return false;
}

static enum form
form_of(struct piece p)
{
	if (p.batch->is_json)
		return FORM_JSON;
	/* An empty body is no entry, an empty line is one. */
	if (p.count == 1 && p.batch->entries[p.from].len > 0)
		return FORM_ONE;
	if (!some_entry_has(p, '\n'))
		return FORM_LINES;
	return some_entry_has(p, '\0') ? FORM_JSON : FORM_NULLS;
}

static void
body_encode(struct bytes *out, struct piece p, enum form form)
{
	const struct rk_data *e = p.batch->entries + p.from;
	const struct rk_data *end = e + p.count;

	for (; e < end; e++) {
		if (form == FORM_JSON && !p.batch->is_json) {
			bytes_append_text(out, "{\"data_base64\":\"");
			bytes_append_base64(out, e->data, e->len);
			bytes_append_text(out, "\"}");
		} else {
			bytes_append(out, e->data, e->len);
		}
		if (form == FORM_LINES || form == FORM_JSON)
			bytes_append_char(out, '\n');
		else if (form == FORM_NULLS)
			bytes_append_char(out, '\0');
	}
}

/* As many entries from `from` on as one request may carry; at least one, so
 * that it is the cluster that says what is too large. */
static size_t
fitting_count(const struct rk_batch *batch, size_t from, size_t most)
{
	size_t room = LIMIT_CLIENT_BODY_BYTES;
	size_t count = 0;
	size_t size;

	while (count < most && from + count < batch->count) {
		/* At worst in base64. */
		size = batch->entries[from + count].len / 3 * 4 +
		       ENTRY_OVERHEAD;
		if (size > room)
			break;
		room -= size;
		count++;
	}
	return count > 0 ? count : 1;
}

static void
add_run(struct rk_client *c, rk_index first, uint64_t count)
{
	struct rk_run *last =
		c->run_count > 0 ? &c->runs[c->run_count - 1] : NULL;

	if (last != NULL && last->first + last->count == first) {
		last->count += count;
		return;
	}
	c->runs = mem_grow(c->runs, &c->run_cap, c->run_count + 1,
			   sizeof c->runs[0]);
	c->runs[c->run_count++] = (struct rk_run){first, count};
}

static json_int_t
run_number(const json_t *runs, size_t at, size_t field)
{
	return json_integer_value(
		json_array_get(json_array_get(runs, at), field));
}

/* Add the runs if they are of `expected` entries together. */
static bool
runs_decode(struct rk_client *c, const json_t *runs, size_t expected)
{
	uint64_t left = expected;
	size_t i;

	for (i = 0; i < json_array_size(runs); i++) {
		json_int_t count = run_number(runs, i, 1);

		if (run_number(runs, i, 0) <= 0 || count <= 0 ||
		    (uint64_t)count > left)
			return false;
		left -= (uint64_t)count;
	}
	if (left > 0)
		return false;
	for (i = 0; i < json_array_size(runs); i++)
		add_run(c, (rk_index)run_number(runs, i, 0),
			(uint64_t)run_number(runs, i, 1));
	return true;
}

/* {"index":FIRST,"count":N,"term":T,"runs":[[index,count],...],
 *  "replayed":bool} */
static enum rk_code
reply_decode(struct rk_client *c, size_t count, struct rk_appended *done,
	     struct rk_error *err)
{
	struct slice text = {c->reply.body.data, c->reply.body.len};
	bool replayed = false;
	enum rk_code rc;
	json_t *root;
	json_t *runs;

	rc = json_read(text, REPLY_BYTES, &root, err);
	if (rc != RK_OK)
		goto err_unknown;
	rc = json_get_u64(root, "term", LIMIT_NUMBER, &done->term, err);
	if (rc == RK_OK)
		rc = json_get_bool(root, "replayed", &replayed, err);
	if (rc == RK_OK)
		rc = json_get_array(root, "runs", &runs, err);
	if (rc == RK_OK && !runs_decode(c, runs, count))
		rc = error_set(err, RK_USAGE, "field \"runs\": not %zu entries",
			       count);
	json_decref(root);
	if (rc != RK_OK)
		goto err_unknown;
	done->replayed = done->replayed && replayed;
	return RK_OK;

err_unknown: /* It was done, but what was done is not known. */
	err->code = RK_UNKNOWN;
	return error_wrap(err, "outcome unknown: reply");
}

static enum rk_code
append_piece(struct rk_client *c, struct piece p,
	     struct client_deadline *deadline, struct rk_appended *done,
	     struct rk_error *err)
{
	const char *headers[] = {"Accept: application/json", NULL, NULL, NULL};
	char key[LIMIT_SESSION_ID + 48];
	enum form form = form_of(p);
	struct bytes body = {.data = NULL};
	struct client_request request = {.method = "POST",
					 .path = form_path[form],
					 .headers = headers,
					 .max_reply_bytes = REPLY_BYTES,
					 .nothing_done = "nothing was appended",
					 .changes = true,
					 .is_safe = p.batch->session != NULL};
	enum rk_code rc;
	size_t count = 1;

	if (form == FORM_JSON)
		headers[count++] = "Content-Type: application/x-ndjson";
	if (p.batch->session != NULL) {
		snprintf(key, sizeof key, "Idempotency-Key: %s/%llu",
			 p.batch->session,
			 (unsigned long long)(p.batch->first_seq + p.from));
		headers[count++] = key;
	}
	body_encode(&body, p, form);
	request.body = (struct slice){body.data, body.len};
	c->reply.status = 0;
	rc = client_call(c, &request, deadline, err);
	bytes_close(&body);
	if (rc != RK_OK)
		return rc;
	/* Who passes requests on costs a hop: the leader is another now. */
	if (c->reply.leader != 0 && c->reply.leader != c->reply.node)
		c->learn_ms = 0;
	return reply_decode(c, p.count, done, err);
}

/* Whether another part of the piece might be taken where it was not. */
static bool
is_refused_for_content(const struct rk_client *c, enum rk_code rc)
{
	int status = c->reply.status;

	return (rc == RK_REJECTED || rc == RK_USAGE) &&
	       (status == 400 || status == 413 || status == 415 ||
		status == 422);
}

static enum rk_code
append_all(struct rk_client *c, const struct rk_batch *batch,
	   struct rk_appended *done, struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(c);
	size_t most = LIMIT_REQUEST_ENTRIES;
	enum rk_code rc;
	struct piece p;

	while (done->count < batch->count) {
		p = (struct piece){batch, done->count, 0};
		p.count = fitting_count(batch, p.from, most);
		rc = append_piece(c, p, &deadline, done, err);
		if (rc == RK_OK)
			done->count += p.count;
		else if (is_refused_for_content(c, rc) && p.count > 1)
			most = p.count / 2; /* Find the one that it is. */
		else
			return rc;
	}
	return RK_OK;
}

enum rk_code
rk_client_append(struct rk_client *c, const struct rk_batch *batch,
		 struct rk_appended *done, struct rk_error *err)
{
	enum rk_code rc;

	*done = (struct rk_appended){.replayed = true};
	c->run_count = 0;
	if (batch->session != NULL &&
	    !line_session_is_valid(batch->session, strlen(batch->session)))
		return error_set(err, RK_USAGE, "'%s' is no session id",
				 batch->session);
	/* Who appends once is served by any member. Who goes on should ask
	 * the leader itself, and know where to turn when it dies. */
	/* Members come and go; who never asks is left with those that went. */
	if (c->was_reached && clock_now_ms() >= c->learn_ms)
		client_learn(c);
	rc = append_all(c, batch, done, err);
	done->replayed = done->replayed && done->count > 0;
	done->runs = c->runs;
	done->run_count = c->run_count;
	return rc;
}
