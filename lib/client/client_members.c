/* client_members.c - change the members, hand leadership over. */

#include "client/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "wire/codec_members.h"

static const char *const kind_name[] = {
	[RK_MEMBER_LEARNER] = "learner",
	[RK_MEMBER_JOINING] = "joining",
	[RK_MEMBER_VOTER] = "voter",
};

/* One side of the reply's before and after. */
static enum rk_code
read_side(const json_t *root, const char *name, size_t *voters,
	  size_t *learners, size_t *quorum, struct rk_error *err)
{
	json_t *side, *array;
	uint64_t n;

	if (json_get_object(root, name, &side, err) ||
	    json_get_array(side, "voters", &array, err))
		return err->code;
	*voters = json_array_size(array);
	if (json_get_array(side, "learners", &array, err) ||
	    json_get_u64(side, "quorum", LIMIT_MEMBERS, &n, err))
		return err->code;
	*learners = json_array_size(array);
	*quorum = (size_t)n;
	return RK_OK;
}

static enum rk_code
read_change(const json_t *root, struct rk_member_change *change,
	    struct rk_error *err)
{
	if (json_get_bool(root, "changed", &change->changed, err) ||
	    json_get_u64(root, "index", LIMIT_NUMBER, &change->index, err) ||
	    read_side(root, "before", &change->voters_before,
		      &change->learners_before, &change->quorum_before, err) ||
	    read_side(root, "after", &change->voters_after,
		      &change->learners_after, &change->quorum_after, err))
		return err->code;
	return RK_OK;
}

/* Ask for a change; `body` (may be NULL) is stolen, the reply the caller's. */
static enum rk_code
call(struct rk_client *c, const char *method, const char *path, bool dry_run,
     json_t *body, const char *nothing_done, json_t **root,
     struct rk_error *err)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	struct client_deadline deadline = client_deadline_begin(c);
	struct client_request request = {.method = method,
					 .headers = headers,
					 .max_reply_bytes = LIMIT_JSON_BYTES,
					 .nothing_done = nothing_done,
					 .changes = !dry_run,
					 .is_safe = true};
	struct bytes text = {.data = NULL}, url = {.data = NULL};
	enum rk_code rc;

	bytes_printf(&url, "%s%s", path, dry_run ? "?dry_run=1" : "");
	bytes_append_char(&url, '\0');
	request.path = (const char *)url.data;
	if (body != NULL) {
		json_write_steal(&text, body);
		request.body = (struct slice){text.data, text.len};
	}
	rc = client_call(c, &request, &deadline, err);
	bytes_close(&text);
	bytes_close(&url);
	if (rc != RK_OK)
		return rc;
	text = c->reply.body;
	if (json_read((struct slice){text.data, text.len}, LIMIT_JSON_BYTES,
		      root, err) != RK_OK) {
		err->code = RK_FAILED;
		return error_wrap(err, "reply of %s", c->endpoints[c->at].url);
	}
	return RK_OK;
}

static enum rk_code
change_members(struct rk_client *c, const char *method, const char *path,
	       bool dry_run, json_t *body, struct rk_member_change *change,
	       struct rk_error *err)
{
	enum rk_code rc;
	json_t *root;

	rc = call(c, method, path, dry_run, body, "the members are as before",
		  &root, err);
	if (rc != RK_OK)
		return rc;
	rc = read_change(root, change, err);
	json_decref(root);
	return rc;
}

static void
member_path(char path[64], rk_id id)
{
	snprintf(path, 64, "/v1/members/%" PRIu64, id);
}

enum rk_code
rk_client_member_add(struct rk_client *c, rk_id id, const char *url,
		     enum rk_member_kind kind, bool dry_run,
		     struct rk_member_change *change, struct rk_error *err)
{
	json_t *body = json_object();

	json_object_set_new(body, "id", json_integer((json_int_t)id));
	/* What is not UTF-8 is no URL either; the server says so. */
	if (json_object_set_new(body, "url", json_string(url)) < 0)
		json_object_set_new(body, "url", json_string("?"));
	json_object_set_new(body, "role", json_string(kind_name[kind]));
	return change_members(c, "POST", "/v1/members", dry_run, body, change,
			      err);
}

enum rk_code
rk_client_member_promote(struct rk_client *c, rk_id id, bool dry_run,
			 struct rk_member_change *change, struct rk_error *err)
{
	json_t *body = json_object();
	char path[64];

	member_path(path, id);
	json_object_set_new(body, "role", json_string("voter"));
	return change_members(c, "PUT", path, dry_run, body, change, err);
}

enum rk_code
rk_client_member_remove(struct rk_client *c, rk_id id, bool dry_run,
			struct rk_member_change *change, struct rk_error *err)
{
	char path[64];

	member_path(path, id);
	return change_members(c, "DELETE", path, dry_run, NULL, change, err);
}

enum rk_code
rk_client_member_set(struct rk_client *c, const char *list, bool dry_run,
		     struct rk_member_change *change, struct rk_error *err)
{
	json_t *body, *members;
	struct configuration sets;
	struct addresses a;
	char name[24];
	size_t i;

	if (members_parse(list, &sets, &a, err) != RK_OK)
		return err->code;
	body = json_object();
	members = json_object();
	for (i = 0; i < a.count; i++) {
		snprintf(name, sizeof name, "%" PRIu64, a.members[i].id);
		json_object_set_new(members, name,
				    json_string(a.members[i].url));
	}
	json_object_set_new(body, "members", members);
	return change_members(c, "PUT", "/v1/members", dry_run, body, change,
			      err);
}

enum rk_code
rk_client_transfer(struct rk_client *c, rk_id to, bool dry_run, rk_id *from,
		   rk_id *leader, struct rk_error *err)
{
	json_t *body = json_object();
	enum rk_code rc;
	json_t *root;

	if (to != 0)
		json_object_set_new(body, "to", json_integer((json_int_t)to));
	rc = call(c, "POST", "/v1/leader/transfer", dry_run, body,
		  "the leader is as before", &root, err);
	if (rc != RK_OK)
		return rc;
	rc = json_get_u64(root, "from", LIMIT_NUMBER, from, err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "leader", LIMIT_NUMBER, leader, err);
	json_decref(root);
	return rc;
}
