/* agreement.h - finding where two logs agree, both sides of the search.
 *
 * A follower that cannot agree at what an append claims as previous answers
 * with a conflict; the leader derives from it where to try next. Each answer
 * strictly narrows the search, and a whole term is skipped at a time (thesis,
 * 3.5). Pure; answered from the ledgers alone. */

#ifndef CORE_AGREEMENT_H
#define CORE_AGREEMENT_H

#include "core/ledger.h"

/* The follower's side: whether entries may follow `prev` here. What is
 * committed is equal in every log, so nothing up to `commit` is compared. If
 * not, `*conflict` is as in message_append_reply. */
bool agreement_at(const struct ledger *l, rk_index commit, struct log_end prev,
		  struct log_end *conflict);

/* The leader's side: the last index at which the logs may agree, given that
 * they do not at `prev`, which is not 0, and what the follower answered.
 * Less than `prev`, even if the answer is nonsense. */
rk_index agreement_below(const struct ledger *l, rk_index prev,
			 struct log_end conflict);

#endif /* CORE_AGREEMENT_H */
