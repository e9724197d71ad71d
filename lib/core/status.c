/* status.c - what a core shows of itself. */

#include <string.h>

#include "core/configuration.h"
#include "core/leader.h"
#include "core/state.h"

static void
show_stream(const struct core *c, const struct stream *s,
	    struct core_stream_status *status)
{
	*status = (struct core_stream_status){
		.peer = s->target,
		.state = s->state,
		.match = s->match,
		.next = s->next,
		.inflight_requests = s->window.count,
		.inflight_bytes = s->window.bytes,
		.contact_ms = s->contact_ms,
		.voter = configuration_is_voter(state_configuration(c),
						s->target),
		.errors = s->errors,
		.retries = s->retries,
		.rejections = s->rejections,
		.backwards = s->backwards,
	};
}

void
core_status(const struct core *c, struct core_status *status)
{
	size_t i;

	*status = (struct core_status){
		.id = c->settings.id,
		.role = c->role,
		.hard_state = c->hard_state,
		.leader = c->leader,
		.commit = c->commit,
		.applied = c->applied,
		.last = ledger_last(&c->ledger),
		.first = c->ledger.compacted.index + 1,
		.snapshot = c->ledger.snapshot,
		.configuration =
			*ledger_configuration(&c->ledger, c->ledger.last),
		.committed_configuration =
			*ledger_configuration(&c->ledger, c->commit),
		.leader_contact_ms = c->contact_ms,
		.uncommitted_bytes = c->uncommitted_bytes,
		.failed = c->failed,
		.transferring = c->lead.transfer_to != 0,
		.stream_count = c->lead.stream_count,
	};
	for (i = 0; i < c->lead.stream_count; i++)
		show_stream(c, &c->lead.streams[i], &status->streams[i]);
}

void
core_snapshot_meta(const struct core *c, struct snapshot_meta *meta)
{
	*meta = (struct snapshot_meta){
		.last = {c->applied, ledger_term(&c->ledger, c->applied)},
		.configuration = *ledger_configuration(&c->ledger, c->applied),
	};
}

enum role
core_role(const struct core *c)
{
	return c->role;
}

rk_id
core_leader(const struct core *c)
{
	return c->leader;
}

struct log_end
core_last(const struct core *c)
{
	return ledger_last(&c->ledger);
}

rk_term
core_term(const struct core *c)
{
	return c->hard_state.term;
}

rk_index
core_commit(const struct core *c)
{
	return c->commit;
}

bool
core_is_transferring(const struct core *c)
{
	return c->role == ROLE_LEADER && c->lead.transfer_to != 0;
}

uint64_t
core_contact_ms(const struct core *c)
{
	return c->role == ROLE_LEADER ? leader_quorum_contact_ms(c)
				      : c->contact_ms;
}

const struct configuration_at *
core_configuration(const struct core *c)
{
	return ledger_configuration(&c->ledger, c->ledger.last);
}

rk_term
core_term_at(const struct core *c, rk_index index)
{
	return ledger_term(&c->ledger, index);
}
