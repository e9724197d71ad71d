/* inbound_gate.c - what the head of a request must be like.
 *
 * libmicrohttpd takes heads that two servers may read in two ways: that is
 * how requests are smuggled past a proxy. Whatever is not plain is refused
 * before the body is read, and the connection is closed. */

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/inbound_parts.h"

/* More than any client of ours sends. */
#define HEADERS_MAX 100

#define PEER_PREFIX "/v1/peer/"

struct head {
	const char *why; /* What is wrong with it; NULL: nothing yet. */
	size_t bytes;    /* Of all headers, written as `Name: value`. */
	unsigned count;
	unsigned host_count;
	unsigned length_count;
	unsigned encoding_count;
	unsigned origin_count;
	const char *host;
	const char *origin;
	const char *encoding;
	const char *length;
};

static const char *const method_name[] = {
	[INBOUND_GET] = "GET",       [INBOUND_HEAD] = "HEAD",
	[INBOUND_POST] = "POST",     [INBOUND_PUT] = "PUT",
	[INBOUND_DELETE] = "DELETE",
};
_Static_assert(LEN(method_name) == INBOUND_DELETE + 1, "name every method");

bool
gate_method(const char *name, enum inbound_method *method)
{
	size_t i;

	for (i = 0; i < LEN(method_name); i++) {
		if (strcmp(name, method_name[i]) == 0) {
			*method = (enum inbound_method)i;
			return true;
		}
	}
	return false;
}

/* A token, as RFC 9110 (5.6.2) has it. */
static bool
is_token(const char *text, size_t len)
{
	static const char other[] = "!#$%&'*+-.^_`|~";
	size_t i;
	char c;

	for (i = 0; i < len; i++) {
		c = text[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(other, c) != NULL)))
			return false;
	}
	return len > 0;
}

/* Bytes that may end a line for somebody else. */
static bool
has_control(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') ||
		    text[i] == 0x7f)
			return true;
	}
	return false;
}

static bool
is_named(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

static enum MHD_Result
look_at(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct head *h = context;

	(void)kind;
	h->count++;
	h->bytes += name_len + value_len + strlen(": \r\n");
	if (!is_token(name, name_len)) {
		h->why = "the name of a header is no token";
	} else if (value == NULL || has_control(value, value_len)) {
		h->why = "a header has no value, or a control byte in it";
	} else if (is_named(name, name_len, "Host")) {
		h->host_count++;
		h->host = value;
	} else if (is_named(name, name_len, "Content-Length")) {
		h->length_count++;
		h->length = value;
	} else if (is_named(name, name_len, "Transfer-Encoding")) {
		h->encoding_count++;
		h->encoding = value;
	} else if (is_named(name, name_len, "Origin")) {
		h->origin_count++;
		h->origin = value;
	}
	return h->why == NULL ? MHD_YES : MHD_NO;
}

/* How the end of the body is told: one way, once. */
static const char *
check_framing(const struct head *h, enum inbound_method method,
	      const char *path)
{
	bool takes_body = method == INBOUND_POST || method == INBOUND_PUT;

	if (h->length_count > 1)
		return "Content-Length is there twice";
	if (h->encoding_count > 0 && h->length_count > 0)
		return "both Content-Length and Transfer-Encoding";
	if (h->encoding_count > 1 ||
	    (h->encoding_count == 1 && strcasecmp(h->encoding, "chunked") != 0))
		return "Transfer-Encoding is not chunked";
	if (takes_body && h->length_count + h->encoding_count == 0)
		return "neither Content-Length nor chunked; an empty body "
		       "needs Content-Length: 0";
	if (h->length_count == 0 && takes_body &&
	    strncmp(path, PEER_PREFIX, strlen(PEER_PREFIX)) == 0)
		return "Content-Length is missing";
	return NULL;
}

/* A page may call the server that it came from, and no other. */
static bool
origin_is_own(const struct head *h)
{
	static const char scheme[] = "http://";
	const size_t len = sizeof scheme - 1;

	return h->origin_count == 1 &&
	       strncasecmp(h->origin, scheme, len) == 0 &&
	       strcasecmp(h->origin + len, h->host) == 0;
}

static struct gate_verdict
refuse(enum problem_kind kind, const char *why)
{
	return (struct gate_verdict){.why = why, .kind = kind};
}

/* The length of the head as it came. */
static size_t
head_bytes(const struct inbound_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info != NULL ? info->header_size : 0;
}

/* Whether the head holds more than what was read of it: the daemon passes over
 * lines without a name, folded lines, and what stands behind a NUL. */
static bool
hides_something(const struct inbound_request *r, const struct head *h,
		const char *method)
{
	size_t line =
		strlen(method) + strlen(r->url) + strlen("  HTTP/1.1\r\n");

	return head_bytes(r) > line + h->bytes + strlen("\r\n");
}

static const char *
check_url(const char *url)
{
	if (url[0] != '/')
		return "the target is not a path";
	if (strstr(url, "%00") != NULL || has_control(url, strlen(url)))
		return "a control byte in the target";
	return NULL;
}

struct gate_verdict
gate_check(const struct inbound_request *r, const char *method,
	   const char *version)
{
	struct gate_verdict verdict = {.why = NULL};
	struct head h = {.why = NULL};
	enum inbound_method known;
	const char *why;

	if (strcmp(version, "HTTP/1.1") != 0)
		return refuse(PROBLEM_BAD_REQUEST, "not HTTP/1.1");
	MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, look_at,
				    &h);
	if (h.why != NULL)
		return refuse(PROBLEM_BAD_REQUEST, h.why);
	if (h.count > HEADERS_MAX || head_bytes(r) > LIMIT_HTTP_HEAD_BYTES)
		return refuse(PROBLEM_HEAD_TOO_LARGE,
			      "too many headers, or too long ones");
	if (h.host_count != 1)
		return refuse(PROBLEM_BAD_REQUEST, "there must be one Host");
	if (!hosts_allow(&r->in->hosts, h.host))
		return refuse(PROBLEM_FORBIDDEN, "not known by this Host");
	if (h.origin_count > 0 && !origin_is_own(&h))
		return refuse(PROBLEM_FORBIDDEN, "from a foreign Origin");
	if (!gate_method(method, &known))
		return refuse(PROBLEM_METHOD, "not a method known here");
	why = check_framing(&h, known, r->path);
	if (why == NULL)
		why = check_url(r->url);
	if (why == NULL && hides_something(r, &h, method))
		why = "folded lines, needless space or NULs in the head";
	if (why != NULL)
		return refuse(PROBLEM_BAD_REQUEST, why);
	verdict.has_body = h.length_count + h.encoding_count > 0;
	if (h.length_count > 0 &&
	    !bytes_parse_u64(h.length, strlen(h.length), LIMIT_NUMBER,
			     &verdict.content_length))
		return refuse(PROBLEM_BAD_REQUEST,
			      "Content-Length is not a number");
	return verdict;
}
