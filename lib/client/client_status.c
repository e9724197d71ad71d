/* client_status.c - ask every member how it is, all at once. */

#include "client/client_status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "client/client.h"
#include "wire/problem.h"

#define ASK_MS 1500

/* Not the lane of other calls: what hangs there must not hold this up. */
#define ASK_LANE 1

struct ask {
	struct survey *survey;
	char url[LIMIT_URL_BYTES];
	bool is_done;
	json_t *root; /* NULL: it did not answer. */
	char *json;
	struct rk_member_status member;
	struct rk_error err; /* Without root: why. */
};

struct survey {
	struct rk_client *c;
	struct ask *asks[2 * CLIENT_ENDPOINTS];
	size_t count;
	size_t open; /* Not done yet. */
};

static void
take_reply(struct ask *a, struct slice body)
{
	if (status_read(body, &a->root, &a->err) != RK_OK)
		return;
	a->member.reachable = true;
	if (status_decode(a->root, &a->member, &a->err) != RK_OK) {
		json_decref(a->root);
		a->root = NULL;
		return;
	}
	a->json = mem_alloc(body.len + 1, 1);
	memcpy(a->json, body.data, body.len);
	a->json[strcspn(a->json, "\n")] = '\0';
}

static void
on_done(void *user, struct outbound_call *call,
	const struct outbound_reply *reply)
{
	char leader[LIMIT_URL_BYTES];
	struct ask *a = user;

	(void)call;
	a->is_done = true;
	a->survey->open--;
	if (reply->outcome != OUTBOUND_OK)
		error_set(&a->err, RK_UNREACHABLE, "%s", reply->why);
	else if (reply->status != 200)
		problem_decode(reply->status, reply->body, &a->err, leader);
	else
		take_reply(a, reply->body);
}

static void
ask(struct survey *s, const char *url)
{
	char cluster[sizeof s->c->cluster + 16];
	const char *headers[] = {NULL, NULL};
	struct ask *a;
	uint64_t timeout_ms = s->c->timeout_ms;
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (strcmp(s->asks[i]->url, url) == 0)
			return;
	}
	if (s->count == LEN(s->asks))
		return;
	a = mem_alloc(1, sizeof *a);
	a->survey = s;
	snprintf(a->url, sizeof a->url, "%s", url);
	s->asks[s->count++] = a;
	s->open++;
	if (s->c->cluster[0] != '\0') {
		snprintf(cluster, sizeof cluster, "Raft-Cluster: %s",
			 s->c->cluster);
		headers[0] = cluster;
	}
	if (timeout_ms == 0 || timeout_ms > ASK_MS)
		timeout_ms = ASK_MS;
	outbound_start(s->c->out, &(struct outbound_request){
					  .method = "GET",
					  .url = url,
					  .path = "/v1/status",
					  .lane = ASK_LANE,
					  .headers = headers,
					  .deadline_ms = timeout_ms,
					  .max_reply_bytes = LIMIT_JSON_BYTES,
					  .user = a,
					  .done = on_done});
}

static void
wait_for_all(struct survey *s)
{
	while (s->open > 0)
		client_wait(s->c, CLIENT_NEVER); /* Each has its deadline. */
}

static struct ask *
ask_of_member(const struct survey *s, rk_id id)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->asks[i]->root != NULL && s->asks[i]->member.id == id)
			return s->asks[i];
	}
	return NULL;
}

/* Whose word on the members counts most; NULL if nobody has answered. */
static struct ask *
best_source(const struct survey *s)
{
	struct ask *best = NULL;
	bool best_leads = false;
	size_t i;

	for (i = 0; i < s->count; i++) {
		struct ask *a = s->asks[i];
		bool leads = a->root != NULL &&
			     strcmp(a->member.role, "leader") == 0;

		if (a->root == NULL)
			continue;
		if (best == NULL || (leads && !best_leads) ||
		    (leads == best_leads &&
		     a->member.term > best->member.term)) {
			best = a;
			best_leads = leads;
		}
	}
	return best;
}

/* Ask the members that are not among the endpoints. */
static void
ask_the_others(struct survey *s, const json_t *source)
{
	const char *name;
	json_t *url;

	json_object_foreach(json_object_get(source, "addresses"), name, url)
	{
		if (json_is_string(url) &&
		    ask_of_member(s, strtoull(name, NULL, 10)) == NULL)
			ask(s, json_string_value(url));
	}
	wait_for_all(s);
}

static void
fill_unreachable(const struct survey *s, struct rk_member_status *m)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (strcmp(s->asks[i]->url, m->address) == 0)
			snprintf(m->error, sizeof m->error, "%.*s",
				 (int)sizeof m->error - 1,
				 s->asks[i]->err.text);
	}
}

static int
compare_members(const void *a, const void *b)
{
	const struct rk_member_status *x = a;
	const struct rk_member_status *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
fill_members(struct survey *s, const struct ask *source,
	     struct rk_cluster_status *status)
{
	const json_t *addresses = json_object_get(source->root, "addresses");
	struct rk_member_status *m;
	const char *name;
	struct ask *a;
	json_t *url;

	status->members = mem_alloc(json_object_size(addresses) + 1,
				    sizeof *status->members);
	json_object_foreach((json_t *)addresses, name, url)
	{
		m = &status->members[status->count++];
		m->id = strtoull(name, NULL, 10);
		a = ask_of_member(s, m->id);
		if (a != NULL) {
			*m = a->member;
			m->json = a->json;
			a->json = NULL;
		}
		if (json_is_string(url))
			snprintf(m->address, sizeof m->address, "%s",
				 json_string_value(url));
		if (a == NULL)
			fill_unreachable(s, m);
		m->voter = status_lists(source->root, "voters", m->id);
		m->joining = status_lists(source->root, "joining", m->id);
		status_decode_stream(source->root, m);
	}
	qsort(status->members, status->count, sizeof *status->members,
	      compare_members);
}

static enum rk_code
nobody(const struct survey *s, struct rk_error *err)
{
	size_t denied = 0;
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->asks[i]->err.code == RK_DENIED)
			denied = i + 1;
	}
	*err = s->asks[denied > 0 ? denied - 1 : 0]->err;
	if (denied > 0)
		return err->code;
	err->code = RK_UNREACHABLE;
	if (s->count > 1)
		error_wrap(err, "no endpoint reachable (%zu tried): %s",
			   s->count, client_short_url(s->asks[0]->url));
	else
		error_wrap(err, "cannot reach %s",
			   client_short_url(s->asks[0]->url));
	return error_hint(err, "is a member running there? -e or "
			       "RAFT_ENDPOINTS say where");
}

static void
survey_close(struct survey *s)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		json_decref(s->asks[i]->root);
		mem_free(s->asks[i]->json);
		mem_free(s->asks[i]);
	}
}

enum rk_code
rk_client_status(struct rk_client *c, struct rk_cluster_status **out,
		 struct rk_error *err)
{
	struct survey s = {.c = c};
	struct rk_cluster_status *status;
	struct ask *source;
	enum rk_code rc = RK_OK;
	size_t i;

	for (i = 0; i < c->endpoint_count; i++)
		ask(&s, c->endpoints[i].url);
	wait_for_all(&s);
	source = best_source(&s);
	if (source == NULL) {
		rc = nobody(&s, err);
		goto out;
	}
	ask_the_others(&s, source->root);
	source = best_source(&s);
	status = mem_alloc(1, sizeof *status);
	snprintf(status->cluster, sizeof status->cluster, "%s",
		 status_cluster(source->root));
	fill_members(&s, source, status);
	status_judge(status);
	*out = status;
out:
	survey_close(&s);
	return rc;
}

void
rk_cluster_status_free(struct rk_cluster_status *status)
{
	size_t i;

	if (status == NULL)
		return;
	for (i = 0; i < status->count; i++)
		mem_free(status->members[i].json);
	mem_free(status->members);
	mem_free(status);
}

enum rk_code
rk_client_first_leads(struct rk_client *c, bool *leads, struct rk_error *err)
{
	const struct client_request request = {.method = "GET",
					       .path = "/leaderz",
					       .max_reply_bytes =
						       LIMIT_JSON_BYTES,
					       .stays = true,
					       .once = true};
	struct client_deadline deadline = client_deadline_begin(c);
	enum rk_code rc;

	c->at = 0;
	rc = client_call(c, &request, &deadline, err);
	*leads = rc == RK_OK;
	return rc == RK_NO_LEADER ? RK_OK : rc;
}

/* `1 up; 2, 3: connection refused`: those with the same answer together. */
static void
describe_members(struct bytes *out, const struct rk_cluster_status *s)
{
	const struct rk_member_status *m = s->members;
	const char *why;
	size_t i;
	size_t j;

	for (i = 0; i < s->count; i++) {
		why = m[i].reachable ? "" : m[i].error;
		for (j = 0; j < i; j++) {
			if (strcmp(why, m[j].reachable ? "" : m[j].error) == 0)
				break;
		}
		if (j < i)
			continue; /* Said with the earlier one. */
		if (out->len > 0)
			bytes_append_text(out, "; ");
		bytes_append_u64(out, m[i].id);
		for (j = i + 1; j < s->count; j++) {
			if (strcmp(why, m[j].reachable ? "" : m[j].error) != 0)
				continue;
			bytes_append_text(out, ", ");
			bytes_append_u64(out, m[j].id);
		}
		bytes_append_text(out, why[0] == '\0' ? " up" : ": ");
		bytes_append_text(out, why);
	}
}

enum rk_code
client_no_leader(struct rk_client *c, const char *otherwise,
		 struct rk_error *err)
{
	struct rk_cluster_status *status;
	struct bytes text = {.data = NULL};
	struct rk_error failed;
	size_t up = 0;
	size_t i;

	if (rk_client_status(c, &status, &failed) != RK_OK)
		return error_set(err, RK_NO_LEADER, "no leader: %s", otherwise);
	for (i = 0; i < status->count; i++)
		up += status->members[i].reachable;
	describe_members(&text, status);
	error_set(err, RK_NO_LEADER,
		  "no leader: %zu of %zu members reachable (%.*s)", up,
		  status->count, (int)text.len, (const char *)text.data);
	bytes_close(&text);
	rk_cluster_status_free(status);
	return err->code;
}
