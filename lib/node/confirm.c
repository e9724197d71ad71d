/* confirm.c - rounds that make reads linearizable.
 *
 * A round is one question: what index is safe to read at? The leader asks its
 * core, which lets a majority answer first (thesis, 6.4); any other member
 * asks the leader. One round is under way at a time, and the reads that come
 * meanwhile share the next: a hundred reads cost no more than two. */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "node/node.h"

/* Pause before a round that failed is tried again. */
#define RETRY_MS 20

struct confirms {
	uint64_t begun;     /* Rounds, that under way included. */
	uint64_t confirmed; /* The newest that succeeded... */
	rk_index index;     /* ...and what it said. */
	uint64_t until_ms;  /* Somebody wants a round until then. */
	uint64_t wanted;    /* The newest round that somebody wants. */
	uint64_t retry_ms;
	bool under_way;
	rk_id leader;               /* Who is asked, */
	rk_term term;               /* and as the leader of what term. */
	struct outbound_call *call; /* NULL: this member's core. */
};

struct confirms *
confirms_new(void)
{
	return mem_alloc(1, sizeof(struct confirms));
}

void
confirms_free(struct confirms *c)
{
	mem_free(c);
}

uint64_t
confirm_want(struct node *n, uint64_t until_ms)
{
	struct confirms *c = n->confirms;

	if (until_ms > c->until_ms)
		c->until_ms = until_ms;
	/* What is under way may have been answered before this read began. */
	c->wanted = c->begun + 1;
	return c->wanted;
}

bool
confirm_is_done(const struct node *n, uint64_t round, rk_index *index)
{
	const struct confirms *c = n->confirms;

	if (c->confirmed < round)
		return false;
	*index = c->index;
	return true;
}

static void
succeed(struct confirms *c, rk_index index)
{
	c->under_way = false;
	c->confirmed = c->begun;
	c->index = index;
}

static void
fail(struct node *n)
{
	n->confirms->under_way = false;
	n->confirms->retry_ms = n->now_ms + RETRY_MS;
}

void
confirm_released(struct node *n, const struct effect_read *released)
{
	struct confirms *c = n->confirms;

	if (!c->under_way || released->token != c->begun)
		return; /* Of a round that was given up. */
	if (released->granted)
		succeed(c, released->index);
	else
		fail(n);
}

static void
on_reply(void *user, struct outbound_call *call,
	 const struct outbound_reply *reply)
{
	struct node *n = user;
	const char *text;
	rk_index index;

	n->confirms->call = NULL;
	text = reply->outcome == OUTBOUND_OK && reply->status == 200
		       ? outbound_reply_header(call, "Raft-Commit")
		       : NULL;
	if (text && bytes_parse_u64(text, strlen(text), LIMIT_NUMBER, &index))
		succeed(n->confirms, index);
	else
		fail(n);
}

static void
ask_leader(struct node *n, const char *url)
{
	char cluster[128];
	const char *headers[] = {"Raft-Forwarded: 1", cluster, NULL};
	struct outbound_request request = {
		.method = "GET",
		.url = url,
		.path = "/v1/log?limit=0",
		.lane = LANE_CLIENT,
		.headers = headers,
		.deadline_ms = n->settings.core.request_timeout_ms,
		.max_reply_bytes = 4096,
		.user = n,
		.done = on_reply,
	};

	/* Whoever else may listen there by now shall not answer. */
	snprintf(cluster, sizeof cluster, "Raft-Cluster: %.64s",
		 n->self.cluster);
	n->confirms->call = outbound_start(n->out, &request);
}

static void
begin(struct node *n)
{
	struct confirms *c = n->confirms;
	struct event ev = {.type = EVENT_READ};
	const char *url = node_leader_url(n);

	if (!url)
		return;
	c->under_way = true;
	c->leader = core_leader(n->core);
	c->term = core_term(n->core);
	ev.as.read_token = ++c->begun;
	if (!node_is_leader(n))
		ask_leader(n, url);
	else if (node_step(n, &ev, NULL))
		fail(n);
}

/* Give up the round under way; the next one does not wait. */
static void
drop(struct node *n)
{
	struct confirms *c = n->confirms;

	if (c->call)
		outbound_cancel(c->call);
	c->under_way = false;
	c->retry_ms = 0;
}

void
confirm_distrust(struct node *n)
{
	if (n->confirms->under_way)
		drop(n);
}

void
confirm_tick(struct node *n)
{
	struct confirms *c = n->confirms;

	/* Who was asked leads no more: do not wait for its answer. */
	if (c->under_way && (c->leader != core_leader(n->core) ||
			     c->term != core_term(n->core)))
		drop(n);
	if (!c->under_way && c->wanted > c->confirmed &&
	    n->now_ms < c->until_ms && n->now_ms >= c->retry_ms)
		begin(n);
}

uint64_t
confirm_deadline_ms(const struct node *n)
{
	const struct confirms *c = n->confirms;

	if (c->under_way || c->wanted <= c->confirmed ||
	    n->now_ms >= c->until_ms || !node_leader_url(n))
		return 0; /* An event will tell. */
	return c->retry_ms > n->now_ms ? c->retry_ms : n->now_ms;
}
