/* operator.c - whoever changes the members while all else goes on. */

#include "operator.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/configuration.h"

#define AGAIN_US   1000000
#define TEXT_BYTES 512

static void
ask(const char *method, const char *url, const char *body)
{
	struct world *w = world_now();
	size_t to = (size_t)world_draw(1, w->plan.hosts + 1);
	struct parcel *p = parcel_new(0, to, OPERATOR, 0);
	struct bytes text = {0};

	world_say(NULL, "%s %s %s", method, url, body);
	bytes_append_text(&text, body);
	parcel_set(p, method, url, "Content-Type: application/json\n",
		   (struct slice){0}, (struct slice){text.data, text.len});
	bytes_close(&text);
	network_send(p);
}

void
operator_act(void)
{
	static const char *const roles[] = {"learner", "joining", "voter"};
	struct world *w = world_now();
	const struct host *h = &w->hosts[world_draw(0, w->plan.hosts)];
	const char *role = roles[world_draw(0, 3)];
	char url[64];
	char body[TEXT_BYTES];

	snprintf(url, sizeof url, "/v1/members/%" PRIu64, h->id);
	snprintf(body, sizeof body,
		 "{\"id\":%" PRIu64 ",\"url\":\"%s\",\"role\":\"%s\"}", h->id,
		 h->url, role);
	switch (world_draw(0, 4)) {
	case 0:
		ask("DELETE", url, "");
		break;
	case 1:
		ask("POST", "/v1/members", body);
		break;
	case 2:
		snprintf(body, sizeof body, "{\"role\":\"%s\"}", role);
		ask("PUT", url, body);
		break;
	default:
		ask("POST", "/v1/leader/transfer", "");
		break;
	}
}

/* The configuration that a leader has committed last; NULL: no leader. */
static const struct configuration *
in_force(struct core_status *s)
{
	struct world *w = world_now();
	size_t i;

	for (i = 0; i < w->plan.hosts; i++) {
		if (!w->hosts[i].node || !node_is_leader(w->hosts[i].node))
			continue;
		core_status(w->hosts[i].node->core, s);
		if (s->configuration.index == s->committed_configuration.index)
			return &s->configuration.configuration;
	}
	return NULL;
}

/* One member at a time, as one should. */
static void
restore(void *arg)
{
	struct world *w = world_now();
	const struct configuration *c;
	struct core_status s;
	const struct host *h;
	char url[64];
	char body[256];
	size_t i;

	(void)arg;
	world_after(AGAIN_US, NULL, restore, NULL, NULL);
	c = in_force(&s);
	if (!c || configuration_is_joint(c))
		return;
	for (i = 0; i < w->plan.hosts; i++) {
		h = &w->hosts[i];
		if (id_set_contains(&c->voters, h->id))
			continue;
		snprintf(url, sizeof url, "/v1/members/%" PRIu64, h->id);
		snprintf(body, sizeof body,
			 "{\"id\":%" PRIu64 ",\"url\":\"%s\"}", h->id, h->url);
		if (id_set_contains(&c->learners, h->id))
			ask("PUT", url, "{\"role\":\"voter\"}");
		else
			ask("POST", "/v1/members", body);
		return;
	}
	w->is_restored = true;
}

void
operator_restore(void)
{
	restore(NULL);
}

void
operator_arrive(const struct parcel *p)
{
	if (p->outcome == OUTBOUND_OK)
		world_say(NULL, "operator: %d %s", p->status,
			  (const char *)p->body);
}
