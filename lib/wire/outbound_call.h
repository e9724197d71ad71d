/* outbound_call.h - one request and its reply, as a libcurl easy handle.
 *
 * Private to outbound's own files. A call is made once and used for many
 * requests, one after the other: preparing a handle costs more than sending
 * what is small. */

#ifndef WIRE_OUTBOUND_CALL_H
#define WIRE_OUTBOUND_CALL_H

#include <curl/curl.h>

#include "wire/outbound.h"

struct outbound_lane;

struct outbound_call {
	struct outbound_lane *lane;
	struct outbound_call *next;     /* Among the active or the idle. */
	struct outbound_call **as_next; /* What points here, while active. */
	CURL *easy;
	struct curl_slist *headers;
	struct bytes url;
	struct bytes head;       /* Of the body; all of it if that is small. */
	struct payload *payload; /* The rest of the body. */
	size_t sent;             /* Bytes of head and payload read so far. */
	struct bytes reply;
	size_t max_reply_bytes;
	bool stopped;  /* `data` has said that it wants no more. */
	bool too_long; /* The reply went over max_reply_bytes. */
	char why[CURL_ERROR_SIZE];
	void *user;
	void (*done)(void *user, struct outbound_call *call,
		     const struct outbound_reply *reply);
	bool (*data)(void *user, struct outbound_call *call,
		     struct slice piece);
};

/* A call with the options that are the same for every request. */
struct outbound_call *outbound_call_new(struct outbound_lane *lane);
void outbound_call_free(struct outbound_call *c);

/* Take the request in; the handle is then ready to be performed. */
void outbound_call_prepare(struct outbound_call *c,
			   const struct outbound_request *request);

/* Say how it went, from libcurl's result; points into `c`. */
struct outbound_reply outbound_call_reply(struct outbound_call *c,
					  CURLcode result);

/* Let go of everything of the request that has ended. */
void outbound_call_reset(struct outbound_call *c);

#endif /* WIRE_OUTBOUND_CALL_H */
