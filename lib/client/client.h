/* client.h - what the client's files share: endpoints, waiting, calls.
 *
 * Private to lib/client. One call at a time, on the caller's thread. */

#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/prng.h"
#include "raftkit.h"
#include "wire/outbound.h"

/* Given ones and learned ones together. */
#define CLIENT_ENDPOINTS 64

#define CLIENT_WATCHES 2

/* Long enough for a committed write on a loaded cluster; a member that says
 * nothing for so long is taken to hang, and the next one is asked. Doubles
 * with each repetition. */
#define CLIENT_ATTEMPT_MS 2000U

#define CLIENT_NEVER UINT64_MAX

struct endpoint {
	char url[LIMIT_URL_BYTES];
	bool is_given; /* By the user, not learned from the cluster. */
	char why[128]; /* Why it could not be reached the last time, or "". */
};

struct watch {
	int fd; /* -1: free. */
	bool is_on;
	enum rk_watch (*ready)(void *user);
	void *user;
};

/* The last reply. */
struct client_reply {
	int status;
	struct bytes body;
	rk_index commit;
	rk_id node;
	rk_id leader;
	char etag[64];
	uint64_t retry_after_ms; /* 0: not said. */
};

struct rk_client {
	struct outbound *out;
	struct endpoint endpoints[CLIENT_ENDPOINTS];
	size_t endpoint_count;
	size_t at; /* The one to ask first: the leader, if that is known. */
	uint64_t timeout_ms;
	char cluster[LIMIT_SESSION_ID + 1];
	bool was_reached;  /* Some endpoint has answered before. */
	uint64_t learn_ms; /* When to ask again who the members are. */
	bool is_cancelled;
	struct prng prng;
	struct watch watches[CLIENT_WATCHES];
	struct client_reply reply;
	struct rk_run *runs; /* Of the last append. */
	size_t run_count;
	size_t run_cap;
};

/* What to ask the cluster. */
struct client_request {
	const char *method;
	const char *path;
	const char *const *headers; /* Besides Raft-Cluster; NULL-ended. */
	struct slice body;
	size_t max_reply_bytes;
	/* What is certain while nothing was done: "nothing was appended". */
	const char *nothing_done;
	bool changes;    /* To be cut off leaves the outcome unknown... */
	bool is_safe;    /* ... but it may be sent again. */
	bool given_only; /* Ask only endpoints that the user gave. */
	bool stays;      /* Ask only the endpoint that is first now. */
	bool once;       /* Do not repeat anything. */
	/* Not NULL: a 2xx body is given to it in pieces, false stops (then
	 * the call is RK_OK). After a cut that follows some data the call
	 * returns with `*was_cut`, so that the caller can go on from there. */
	bool (*data)(void *user, struct slice piece);
	void *user;
	bool *was_cut;
	uint64_t first_ms; /* With `data`: most time until the first piece... */
	uint64_t idle_ms;  /* ... and between pieces. 0: as for all calls. */
};

/* How long this call and its repetitions may take. */
struct client_deadline {
	uint64_t start_ms;
	uint64_t end_ms; /* CLIENT_NEVER: no end. */
};

struct client_deadline client_deadline_begin(const struct rk_client *c);

/* Ask, at one endpoint after the other, until one has done it, it is refused
 * for good, or the time is over. The reply is in c->reply then. */
RK_CHECKED enum rk_code client_call(struct rk_client *c,
				    const struct client_request *request,
				    struct client_deadline *deadline,
				    struct rk_error *err);

/* Ask once for the members' addresses and the leader; failing is no harm. */
void client_learn(struct rk_client *c);

/* Wait so long, but not beyond the deadline. */
void client_pause(struct rk_client *c, uint64_t pause_ms,
		  const struct client_deadline *deadline);

/* Let calls go on and serve what is watched, until `until_ms` at the latest;
 * returns after each thing done. */
void client_wait(struct rk_client *c, uint64_t until_ms);

/* Its place among the endpoints, added if need be; `otherwise` if they are
 * full. */
size_t client_endpoint(struct rk_client *c, const char *url, size_t otherwise);

/* `no leader: 1 of 3 members reachable (1 up; 2, 3: connection refused)`: ask
 * all and say so. */
enum rk_code client_no_leader(struct rk_client *c, const char *otherwise,
			      struct rk_error *err);

/* Without `http://`, for people. */
const char *client_short_url(const char *url);

#endif /* CLIENT_CLIENT_H */
