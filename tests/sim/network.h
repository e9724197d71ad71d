/* network.h - requests and replies on their way between hosts and clients.
 *
 * As HTTP over TCP sees it: what is sent arrives whole and unharmed or not at
 * all; on different connections, in any order; and who asks may never learn
 * whether it did. A request that was cut off may have been sent again, and so
 * may arrive twice. */

#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "wire/outbound.h"
#include "world.h"

/* Who of the clients is the operator. */
#define OPERATOR UINT64_MAX

/* A request or a reply. All strings are its own. */
struct parcel {
	size_t from; /* A host's number, counted from 1; 0: the clients. */
	size_t to;
	uint64_t life; /* Of the asking host; or which client it is. */
	uint64_t call; /* Given by who asks, and back with the reply. */
	bool is_reply;
	bool may_repeat;
	enum outbound_outcome outcome; /* Of a reply. */
	int status;
	char method[8];
	char *url;     /* Path and query. */
	char *headers; /* "Name: value\n" ... */
	uint8_t *body;
	size_t len;
	struct parcel *next;
};

struct network *network_new(void);
void network_free(struct network *n);

struct parcel *parcel_new(size_t from, size_t to, uint64_t life, uint64_t call);
void parcel_set(struct parcel *p, const char *method, const char *url,
		const char *headers, struct slice head, struct slice body);
void parcel_free(struct parcel *p);
/* A header's value, up to its newline; false: there is none. */
bool parcel_header(const struct parcel *p, const char *name, char *to,
		   size_t size);

/* Send it; takes `p`. */
void network_send(struct parcel *p);

/* A link is cut: nothing that is sent arrives, until it is mended. */
void network_cut(size_t from, size_t to, bool cut);
/* All that passes takes this much longer. */
void network_clog(size_t from, size_t to, uint64_t us);
void network_mend(void);

/* ---- in.c ---- */

/* A request has come to `h`; takes `p`. */
void in_arrive(struct host *h, struct parcel *p);
void in_run(struct host *h);
/* Opens the door of a member that has started. */
void in_open(struct host *h);
/* Who still waits for an answer when `h` is killed hears of it. */
void in_cut_all(struct host *h);

/* The connections from `from` to `h` close, sooner or later. */
void in_say_gone(struct host *h, rk_id from);

/* ---- out.c ---- */

/* A reply has come to `h`; takes `p`. */
void out_arrive(struct host *h, struct parcel *p);
/* `h` is killed. */
void out_drop_all(struct host *h);

/* ---- clients.c ---- */

void clients_arrive(struct parcel *p);

#endif /* SIM_NETWORK_H */
