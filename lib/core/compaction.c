/* compaction.c - when to take a snapshot, and how much log it lets go. */

#include "core/compaction.h"

#include <assert.h>

#include "core/replication.h"

/* Waiting for streams, the boundary moves in steps of this many entries:
 * each costs the store a walk through its map. */
#define COMPACT_STEP 1024

int
compaction_on_taken(struct core *c, const struct snapshot_meta *meta)
{
	struct snapshot_meta taken = {.last = meta->last};

	if (meta->last.index <= c->ledger.snapshot.last.index)
		return CORE_OK; /* Another one overtook it. */
	if (meta->last.index > c->applied ||
	    !ledger_has(&c->ledger, meta->last))
		return CORE_INVALID;
	taken.configuration =
		*ledger_configuration(&c->ledger, meta->last.index);
	ledger_note_snapshot(&c->ledger, &taken);
	compaction_consider(c);
	return CORE_OK;
}

int
compaction_on_compacted(struct core *c, struct log_end to)
{
	if (to.index <= c->ledger.compacted.index)
		return CORE_OK;
	if (to.index > c->ledger.snapshot.last.index ||
	    !ledger_has(&c->ledger, to))
		return CORE_INVALID;
	ledger_compact(&c->ledger, to);
	return CORE_OK;
}

void
compaction_pump(struct core *c)
{
	uint64_t every = c->settings.snapshot_logs_since_last;
	rk_index since = c->ledger.snapshot.last.index;

	/* One that was asked for and never came is asked for again in time. */
	if (c->snapshot_asked > since)
		since = c->snapshot_asked;
	/* At multiples, so that members agree on where they take theirs. */
	if (every == 0 || c->applied / every <= since / every)
		return;
	c->snapshot_asked = c->applied;
	c->out.now.snapshot_take = true;
}

/* A peer that gets nowhere for so many election timeouts is waited for no
 * longer: the log must not grow for the sake of one that is gone. */
#define PATIENCE_TIMEOUTS 20

/* Whether it has installed a snapshot and is on its way from there. If the log
 * went meanwhile, it would need another, and under load never arrive. */
static bool
is_catching_up(const struct core *c, const struct stream *s)
{
	return s->behind_snapshot &&
	       c->now_ms - s->progress_ms <
		       PATIENCE_TIMEOUTS * c->settings.election_timeout_max_ms;
}

/* How far `s` lets the log be compacted, given that `to` is wanted: a peer
 * that is receiving a snapshot continues behind it; one that is behind by no
 * more than the trailing entries is spared a snapshot. */
static rk_index
spared(const struct core *c, const struct stream *s, rk_index to)
{
	if (s->state == STREAM_SNAPSHOTTING)
		return s->as.snapshotting.index < to ? s->as.snapshotting.index
						     : to;
	if (s->proven && s->match < to &&
	    (is_catching_up(c, s) ||
	     to - s->match <= c->settings.trailing_entries))
		return s->match;
	return to;
}

void
compaction_consider(struct core *c)
{
	rk_index snapshot = c->ledger.snapshot.last.index;
	rk_index from = c->ledger.compacted.index;
	rk_index wanted;
	rk_index to;
	size_t i;

	if (snapshot <= c->settings.trailing_entries)
		return;
	wanted = to = snapshot - c->settings.trailing_entries;
	if (c->role == ROLE_LEADER)
		for (i = 0; i < c->lead.stream_count; i++) {
			rk_index may = spared(c, &c->lead.streams[i], wanted);

			to = may < to ? may : to;
		}
	if (from < c->compact_asked)
		from = c->compact_asked;
	if (to <= from || (to < wanted && to - from < COMPACT_STEP))
		return;
	assert(to <= c->applied);
	c->compact_asked = to;
	c->out.now.compact = (struct log_end){to, ledger_term(&c->ledger, to)};
}
