/* client_snapshot.c - take, list and fetch snapshots. */

#include "client/client.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

#define SAVE_IDLE_MS 30000

static enum rk_code
copy_text(const json_t *object, const char *name, char *to, size_t size,
	  struct rk_error *err)
{
	const char *text;
	enum rk_code rc = json_get_text(object, name, &text, err);

	if (rc == RK_OK)
		snprintf(to, size, "%s", text);
	return rc;
}

static enum rk_code
snapshot_decode(const json_t *object, struct rk_snapshot *s,
		struct rk_error *err)
{
	enum rk_code rc;

	*s = (struct rk_snapshot){.index = 0};
	rc = copy_text(object, "id", s->id, sizeof s->id, err);
	if (rc == RK_OK)
		rc = json_get_u64(object, "index", LIMIT_NUMBER, &s->index,
				  err);
	if (rc == RK_OK)
		rc = json_get_u64(object, "term", LIMIT_NUMBER, &s->term, err);
	if (rc == RK_OK)
		rc = json_get_u64(object, "bytes", LIMIT_NUMBER, &s->bytes,
				  err);
	if (rc == RK_OK)
		rc = copy_text(object, "time", s->time, sizeof s->time, err);
	if (rc == RK_OK)
		rc = copy_text(object, "machine", s->machine, sizeof s->machine,
			       err);
	return rc;
}

static enum rk_code
call_json(struct rk_client *c, const struct client_request *request,
	  json_t **root, struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(c);
	enum rk_code rc = client_call(c, request, &deadline, err);
	struct slice text;

	if (rc != RK_OK)
		return rc;
	text = (struct slice){c->reply.body.data, c->reply.body.len};
	if (json_read(text, LIMIT_JSON_BYTES, root, err) != RK_OK) {
		err->code = RK_FAILED;
		return error_wrap(err, "reply of %s", c->endpoints[c->at].url);
	}
	return RK_OK;
}

enum rk_code
rk_client_snapshot_take(struct rk_client *c, struct rk_snapshot *snapshot,
			struct rk_error *err)
{
	/* Taken twice is as good as taken once, so it may be repeated; and
	 * nothing is in doubt that matters. */
	const struct client_request request = {
		.method = "POST",
		.path = "/v1/snapshots",
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.nothing_done = "no snapshot was taken"};
	enum rk_code rc;
	json_t *root;

	rc = call_json(c, &request, &root, err);
	if (rc != RK_OK)
		return rc;
	rc = snapshot_decode(root, snapshot, err);
	json_decref(root);
	return rc;
}

enum rk_code
rk_client_snapshot_list(struct rk_client *c,
			void (*each)(void *user,
				     const struct rk_snapshot *snapshot),
			void *user, struct rk_error *err)
{
	const struct client_request request = {
		.method = "GET",
		.path = "/v1/snapshots",
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.nothing_done = "nothing was listed"};
	struct rk_snapshot s;
	enum rk_code rc;
	json_t *object;
	json_t *array;
	json_t *root;
	size_t i;

	rc = call_json(c, &request, &root, err);
	if (rc != RK_OK)
		return rc;
	rc = json_get_array(root, "snapshots", &array, err);
	for (i = 0; rc == RK_OK && i < json_array_size(array); i++) {
		object = json_array_get(array, i);
		rc = snapshot_decode(object, &s, err);
		if (rc == RK_OK)
			each(user, &s);
	}
	json_decref(root);
	return rc;
}

/* A download that may take several calls. */
struct download {
	bool (*piece)(void *user, const void *data, size_t len);
	void *user;
	uint64_t offset;
	bool is_refused; /* By `piece`. */
};

static bool
on_piece(void *user, struct slice piece)
{
	struct download *d = user;

	d->offset += piece.len;
	d->is_refused = !d->piece(d->user, piece.data, piece.len);
	return !d->is_refused;
}

/* Where a snapshot was cut off only its own member can go on: another one may
 * have the same snapshot under another header. */
static enum rk_code
go_on_there(struct rk_client *c, struct download *d, size_t at,
	    const char *path, struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(c);
	char range[64];
	const char *headers[] = {range, NULL};
	bool cut = false;
	const struct client_request request = {
		.method = "GET",
		.path = path,
		.headers = headers,
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.nothing_done = "the snapshot is not whole",
		.stays = true,
		.data = on_piece,
		.user = d,
		.was_cut = &cut,
		.idle_ms = SAVE_IDLE_MS};
	uint64_t before;
	enum rk_code rc;

	do {
		before = d->offset;
		snprintf(range, sizeof range, "Range: bytes=%llu-",
			 (unsigned long long)d->offset);
		c->at = at;
		cut = false;
		rc = client_call(c, &request, &deadline, err);
		if (d->offset > before)
			deadline = client_deadline_begin(c);
	} while (rc == RK_OK && cut && !d->is_refused);
	return rc;
}

enum rk_code
rk_client_snapshot_save(struct rk_client *c, const char *id,
			bool (*piece)(void *user, const void *data, size_t len),
			void *user, struct rk_error *err)
{
	struct client_deadline deadline = client_deadline_begin(c);
	struct download d = {.piece = piece, .user = user};
	char path[128];
	bool cut = false;
	struct client_request request = {.method = "GET",
					 .path = path,
					 .max_reply_bytes = LIMIT_JSON_BYTES,
					 .nothing_done = "nothing was saved",
					 .data = on_piece,
					 .user = &d,
					 .was_cut = &cut,
					 .idle_ms = SAVE_IDLE_MS};
	size_t at;
	enum rk_code rc;

	snprintf(path, sizeof path, "/v1/snapshots/%s",
		 id != NULL ? id : "latest");
	rc = client_call(c, &request, &deadline, err);
	at = (c->at + c->endpoint_count - 1) % c->endpoint_count;
	if (rc == RK_OK && cut && c->reply.etag[0] == '"') {
		snprintf(path, sizeof path, "/v1/snapshots/%.*s",
			 (int)strcspn(c->reply.etag + 1, "\""),
			 c->reply.etag + 1);
		rc = go_on_there(c, &d, at, path, err);
	}
	if (rc == RK_OK && d.is_refused)
		return error_set(err, RK_FAILED, "stopped");
	return rc;
}
