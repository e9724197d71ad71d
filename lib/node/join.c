/* join.c - a new member: learn of the cluster, ask to be added.
 *
 * A new directory learns from any member which cluster it will belong to and
 * who is in it; then it listens as a learner that nobody knows, and asks until
 * the log that it is sent lists it. Started again it goes on, without asking
 * if it is in. It has no vote before its own log says so. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "node/member_change.h"
#include "node/node.h"

/* How long a new member looks for the cluster, and an old one. */
#define FIND_MS       10000U
#define FIND_AGAIN_MS 1000U
#define FIND_PAUSE_MS 200

/* How long the cluster may take to add it, and when it is asked again. */
#define ASK_MS   10000
#define PAUSE_MS 1000

struct join {
	char url[LIMIT_URL_BYTES]; /* Of the member to ask. */
	bool asking;
	bool was_answered; /* It is where the cluster thinks it is. */
	uint64_t next_ms;
	size_t turn;
	char traced[128]; /* Why it was refused. */
};

void
join_free(struct join *j)
{
	mem_free(j);
}

/* ---- before there is a directory ---- */

/* One request of a program that does not serve yet. */
struct question {
	bool is_done;
	struct bytes body;
	struct rk_error err; /* code RK_OK: answered. */
};

static void
on_found(void *user, struct outbound_call *call,
	 const struct outbound_reply *reply)
{
	struct question *q = user;
	char leader[LIMIT_URL_BYTES];

	(void)call;
	q->is_done = true;
	q->err.code = RK_OK;
	if (reply->outcome != OUTBOUND_OK)
		error_set(&q->err, RK_UNREACHABLE, "%s", reply->why);
	else if (reply->status != 200)
		problem_decode(reply->status, reply->body, &q->err, leader);
	else
		bytes_append(&q->body, reply->body.data, reply->body.len);
}

static enum rk_code
find(struct node *n, const char *url, uint64_t patience_ms, struct question *q,
     struct rk_error *err)
{
	uint64_t until_ms = clock_now_ms() + patience_ms;
	const struct outbound_request request = {
		.method = "GET",
		.url = url,
		.path = "/v1/members",
		.lane = LANE_STATUS,
		.deadline_ms = FIND_AGAIN_MS,
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.user = q,
		.done = on_found,
	};

	do {
		q->is_done = false;
		outbound_start(n->out, &request);
		while (!q->is_done)
			outbound_wait(n->out, FIND_PAUSE_MS);
		if (!q->err.code)
			return RK_OK;
		outbound_wait(n->out, FIND_PAUSE_MS);
	} while (clock_now_ms() < until_ms);
	*err = q->err;
	error_wrap(err, "--join: ask %s for its cluster", url);
	return error_hint(err, "is a member of the cluster running there?");
}

static enum rk_code
read_reply(struct slice text, struct membership *m, char cluster[17],
	   struct rk_error *err)
{
	enum rk_code rc;
	const char *id;
	json_t *root;

	rc = json_read(text, LIMIT_JSON_BYTES, &root, err);
	if (rc)
		return error_wrap(err, "--join");
	rc = json_get_text(root, "cluster", &id, err);
	if (!rc && !incarnation_is_valid(id))
		rc = error_set(err, RK_USAGE, "no cluster id");
	if (!rc)
		memcpy(cluster, id, 17);
	json_decref(root);
	if (!rc)
		rc = members_decode(text, &m->sets, &m->addresses, err);
	return rc ? error_wrap(err, "--join: the answer") : RK_OK;
}

/* A new directory cannot be the member that has been at work under its id. */
static enum rk_code
check_is_free(const struct membership *m, const struct rk_member *member,
	      struct rk_error *err)
{
	const struct member_address *a =
		addresses_member(&m->addresses, member->id);

	if (!a || !a->incarnation[0])
		return RK_OK;
	error_set(err, RK_REJECTED,
		  "member %" PRIu64 " is in the cluster, at %s, with another "
		  "data directory than %s",
		  member->id, a->url, member->dir);
	return error_hint(err,
			  "choose another id; or, if its directory is lost: "
			  "raft-member remove %" PRIu64 ", then start this "
			  "again",
			  member->id);
}

static void
take_out(struct id_set *set, rk_id id)
{
	size_t kept = 0, i;

	for (i = 0; i < set->count; i++) {
		if (set->ids[i] != id)
			set->ids[kept++] = set->ids[i];
	}
	set->count = kept;
}

/* Nobody who has no log yet knows better than that others decide. */
static void
stand_in(struct membership *m, rk_id id, const char *url)
{
	rk_id other = id == 1 ? 2 : 1;

	*m = (struct membership){.sets.voters = {.count = 1, .ids = {other}}};
	addresses_set(&m->addresses, other, url);
}

enum rk_code
join_begin(struct node *n, const struct rk_member *member,
	   struct configuration *initial, struct addresses *addresses,
	   char cluster[17], struct rk_error *err)
{
	struct question q = {.is_done = false};
	struct identity identity;
	struct membership m;
	enum rk_code rc;
	bool is_new;

	n->join = mem_alloc(1, sizeof *n->join);
	snprintf(n->join->url, LIMIT_URL_BYTES, "%s%.200s",
		 strstr(member->join, "://") ? "" : "http://", member->join);
	if (!url_is_valid(n->join->url))
		return error_set(err, RK_USAGE,
				 "--join: %.100s is not an address like "
				 "http://127.0.0.1:7401",
				 member->join);
	is_new = identity_read(member->dir, &identity, err) == RK_ABSENT;
	rc = find(n, n->join->url, is_new ? FIND_MS : 0, &q, err);
	if (!rc)
		rc = read_reply((struct slice){q.body.data, q.body.len}, &m,
				cluster, err);
	bytes_close(&q.body);
	if (rc && !is_new)
		stand_in(&m, member->id,
			 n->join->url); /* Its log knows more. */
	else if (rc)
		return rc;
	if (is_new && check_is_free(&m, member, err))
		return err->code;
	if (!is_new)
		cluster[0] = '\0';
	m.sets.old.count = 0;
	take_out(&m.sets.voters, member->id);
	take_out(&m.sets.learners, member->id);
	if (!m.sets.voters.count)
		stand_in(&m, member->id, n->join->url);
	membership_trim(&m);
	*initial = m.sets;
	*addresses = m.addresses;
	return RK_OK;
}

/* ---- asking to be added ---- */

static void
on_answer(void *user, struct outbound_call *call,
	  const struct outbound_reply *reply)
{
	struct node *n = user;
	struct join *j = n->join;
	struct rk_error err;
	char leader[LIMIT_URL_BYTES];

	(void)call;
	if (reply->outcome == OUTBOUND_CANCELLED)
		return;
	j->asking = false;
	j->next_ms = n->now_ms + PAUSE_MS;
	j->was_answered = reply->outcome == OUTBOUND_OK && reply->status == 200;
	if (j->was_answered)
		return;
	j->turn++;
	if (reply->outcome == OUTBOUND_OK)
		problem_decode(reply->status, reply->body, &err, leader);
	else
		error_set(&err, RK_UNREACHABLE, "%s", reply->why);
	if (strncmp(j->traced, err.text, sizeof j->traced - 1) == 0)
		return;
	snprintf(j->traced, sizeof j->traced, "%.*s", (int)sizeof j->traced - 1,
		 err.text);
	trace_line(n->trace, TRACE_WARNING, "asked to be added: %s", err.text);
}

static void
ask(struct node *n, bool is_member)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	struct join *j = n->join;
	size_t turn = j->turn % (n->addresses.count + 1);
	struct outbound_request request = {
		.method = "POST",
		.url = turn ? n->addresses.members[turn - 1].url : j->url,
		.path = "/v1/members",
		.lane = LANE_STATUS,
		.headers = headers,
		.deadline_ms = ASK_MS,
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.user = n,
		.done = on_answer,
	};
	struct bytes body = {0};

	bytes_printf(&body,
		     "{\"id\":%" PRIu64
		     ",\"url\":\"%s\",\"incarnation\":\"%s\",\"role\":\"%s\"}",
		     n->self.id, n->url, n->self.incarnation,
		     is_member ? "learner" : "joining");
	request.head = (struct slice){body.data, body.len};
	j->asking = true;
	outbound_start(n->out, &request);
	bytes_close(&body);
}

void
join_tick(struct node *n)
{
	enum standing standing = members_standing(n);
	struct join *j = n->join;
	bool is_member = standing == STANDING_MEMBER;

	if (!j || j->asking || !n->url[0] || n->now_ms < j->next_ms)
		return;
	/* A member that listens elsewhere than before says where. */
	if (standing == STANDING_JOINING ||
	    (is_member && !j->was_answered && members_moved(n)))
		ask(n, is_member);
}

uint64_t
join_deadline_ms(const struct node *n)
{
	const struct join *j = n->join;

	return j && !j->asking && members_standing(n) == STANDING_JOINING
		       ? (j->next_ms ? j->next_ms : n->now_ms)
		       : 0;
}
