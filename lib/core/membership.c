/* membership.c - changing who decides, by joint consensus. */

#include "core/membership.h"

#include <assert.h>

#include "core/configuration.h"
#include "core/leader.h"
#include "core/replication.h"
#include "core/role.h"

static const struct configuration_at *
in_force(const struct core *c)
{
	return ledger_configuration(&c->ledger, c->ledger.last);
}

static void
append(struct core *c, const struct configuration *configuration)
{
	state_append_own(c, RK_ENTRY_CONFIGURATION, configuration);
	replication_reconcile(c);
}

/* The change is done; or was, perhaps in an older term. */
static void
answer(struct core *c, uint64_t token)
{
	rk_index index = in_force(c)->index;
	struct effect_result r = {
		.token = token,
		.index = index,
		.count = 1,
		.term = ledger_term(&c->ledger, index),
		.status = RESULT_COMMITTED,
	};

	effects_result(&c->out, &r);
}

/* Why the change cannot be made now; the safety of joint consensus rests on
 * one change at a time, each above an entry of the leader's own term. */
static int
obstacle(const struct core *c)
{
	if (c->role != ROLE_LEADER)
		return CORE_NOT_LEADER;
	if (c->commit < c->lead.term_start)
		return CORE_NOT_READY;
	if (c->lead.transfer_to != 0 || c->lead.configuring ||
	    in_force(c)->index > c->commit ||
	    configuration_is_joint(&in_force(c)->configuration))
		return CORE_BUSY;
	return CORE_OK;
}

int
membership_on_configure(struct core *c, const struct event_configure *ev)
{
	struct configuration now = in_force(c)->configuration;
	struct configuration then = {
		.voters = ev->voters,
		.learners = ev->learners,
	};
	int rc = obstacle(c);

	if (rc != CORE_OK)
		return rc;
	if (!id_set_equals(&now.voters, &then.voters))
		then.old = now.voters;
	if (!configuration_is_valid(&then) || c->ledger.last > STATE_INDEX_MAX)
		return CORE_INVALID;
	if (configuration_equals(&now, &then) && !ev->always) {
		answer(c, ev->token);
		return CORE_OK;
	}
	c->lead.configuring = true;
	c->lead.configure_token = ev->token;
	append(c, &then);
	return CORE_OK;
}

void
membership_on_commit(struct core *c)
{
	const struct configuration_at *at = in_force(c);

	if (at->index > c->commit || configuration_is_joint(&at->configuration))
		return;
	if (c->lead.configuring) {
		c->lead.configuring = false;
		answer(c, c->lead.configure_token);
	}
	if (configuration_is_voter(&at->configuration, c->settings.id))
		return;
	/* Removed: it led up to here without counting itself (thesis, 4.2.2),
	 * and tells the others so that they can go on. */
	replication_heartbeats(c);
	leader_step_down(c);
}

static bool
may_leave(const struct core *c)
{
	return c->role == ROLE_LEADER && in_force(c)->index <= c->commit &&
	       configuration_is_joint(&in_force(c)->configuration);
}

void
membership_pump(struct core *c)
{
	const struct effect_persist *persist = &c->out.now.persist;
	struct configuration then;

	if (!may_leave(c) || persist->append_from != persist->append_to)
		return;
	then = in_force(c)->configuration;
	then.old.count = 0;
	append(c, &then);
}

bool
membership_is_due(const struct core *c)
{
	return may_leave(c);
}
