/* api.c - which function answers which path, and how replies look. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "node/node.h"

void
api_add_number(struct inbound_request *r, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	inbound_add_header(r, name, text);
}

void
api_add_headers(struct node *n, struct inbound_request *r)
{
	api_add_number(r, "Raft-Node", n->self.id);
	api_add_number(r, "Raft-Leader", core_leader(n->core));
	api_add_number(r, "Raft-Term", core_term(n->core));
	api_add_number(r, "Raft-Commit", core_commit(n->core));
	api_add_number(r, "Raft-Applied", machine_applied(n->machine));
	inbound_add_header(r, "Raft-Cluster", n->self.cluster);
}

void
api_reply(struct node *n, struct inbound_request *r, int status,
	  const char *type, struct bytes *body)
{
	api_add_headers(n, r);
	inbound_reply(r, status, type, body);
}

void
api_problem(struct node *n, struct inbound_request *r, enum problem_kind kind,
	    const char *hint, const char *format, ...)
{
	struct bytes body = {0};
	char detail[512];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	problem_encode(&body, kind, detail, node_leader_url(n), hint);
	if (kind == PROBLEM_BUSY || kind == PROBLEM_NO_LEADER)
		inbound_add_header(r, "Retry-After", "1");
	api_reply(n, r, problem_status(kind), "application/problem+json",
		  &body);
}

bool
api_query_u64(struct node *n, struct inbound_request *r, const char *name,
	      uint64_t *value, bool *given)
{
	const char *text = inbound_query(r, name);

	*given = text != NULL;
	if (!text || bytes_parse_u64(text, strlen(text), LIMIT_NUMBER, value))
		return true;
	api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
		    "%s=%.40s: not a number of at most 2^53 - 1", name, text);
	return false;
}

/* ---- health ---- */

static void
reply_ok(struct node *n, struct inbound_request *r)
{
	struct bytes body = {0};

	bytes_append_text(&body, "ok\n");
	api_reply(n, r, 200, "text/plain", &body);
}

static void
handle_livez(struct node *n, struct inbound_request *r)
{
	reply_ok(n, r);
}

static void
handle_readyz(struct node *n, struct inbound_request *r)
{
	if (core_leader(n->core))
		reply_ok(n, r);
	else
		api_problem(n, r, PROBLEM_NO_LEADER, NULL,
			    "no leader is known");
}

static void
handle_leaderz(struct node *n, struct inbound_request *r)
{
	if (node_is_leader(n))
		reply_ok(n, r);
	else
		api_problem(n, r, PROBLEM_NO_LEADER, NULL,
			    "this is not the leader");
}

/* ---- the table ---- */

enum access {
	ACCESS_GET = 1 << INBOUND_GET | 1 << INBOUND_HEAD,
	ACCESS_POST = 1 << INBOUND_POST,
	ACCESS_PUT = 1 << INBOUND_PUT,
	ACCESS_MEMBER = 1 << INBOUND_PUT | 1 << INBOUND_DELETE,
};

struct route {
	const char *path;
	unsigned methods;
	size_t body_limit;
	void (*handle)(struct node *n, struct inbound_request *r);
};

static void
handle_log(struct node *n, struct inbound_request *r)
{
	if (inbound_method(r) == INBOUND_POST)
		append_handle(n, r);
	else
		read_handle(n, r);
}

static void
handle_snapshots(struct node *n, struct inbound_request *r)
{
	snapshot_handle(n, r, NULL);
}

static const struct route routes[] = {
	{"/v1/log", ACCESS_GET | ACCESS_POST, LIMIT_CLIENT_BODY_BYTES,
	 handle_log},
	{"/v1/status", ACCESS_GET, 0, status_handle},
	{"/v1/cluster", ACCESS_GET, 0, status_cluster_handle},
	{"/v1/leader", ACCESS_GET, 0, status_leader_handle},
	{"/metrics", ACCESS_GET, 0, metrics_handle},
	{"/v1/leader/transfer", ACCESS_POST, LIMIT_ADMIN_BODY_BYTES,
	 handover_handle},
	{"/v1/members", ACCESS_GET | ACCESS_POST | ACCESS_PUT,
	 LIMIT_ADMIN_BODY_BYTES, members_handle},
	{"/v1/snapshots", ACCESS_GET | ACCESS_POST, LIMIT_ADMIN_BODY_BYTES,
	 handle_snapshots},
	{"/livez", ACCESS_GET, 0, handle_livez},
	{"/readyz", ACCESS_GET, 0, handle_readyz},
	{"/leaderz", ACCESS_GET, 0, handle_leaderz},
	{"/v1/peer/vote", ACCESS_POST, LIMIT_ADMIN_BODY_BYTES, peers_handle},
	{"/v1/peer/append", ACCESS_POST, LIMIT_PEER_BODY_BYTES, peers_handle},
	{"/v1/peer/snapshot", ACCESS_POST, LIMIT_PEER_BODY_BYTES, peers_handle},
	{"/v1/peer/timeout-now", ACCESS_POST, LIMIT_ADMIN_BODY_BYTES,
	 peers_handle},
};

static const struct route *
find_route(const char *path)
{
	size_t i;

	for (i = 0; i < LEN(routes); i++) {
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	}
	return NULL;
}

/* `/v1/log/7`, `/v1/snapshots/latest`: what is behind `prefix`, or NULL. */
static const char *
below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) == 0 && path[len] ? path + len : NULL;
}

/* The route that a path belongs to, as the metrics name it. */
static const char *
route_name(const char *path)
{
	const struct route *route = find_route(path);

	if (route)
		return route->path;
	if (below(path, "/v1/log/"))
		return "/v1/log/{index}";
	if (below(path, "/v1/snapshots/"))
		return "/v1/snapshots/{id}";
	if (below(path, "/v1/members/"))
		return "/v1/members/{id}";
	return "other";
}

void
api_answered(void *node, const struct inbound_request *r, int status)
{
	static const char *const methods[] = {
		[INBOUND_GET] = "GET",       [INBOUND_HEAD] = "HEAD",
		[INBOUND_POST] = "POST",     [INBOUND_PUT] = "PUT",
		[INBOUND_DELETE] = "DELETE",
	};
	struct node *n = node;

	meters_replied(n->meters, methods[inbound_method(r)],
		       route_name(inbound_path(r)), status);
}

size_t
api_body_limit(void *node, enum inbound_method method, const char *path)
{
	const struct route *route = find_route(path);

	(void)node;
	if (below(path, "/v1/members/"))
		return method == INBOUND_PUT ? LIMIT_ADMIN_BODY_BYTES : 0;
	return route && (method == INBOUND_POST || method == INBOUND_PUT)
		       ? route->body_limit
		       : 0;
}

static bool
is_get(const struct inbound_request *r)
{
	return ACCESS_GET & 1U << inbound_method(r);
}

static void
refuse_method(struct node *n, struct inbound_request *r)
{
	api_problem(n, r, PROBLEM_METHOD, NULL, "%s does not take this method",
		    inbound_path(r));
}

/* False, and answered, if the request is meant for another cluster. */
static bool
check_cluster(struct node *n, struct inbound_request *r)
{
	const char *wanted = inbound_header(r, "Raft-Cluster");

	if (!wanted || strcmp(wanted, n->self.cluster) == 0)
		return true;
	api_problem(n, r, PROBLEM_WRONG_CLUSTER,
		    "check the endpoints; a resumed run belongs to the "
		    "cluster in which it began",
		    "this is cluster %s, not %.40s", n->self.cluster, wanted);
	return false;
}

void
api_handle(void *node, struct inbound_request *r)
{
	struct node *n = node;
	const char *path = inbound_path(r);
	const struct route *route = find_route(path);
	const char *rest;

	if (!check_cluster(n, r))
		return;
	if (route && (route->methods & 1U << inbound_method(r)))
		route->handle(n, r);
	else if (route)
		refuse_method(n, r);
	else if ((rest = below(path, "/v1/log/")) && is_get(r))
		read_entry_handle(n, r, rest);
	else if ((rest = below(path, "/v1/snapshots/")) && is_get(r))
		snapshot_handle(n, r, rest);
	else if (below(path, "/v1/members/") &&
		 (ACCESS_MEMBER & 1U << inbound_method(r)))
		members_handle(n, r);
	else if (below(path, "/v1/log/") || below(path, "/v1/snapshots/") ||
		 below(path, "/v1/members/"))
		refuse_method(n, r);
	else
		api_problem(n, r, PROBLEM_NOT_FOUND, "raft-http(5) lists them",
			    "no such resource: %.200s", path);
}
