/* cluster_check.c - what the members of a cluster must never do. */

#include "cluster.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/configuration.h"
#include "core/quorum.h"

/* Grow an array by index, zeroing what is new. */
static void *
reach(void *p, size_t *cap, size_t index, size_t size)
{
	size_t before = *cap;

	p = mem_grow(p, cap, index + 1, size);
	if (*cap > before)
		memset((char *)p + before * size, 0, (*cap - before) * size);
	return p;
}

static bool
disk_has(const struct cluster_disk *d, rk_index index, rk_term term)
{
	if (index <= d->snapshot.last.index || index <= d->compacted.index)
		return true; /* Only what is committed gets there. */
	return index <= d->last && d->entries[index].term == term;
}

/* Whether a majority of each set has the entry on disk. */
static bool
is_on_quorum(const struct cluster *k, const struct configuration *c,
	     rk_index index, rk_term term)
{
	struct quorum_value values[CLUSTER_MEMBERS];
	size_t i;

	for (i = 0; i < k->count; i++)
		values[i] = (struct quorum_value){
			k->members[i].id,
			disk_has(&k->members[i].disk, index, term),
		};
	return quorum_reached(c, values, k->count) == 1;
}

static void
check_commit(struct cluster *k, struct cluster_member *m,
	     const struct core_status *status)
{
	rk_index i;

	assert(status->commit >= m->commit);
	k->committed = reach(k->committed, &k->committed_cap, status->commit,
			     sizeof k->committed[0]);
	for (i = m->commit + 1; i <= status->commit; i++) {
		rk_term term = core_term_at(m->core, i);

		if (term == 0) {
			assert(i < status->first);
			continue;
		}
		if (k->committed[i].term == 0)
			k->committed[i] = (struct cluster_fact){
				term, status->hard_state.term};
		assert(k->committed[i].term == term);
	}
	if (status->role == ROLE_LEADER && status->commit > m->commit)
		assert(is_on_quorum(k, &status->configuration.configuration,
				    status->commit,
				    core_term_at(m->core, status->commit)));
	m->commit = status->commit;
	if (k->committed_last < m->commit)
		k->committed_last = m->commit;
}

/* All that was committed in earlier terms is in the log of a new leader. */
static void
check_complete(struct cluster *k, const struct cluster_member *m,
	       const struct core_status *status)
{
	rk_index i;

	for (i = 1; i <= k->committed_last; i++) {
		rk_term term = core_term_at(m->core, i);

		if (k->committed[i].term == 0 ||
		    k->committed[i].in_term >= status->hard_state.term)
			continue;
		if (i < status->first)
			continue;
		assert(term == k->committed[i].term);
	}
}

static void
check_leader(struct cluster *k, const struct cluster_member *m,
	     const struct core_status *status)
{
	rk_term term = status->hard_state.term;

	k->leaders = reach(k->leaders, &k->leaders_cap, (size_t)term,
			   sizeof k->leaders[0]);
	if (k->leaders[term] == 0) {
		k->leaders[term] = m->id;
		check_complete(k, m, status);
	}
	assert(k->leaders[term] == m->id);
	assert(m->disk.hard_state.term >= term);
}

void
cluster_check_member(struct cluster *k, struct cluster_member *m)
{
	struct core_status status;

	core_check(m->core);
	core_status(m->core, &status);
	assert(status.hard_state.term >= m->term);
	m->term = status.hard_state.term;
	if (status.role == ROLE_LEADER)
		check_leader(k, m, &status);
	check_commit(k, m, &status);
}

/* A vote that left binds for its term, over all lives of the voter. */
static void
check_vote(struct cluster *k, rk_term term, rk_id voter, rk_id candidate)
{
	size_t at = (size_t)term * (CLUSTER_MEMBERS + 1) + (size_t)voter;

	k->votes = reach(k->votes, &k->votes_cap, at, sizeof k->votes[0]);
	assert(k->votes[at] == 0 || k->votes[at] == candidate);
	k->votes[at] = candidate;
}

void
cluster_check_leaving(struct cluster *k, const struct cluster_member *m,
		      const struct message *message)
{
	const struct message_append_reply *reply = &message->as.append_reply;

	if (message->type == MESSAGE_VOTE && !message->as.vote.pre)
		check_vote(k, message->term, message->from, message->from);
	if (message->type == MESSAGE_VOTE_REPLY &&
	    message->as.vote_reply.granted && !message->as.vote_reply.pre)
		check_vote(k, message->term, message->from, message->to);
	if (message->type != MESSAGE_APPEND_REPLY || !reply->success)
		return;
	assert(m->disk.hard_state.term >= message->term);
	/* In a later term it may be cut again: as if the reply were late. */
	if (m->disk.hard_state.term == message->term)
		assert(m->disk.last >= reply->match);
}

void
cluster_check_results(struct cluster *k, const struct effects *effects)
{
	size_t i, j;

	for (i = 0; i < effects->result_count; i++) {
		const struct effect_result *r = &effects->results[i];

		k->results[r->status]++;
		if (r->status != RESULT_COMMITTED || r->index == 0)
			continue;
		for (j = 0; j < r->count; j++)
			assert(k->committed[r->index + j].term != 0);
	}
	for (i = 0; i < effects->read_count; i++)
		for (j = 0; j < k->read_count; j++) {
			if (k->reads[j].token != effects->reads[i].token)
				continue;
			if (effects->reads[i].granted)
				assert(effects->reads[i].index >=
				       k->reads[j].committed);
			k->reads_granted += effects->reads[i].granted;
			k->reads[j] = k->reads[--k->read_count];
			break;
		}
}

void
cluster_check_logs(struct cluster *k)
{
	size_t a, b;

	for (a = 0; a < k->count; a++)
		for (b = a + 1; b < k->count; b++) {
			const struct core *x = k->members[a].core;
			const struct core *y = k->members[b].core;
			bool agree = false;
			rk_index i;

			if (x == NULL || y == NULL)
				continue;
			i = core_last(x).index < core_last(y).index
				    ? core_last(x).index
				    : core_last(y).index;
			for (; i > 0; i--) {
				rk_term t = core_term_at(x, i);
				rk_term u = core_term_at(y, i);

				if (t == 0 || u == 0)
					break;
				assert(!agree || t == u);
				agree = t == u;
			}
		}
}
