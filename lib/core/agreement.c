/* agreement.c - finding where two logs agree. */

#include "core/agreement.h"

#include <assert.h>

bool
agreement_at(const struct ledger *l, rk_index commit, struct log_end prev,
	     struct log_end *conflict)
{
	if (prev.index <= commit || ledger_has(l, prev))
		return true;
	if (prev.index > l->last) {
		*conflict = (struct log_end){l->last + 1, 0};
		return false;
	}
	conflict->term = ledger_term(l, prev.index);
	conflict->index = ledger_run_start(l, prev.index);
	if (conflict->index <= commit)
		conflict->index = commit + 1;
	return false;
}

rk_index
agreement_below(const struct ledger *l, rk_index prev, struct log_end conflict)
{
	rk_index at;

	assert(prev > 0);
	if (conflict.index > prev)
		conflict.index = prev; /* Nonsense, but never a step up. */
	if (conflict.index == 0)
		return 0;
	if (conflict.term == 0 || prev <= l->compacted.index)
		return conflict.index - 1;
	/* Within the follower's term, if the leader has entries of it there. */
	at = ledger_last_of_term(l, prev - 1, conflict.term);
	if (at >= conflict.index && ledger_term(l, at) == conflict.term)
		return at;
	/* Else before it, where the follower's terms are older. */
	if (conflict.index - 1 <= l->compacted.index)
		return conflict.index - 1;
	return ledger_last_of_term(l, conflict.index - 1, conflict.term - 1);
}
