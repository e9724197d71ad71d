/* client_call.c - one call: try, go on, wait, until it is done or the time is
 * over.
 *
 * Each attempt is judged by two questions: was it done, and may something have
 * been done? Once something may have been done and has not been confirmed, no
 * later refusal can end in "nothing happened": the call is in doubt until a
 * repetition succeeds. */

#include "client/client_attempt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/problem.h"

/* With less time than this left, trying again could only end in doubt about
 * what the last answer has made certain. */
#define ATTEMPT_LEAST_MS 200U

/* A cluster that starts takes a moment; that nobody listens is soon certain. */
#define UNREACHABLE_MS 1000

#define PAUSE_FIRST_MS  20U
#define PAUSE_MOST_MS   400U
#define ATTEMPT_MOST_MS 30000U

/* Sending this much takes a millisecond on a slow network. */
#define BODY_BYTES_PER_MS 4096

static void
next_endpoint(struct rk_client *c, const struct client_request *q)
{
	if (q->stays)
		return;
	do {
		c->at = (c->at + 1) % c->endpoint_count;
	} while (q->given_only && !c->endpoints[c->at].is_given);
}

/* What an attempt means for the call. */
enum step {
	STEP_DONE,
	STEP_FAIL,  /* For good. */
	STEP_NEXT,  /* Ask the next endpoint. */
	STEP_SAME,  /* Ask the one that c->at was set to. */
	STEP_LATER, /* Ask the same one again when it said. */
};

/* One call's attempts. */
struct tries {
	unsigned count;
	unsigned since_pause;
	uint64_t pause_ms;
	uint64_t attempt_ms;
	bool was_reached;      /* Somebody answered. */
	bool in_doubt;         /* Something may have been done. */
	struct rk_error doubt; /* With in_doubt: by what. */
	struct rk_error last;  /* What the last that answered said. */
};

struct client_deadline
client_deadline_begin(const struct rk_client *c)
{
	uint64_t now_ms = clock_now_ms();

	if (c->timeout_ms == 0)
		return (struct client_deadline){now_ms, CLIENT_NEVER};
	return (struct client_deadline){now_ms, now_ms + c->timeout_ms};
}

static void
doubt(struct tries *t, const struct rk_client *c, const struct attempt *a)
{
	const char *url = client_short_url(c->endpoints[c->at].url);

	t->in_doubt = true;
	if (a->outcome == OUTBOUND_TIMEOUT)
		error_set(&t->doubt, RK_UNKNOWN,
			  "outcome unknown: no answer from %s in time", url);
	else if (a->outcome == OUTBOUND_CANCELLED)
		error_set(&t->doubt, RK_UNKNOWN,
			  "outcome unknown: interrupted before %s answered",
			  url);
	else
		error_set(&t->doubt, RK_UNKNOWN,
			  "outcome unknown: %s to %s after sending", a->why,
			  url);
	error_hint(&t->doubt, "it may be committed");
}

/* No HTTP reply came. */
static enum step
judge_silence(struct tries *t, const struct attempt *a)
{
	struct endpoint *e = &a->c->endpoints[a->c->at];
	const struct client_request *q = a->request;

	snprintf(e->why, sizeof e->why, "%s", a->why);
	if (a->outcome == OUTBOUND_UNREACHABLE || !q->changes)
		return STEP_NEXT;
	doubt(t, a->c, a);
	return q->is_safe ? STEP_NEXT : STEP_FAIL;
}

/* Go to the leader that a refusal named, unless that was the one that spoke. */
static enum step
follow_hint(struct rk_client *c, const struct client_request *q,
	    const char *leader)
{
	size_t at = c->at;

	if (leader[0] == '\0' || q->given_only || q->stays)
		return STEP_NEXT;
	c->at = client_endpoint(c, leader, c->at);
	return c->at != at ? STEP_SAME : STEP_NEXT;
}

static enum step
judge_problem(struct tries *t, const struct attempt *a)
{
	const struct client_request *q = a->request;
	struct rk_client *c = a->c;
	struct slice body = {c->reply.body.data, c->reply.body.len};
	char leader[LIMIT_URL_BYTES] = "";

	problem_decode(c->reply.status, body, &t->last, leader);
	if (c->reply.status == 429)
		return STEP_LATER;
	if (t->last.code == RK_NO_LEADER)
		return follow_hint(c, q, leader);
	if (t->last.code != RK_UNKNOWN)
		return STEP_FAIL;
	if (!q->changes) {
		t->last.code = RK_NO_LEADER; /* Nothing can have been done. */
		return STEP_NEXT;
	}
	t->in_doubt = true;
	t->doubt = t->last;
	if (strncmp(t->doubt.text, "outcome unknown", 15) != 0)
		error_wrap(&t->doubt, "outcome unknown");
	if (t->doubt.hint[0] == '\0')
		error_hint(&t->doubt, "it may be committed");
	return q->is_safe ? follow_hint(c, q, leader) : STEP_FAIL;
}

static enum step
judge(struct tries *t, const struct attempt *a)
{
	struct rk_client *c = a->c;

	if (a->was_stopped)
		return STEP_DONE;
	if (c->is_cancelled && a->outcome != OUTBOUND_OK) {
		if (a->outcome != OUTBOUND_UNREACHABLE && a->request->changes)
			doubt(t, c, a);
		error_set(&t->last, RK_FAILED, "interrupted");
		return STEP_FAIL;
	}
	if (a->outcome != OUTBOUND_OK && a->had_data) {
		*a->request->was_cut = true;
		next_endpoint(c, a->request);
		return STEP_DONE;
	}
	if (a->outcome != OUTBOUND_OK)
		return judge_silence(t, a);
	t->was_reached = true;
	c->was_reached = true;
	c->endpoints[c->at].why[0] = '\0';
	if (c->reply.status / 100 == 2)
		return STEP_DONE;
	return judge_problem(t, a);
}

/* `a, b: connection refused; c: no answer`: those with one cause together. */
static void
describe_endpoints(const struct rk_client *c, struct bytes *out)
{
	const struct endpoint *e = c->endpoints;
	size_t i;
	size_t j;

	for (i = 0; i < c->endpoint_count; i++) {
		for (j = 0; j < i && strcmp(e[i].why, e[j].why) != 0; j++)
			continue;
		if (j < i || e[i].why[0] == '\0')
			continue; /* Said already, or not asked. */
		if (out->len > 0)
			bytes_append_text(out, "; ");
		bytes_append_text(out, client_short_url(e[i].url));
		for (j = i + 1; j < c->endpoint_count; j++) {
			if (strcmp(e[i].why, e[j].why) == 0)
				bytes_printf(out, ", %s",
					     client_short_url(e[j].url));
		}
		bytes_printf(out, ": %s", e[i].why);
	}
}

static enum rk_code
unreachable(const struct rk_client *c, const struct client_request *q,
	    struct rk_error *err)
{
	struct bytes text = {.data = NULL};

	describe_endpoints(c, &text);
	error_set(err, RK_UNREACHABLE, "%s %.*s",
		  c->endpoint_count == 1 ? "cannot reach"
					 : "no endpoint reachable:",
		  (int)text.len, (const char *)text.data);
	bytes_close(&text);
	return error_hint(err,
			  "%s. Is a member running there? -e or RAFT_ENDPOINTS "
			  "say where",
			  q->nothing_done != NULL ? q->nothing_done
						  : "nothing was done");
}

static enum rk_code
no_leader(struct rk_client *c, const struct client_request *q,
	  const struct tries *t, const struct client_deadline *deadline,
	  struct rk_error *err)
{
	uint64_t waited_ms = clock_now_ms() - deadline->start_ms;

	client_no_leader(c, t->last.text, err);
	return error_hint(
		err,
		"%s. Waited %" PRIu64 ".%" PRIu64 "s; see: raft-status -e %s",
		q->nothing_done != NULL ? q->nothing_done : "nothing was done",
		waited_ms / 1000, waited_ms % 1000 / 100, c->endpoints[0].url);
}

/* Why the call has failed, now that it has. */
static enum rk_code
give_up(struct rk_client *c, const struct client_request *q,
	const struct tries *t, const struct client_deadline *deadline,
	struct rk_error *err)
{
	if (t->in_doubt)
		*err = t->doubt;
	else if (!t->was_reached && t->last.code == RK_OK)
		return unreachable(c, q, err);
	else if (t->last.code == RK_NO_LEADER && !q->once)
		return no_leader(c, q, t, deadline, err);
	else
		*err = t->last;
	return err->code;
}

/* Whether it is pointless to go on although there would be time. */
static bool
is_hopeless(const struct rk_client *c, const struct client_request *q,
	    const struct tries *t, const struct client_deadline *deadline)
{
	if (q->once)
		return true;
	return !c->was_reached && t->count >= c->endpoint_count &&
	       deadline->end_ms != CLIENT_NEVER &&
	       clock_now_ms() - deadline->start_ms >= UNREACHABLE_MS;
}

void
client_pause(struct rk_client *c, uint64_t pause_ms,
	     const struct client_deadline *deadline)
{
	uint64_t until_ms = clock_now_ms() + pause_ms;

	if (until_ms > deadline->end_ms)
		until_ms = deadline->end_ms;
	while (clock_now_ms() < until_ms && !c->is_cancelled)
		client_wait(c, until_ms);
}

/* Move to the next endpoint; after a round of all of them, pause. */
static void
go_on(struct rk_client *c, const struct client_request *q, struct tries *t,
      enum step step, const struct client_deadline *deadline)
{
	uint64_t pause_ms;

	if (step == STEP_LATER) {
		pause_ms = c->reply.retry_after_ms;
		client_pause(c, pause_ms > 0 ? pause_ms : PAUSE_MOST_MS,
			     deadline);
		return;
	}
	if (step == STEP_NEXT)
		next_endpoint(c, q);
	if (++t->since_pause < c->endpoint_count && !q->stays)
		return;
	/* With jitter, so that those who wait do not come all at once. */
	pause_ms = prng_range(&c->prng, t->pause_ms / 2, t->pause_ms + 1);
	client_pause(c, pause_ms, deadline);
	t->since_pause = 0;
	if (t->pause_ms < PAUSE_MOST_MS)
		t->pause_ms *= 2;
	if (t->attempt_ms < ATTEMPT_MOST_MS)
		t->attempt_ms *= 2;
}

enum rk_code
client_call(struct rk_client *c, const struct client_request *q,
	    struct client_deadline *deadline, struct rk_error *err)
{
	struct tries t = {.pause_ms = PAUSE_FIRST_MS,
			  .attempt_ms = CLIENT_ATTEMPT_MS +
					q->body.len / BODY_BYTES_PER_MS};
	enum step step = STEP_NEXT;
	uint64_t now_ms = clock_now_ms();
	struct attempt a;

	/* Not an error yet: only what an endpoint says is. */
	t.last.code = RK_OK;
	while (!c->is_cancelled) {
		a = (struct attempt){.c = c, .request = q};
		a.limit_ms = t.attempt_ms;
		if (deadline->end_ms - now_ms < a.limit_ms)
			a.limit_ms = deadline->end_ms - now_ms;
		attempt_run(&a);
		step = judge(&t, &a);
		if (step == STEP_DONE)
			return RK_OK;
		if (step == STEP_FAIL)
			break;
		t.count++;
		if (is_hopeless(c, q, &t, deadline)) {
			if (a.outcome != OUTBOUND_OK)
				next_endpoint(c, q);
			break;
		}
		go_on(c, q, &t, step, deadline);
		now_ms = clock_now_ms();
		if (now_ms + (t.in_doubt ? 0 : ATTEMPT_LEAST_MS) >=
		    deadline->end_ms)
			break;
	}
	if (c->is_cancelled && t.last.code == RK_OK)
		error_set(&t.last, RK_FAILED, "interrupted");
	return give_up(c, q, &t, deadline, err);
}
