/* clients.c - those who append and read, keep count, and are not patient. */

#include "clients.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "network.h"
#include "operator.h"

#define ATTEMPTS_MOST 20
#define BATCH_MOST    5

enum wish {
	WISH_APPEND,
	WISH_READ,
	WISH_OTHER, /* Status, metrics, a snapshot: to see that it answers. */
};

struct client {
	size_t number; /* From 0. */
	bool has_session;
	uint64_t session; /* A new one after each that it gave up. */
	uint64_t seq;
	uint64_t next_serial;
	uint64_t calls; /* Each attempt has a number. */
	/* What is under way. */
	enum wish wish;
	uint64_t count; /* Of entries appended. */
	unsigned attempts;
	bool is_waiting;
	rk_index before;
	bool is_linearizable;
};

struct clients {
	size_t count;
	uint64_t served;
	struct client all[];
};

struct clients *
clients_new(size_t count)
{
	struct clients *c = calloc(1, sizeof *c + count * sizeof c->all[0]);
	size_t i;

	assert(c);
	c->count = count;
	for (i = 0; i < count; i++) {
		c->all[i].number = i;
		c->all[i].has_session = i % 3 != 2;
		c->all[i].seq = 1;
	}
	return c;
}

void
clients_free(struct clients *c)
{
	free(c);
}

uint64_t
clients_served(void)
{
	return world_now()->clients->served;
}

static void wish_again(void *client);

static void
rest(struct client *c)
{
	world_after(world_draw(1, 2 * world_now()->plan.think_us), NULL,
		    wish_again, NULL, c);
}

/* ---- an attempt ---- */

struct deadline {
	struct client *client;
	uint64_t call;
};

static void attempt(struct client *c);

static void
give_up(struct client *c)
{
	if (c->wish == WISH_APPEND) {
		c->next_serial += c->count;
		c->session++;
		c->seq = 1;
	}
	rest(c);
}

static void
retry(void *client)
{
	attempt(client);
}

/* Without an answer, or with one that does not help. */
static void
fail(struct client *c)
{
	c->is_waiting = false;
	c->attempts++;
	if (c->attempts < ATTEMPTS_MOST &&
	    (c->wish != WISH_APPEND || c->has_session))
		world_after(world_draw(1000, 500000), NULL, retry, NULL, c);
	else
		give_up(c);
}

static void
time_out(void *arg)
{
	struct deadline *d = arg;
	struct client *c = d->client;

	if (c->is_waiting && c->calls == d->call)
		fail(c);
	free(d);
}

static void
write_append(struct client *c, struct bytes *url, struct bytes *headers,
	     struct bytes *body)
{
	uint64_t i;

	bytes_printf(url, "/v1/log?split=lines");
	if (c->has_session)
		bytes_printf(headers,
			     "Idempotency-Key: s%zu-%" PRIu64 "/%" PRIu64 "\n",
			     c->number, c->session, c->seq);
	for (i = 0; i < c->count; i++)
		bytes_printf(body, "%zu.%" PRIu64 " %.*s\n", c->number,
			     c->next_serial + i, (int)(c->next_serial % 40),
			     "........................................");
}

static void
write_read(struct client *c, struct bytes *url)
{
	static const char *const levels[] = {"linearizable", "leader", "stale"};
	size_t level = (size_t)world_draw(0, 3);

	c->is_linearizable = level == 0;
	bytes_printf(url, "/v1/log?from=%" PRIu64 "&limit=50&level=%s",
		     c->before ? c->before : 1, levels[level]);
}

static const char *const others[] = {"/v1/status", "/v1/cluster", "/metrics",
				     "/v1/snapshots", "/v1/snapshots"};

static void
attempt(struct client *c)
{
	struct world *w = world_now();
	struct bytes url = {0}, headers = {0}, body = {0};
	struct deadline *d = malloc(sizeof *d);
	size_t to = (size_t)world_draw(1, w->plan.hosts + 1);
	bool posts = c->wish == WISH_APPEND;
	struct parcel *p;
	size_t other;

	assert(d);
	switch (c->wish) {
	case WISH_APPEND:
		write_append(c, &url, &headers, &body);
		break;
	case WISH_READ:
		write_read(c, &url);
		break;
	case WISH_OTHER:
		other = (size_t)world_draw(0, 5);
		bytes_append_text(&url, others[other]);
		posts = other == 4;
		break;
	}
	bytes_append_char(&url, '\0');
	bytes_append_char(&headers, '\0');
	p = parcel_new(0, to, c->number, ++c->calls);
	parcel_set(p, posts ? "POST" : "GET", (char *)url.data,
		   (char *)headers.data, (struct slice){0},
		   (struct slice){body.data, body.len});
	p->may_repeat = !posts || c->has_session;
	bytes_close(&url);
	bytes_close(&headers);
	bytes_close(&body);
	c->is_waiting = true;
	*d = (struct deadline){c, c->calls};
	world_after(world_draw(500000, 6000000), NULL, time_out, free, d);
	network_send(p);
}

static void
wish_again(void *client)
{
	struct client *c = client;
	uint64_t dice = world_draw(0, 100);
	uint64_t i;

	c->attempts = 0;
	c->before = checks_last_acknowledged();
	c->wish = dice < 60 ? WISH_APPEND : dice < 97 ? WISH_READ : WISH_OTHER;
	if (c->wish == WISH_APPEND) {
		c->count = world_draw(1, BATCH_MOST + 1);
		for (i = 0; i < c->count; i++)
			checks_sent(c->number, c->next_serial + i);
	}
	attempt(c);
}

/* ---- its answer ---- */

static void
take_indexes(struct client *c, const struct parcel *p)
{
	const char *text = (const char *)p->body;
	char *end;
	uint64_t i;
	rk_index index;

	for (i = 0; i < c->count; i++) {
		index = strtoull(text, &end, 10);
		if (end == text)
			world_fail("client %zu was told too few indexes",
				   c->number);
		checks_acknowledged(c->number, c->next_serial + i, index,
				    c->before);
		text = end;
	}
}

static bool
is_for_certain_not(const struct parcel *p)
{
	return strstr((const char *)p->body, "\"outcome\":\"none\"") ||
	       strstr((const char *)p->body, "\"outcome\": \"none\"");
}

static void
on_append(struct client *c, const struct parcel *p)
{
	uint64_t i;

	if (p->outcome == OUTBOUND_OK && p->status == 200) {
		take_indexes(c, p);
		world_now()->clients->served++;
		c->next_serial += c->count;
		c->seq += c->count;
		rest(c);
		return;
	}
	if (p->outcome == OUTBOUND_OK &&
	    (p->status == 400 || p->status == 404 || p->status == 410 ||
	     p->status == 422 || p->status == 500))
		world_fail("client %zu: append: %d: %s", c->number, p->status,
			   (const char *)p->body);
	if (p->outcome == OUTBOUND_OK && !c->has_session &&
	    is_for_certain_not(p)) {
		for (i = 0; i < c->count; i++)
			checks_refused(c->number, c->next_serial + i);
	}
	fail(c);
}

static void
on_read(struct client *c, const struct parcel *p)
{
	if (p->outcome != OUTBOUND_OK || p->status != 200) {
		fail(c);
		return;
	}
	checks_read((struct slice){p->body, p->len},
		    c->is_linearizable ? c->before : 0);
	world_now()->clients->served++;
	rest(c);
}

void
clients_arrive(struct parcel *p)
{
	struct clients *all = world_now()->clients;
	struct client *c = &all->all[p->life == OPERATOR ? 0 : p->life];

	if (p->life == OPERATOR) {
		operator_arrive(p);
		parcel_free(p);
		return;
	}
	if (c->is_waiting && c->calls == p->call) {
		c->is_waiting = false;
		switch (c->wish) {
		case WISH_APPEND:
			on_append(c, p);
			break;
		case WISH_READ:
			on_read(c, p);
			break;
		case WISH_OTHER:
			rest(c);
			break;
		}
	}
	parcel_free(p);
}

void
clients_begin(void)
{
	struct clients *all = world_now()->clients;
	size_t i;

	for (i = 0; i < all->count; i++)
		rest(&all->all[i]);
}
