/* client_attempt.h - one request to one endpoint, waited for.
 *
 * Private to lib/client. */

#ifndef CLIENT_CLIENT_ATTEMPT_H
#define CLIENT_CLIENT_ATTEMPT_H

#include "client/client.h"

/* Zero but for the first three before it runs. */
struct attempt {
	struct rk_client *c;
	const struct client_request *request;
	uint64_t limit_ms;  /* For a reply, or for the first data. */
	uint64_t active_ms; /* When it began or data came last. */
	bool is_done;
	bool had_data;
	bool was_stopped; /* By the receiver of the data. */
	enum outbound_outcome outcome;
	char why[128];
};

/* Send the request to the endpoint at c->at and wait until it has ended; the
 * reply is in c->reply. */
void attempt_run(struct attempt *a);

#endif /* CLIENT_CLIENT_ATTEMPT_H */
