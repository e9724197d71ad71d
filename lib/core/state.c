/* state.c - helpers that every file of the core needs. */

#include "core/state.h"

#include <assert.h>

#include "core/configuration.h"

const struct configuration *
state_configuration(const struct core *c)
{
	return &ledger_configuration(&c->ledger, c->ledger.last)->configuration;
}

bool
state_is_voter(const struct core *c)
{
	const struct ledger *l = &c->ledger;
	size_t i = l->configuration_count;

	while (i > 0) {
		const struct configuration_at *at = &l->configurations[--i];

		if (configuration_is_voter(&at->configuration, c->settings.id))
			return true;
		if (at->index <= c->commit)
			break;
	}
	return false;
}

uint64_t
state_write(struct core *c)
{
	struct effect_persist *persist = &c->out.now.persist;

	if (persist->seq == 0)
		persist->seq = durable_begin(&c->durable, c->now_ms);
	assert(persist->seq == c->durable.seq);
	return persist->seq;
}

void
state_set_hard_state(struct core *c, struct hard_state hard_state)
{
	struct effect_persist *persist = &c->out.now.persist;

	assert(hard_state.term >= c->hard_state.term);
	if (hard_state.term == c->hard_state.term)
		assert(c->hard_state.vote == 0); /* A vote is final. */
	c->hard_state = hard_state;
	state_write(c);
	durable_add_hard_state(&c->durable);
	persist->has_hard_state = true;
	persist->hard_state = hard_state;
}

rk_index
state_append_own(struct core *c, enum rk_entry_type type,
		 const struct configuration *configuration)
{
	struct effect_persist *persist = &c->out.now.persist;
	rk_index index = c->ledger.last + 1;

	assert(type != RK_ENTRY_DATA);
	assert((type == RK_ENTRY_CONFIGURATION) == (configuration != NULL));
	assert(persist->append_from == persist->append_to);
	ledger_append(&c->ledger, c->hard_state.term, 1, NULL);
	state_write(c);
	durable_add_entries(&c->durable, index);
	persist->append_from = index;
	persist->append_to = index + 1;
	persist->append_term = c->hard_state.term;
	persist->append_type = type;
	if (configuration != NULL) {
		struct configuration_at at = {index, *configuration};

		ledger_append_configuration(&c->ledger, &at);
	}
	return index;
}

void
state_commit(struct core *c, rk_index index)
{
	struct effect_apply *apply = &c->out.now.apply;

	assert(index <= c->ledger.last);
	if (index > c->commit) {
		c->uncommitted_bytes -=
			ledger_bytes(&c->ledger, c->commit + 1, index + 1);
		c->commit = index;
	}
	if (c->handed == c->commit)
		return;
	if (apply->from == apply->to)
		apply->from = c->handed + 1;
	apply->to = c->commit + 1;
	c->handed = c->commit;
}

struct effect_send *
state_request(struct core *c, enum message_type type, rk_id to)
{
	struct effect_send *send = effects_send(&c->out);

	send->message.type = type;
	send->message.from = c->settings.id;
	send->message.to = to;
	send->message.term = c->hard_state.term;
	send->message.request = ++c->last_request;
	return send;
}

struct effect_send *
state_reply(struct core *c, const struct message *request,
	    enum message_type type)
{
	struct effect_send *send = effects_send(&c->out);

	send->message.type = type;
	send->message.from = c->settings.id;
	send->message.to = request->from;
	send->message.term = c->hard_state.term;
	send->message.stream = request->stream;
	send->message.request = request->request;
	/* What we say is of our term; it must not be forgotten. */
	send->gate = durable_gate(&c->durable, 0);
	return send;
}
