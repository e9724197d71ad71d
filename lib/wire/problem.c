/* problem.c - errors as RFC 9457 problem objects, both ways. */

#include "wire/problem.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define TYPE_PREFIX "/v1/problems/"

struct problem {
	int status;
	enum rk_code code;
	bool is_retryable; /* As it is, perhaps later. */
	const char *slug;
	const char *title;
};

static const struct problem problems[] = {
	[PROBLEM_BAD_REQUEST] = {400, RK_USAGE, false, "bad-request",
				 "Bad request"},
	[PROBLEM_WRONG_CLUSTER] = {403, RK_DENIED, false, "wrong-cluster",
				   "Wrong cluster"},
	[PROBLEM_FORBIDDEN] = {403, RK_DENIED, false, "forbidden", "Forbidden"},
	[PROBLEM_REMOVED] = {403, RK_DENIED, false, "removed",
			     "Removed from the cluster"},
	[PROBLEM_REPLACED] = {403, RK_DENIED, false, "replaced",
			      "Replaced by another incarnation"},
	[PROBLEM_NOT_FOUND] = {404, RK_ABSENT, false, "not-found", "Not found"},
	[PROBLEM_METHOD] = {405, RK_USAGE, false, "method-not-allowed",
			    "Method not allowed"},
	[PROBLEM_CONFLICT] = {409, RK_REJECTED, false, "conflict", "Conflict"},
	[PROBLEM_GONE] = {410, RK_ABSENT, false, "gone", "Gone"},
	[PROBLEM_TOO_LARGE] = {413, RK_REJECTED, false, "too-large",
			       "Too large"},
	[PROBLEM_MEDIA_TYPE] = {415, RK_USAGE, false, "media-type",
				"Unsupported media type"},
	[PROBLEM_RANGE] = {416, RK_USAGE, false, "range",
			   "Range not satisfiable"},
	[PROBLEM_KEY_REUSED] = {422, RK_REJECTED, false, "key-reused",
				"Idempotency key reused"},
	[PROBLEM_SESSION_EXPIRED] = {410, RK_REJECTED, false, "session-expired",
				     "Session expired"},
	[PROBLEM_BUSY] = {429, RK_REJECTED, true, "busy", "Busy"},
	[PROBLEM_NO_LEADER] = {503, RK_NO_LEADER, true, "no-leader",
			       "No leader"},
	[PROBLEM_SHUTTING_DOWN] = {503, RK_NO_LEADER, true, "shutting-down",
				   "Shutting down"},
	[PROBLEM_HOPS] = {503, RK_NO_LEADER, true, "too-many-hops",
			  "Forwarded twice"},
	/* With the same Idempotency-Key. */
	[PROBLEM_OUTCOME_UNKNOWN] = {504, RK_UNKNOWN, true, "outcome-unknown",
				     "Outcome unknown"},
	[PROBLEM_DISK_FULL] = {507, RK_REJECTED, true, "disk-full",
			       "Disk full"},
	[PROBLEM_HEAD_TOO_LARGE] = {431, RK_USAGE, false, "head-too-large",
				    "Request head too large"},
	[PROBLEM_INTERNAL] = {500, RK_FAILED, false, "internal",
			      "Internal error"},
};
_Static_assert(LEN(problems) == PROBLEM_INTERNAL + 1, "describe every kind");

static const struct problem *
problem_of(enum problem_kind kind)
{
	assert((size_t)kind < LEN(problems));
	return &problems[kind];
}

int
problem_status(enum problem_kind kind)
{
	return problem_of(kind)->status;
}

const char *
problem_slug(enum problem_kind kind)
{
	return problem_of(kind)->slug;
}

const char *
problem_title(enum problem_kind kind)
{
	return problem_of(kind)->title;
}

enum rk_code
problem_code(enum problem_kind kind)
{
	return problem_of(kind)->code;
}

bool
problem_is_retryable(enum problem_kind kind)
{
	return problem_of(kind)->is_retryable;
}

/* A detail may quote what a client sent, so it need not be UTF-8. */
static void
set_text(json_t *object, const char *name, const char *text)
{
	char *copy;
	char *p;

	if (json_object_set_new(object, name, json_string(text)) == 0)
		return;
	copy = mem_strdup(text);
	for (p = copy; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	json_object_set_new(object, name, json_string(copy));
	mem_free(copy);
}

void
problem_encode(struct bytes *out, enum problem_kind kind, const char *detail,
	       const char *leader, const char *hint)
{
	const struct problem *p = problem_of(kind);
	bool unknown = kind == PROBLEM_OUTCOME_UNKNOWN;
	json_t *object;

	object = json_pack("{s:s+, s:s, s:i}", "type", TYPE_PREFIX, p->slug,
			   "title", p->title, "status", p->status);
	set_text(object, "detail", detail);
	set_text(object, "outcome", unknown ? "unknown" : "none");
	json_object_set_new(object, "retryable", json_boolean(p->is_retryable));
	if (leader != NULL)
		set_text(object, "leader", leader);
	if (hint != NULL)
		set_text(object, "hint", hint);
	json_write_steal(out, object);
	bytes_append_char(out, '\n');
}

/* What a reply means that is no problem object: perhaps not even a member of
 * ours has sent it. Then a 5xx does not say that nothing happened. */
static enum rk_code
code_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return RK_DENIED;
	case 404:
	case 410:
		return RK_ABSENT;
	case 408:
	case 409:
	case 413:
	case 422:
	case 429:
	case 507:
		return RK_REJECTED;
	case 503:
		return RK_NO_LEADER;
	}
	if (status >= 500)
		return RK_UNKNOWN;
	return status >= 400 ? RK_USAGE : RK_FAILED;
}

/* The optional text field, or "". */
static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static enum rk_code
code_of_problem(const json_t *object, int status)
{
	const char *type = text_of(object, "type");
	size_t i;

	if (strcmp(text_of(object, "outcome"), "unknown") == 0)
		return RK_UNKNOWN;
	if (strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0)
		return code_of_status(status);
	type += strlen(TYPE_PREFIX);
	for (i = 0; i < LEN(problems); i++) {
		if (strcmp(type, problems[i].slug) == 0)
			return problems[i].code;
	}
	return code_of_status(status);
}

static void
decode(const json_t *object, int status, struct rk_error *err, char *leader)
{
	const char *text = text_of(object, "detail");
	const char *hint = text_of(object, "hint");
	const char *url = text_of(object, "leader");

	if (text[0] == '\0')
		text = text_of(object, "title");
	if (text[0] == '\0')
		error_set(err, code_of_problem(object, status),
			  "HTTP status %d", status);
	else
		error_set(err, code_of_problem(object, status), "%s", text);
	if (hint[0] != '\0')
		error_hint(err, "%s", hint);
	if (strlen(url) < LIMIT_URL_BYTES)
		memcpy(leader, url, strlen(url) + 1);
}

void
problem_decode(int status, struct slice body, struct rk_error *err,
	       char *leader)
{
	struct rk_error ignored;
	json_t *root;

	leader[0] = '\0';
	if (json_read(body, LIMIT_ADMIN_BODY_BYTES, &root, &ignored)) {
		error_set(err, code_of_status(status),
			  "HTTP status %d, without a problem object", status);
		return;
	}
	decode(root, status, err, leader);
	json_decref(root);
}

bool
problem_is(struct slice body, enum problem_kind kind)
{
	struct rk_error ignored;
	const char *type;
	json_t *root;
	bool is;

	if (json_read(body, LIMIT_ADMIN_BODY_BYTES, &root, &ignored))
		return false;
	type = text_of(root, "type");
	is = strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0 &&
	     strcmp(type + strlen(TYPE_PREFIX), problem_slug(kind)) == 0;
	json_decref(root);
	return is;
}
