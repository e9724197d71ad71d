/* network.c - requests and replies on their way. */

#include "network.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crc32c.h"

#define ENDS (HOSTS_MOST + 1)

/* What a lost packet costs: TCP sends it again. */
#define AGAIN_US 200000

struct network {
	bool cut[ENDS][ENDS];
	uint64_t clog_us[ENDS][ENDS];
};

struct network *
network_new(void)
{
	return calloc(1, sizeof(struct network));
}

void
network_free(struct network *n)
{
	free(n);
}

static char *
copy_text(const char *text)
{
	char *copy = strdup(text);

	assert(copy);
	return copy;
}

struct parcel *
parcel_new(size_t from, size_t to, uint64_t life, uint64_t call)
{
	struct parcel *p = calloc(1, sizeof *p);

	assert(p);
	p->from = from;
	p->to = to;
	p->life = life;
	p->call = call;
	return p;
}

void
parcel_set(struct parcel *p, const char *method, const char *url,
	   const char *headers, struct slice head, struct slice body)
{
	snprintf(p->method, sizeof p->method, "%s", method);
	p->url = copy_text(url);
	p->headers = copy_text(headers);
	p->len = head.len + body.len;
	p->body = malloc(p->len + 1);
	assert(p->body);
	if (head.len)
		memcpy(p->body, head.data, head.len);
	if (body.len)
		memcpy(p->body + head.len, body.data, body.len);
	p->body[p->len] = '\0';
}

void
parcel_free(struct parcel *p)
{
	if (!p)
		return;
	free(p->url);
	free(p->headers);
	free(p->body);
	free(p);
}

bool
parcel_header(const struct parcel *p, const char *name, char *to, size_t size)
{
	size_t len = strlen(name);
	const char *line = p->headers;
	const char *end;

	for (; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		assert(end);
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1 + strspn(line + len + 1, " ");
		snprintf(to, size, "%.*s", (int)(end - line), line);
		return true;
	}
	return false;
}

static struct parcel *
repeat(const struct parcel *p)
{
	struct parcel *copy = parcel_new(p->from, p->to, p->life, p->call);

	parcel_set(copy, p->method, p->url, p->headers, (struct slice){0},
		   (struct slice){p->body, p->len});
	return copy;
}

/* Nobody listens there: the other side says so. */
static void
refuse(struct parcel *p)
{
	struct parcel *no = parcel_new(p->to, p->from, p->life, p->call);

	no->is_reply = true;
	no->outcome = OUTBOUND_UNREACHABLE;
	parcel_set(no, "", "", "", (struct slice){0}, (struct slice){0});
	parcel_free(p);
	network_send(no);
}

static void
arrive(void *parcel)
{
	struct parcel *p = parcel;
	struct world *w = world_now();
	struct host *h = p->to ? &w->hosts[p->to - 1] : NULL;

	if (w->network->cut[p->from][p->to]) {
		parcel_free(p);
		return;
	}
	world_note(p->from * 16 + p->to);
	world_note(crc32c(0, p->body, p->len));
	if (!h)
		clients_arrive(p);
	else if (p->is_reply && (!h->node || h->life != p->life))
		parcel_free(p);
	else if (p->is_reply)
		out_arrive(h, p);
	else if (h->node)
		in_arrive(h, p);
	else
		refuse(p);
}

static void
drop(void *parcel)
{
	parcel_free(parcel);
}

void
network_send(struct parcel *p)
{
	struct world *w = world_now();
	uint64_t us = world_draw(50, w->plan.delay_us);

	if (!w->calm && world_chance(w->plan.vanish, 10000)) {
		parcel_free(p);
		return;
	}
	if (!w->calm && world_chance(w->plan.loss, 1000))
		us += AGAIN_US;
	us += w->network->clog_us[p->from][p->to];
	if (!w->calm && p->may_repeat && world_chance(w->plan.repeat, 1000))
		world_after(us + world_draw(0, 500000), NULL, arrive, drop,
			    repeat(p));
	world_after(us, NULL, arrive, drop, p);
}

void
network_cut(size_t from, size_t to, bool cut)
{
	world_now()->network->cut[from][to] = cut;
}

void
network_clog(size_t from, size_t to, uint64_t us)
{
	world_now()->network->clog_us[from][to] = us;
}

void
network_mend(void)
{
	memset(world_now()->network, 0, sizeof(struct network));
}
