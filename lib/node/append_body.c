/* append_body.c - the body of POST /v1/log, cut into entries. */

#include "node/append_body.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/line.h"
#include "base/mem.h"

/* While entries are being found. Offsets rather than pointers, because the
 * decoded bytes may move as they grow. */
struct cutter {
	struct node *node;
	struct inbound_request *request;
	struct append_body *body;
	size_t cap;
};

void
append_body_close(struct append_body *b)
{
	mem_free(b->entries);
	bytes_close(&b->decoded);
	memset(b, 0, sizeof *b);
}

/* False, and answered, if it is too large or one too many. */
static bool
add_entry(struct cutter *c, const uint8_t *data, size_t len)
{
	struct append_body *b = c->body;
	struct node *n = c->node;

	if (len > n->settings.max_entry_bytes) {
		api_problem(n, c->request, PROBLEM_TOO_LARGE,
			    "split it, or start the members with a larger "
			    "--max-entry-bytes",
			    "entry %" PRIu64 " of the request has %zu bytes; "
			    "at most %" PRIu64,
			    b->count + 1, len, n->settings.max_entry_bytes);
		return false;
	}
	if (b->count == LIMIT_REQUEST_ENTRIES) {
		api_problem(n, c->request, PROBLEM_TOO_LARGE,
			    "send several requests",
			    "more than %d entries in one request",
			    LIMIT_REQUEST_ENTRIES);
		return false;
	}
	b->entries =
		mem_grow(b->entries, &c->cap, b->count + 1, sizeof *b->entries);
	b->entries[b->count++] = (struct slice){data, len};
	return true;
}

/* Entries end with `end`; the last may lack it. */
static bool
cut_at(struct cutter *c, struct slice text, char end)
{
	const uint8_t *p = text.data, *stop = text.data + text.len;
	const uint8_t *next;

	while (p < stop) {
		next = memchr(p, end, (size_t)(stop - p));
		if (!next)
			next = stop;
		if (!add_entry(c, p, (size_t)(next - p)))
			return false;
		p = next + 1;
	}
	return true;
}

/* The data of one JSON line, appended to `decoded`. */
static bool
decode_line(struct cutter *c, struct slice text, struct rk_error *err)
{
	struct bytes *out = &c->body->decoded;
	size_t before = out->len;
	const char *data;
	json_t *root;
	bool ok;

	if (json_read(text, LIMIT_LINE_BYTES, &root, err))
		return false;
	if (json_object_get(root, "data_base64")) {
		ok = !json_get_text(root, "data_base64", &data, err);
		if (ok && !bytes_decode_base64(out, data, strlen(data))) {
			error_set(err, RK_USAGE, "data_base64: not base64");
			ok = false;
		}
	} else {
		ok = !json_get_text(root, "data", &data, err);
		if (ok)
			bytes_append_text(out, data);
	}
	json_decref(root);
	return ok && add_entry(c, NULL, out->len - before);
}

static bool
cut_json(struct cutter *c, struct slice text)
{
	const uint8_t *p = text.data, *stop = text.data + text.len;
	struct rk_error err = {.text = ""};
	uint64_t number = 1, i;
	const uint8_t *next;
	size_t offset = 0;

	for (; p < stop; p = next + 1, number++) {
		next = memchr(p, '\n', (size_t)(stop - p));
		if (!next)
			next = stop;
		if (decode_line(c, (struct slice){p, (size_t)(next - p)}, &err))
			continue;
		if (err.text[0])
			api_problem(c->node, c->request, PROBLEM_BAD_REQUEST,
				    "each line needs data or data_base64",
				    "line %" PRIu64 ": %s", number, err.text);
		return false;
	}
	for (i = 0; i < c->body->count; i++) {
		c->body->entries[i].data = c->body->decoded.data + offset;
		offset += c->body->entries[i].len;
	}
	return true;
}

/* `Idempotency-Key: SESSION/SEQ`. */
static bool
parse_key(struct node *n, struct inbound_request *r, struct append_body *b)
{
	const char *key = inbound_header(r, "Idempotency-Key");
	const char *slash;
	size_t len;

	if (!key)
		return true;
	slash = strrchr(key, '/');
	len = slash ? (size_t)(slash - key) : 0;
	if (!slash || !line_session_is_valid(key, len) ||
	    !bytes_parse_u64(slash + 1, strlen(slash + 1), LIMIT_NUMBER,
			     &b->seq) ||
	    b->seq == 0 || b->seq + LIMIT_REQUEST_ENTRIES > LIMIT_NUMBER) {
		api_problem(
			n, r, PROBLEM_BAD_REQUEST,
			"for example Idempotency-Key: load-1/17",
			"Idempotency-Key is SESSION/NUMBER: a session of "
			"up to 64 of A-Z a-z 0-9 . _ - and a number from 1");
		return false;
	}
	memcpy(b->session, key, len);
	return true;
}

static bool
cut(struct cutter *c)
{
	const char *type = inbound_header(c->request, "Content-Type");
	const char *split = inbound_query(c->request, "split");
	struct slice text = inbound_body(c->request);

	if (type && strncmp(type, "application/x-ndjson", 20) == 0)
		return cut_json(c, text);
	if (!split)
		return add_entry(c, text.data, text.len);
	if (strcmp(split, "lines") == 0)
		return cut_at(c, text, '\n');
	if (strcmp(split, "null") == 0)
		return cut_at(c, text, '\0');
	api_problem(c->node, c->request, PROBLEM_BAD_REQUEST, NULL,
		    "split=%.20s: lines or null", split);
	return false;
}

bool
append_body_parse(struct node *n, struct inbound_request *r,
		  struct append_body *b)
{
	struct cutter c = {.node = n, .request = r, .body = b};

	memset(b, 0, sizeof *b);
	if (!parse_key(n, r, b) || !cut(&c)) {
		append_body_close(b);
		return false;
	}
	if (!b->count) {
		api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
			    "no entries in the request");
		append_body_close(b);
		return false;
	}
	return true;
}
