/* status.c - what this member knows, and what all of them say. */

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "node/node.h"

/* How long a member may take to say how it is. */
#define ASK_MS 1000

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *
ids(const struct id_set *set)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < set->count; i++)
		json_array_append_new(array, number(set->ids[i]));
	return array;
}

/* Learners that wait for their vote. */
static json_t *
joining_array(const struct node *n)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < n->addresses.count; i++) {
		const struct member_address *a = &n->addresses.members[i];

		if (a->joining)
			json_array_append_new(array, number(a->id));
	}
	return array;
}

static json_t *
address_object(const struct node *n)
{
	json_t *object = json_object();
	char name[24];
	size_t i;

	for (i = 0; i < n->addresses.count; i++) {
		snprintf(name, sizeof name, "%" PRIu64,
			 n->addresses.members[i].id);
		json_object_set_new(object, name,
				    json_string(n->addresses.members[i].url));
	}
	return object;
}

static json_t *
stream_object(const struct node *n, const struct core_stream_status *s,
	      rk_index last)
{
	uint64_t offset = 0, bytes = 0;
	json_t *o = json_object();

	transfers_progress(n, s->peer, &offset, &bytes);
	json_object_set_new(o, "id", number(s->peer));
	json_object_set_new(o, "state",
			    json_string(stream_state_name(s->state)));
	json_object_set_new(o, "match", number(s->match));
	json_object_set_new(o, "next", number(s->next));
	json_object_set_new(o, "lag", number(last - s->match));
	json_object_set_new(o, "inflight_requests",
			    number(s->inflight_requests));
	json_object_set_new(o, "inflight_bytes", number(s->inflight_bytes));
	json_object_set_new(o, "contact_ms_ago",
			    s->contact_ms ? number(n->now_ms - s->contact_ms)
					  : json_null());
	json_object_set_new(o, "errors", number(s->errors));
	json_object_set_new(o, "snapshot_offset", number(offset));
	json_object_set_new(o, "snapshot_bytes", number(bytes));
	return o;
}

const char *
status_disk(const struct node *n, const struct core_status *s)
{
	if (s->failed)
		return "failed";
	return n->disk.full || n->retry_apply_ms ? "full" : "ok";
}

static void
add_raft(json_t *o, const struct node *n, const struct core_status *s)
{
	enum standing standing = members_standing(n);

	json_object_set_new(o, "role",
			    json_string(standing == STANDING_MEMBER
						? role_name(s->role)
						: standing_name(standing)));
	json_object_set_new(o, "term", number(s->hard_state.term));
	json_object_set_new(o, "vote", number(s->hard_state.vote));
	json_object_set_new(o, "leader", number(s->leader));
	json_object_set_new(o, "leader_url", text_or_null(node_leader_url(n)));
	json_object_set_new(o, "address", json_string(n->url));
	json_object_set_new(o, "first", number(s->first));
	json_object_set_new(o, "last", number(s->last.index));
	json_object_set_new(o, "last_term", number(s->last.term));
	json_object_set_new(o, "commit", number(s->commit));
	json_object_set_new(o, "applied", number(machine_applied(n->machine)));
}

static json_t *
snapshot_object(const struct core_status *s)
{
	json_t *o;

	if (!s->snapshot.last.index)
		return json_null();
	o = json_object();
	json_object_set_new(o, "index", number(s->snapshot.last.index));
	json_object_set_new(o, "term", number(s->snapshot.last.term));
	return o;
}

static json_t *
status_object(struct node *n)
{
	const struct configuration *c;
	json_t *o = json_object(), *streams = json_array();
	struct core_status s;
	size_t i;

	core_status(n->core, &s);
	c = &s.configuration.configuration;
	json_object_set_new(o, "id", number(n->self.id));
	json_object_set_new(o, "cluster", json_string(n->self.cluster));
	json_object_set_new(o, "incarnation", json_string(n->self.incarnation));
	json_object_set_new(o, "version", json_string(rk_version()));
	add_raft(o, n, &s);
	json_object_set_new(o, "snapshot", snapshot_object(&s));
	json_object_set_new(o, "uncommitted_bytes",
			    number(s.uncommitted_bytes));
	json_object_set_new(o, "uptime_ms", number(n->now_ms - n->started_ms));
	json_object_set_new(o, "disk", json_string(status_disk(n, &s)));
	json_object_set_new(o, "voters", ids(&c->voters));
	json_object_set_new(o, "learners", ids(&c->learners));
	json_object_set_new(o, "joining", joining_array(n));
	json_object_set_new(o, "addresses", address_object(n));
	for (i = 0; i < s.stream_count; i++)
		json_array_append_new(
			streams, stream_object(n, &s.streams[i], s.last.index));
	json_object_set_new(o, "streams", streams);
	json_object_set_new(o, "error",
			    n->fatal ? json_string(n->fatal_error.text)
				     : text_or_null(members_trouble(n)));
	return o;
}

void
status_handle(struct node *n, struct inbound_request *r)
{
	struct bytes body = {0};

	json_write_steal(&body, status_object(n));
	bytes_append_char(&body, '\n');
	api_reply(n, r, 200, "application/json", &body);
}

void
status_leader_handle(struct node *n, struct inbound_request *r)
{
	struct bytes body = {0};
	json_t *o;

	if (!core_leader(n->core)) {
		api_problem(n, r, PROBLEM_NO_LEADER, NULL,
			    "no leader is known");
		return;
	}
	o = json_object();
	json_object_set_new(o, "id", number(core_leader(n->core)));
	json_object_set_new(o, "url", text_or_null(node_leader_url(n)));
	json_object_set_new(o, "term", number(core_term(n->core)));
	json_write_steal(&body, o);
	bytes_append_char(&body, '\n');
	api_reply(n, r, 200, "application/json", &body);
}

/* ---- /v1/cluster: everybody's status ---- */

/* One request for it; ends when every member has answered or failed to. */
struct survey {
	struct node *node;
	struct inbound_request *request;
	json_t *members; /* An object a member. */
	size_t waiting;
	size_t voters;
	size_t voters_up;
};

/* One member that is asked. */
struct question {
	struct survey *survey;
	json_t *member; /* In survey->members. */
	bool voter;
};

static const char *
verdict(const struct survey *s)
{
	if (s->voters_up <= s->voters / 2)
		return "no-quorum";
	return s->voters_up == s->voters ? "healthy" : "degraded";
}

static void
finish(struct survey *s)
{
	struct node *n = s->node;
	struct bytes body = {0};
	json_t *o = json_object();

	json_object_set_new(o, "cluster", json_string(n->self.cluster));
	json_object_set_new(o, "leader",
			    core_leader(n->core) ? number(core_leader(n->core))
						 : json_null());
	json_object_set_new(o, "term", number(core_term(n->core)));
	json_object_set_new(o, "verdict", json_string(verdict(s)));
	json_object_set_new(o, "members", s->members);
	json_write_steal(&body, o);
	bytes_append_char(&body, '\n');
	api_reply(n, s->request, 200, "application/json", &body);
	mem_free(s);
}

/* `status` is stolen; NULL: not reached, for `why`. */
static void
note_member(struct survey *s, json_t *member, bool voter, json_t *status,
	    const char *why)
{
	json_object_set_new(member, "reachable", json_boolean(status != NULL));
	json_object_set_new(member, "error", text_or_null(why));
	json_object_set_new(member, "status", status ? status : json_null());
	s->voters += voter;
	s->voters_up += voter && status;
	s->waiting--;
}

static void
on_answer(void *user, struct outbound_call *call,
	  const struct outbound_reply *reply)
{
	struct question *q = user;
	struct survey *s = q->survey;
	const char *why = reply->why;
	struct rk_error err;
	json_t *status = NULL;

	(void)call;
	if (reply->outcome == OUTBOUND_OK) {
		if (json_read(reply->body, LIMIT_JSON_BYTES, &status, &err))
			why = "its answer is no status";
	}
	note_member(s, q->member, q->voter, status, status ? NULL : why);
	mem_free(q);
	if (!s->waiting)
		finish(s);
}

static void
ask(struct survey *s, json_t *member, rk_id id, bool voter)
{
	struct node *n = s->node;
	struct outbound_request request = {
		.method = "GET",
		.url = addresses_find(&n->addresses, id),
		.path = "/v1/status",
		.lane = LANE_STATUS,
		.deadline_ms = ASK_MS,
		.max_reply_bytes = LIMIT_JSON_BYTES,
		.done = on_answer,
	};
	struct question *q;

	if (id == n->self.id) {
		note_member(s, member, voter, status_object(n), NULL);
		return;
	}
	q = mem_alloc(1, sizeof *q);
	*q = (struct question){.survey = s, .member = member, .voter = voter};
	request.user = q;
	outbound_start(n->out, &request);
}

static void
ask_set(struct survey *s, const struct id_set *set, bool voter)
{
	json_t *member;
	size_t i;

	for (i = 0; i < set->count; i++) {
		member = json_object();
		json_object_set_new(member, "id", number(set->ids[i]));
		json_object_set_new(member, "address",
				    text_or_null(addresses_find(
					    &s->node->addresses, set->ids[i])));
		json_object_set_new(member, "voter", json_boolean(voter));
		json_array_append_new(s->members, member);
		ask(s, member, set->ids[i], voter);
	}
}

void
status_cluster_handle(struct node *n, struct inbound_request *r)
{
	struct survey *s = mem_alloc(1, sizeof *s);
	struct core_status status;

	core_status(n->core, &status);
	s->node = n;
	s->request = r;
	s->members = json_array();
	s->waiting = status.configuration.configuration.voters.count +
		     status.configuration.configuration.learners.count;
	ask_set(s, &status.configuration.configuration.voters, true);
	ask_set(s, &status.configuration.configuration.learners, false);
	if (!s->waiting)
		finish(s);
}
