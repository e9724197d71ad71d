/* transfer.c - handing leadership over. */

#include "core/transfer.h"

#include <assert.h>

#include "core/configuration.h"
#include "core/replication.h"

/* A voter that stays one; a member of the old set alone is about to go. */
static bool
may_lead(const struct core *c, rk_id id)
{
	return id != c->settings.id &&
	       id_set_contains(&state_configuration(c)->voters, id);
}

static rk_id
furthest(const struct core *c)
{
	const struct stream *best = NULL;
	size_t i;

	for (i = 0; i < c->lead.stream_count; i++) {
		const struct stream *s = &c->lead.streams[i];

		if (may_lead(c, s->target) &&
		    (best == NULL || s->match > best->match))
			best = s;
	}
	return best == NULL ? 0 : best->target;
}

int
transfer_on_transfer(struct core *c, rk_id to)
{
	struct leadership *lead = &c->lead;

	if (c->role != ROLE_LEADER)
		return CORE_NOT_LEADER;
	if (to == c->settings.id)
		return CORE_OK;
	if (lead->transfer_to != 0)
		return to == 0 || to == lead->transfer_to ? CORE_OK : CORE_BUSY;
	if (to == 0)
		to = furthest(c);
	if (to == 0 || !may_lead(c, to))
		return CORE_INVALID;
	lead->transfer_to = to;
	lead->transfer_sent = false;
	lead->transfer_until_ms =
		c->now_ms + c->settings.election_timeout_max_ms;
	return CORE_OK;
}

void
transfer_tick(struct core *c)
{
	struct leadership *lead = &c->lead;

	if (lead->transfer_to != 0 && lead->transfer_until_ms <= c->now_ms)
		lead->transfer_to = 0;
}

void
transfer_pump(struct core *c)
{
	struct leadership *lead = &c->lead;
	struct stream_view view = replication_view(c);
	struct stream *s;
	struct effect_send *send;

	if (lead->transfer_to == 0 || lead->transfer_sent)
		return;
	if (!may_lead(c, lead->transfer_to)) {
		lead->transfer_to = 0; /* Removed meanwhile. */
		return;
	}
	s = replication_find(c, lead->transfer_to);
	assert(s != NULL);
	if (!stream_is_caught_up(s, &view))
		return;
	send = state_request(c, MESSAGE_TIMEOUT_NOW, s->target);
	send->message.stream = s->id;
	send->deadline_ms = lead->transfer_until_ms;
	lead->transfer_sent = true;
}
