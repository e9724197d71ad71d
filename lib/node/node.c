/* node.c - one member: the pass, the step, and its end. */

#include "node/node.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

void
node_fail(struct node *n, const struct rk_error *err)
{
	if (n->fatal)
		return; /* The first cause is the cause. */
	trace_line(n->trace, TRACE_ERROR, "%s", err->text);
	n->fatal = err->code;
	n->fatal_error = *err;
}

bool
node_is_leader(const struct node *n)
{
	return core_role(n->core) == ROLE_LEADER;
}

const char *
node_leader_url(const struct node *n)
{
	rk_id leader = core_leader(n->core);

	return leader ? members_url(n, leader) : NULL;
}

enum rk_code
node_read_lines(struct node *n, rk_index from, rk_index to, size_t max_bytes,
		struct bytes *out, rk_index *end, struct rk_error *err)
{
	rk_index kept = tail_first(&n->tail);

	assert(from < to);
	if (kept && from >= kept) {
		*end = tail_read(&n->tail, from, to, max_bytes, out);
		return RK_OK;
	}
	if (kept && to > kept)
		to = kept;
	return log_map_read(n->map, from, to, max_bytes, out, end, err);
}

/* An operator asks first who leads; say it when it changes, once. */
static void
trace_role(struct node *n)
{
	enum role role = core_role(n->core);
	rk_id leader = core_leader(n->core);

	if (role == n->known_role && leader == n->known_leader)
		return;
	n->meters->leader_changes += leader && leader != n->known_leader;
	n->known_role = role;
	n->known_leader = leader;
	if (role == ROLE_PRE_CANDIDATE || role == ROLE_CANDIDATE)
		trace_line(n->trace, TRACE_DEBUG, "%s in term %" PRIu64,
			   role_name(role), core_term(n->core));
	else if (leader)
		trace_line(n->trace, TRACE_INFO,
			   "%s in term %" PRIu64 "; leader is %" PRIu64,
			   role_name(role), core_term(n->core), leader);
	else
		trace_line(n->trace, TRACE_INFO,
			   "%s in term %" PRIu64 "; no leader known",
			   role_name(role), core_term(n->core));
}

/* Carry out what a step asked for, in the order of duty (core.h). */
static void
carry_out(struct node *n, const struct event *ev, const struct effects *fx,
	  const struct step_lines *lines)
{
	size_t i;

	disk_persist(n, &fx->persist, lines);
	/* Before anything is sent: perhaps to a member that is new. */
	if (!fx->snapshot_install)
		members_follow(n);
	for (i = 0; i < fx->send_count; i++)
		peers_send(n, &fx->send[i]);
	if (fx->apply.to > n->apply_to)
		n->apply_to = fx->apply.to;
	for (i = 0; i < fx->result_count; i++) {
		if (!changes_result(n, &fx->results[i]))
			append_result(n, &fx->results[i]);
	}
	for (i = 0; i < fx->read_count; i++)
		confirm_released(n, &fx->reads[i]);
	for (i = 0; i < fx->snapshot_send_count; i++)
		transfers_start(n, &fx->snapshot_send[i]);
	if (fx->chunk_wanted) {
		assert(ev->type == EVENT_RECEIVE);
		install_chunk(n, ev->as.receive, lines);
	}
	if (fx->snapshot_install)
		install_switch(n, &fx->install);
	if (fx->snapshot_take)
		snapshot_wanted(n);
	if (fx->compact.index)
		snapshot_compact(n, fx->compact);
	n->deadline_ms = fx->deadline_ms;
}

int
node_step(struct node *n, struct event *ev, const struct step_lines *lines)
{
	struct effects fx;
	int rc;

	assert(!n->stepping);
	ev->now_ms = n->now_ms;
	record_event(n->record, n->self.id, ev);
	rc = core_step(n->core, ev, &fx);
	if (rc)
		return rc;
	n->stepping = true;
	carry_out(n, ev, &fx, lines);
	n->stepping = false;
	trace_role(n);
	return CORE_OK;
}

void
node_begin(struct node *n)
{
	uint64_t now = clock_now_ms();

	/* Stopped, or starved: what was true before need not be true now. */
	if (now > n->now_ms + n->settings.core.election_timeout_min_ms)
		confirm_distrust(n);
	if (now > n->now_ms)
		n->now_ms = now;
}

void
node_collect(struct node *n)
{
	disk_collect(n);
	janitor_poll(n->janitor);
}

static void
step_time(struct node *n)
{
	struct event ev = {.type = EVENT_TIME};

	if (n->now_ms >= n->deadline_ms)
		node_step(n, &ev, NULL);
}

void
node_end(struct node *n)
{
	step_time(n);
	append_propose(n);
	changes_tick(n);
	handover_tick(n);
	join_tick(n);
	apply_some(n);
	peers_tick(n);
	confirm_tick(n);
	read_tick(n);
	proxy_tick(n);
	transfers_tick(n);
	install_tick(n);
	snapshot_tick(n);
	disk_submit(n);
	record_tick(n->record, n->now_ms);
}

static uint64_t
sooner(uint64_t deadline_ms, uint64_t other_ms)
{
	return other_ms && other_ms < deadline_ms ? other_ms : deadline_ms;
}

int
node_timeout_ms(struct node *n)
{
	uint64_t deadline = n->deadline_ms;

	if (n->apply_to > machine_applied(n->machine) + 1 && !n->apply_paused)
		deadline =
			sooner(deadline, n->retry_apply_ms ? n->retry_apply_ms
							   : n->now_ms);
	deadline = sooner(deadline, peers_deadline_ms(n));
	deadline = sooner(deadline, confirm_deadline_ms(n));
	deadline = sooner(deadline, read_deadline_ms(n));
	deadline = sooner(deadline, proxy_deadline_ms(n));
	deadline = sooner(deadline, transfers_deadline_ms(n));
	deadline = sooner(deadline, changes_deadline_ms(n));
	deadline = sooner(deadline, handover_deadline_ms(n));
	deadline = sooner(deadline, join_deadline_ms(n));
	if (deadline <= n->now_ms)
		return 0;
	deadline -= n->now_ms;
	return deadline > 1000 ? 1000 : (int)deadline;
}

enum rk_code
node_open(const struct node_start *start, struct node **node,
	  struct rk_error *err)
{
	struct node *n = mem_alloc(1, sizeof *n);
	enum rk_code rc;

	n->trace = start->trace;
	n->segment_bytes = start->segment_bytes ? start->segment_bytes
						: SEGMENT_BYTES_DEFAULT;
	n->now_ms = n->started_ms = clock_now_ms();
	n->members = members_new();
	n->meters = meters_new();
	n->changes = changes_new();
	n->peers = peers_new();
	n->appends = appends_new();
	n->confirms = confirms_new();
	n->reads = reads_new();
	n->proxies = proxies_new();
	n->snapshots = snapshots_new();
	n->transfers = transfers_new();
	n->installs = installs_new();
	rc = outbound_open(&n->out, err);
	if (!rc)
		rc = node_recover(n, start->member, start->event_fd, err);
	if (rc) {
		node_close(n);
		return rc;
	}
	*node = n;
	return RK_OK;
}

/* In this order: what is under way ends and is answered, then the door is
 * shut, then the threads and what they used. */
void
node_close(struct node *n)
{
	if (!n)
		return;
	n->closing = true;
	outbound_close(n->out);
	janitor_close(n->janitor);
	if (n->in)
		inbound_close(n->in);
	writer_close(n->writer);
	proxies_free(n->proxies);
	reads_free(n->reads);
	confirms_free(n->confirms);
	appends_free(n->appends);
	transfers_free(n->transfers);
	installs_free(n->installs);
	snapshots_free(n->snapshots);
	peers_free(n->peers);
	changes_free(n->changes);
	handovers_free(n->handovers);
	join_free(n->join);
	members_free(n->members);
	log_map_free(n->map);
	machine_free(n->machine);
	core_free(n->core);
	record_close(n->record);
	meters_free(n->meters);
	tail_close(&n->tail);
	bytes_close(&n->slice);
	disk_close(n);
	if (n->lock_fd > 0)
		file_close(n->lock_fd);
	mem_free(n->dir);
	mem_free(n);
}
