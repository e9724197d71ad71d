/* codec_members.h - a configuration with its members' addresses, as JSON.
 *
 *   {"voters":[1,2,3],"learners":[4],
 *    "addresses":{"1":"http://127.0.0.1:7401",...},
 *    "incarnations":{"1":"8a1f...",...},"joining":[4]}
 *
 * and "voters_old":[1,2] behind voters while the configuration is joint. The
 * last two are left out where there is nothing to say. The data of a
 * configuration entry; also in a snapshot's header and in the reply of
 * GET /v1/members. */

#ifndef WIRE_CODEC_MEMBERS_H
#define WIRE_CODEC_MEMBERS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "core/types.h"

/* 16 hex digits, made with a data directory, and a NUL. */
#define MEMBER_INCARNATION 17

struct member_address {
	rk_id id;
	char url[LIMIT_URL_BYTES];
	/* Whose messages count as this member's; "": not recorded yet. */
	char incarnation[MEMBER_INCARNATION];
	bool joining; /* A learner that becomes a voter once it can. */
};

/* In ascending order of id; every voter, old voter and learner has one. */
struct addresses {
	size_t count;
	struct member_address members[LIMIT_MEMBERS * 2];
};

/* NULL if there is none. */
const char *addresses_find(const struct addresses *a, rk_id id);
const struct member_address *addresses_member(const struct addresses *a,
					      rk_id id);

/* Adds, or replaces the URL alone. False if it is full, or `url` is no URL
 * (see url_is_valid()). */
bool addresses_set(struct addresses *a, rk_id id, const char *url);

/* Of a member that is there. `incarnation` "" forgets it. */
void addresses_set_incarnation(struct addresses *a, rk_id id,
			       const char *incarnation);
void addresses_set_joining(struct addresses *a, rk_id id, bool joining);

void addresses_remove(struct addresses *a, rk_id id);

bool incarnation_is_valid(const char *text);

/* `http://HOST:PORT`, as short as LIMIT_URL_BYTES, nothing behind the port. */
bool url_is_valid(const char *url);

/* `1=http://h:p,2=h:p,...` (http:// is supplied) as on a command line. All are
 * voters. RK_USAGE says what is wrong with which part. */
RK_CHECKED enum rk_code members_parse(const char *text, struct configuration *c,
				      struct addresses *a,
				      struct rk_error *err);

void members_encode(struct bytes *out, const struct configuration *c,
		    const struct addresses *a);

/* RK_USAGE unless the sets are in order, there is a voter, no voter is a
 * learner, and each has an address; on failure nothing is changed. Addresses
 * of others may be there, too. */
RK_CHECKED enum rk_code members_decode(struct slice text,
				       struct configuration *c,
				       struct addresses *a,
				       struct rk_error *err);

#endif /* WIRE_CODEC_MEMBERS_H */
