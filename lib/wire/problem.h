/* problem.h - errors as RFC 9457 problem objects, both ways.
 *
 *   {"type":"/v1/problems/outcome-unknown","title":"Outcome unknown",
 *    "status":504,"detail":"...","outcome":"none|unknown|applied",
 *    "retryable":true,"leader":"http://...","hint":"..."} */

#ifndef WIRE_PROBLEM_H
#define WIRE_PROBLEM_H

#include "base/bytes.h"
#include "raftkit.h"

enum problem_kind {
	PROBLEM_BAD_REQUEST,     /* 400, usage */
	PROBLEM_WRONG_CLUSTER,   /* 403, denied */
	PROBLEM_FORBIDDEN,       /* 403, denied */
	PROBLEM_REMOVED,         /* 403, denied; to a member that is none */
	PROBLEM_REPLACED,        /* 403, denied; to another incarnation */
	PROBLEM_NOT_FOUND,       /* 404, absent */
	PROBLEM_METHOD,          /* 405, usage */
	PROBLEM_CONFLICT,        /* 409, rejected */
	PROBLEM_GONE,            /* 410, absent */
	PROBLEM_TOO_LARGE,       /* 413, rejected */
	PROBLEM_MEDIA_TYPE,      /* 415, usage */
	PROBLEM_RANGE,           /* 416, usage */
	PROBLEM_KEY_REUSED,      /* 422, rejected */
	PROBLEM_SESSION_EXPIRED, /* 410, rejected */
	PROBLEM_BUSY,            /* 429, rejected; Retry-After */
	PROBLEM_NO_LEADER,       /* 503, no-leader: nothing was proposed */
	PROBLEM_SHUTTING_DOWN,   /* 503, no-leader */
	PROBLEM_HOPS,            /* 503, no-leader: forwarded twice */
	PROBLEM_OUTCOME_UNKNOWN, /* 504, unknown */
	PROBLEM_DISK_FULL,       /* 507, rejected */
	PROBLEM_HEAD_TOO_LARGE,  /* 431, usage */
	PROBLEM_INTERNAL,        /* 500, failed */
};

/* HTTP status, slug (`outcome-unknown`), code and title of a kind. */
int problem_status(enum problem_kind kind);
const char *problem_slug(enum problem_kind kind);
const char *problem_title(enum problem_kind kind);
enum rk_code problem_code(enum problem_kind kind);
bool problem_is_retryable(enum problem_kind kind);

/* Append the object. `leader` (a URL) and `hint` may be NULL. `outcome` is
 * "unknown" for PROBLEM_OUTCOME_UNKNOWN, else "none". */
void problem_encode(struct bytes *out, enum problem_kind kind,
		    const char *detail, const char *leader, const char *hint);

/* Read one from a server's reply; a body that is none makes an error out of
 * the HTTP status. Fills err->code, text and hint. `leader` (LIMIT_URL_BYTES)
 * gets its leader or "". */
void problem_decode(int status, struct slice body, struct rk_error *err,
		    char *leader);

/* Whether a server's reply is a problem of this kind. */
bool problem_is(struct slice body, enum problem_kind kind);

#endif /* WIRE_PROBLEM_H */
