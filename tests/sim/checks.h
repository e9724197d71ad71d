/* checks.h - what must hold, whatever happens; looked at after every event.
 *
 *   one leader in a term; one vote of a member in a term, across its lives
 *   a vote, and what a follower says it has, is on its disk before
 *   what is committed never changes; a leader has all that was committed
 *   each member's history is the same bytes, and says what was committed
 *   term, commit and applied never fall within a life
 *   snapshot <= applied <= commit <= last; core_check()
 *   the sessions are the same where the same has been applied
 *   the log gives the lines that were applied
 *   nothing is applied that nobody sent, and nothing twice
 *   what was acknowledged is there; what was refused is not; real time orders
 *   a read sees all that was acknowledged before it began */

#ifndef SIM_CHECKS_H
#define SIM_CHECKS_H

#include "network.h"
#include "world.h"

struct checks *checks_new(void);
void checks_free(struct checks *c);

void checks_host(struct host *h);
void checks_request(const struct host *h, const struct parcel *p);
void checks_answer(struct host *h, const struct parcel *asked, int status,
		   struct slice body);

/* What a client is about to send: its `number`th entry. */
void checks_sent(size_t client, uint64_t number);
/* It was told that it is at `index`, having asked when `before` was the last
 * index that anybody had been told. */
void checks_acknowledged(size_t client, uint64_t number, rk_index index,
			 rk_index before);
/* It was told that it is not and will not be. */
void checks_refused(size_t client, uint64_t number);
rk_index checks_last_acknowledged(void);

/* Lines that were read, and the least that must be among them. */
void checks_read(struct slice lines, rk_index least);

/* At the end: every host has the same, and all of it. True if so. */
bool checks_are_equal(void);
uint64_t checks_entries(void);
uint64_t checks_acknowledgements(void);

#endif /* SIM_CHECKS_H */
