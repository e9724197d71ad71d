/* members_api.c - GET, POST, PUT /v1/members; PUT, DELETE /v1/members/{id}:
 * from a request to a wish, and from a change to its reply. */

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "node/changes.h"

/* How long a change may wait for another one to be over. */
#define PATIENCE_MS 5000

static const char *const kind_name[] = {
	[MEMBER_NONE] = "",
	[MEMBER_LEARNER] = "learner",
	[MEMBER_JOINING] = "joining",
	[MEMBER_VOTER] = "voter",
};
_Static_assert(LEN(kind_name) == MEMBER_VOTER + 1, "name every kind");

/* ---- replies ---- */

static void
put_ids(struct bytes *out, const char *name, const struct id_set *set)
{
	size_t i;

	bytes_printf(out, "\"%s\":[", name);
	for (i = 0; i < set->count; i++)
		bytes_printf(out, "%s%" PRIu64, i ? "," : "", set->ids[i]);
	bytes_append_text(out, "],");
}

static void
put_membership(struct bytes *out, const char *name, const struct membership *m)
{
	bytes_printf(out, ",\"%s\":{", name);
	put_ids(out, "voters", &m->sets.voters);
	put_ids(out, "learners", &m->sets.learners);
	bytes_printf(out, "\"quorum\":%zu}", quorum_of(&m->sets.voters));
}

void
change_answer(struct node *n, struct change *c)
{
	struct bytes body = {0};

	if (c->request) {
		bytes_printf(
			&body,
			"{\"changed\":%s,\"dry_run\":%s,\"index\":%" PRIu64,
			c->is_changed ? "true" : "false",
			c->dry_run ? "true" : "false",
			core_configuration(n->core)->index);
		put_membership(&body, "before", &c->before);
		put_membership(&body, "after", &c->after);
		bytes_append_text(&body, "}\n");
		api_reply(n, c->request, 200, "application/json", &body);
	}
	mem_free(c);
}

void
change_refuse(struct node *n, struct change *c, enum problem_kind kind,
	      const struct rk_error *err)
{
	if (c->request)
		api_problem(n, c->request, kind,
			    err->hint[0] ? err->hint : NULL, "%s", err->text);
	else
		trace_line(n->trace, TRACE_DEBUG, "members: %s", err->text);
	mem_free(c);
}

void
change_move_on(struct node *n, struct change *c)
{
	if (c->request)
		proxy_handle(n, c->request, members_handle);
	mem_free(c);
}

static void
reply_members(struct node *n, struct inbound_request *r)
{
	const struct configuration_at *at = core_configuration(n->core);
	struct bytes body = {0}, members = {0};
	struct membership now;

	changes_now(n, &now);
	members_encode(&members, &now.sets, &now.addresses);
	bytes_printf(
		&body,
		"{\"cluster\":\"%s\",\"leader\":%" PRIu64 ",\"term\":%" PRIu64
		",\"index\":%" PRIu64 ",\"committed\":%s,\"quorum\":%zu,",
		n->self.cluster, core_leader(n->core), core_term(n->core),
		at->index, at->index <= core_commit(n->core) ? "true" : "false",
		quorum_of(&now.sets.voters));
	/* The rest of the object, its brace left out. */
	bytes_append(&body, members.data + 1, members.len - 1);
	bytes_append_char(&body, '\n');
	bytes_close(&members);
	api_reply(n, r, 200, "application/json", &body);
}

/* ---- requests ---- */

/* `host:port` or a URL. */
static enum rk_code
take_url(const char *text, char url[LIMIT_URL_BYTES], struct rk_error *err)
{
	bool whole = strstr(text, "://") != NULL;

	if ((size_t)snprintf(url, LIMIT_URL_BYTES, "%s%s",
			     whole ? "" : "http://", text) < LIMIT_URL_BYTES &&
	    url_is_valid(url))
		return RK_OK;
	return error_set(err, RK_USAGE,
			 "%.100s: not an address like 127.0.0.1:7401", text);
}

static enum rk_code
take_kind(const json_t *body, enum member_kind *kind, struct rk_error *err)
{
	const char *text;
	size_t i;

	if (!json_object_get(body, "role"))
		return RK_OK;
	if (json_get_text(body, "role", &text, err))
		return err->code;
	for (i = MEMBER_LEARNER; i < LEN(kind_name); i++) {
		if (strcmp(text, kind_name[i]) == 0) {
			*kind = (enum member_kind)i;
			return RK_OK;
		}
	}
	return error_set(err, RK_USAGE,
			 "role: \"%.20s\" is not learner, joining or voter",
			 text);
}

static enum rk_code
take_add(const json_t *body, struct member_wish *w, struct rk_error *err)
{
	const char *url, *incarnation;

	w->type = WISH_ADD;
	w->kind = MEMBER_JOINING;
	if (json_get_u64(body, "id", LIMIT_NUMBER, &w->id, err) ||
	    json_get_text(body, "url", &url, err) ||
	    take_url(url, w->url, err) || take_kind(body, &w->kind, err))
		return err->code;
	if (!w->id)
		return error_set(err, RK_USAGE, "id: must be at least 1");
	if (!json_object_get(body, "incarnation"))
		return RK_OK;
	if (json_get_text(body, "incarnation", &incarnation, err))
		return err->code;
	if (!incarnation_is_valid(incarnation))
		return error_set(err, RK_USAGE,
				 "incarnation: not 16 hex digits");
	memcpy(w->incarnation, incarnation, MEMBER_INCARNATION);
	return RK_OK;
}

static enum rk_code
take_set(const json_t *body, struct member_wish *w, struct rk_error *err)
{
	char url[LIMIT_URL_BYTES];
	json_t *members, *value;
	const char *key, *text;
	rk_id id;

	w->type = WISH_SET;
	if (json_get_object(body, "members", &members, err))
		return err->code;
	json_object_foreach(members, key, value)
	{
		if (!bytes_parse_u64(key, strlen(key), LIMIT_NUMBER, &id) ||
		    !id)
			return error_set(err, RK_USAGE,
					 "members: \"%.20s\": not an id", key);
		if (json_get_text(members, key, &text, err) ||
		    take_url(text, url, err))
			return err->code;
		if (!addresses_set(&w->members, id, url))
			return error_set(err, RK_USAGE, "too many members");
	}
	return RK_OK;
}

static enum rk_code
take_assign(const json_t *body, struct member_wish *w, struct rk_error *err)
{
	const char *url;

	w->type = WISH_ASSIGN;
	if (take_kind(body, &w->kind, err))
		return err->code;
	if (!json_object_get(body, "url"))
		return RK_OK;
	if (json_get_text(body, "url", &url, err))
		return err->code;
	return take_url(url, w->url, err);
}

static enum rk_code
take_body(struct inbound_request *r, struct member_wish *w,
	  struct rk_error *err)
{
	enum rk_code rc;
	json_t *body;

	if (json_read(inbound_body(r), LIMIT_ADMIN_BODY_BYTES, &body, err))
		return error_wrap(err, "body");
	if (w->id)
		rc = take_assign(body, w, err);
	else if (inbound_method(r) == INBOUND_PUT)
		rc = take_set(body, w, err);
	else
		rc = take_add(body, w, err);
	json_decref(body);
	return rc;
}

/* The id that the path names; 0: none. False if it is no id. */
static bool
path_id(const struct inbound_request *r, rk_id *id)
{
	const char *text = inbound_path(r) + strlen("/v1/members");

	*id = 0;
	if (!*text)
		return true;
	text++;
	return bytes_parse_u64(text, strlen(text), LIMIT_NUMBER, id) && *id;
}

static void
take_in(struct node *n, struct inbound_request *r, rk_id id)
{
	struct change *c = mem_alloc(1, sizeof *c);
	enum rk_code rc = RK_OK;
	struct rk_error err;

	c->request = r;
	c->until_ms = n->now_ms + PATIENCE_MS;
	c->dry_run = inbound_query(r, "dry_run") &&
		     strcmp(inbound_query(r, "dry_run"), "0") != 0;
	c->wish.type = WISH_REMOVE;
	c->wish.id = id;
	if (inbound_method(r) != INBOUND_DELETE)
		rc = take_body(r, &c->wish, &err);
	if (rc) {
		change_refuse(n, c, PROBLEM_BAD_REQUEST, &err);
		return;
	}
	changes_push(n, c);
}

void
members_handle(struct node *n, struct inbound_request *r)
{
	rk_id id;

	if (!path_id(r, &id))
		api_problem(n, r, PROBLEM_NOT_FOUND, NULL,
			    "%.100s: not the id of a member", inbound_path(r));
	else if (inbound_method(r) == INBOUND_GET ||
		 inbound_method(r) == INBOUND_HEAD)
		reply_members(n, r);
	else if (n->stopping)
		api_problem(n, r, PROBLEM_SHUTTING_DOWN, NULL,
			    "this member is shutting down");
	else if (node_is_leader(n))
		take_in(n, r, id);
	else
		proxy_handle(n, r, members_handle);
}
