/* outbound_call.c - one request and its reply, as a libcurl easy handle. */

#include "wire/outbound_call.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* A body smaller than this leaves in one piece with the request's head;
 * libcurl does that below 64 KiB, and only for a body that lies in one
 * place. */
#define SMALL_BODY_BYTES (60U << 10)

/* libcurl's own 64 KiB cost twice the time for a body of 1 MiB. */
#define UPLOAD_BUFFER_BYTES (1L << 20)

#define DOWNLOAD_BUFFER_BYTES (64L << 10)

/* A host that drops packets must not use up a long deadline. */
#define CONNECT_TIMEOUT_MS 5000L

static struct slice
piece_at(const struct outbound_call *c, size_t at)
{
	struct slice rest = {.data = c->head.data, .len = c->head.len};

	if (at >= c->head.len && c->payload != NULL) {
		rest = payload_slice(c->payload);
		at -= c->head.len;
	}
	assert(at <= rest.len);
	return (struct slice){.data = rest.len > 0 ? rest.data + at : NULL,
			      .len = rest.len - at};
}

static size_t
on_read(char *to, size_t size, size_t count, void *user)
{
	struct outbound_call *c = user;
	size_t room = size * count;
	size_t done = 0;

	while (done < room) {
		struct slice piece = piece_at(c, c->sent);
		size_t len = piece.len < room - done ? piece.len : room - done;

		if (len == 0)
			break;
		memcpy(to + done, piece.data, len);
		c->sent += len;
		done += len;
	}
	return done;
}

/* libcurl goes back to the start when it sends a request again. */
static int
on_seek(void *user, curl_off_t offset, int origin)
{
	struct outbound_call *c = user;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	c->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static long
status_of(const struct outbound_call *c)
{
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t
on_write(char *from, size_t size, size_t count, void *user)
{
	struct outbound_call *c = user;
	struct slice piece = {.data = (uint8_t *)from, .len = size * count};

	if (c->data != NULL && status_of(c) / 100 == 2) {
		c->stopped = !c->data(c->user, c, piece);
		return c->stopped ? 0 : piece.len;
	}
	if (piece.len > c->max_reply_bytes - c->reply.len) {
		c->too_long = true;
		return 0;
	}
	bytes_append(&c->reply, piece.data, piece.len);
	return piece.len;
}

/* Nothing but plain HTTP to just that host: no proxy, no redirect, no
 * credentials from files, whatever the environment says.
 *
 * When a kept connection turns out to be closed before a byte of the reply
 * came, libcurl sends the request again on a fresh one, POST too. That is
 * harmless here: a member drops what it has had from a peer already, and an
 * append carries its session and number, so that it is applied once. */
static bool
set_constants(struct outbound_call *c)
{
	CURL *e = c->easy;

	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
				(long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ==
		       CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
				CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_BUFFERSIZE, DOWNLOAD_BUFFER_BYTES) ==
		       CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PRIVATE, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_READDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SEEKDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write) ==
		       CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK;
}

struct outbound_call *
outbound_call_new(struct outbound_lane *lane)
{
	struct outbound_call *c = mem_alloc(1, sizeof *c);
	bool ok;

	c->lane = lane;
	c->easy = curl_easy_init();
	assert(c->easy != NULL); /* Out of memory aborts. */
	ok = set_constants(c);
	assert(ok);
	return c;
}

void
outbound_call_free(struct outbound_call *c)
{
	if (c == NULL)
		return;
	outbound_call_reset(c);
	curl_easy_cleanup(c->easy);
	bytes_close(&c->url);
	bytes_close(&c->head);
	bytes_close(&c->reply);
	mem_free(c);
}

static void
add_header(struct outbound_call *c, const char *header)
{
	struct curl_slist *list = curl_slist_append(c->headers, header);

	assert(list != NULL); /* Out of memory aborts. */
	c->headers = list;
}

static void
prepare_headers(struct outbound_call *c, const char *const *headers)
{
	bool has_type = false;

	/* Asking first whether to send a body costs a round trip. */
	add_header(c, "Expect:");
	for (; headers != NULL && *headers != NULL; headers++) {
		has_type |= strncasecmp(*headers, "Content-Type:", 13) == 0;
		add_header(c, *headers);
	}
	if (!has_type)
		add_header(c, "Content-Type:"); /* Not that of a form. */
}

static bool
prepare_body(struct outbound_call *c, const struct outbound_request *request)
{
	struct slice rest = {.len = 0};
	CURL *e = c->easy;
	size_t len;

	bytes_append(&c->head, request->head.data, request->head.len);
	if (request->payload != NULL)
		rest = payload_slice(request->payload);
	len = c->head.len + rest.len;
	if (len <= SMALL_BODY_BYTES) {
		bytes_append(&c->head, rest.data, rest.len);
		return curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)len) == CURLE_OK &&
		       curl_easy_setopt(e, CURLOPT_POSTFIELDS,
					len > 0 ? (char *)c->head.data : "") ==
			       CURLE_OK;
	}
	if (request->payload != NULL)
		c->payload = payload_ref(request->payload);
	return curl_easy_setopt(e, CURLOPT_POSTFIELDS, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)len) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE,
				UPLOAD_BUFFER_BYTES) == CURLE_OK;
}

static bool
prepare_method(struct outbound_call *c, const struct outbound_request *request)
{
	const char *custom = NULL;
	CURL *e = c->easy;
	bool ok;

	if (strcmp(request->method, "HEAD") == 0) {
		ok = curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
	} else if (strcmp(request->method, "GET") == 0) {
		ok = curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	} else {
		ok = curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
		     prepare_body(c, request);
		if (strcmp(request->method, "POST") != 0)
			custom = request->method;
	}
	return curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom) == CURLE_OK &&
	       ok;
}

void
outbound_call_prepare(struct outbound_call *c,
		      const struct outbound_request *request)
{
	CURL *e = c->easy;
	bool ok;

	bytes_append_text(&c->url, request->url);
	bytes_append_text(&c->url, request->path);
	bytes_append_char(&c->url, '\0');
	prepare_headers(c, request->headers);
	c->user = request->user;
	c->done = request->done;
	c->data = request->data;
	c->max_reply_bytes = request->max_reply_bytes;
	ok = prepare_method(c, request) &&
	     curl_easy_setopt(e, CURLOPT_URL, (char *)c->url.data) ==
		     CURLE_OK &&
	     curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK &&
	     curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
			      (long)request->deadline_ms) == CURLE_OK;
	assert(ok); /* Out of memory aborts. */
}

void
outbound_call_reset(struct outbound_call *c)
{
	curl_slist_free_all(c->headers);
	c->headers = NULL;
	payload_unref(c->payload);
	c->payload = NULL;
	c->url.len = 0;
	c->head.len = 0;
	c->sent = 0;
	c->reply.len = 0;
	c->stopped = false;
	c->too_long = false;
	c->why[0] = '\0';
}

static void
say_system_error(struct outbound_call *c, const char *otherwise)
{
	char text[128];
	long number = 0;

	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
	if (number == 0) {
		snprintf(c->why, sizeof c->why, "%s", otherwise);
		return;
	}
	snprintf(c->why, sizeof c->why, "%s",
		 strerror_r((int)number, text, sizeof text));
	c->why[0] = (char)tolower((unsigned char)c->why[0]);
}

/* Why it failed, for people: libcurl's words speak of libcurl. */
static void
say_why(struct outbound_call *c, CURLcode result, bool was_sent)
{
	const char *text = NULL;

	if (c->too_long)
		text = "the reply is too long";
	else if (result == CURLE_COULDNT_CONNECT)
		say_system_error(c, "cannot connect");
	else if (result == CURLE_COULDNT_RESOLVE_HOST)
		text = "cannot resolve the host's name";
	else if (result == CURLE_OPERATION_TIMEDOUT)
		text = was_sent ? "no answer in time"
				: "timed out while connecting";
	else if (result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR ||
		 result == CURLE_SEND_ERROR || result == CURLE_PARTIAL_FILE)
		text = "lost connection";
	else if (c->why[0] == '\0')
		text = curl_easy_strerror(result);
	if (text != NULL)
		snprintf(c->why, sizeof c->why, "%s", text);
}

struct outbound_reply
outbound_call_reply(struct outbound_call *c, CURLcode result)
{
	struct outbound_reply reply = {.outcome = OUTBOUND_OK};
	curl_off_t elapsed_us = 0;
	long head_bytes = 0;

	curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	reply.elapsed_us = (uint64_t)elapsed_us;
	if (result == CURLE_OK) {
		reply.status = (int)status_of(c);
		reply.body = (struct slice){c->reply.data, c->reply.len};
		return reply;
	}
	/* Of the first attempt, too, if libcurl made two. */
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
	if (result == CURLE_ABORTED_BY_CALLBACK || c->stopped)
		reply.outcome = OUTBOUND_CANCELLED;
	else if (head_bytes == 0)
		reply.outcome = OUTBOUND_UNREACHABLE;
	else if (result == CURLE_OPERATION_TIMEDOUT)
		reply.outcome = OUTBOUND_TIMEOUT;
	else
		reply.outcome = OUTBOUND_CUT;
	say_why(c, result, head_bytes > 0);
	reply.why = c->why;
	return reply;
}

const char *
outbound_reply_header(const struct outbound_call *call, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) !=
	    CURLHE_OK)
		return NULL;
	return header->value;
}
