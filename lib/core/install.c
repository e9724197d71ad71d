/* install.c - a snapshot from the leader, as a follower takes it. */

#include "core/install.h"

#include <assert.h>

#include "core/configuration.h"
#include "core/follower.h"
#include "core/role.h"

static bool
meta_is_valid(const struct snapshot_meta *meta, rk_term term)
{
	return meta->last.index > 0 && meta->last.index <= LIMIT_NUMBER &&
	       meta->last.term > 0 && meta->last.term <= term &&
	       meta->configuration.index <= meta->last.index &&
	       configuration_is_valid(&meta->configuration.configuration);
}

int
install_on_chunk(struct core *c, const struct message *m)
{
	struct effect_send *send;

	if (!follower_may_accept(c, m) ||
	    !meta_is_valid(&m->as.snapshot.meta, m->term))
		return CORE_INVALID;
	follower_accept(c, m);
	if (m->as.snapshot.meta.last.index > c->commit) {
		c->out.now.chunk_wanted = true;
		return CORE_OK;
	}
	/* All of it is committed here: say how far, and want no more. */
	send = state_reply(c, m, MESSAGE_SNAPSHOT_REPLY);
	send->gate = durable_gate(&c->durable, c->commit);
	send->message.as.snapshot_reply.installed = true;
	send->message.as.snapshot_reply.transfer = m->as.snapshot.transfer;
	send->message.as.snapshot_reply.offset = m->as.snapshot.total_bytes;
	send->message.as.snapshot_reply.match.index = c->commit;
	send->message.as.snapshot_reply.match.term =
		ledger_term(&c->ledger, c->commit);
	return CORE_OK;
}

/* The snapshot takes the place of a log that ends before it or differs. */
static void
replace_log(struct core *c, const struct snapshot_meta *meta)
{
	durable_truncate(&c->durable, 1);
	ledger_reset(&c->ledger, meta);
	state_write(c);
	durable_add_entries(&c->durable, meta->last.index);
	c->commit = meta->last.index;
	c->uncommitted_bytes = 0;
	c->compact_asked = meta->last.index;
	role_on_configuration(c);
}

int
install_on_received(struct core *c, const struct snapshot_meta *meta)
{
	struct effect_snapshot_install *install = &c->out.now.install;

	if (!meta_is_valid(meta, c->hard_state.term))
		return CORE_INVALID;
	if (meta->last.index <= c->commit || c->role == ROLE_LEADER)
		return CORE_OK;
	/* A campaign was about another log and, perhaps, other voters. */
	role_rest(c);
	install->meta = *meta;
	install->seq = state_write(c);
	install->keep_tail = ledger_has(&c->ledger, meta->last);
	c->out.now.snapshot_install = true;
	/* The machine jumps there: nothing below is handed to it any more. */
	c->handed = c->applied = meta->last.index;
	if (install->keep_tail) {
		c->uncommitted_bytes -= ledger_bytes(&c->ledger, c->commit + 1,
						     meta->last.index + 1);
		c->commit = meta->last.index;
		ledger_note_snapshot(&c->ledger, meta);
	} else {
		replace_log(c, meta);
	}
	assert(c->handed == c->commit);
	return CORE_OK;
}
