/* test_stream.c - the replication stream, event by event. */

#include "unit.h"

#include <string.h>

#include "base/prng.h"
#include "core/stream.h"

struct fixture {
	struct core_settings settings;
	struct ledger ledger;
	struct stream_view view;
	struct stream stream;
	unsigned int reports;
	uint64_t request; /* The newest. */
};

/* A leader's log of `count` entries of 100 bytes and term 1. */
static int
setup_with(struct fixture *f, uint64_t count)
{
	const uint32_t size = 100;
	struct configuration_at base = {
		0, {.voters = {.count = 2, .ids = {1, 2}}}};

	core_settings_init(&f->settings);
	f->settings.id = 1;
	f->settings.max_payload_entries = 10;
	f->settings.max_inflight_requests = 3;
	f->settings.replication_lag_threshold = 20;
	ledger_init(&f->ledger, (struct log_end){0, 0}, &base);
	for (; count > 0; count--)
		ledger_append(&f->ledger, 1, 1, &size);
	f->view = (struct stream_view){&f->settings, &f->ledger, 0, 1000};
	stream_init(&f->stream, 2, 7, &f->view);
	return 0;
}

static int
setup(void **state)
{
	*state = mem_alloc(1, sizeof(struct fixture));
	return setup_with(*state, 100);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ledger_close(&f->ledger);
	mem_free(f);
	return 0;
}

static void
step(struct fixture *f, struct stream_event ev)
{
	f->reports = stream_step(&f->stream, &f->view, &ev);
}

static struct stream_wish
next(struct fixture *f)
{
	struct stream_wish wish;

	f->reports = 0;
	wish = stream_next(&f->stream, &f->view, f->request + 1, &f->reports);
	f->request += wish.type != STREAM_SENDS_NOTHING;
	return wish;
}

static void
ack(struct fixture *f, uint64_t request, rk_index match)
{
	step(f, (struct stream_event){.type = STREAM_EV_ACKED,
				      .request = request,
				      .match = match});
}

static void
reject(struct fixture *f, uint64_t request, rk_index index, rk_term term)
{
	step(f, (struct stream_event){.type = STREAM_EV_REJECTED,
				      .request = request,
				      .conflict = {index, term}});
}

static void
lose(struct fixture *f, uint64_t request)
{
	step(f,
	     (struct stream_event){.type = STREAM_EV_LOST, .request = request});
}

/* The target has everything; the stream is at line rate. */
static void
prove(struct fixture *f)
{
	struct stream_wish wish = next(f);

	assert_int_equal(wish.type, STREAM_SENDS_APPEND);
	ack(f, f->request, wish.to - 1);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
}

static void
compact(struct fixture *f, rk_index to)
{
	struct snapshot_meta meta = {.last = {to, 1}};

	ledger_note_snapshot(&f->ledger, &meta);
	ledger_compact(&f->ledger, meta.last);
}

static void
grow(struct fixture *f, uint64_t count)
{
	ledger_append(&f->ledger, 1, count, NULL);
	step(f, (struct stream_event){.type = STREAM_EV_REPLICATE});
}

static void
fault_l6_starts_with_nothing_proven_and_probes_at_once(void **state)
{
	struct fixture *f = *state;
	struct stream_wish wish;

	assert_int_equal(f->stream.state, STREAM_LAGGING);
	assert_int_equal(f->stream.match, 0);
	assert_int_equal(f->stream.next, 101);
	wish = next(f);
	assert_int_equal(wish.type, STREAM_SENDS_APPEND);
	assert_int_equal(wish.from, 101);
	assert_int_equal(wish.to, 101);
	assert_int_equal(wish.deadline_ms,
			 1000 + f->settings.request_timeout_ms);
}

static void
lagging_probes_with_one_request_and_little_in_it(void **state)
{
	struct fixture *f = *state;
	struct stream_wish wish;

	grow(f, 5);
	wish = next(f);
	assert_int_equal(wish.from, 101);
	assert_int_equal(wish.to, 102);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
}

static void
lagging_becomes_line_rate_when_proven_and_near(void **state)
{
	struct fixture *f = *state;

	next(f);
	ack(f, f->request, 100);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
	assert_int_equal(f->stream.match, 100);
	assert_int_equal(f->reports,
			 STREAM_RATE_UPDATE | STREAM_UPDATE_MATCH_INDEX);
}

static void
fault_l7_lagging_narrows_strictly_with_each_rejection(void **state)
{
	struct fixture *f = *state;
	rk_index before = f->stream.next;

	next(f);
	reject(f, f->request, 41, 0); /* Its log ends at 40. */
	assert_int_equal(f->stream.next, 41);
	while (f->stream.next > 1) {
		before = f->stream.next;
		next(f);
		/* Useless hints: the place that was asked about. */
		reject(f, f->request, before, 9);
		assert_true(f->stream.next < before);
		assert_int_equal(f->stream.match, 0);
	}
}

static void
fault_s4_lagging_streams_in_large_payloads_once_proven(void **state)
{
	struct fixture *f = *state;
	struct stream_wish wish;

	next(f);
	reject(f, f->request, 41, 0);
	wish = next(f);
	assert_int_equal(wish.from, 41);
	ack(f, f->request, wish.to - 1);
	assert_int_equal(f->stream.state, STREAM_LAGGING);
	/* A window of three payloads of ten, with nothing left out. */
	wish = next(f);
	assert_int_equal(wish.from, 42);
	assert_int_equal(wish.to, 52);
	wish = next(f);
	assert_int_equal(wish.from, 52);
	wish = next(f);
	assert_int_equal(wish.to, 72);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	ack(f, f->request - 2, 51);
	assert_int_equal(next(f).from, 72);
}

/* Line rate begins before the end is reached: what lies between goes first. */
static void
fault_s4_line_rate_begins_behind_the_match(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 91, 0);
	assert_int_equal(next(f).from, 91);
	ack(f, f->request, 91);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
	assert_int_equal(next(f).from, 92);
	grow(f, 1);
	assert_int_equal(next(f).to, 102);
}

static void
fault_l8_lagging_asks_for_a_snapshot_when_compacted(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 41, 0);
	compact(f, 50);
	assert_int_equal(next(f).type, STREAM_SENDS_SNAPSHOT);
	assert_int_equal(f->stream.state, STREAM_SNAPSHOTTING);
	assert_int_equal(f->reports, STREAM_NEEDS_SNAPSHOT);
	assert_int_equal(f->stream.as.snapshotting.index, 50);
	assert_int_equal(f->stream.match, 0); /* Nothing is proven by it. */
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
}

static void
lagging_uses_the_compacted_boundary_as_previous(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 51, 0);
	compact(f, 50);
	assert_int_equal(next(f).from, 51);
	assert_int_equal(f->stream.state, STREAM_LAGGING);
}

static void
line_rate_keeps_several_requests_in_flight(void **state)
{
	struct fixture *f = *state;
	struct stream_wish wish;

	prove(f);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	grow(f, 1);
	wish = next(f);
	assert_int_equal(wish.from, 101);
	assert_int_equal(wish.to, 102);
	grow(f, 2);
	wish = next(f);
	assert_int_equal(wish.from, 102);
	assert_int_equal(wish.to, 104);
	assert_int_equal(f->stream.window.count, 2);
	/* The later answer covers the earlier request. */
	ack(f, f->request, 103);
	assert_int_equal(f->stream.match, 103);
	assert_int_equal(f->stream.window.count, 0);
}

static void
line_rate_honours_the_limit_of_bytes_but_sends_one_entry(void **state)
{
	struct fixture *f = *state;
	uint32_t sizes[] = {600, 600, 5000};

	f->settings.max_payload_bytes = 1000;
	f->settings.max_inflight_bytes = 1000;
	prove(f);
	ledger_append(&f->ledger, 1, LEN(sizes), sizes);
	assert_int_equal(next(f).to, 102);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	ack(f, f->request, 101);
	assert_int_equal(next(f).to, 103);
	ack(f, f->request, 102);
	assert_int_equal(next(f).to, 104);
	assert_int_equal(f->stream.window.bytes, 5000);
}

static void
line_rate_becomes_lagging_when_far_behind(void **state)
{
	struct fixture *f = *state;

	prove(f);
	grow(f, 20);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
	grow(f, 1);
	assert_int_equal(f->stream.state, STREAM_LAGGING);
	assert_int_equal(f->reports, STREAM_RATE_UPDATE);
	assert_int_equal(f->stream.match, 100);
	/* And goes on sending: it is proven. */
	assert_int_equal(next(f).from, 101);
	assert_int_equal(next(f).from, 111);
}

static void
fault_l4_line_rate_begins_again_when_one_is_lost(void **state)
{
	struct fixture *f = *state;

	prove(f);
	grow(f, 15);
	next(f);
	next(f);
	lose(f, f->request - 1);
	assert_int_equal(f->stream.state, STREAM_LAGGING);
	assert_int_equal(f->stream.next, 101);
	assert_int_equal(f->stream.window.count, 0);
	/* Not at once: retries back off. */
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	assert_true(stream_deadline_ms(&f->stream) > f->view.now_ms);
	f->view.now_ms += f->settings.heartbeat_interval_ms;
	assert_int_equal(next(f).from, 101);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	ack(f, f->request, 110);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
	assert_int_equal(f->stream.retries, 1);
}

static void
line_rate_needs_a_snapshot_when_compacted_under_a_lost_window(void **state)
{
	struct fixture *f = *state;

	prove(f);
	grow(f, 15);
	next(f);
	compact(f, 105);
	/* What is in flight may yet arrive. */
	assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
	lose(f, 0);
	f->view.now_ms += 1000;
	assert_int_equal(next(f).type, STREAM_SENDS_SNAPSHOT);
}

static void
fault_l2_pauses_grow_to_a_timeout_and_end_with_success(void **state)
{
	struct fixture *f = *state;
	uint64_t longest_ms = 0;
	int i;

	for (i = 0; i < 40; i++) {
		uint64_t pause_ms;

		assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
		lose(f, f->request);
		pause_ms = f->stream.retry_ms - f->view.now_ms;
		if (pause_ms > longest_ms)
			longest_ms = pause_ms;
		f->view.now_ms += pause_ms;
	}
	assert_in_range(longest_ms, f->settings.election_timeout_min_ms / 2,
			f->settings.election_timeout_min_ms);
	assert_int_equal(f->stream.errors, 40);
	prove(f);
	assert_int_equal(f->stream.failures, 0);
}

static void
a_target_that_is_heard_again_is_retried_at_once(void **state)
{
	struct fixture *f = *state;

	next(f);
	f->view.now_ms += 10000;
	lose(f, f->request);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	step(f, (struct stream_event){.type = STREAM_EV_HEARD});
	assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
	/* But not if it was heard all the time: then waiting is due. */
	lose(f, f->request);
	step(f, (struct stream_event){.type = STREAM_EV_HEARD});
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
}

static void
any_answer_is_contact(void **state)
{
	struct fixture *f = *state;

	next(f);
	f->view.now_ms = 2000;
	reject(f, f->request, 101, 1);
	assert_int_equal(f->stream.contact_ms, 2000);
	f->view.now_ms = 3000;
	ack(f, 99, 5); /* Be it late. */
	assert_int_equal(f->stream.contact_ms, 3000);
	f->view.now_ms = 4000;
	lose(f, 0);
	assert_int_equal(f->stream.contact_ms, 3000);
}

static void
an_overdue_request_counts_as_lost(void **state)
{
	struct fixture *f = *state;

	next(f);
	f->view.now_ms += f->settings.request_timeout_ms;
	step(f, (struct stream_event){.type = STREAM_EV_TIME});
	assert_int_equal(f->stream.errors, 1);
	ack(f, f->request, 100); /* Late. */
	assert_int_equal(f->stream.match, 0);
	assert_false(f->stream.proven);
}

static void
fault_s20_a_late_reply_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct stream before;

	prove(f);
	grow(f, 3);
	next(f);
	before = f->stream;
	ack(f, 99, 103);
	reject(f, 99, 5, 1);
	ack(f, f->request, 104); /* More than was asked. */
	before.contact_ms = f->stream.contact_ms;
	assert_memory_equal(&before, &f->stream, sizeof before);
}

static void
fault_s20_match_never_falls_and_its_denial_is_counted(void **state)
{
	struct fixture *f = *state;

	prove(f);
	grow(f, 3);
	next(f);
	reject(f, f->request, 1, 0); /* A target that lost its disk. */
	assert_int_equal(f->stream.match, 100);
	assert_int_equal(f->stream.next, 101);
	assert_int_equal(f->stream.backwards, 1);
	assert_true(f->stream.retry_ms > f->view.now_ms);
}

static void
snapshotting_returns_to_lagging_when_installed(void **state)
{
	struct fixture *f = *state;
	uint64_t transfer;

	next(f);
	reject(f, f->request, 1, 0);
	compact(f, 50);
	next(f);
	transfer = f->request;
	step(f, (struct stream_event){.type = STREAM_EV_INSTALLED,
				      .request = transfer + 1,
				      .match = 50});
	assert_int_equal(f->stream.state, STREAM_SNAPSHOTTING);
	step(f, (struct stream_event){.type = STREAM_EV_INSTALLED,
				      .request = transfer,
				      .match = 50});
	assert_int_equal(f->stream.state, STREAM_LAGGING);
	assert_int_equal(f->stream.match, 50);
	assert_int_equal(f->stream.next, 51);
	assert_true(f->reports & STREAM_UPDATE_MATCH_INDEX);
	assert_int_equal(next(f).from, 51);
}

static void
snapshotting_to_the_last_index_resumes_without_a_write(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 1, 0);
	compact(f, 100);
	next(f);
	step(f, (struct stream_event){.type = STREAM_EV_INSTALLED,
				      .request = f->request,
				      .match = 100});
	assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
	ack(f, f->request, 100);
	assert_int_equal(f->stream.state, STREAM_LINE_RATE);
}

static void
snapshotting_tries_again_after_a_pause_when_it_failed(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 1, 0);
	compact(f, 50);
	next(f);
	step(f, (struct stream_event){.type = STREAM_EV_SNAPSHOT_FAILED,
				      .request = f->request});
	assert_int_equal(f->stream.state, STREAM_LAGGING);
	assert_int_equal(f->stream.match, 0);
	assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
	f->view.now_ms += 1000;
	assert_int_equal(next(f).type, STREAM_SENDS_SNAPSHOT);
}

static void
fault_l11_fault_l19_heartbeat_has_a_timer_of_its_own(void **state)
{
	struct fixture *f = *state;
	uint64_t interval_ms = f->settings.heartbeat_interval_ms;

	assert_false(stream_heartbeat(&f->stream, &f->view, false));
	prove(f);
	grow(f, 5);
	next(f);
	f->view.now_ms += interval_ms;
	assert_true(stream_heartbeat(&f->stream, &f->view, false));
	assert_false(stream_heartbeat(&f->stream, &f->view, false));
	/* Missed ticks are not made up for. */
	f->view.now_ms += 10 * interval_ms;
	assert_true(stream_heartbeat(&f->stream, &f->view, false));
	assert_false(stream_heartbeat(&f->stream, &f->view, false));
	assert_true(stream_heartbeat(&f->stream, &f->view, true));
}

static void
heartbeat_tells_no_more_than_is_proven(void **state)
{
	struct fixture *f = *state;

	f->view.commit = 90;
	assert_int_equal(stream_heartbeat_commit(&f->stream, &f->view), 0);
	prove(f);
	assert_int_equal(stream_heartbeat_commit(&f->stream, &f->view), 90);
}

static void
commit_is_told_soon_when_no_append_carries_it(void **state)
{
	struct fixture *f = *state;

	prove(f);
	f->view.commit = 100;
	step(f, (struct stream_event){.type = STREAM_EV_UPDATE_COMMIT_INDEX});
	assert_in_range(stream_deadline_ms(&f->stream), f->view.now_ms,
			f->view.now_ms + 20);
	f->view.now_ms = stream_deadline_ms(&f->stream);
	assert_true(stream_heartbeat(&f->stream, &f->view, false));
	assert_int_equal(stream_deadline_ms(&f->stream),
			 f->view.now_ms + f->settings.heartbeat_interval_ms);
}

/* End the stream; whatever comes then changes nothing. */
static void
end_for_good(struct fixture *f)
{
	rk_index match = f->stream.match;
	enum stream_event_type type;

	step(f, (struct stream_event){.type = STREAM_EV_TERMINATE});
	assert_int_equal(f->stream.state, STREAM_SHUTDOWN);
	assert_true(f->reports & STREAM_ENDED);
	assert_true(stream_deadline_ms(&f->stream) == UINT64_MAX);
	grow(f, 5);
	for (type = STREAM_EV_REPLICATE; type <= STREAM_EV_SNAPSHOT_FAILED;
	     type++) {
		step(f, (struct stream_event){.type = type,
					      .request = f->request,
					      .match = 100});
		assert_int_equal(f->stream.state, STREAM_SHUTDOWN);
		assert_int_equal(f->stream.match, match);
		assert_int_equal(next(f).type, STREAM_SENDS_NOTHING);
		assert_false(stream_heartbeat(&f->stream, &f->view, true));
	}
}

static void
fault_l3_terminate_is_final_in_every_state(void **state)
{
	struct fixture *f = *state;

	next(f);
	end_for_good(f);
	stream_init(&f->stream, 2, 8, &f->view);
	prove(f);
	end_for_good(f);
	stream_init(&f->stream, 2, 9, &f->view);
	next(f);
	reject(f, f->request, 1, 0);
	compact(f, 50);
	assert_int_equal(next(f).type, STREAM_SENDS_SNAPSHOT);
	end_for_good(f);
}

/* One that nobody answers repeats what was lost, and still learns everything
 * at once: what is new, what is committed, and that it is to end. */
static void
fault_l1_stream_that_repeats_is_not_deaf(void **state)
{
	struct fixture *f = *state;
	struct stream_wish wish;
	int i;

	prove(f);
	for (i = 0; i < 20; i++) {
		grow(f, 1);
		while (next(f).type != STREAM_SENDS_NOTHING)
			;
		assert_in_range(f->stream.window.count, 0, 3);
		lose(f, 0);
		f->view.now_ms += 1000;
	}
	f->view.commit = 105;
	wish = next(f);
	assert_int_equal(wish.from, 101);
	assert_int_equal(wish.to, 111); /* Not merely what was lost. */
	assert_int_equal(f->stream.commit_told, 105);
	lose(f, f->request);
	end_for_good(f);
}

/* Every snapshot that there is reaches to the log, so any will do. */
static void
fault_l9_old_snapshot_is_sent_all_the_same(void **state)
{
	struct fixture *f = *state;

	next(f);
	reject(f, f->request, 1, 0);
	compact(f, 50);
	grow(f, 100000);
	assert_int_equal(next(f).type, STREAM_SENDS_SNAPSHOT);
	assert_int_equal(f->stream.as.snapshotting.index, 50);
	step(f, (struct stream_event){.type = STREAM_EV_INSTALLED,
				      .request = f->request,
				      .match = 50});
	assert_int_equal(next(f).from, 51);
}

static void
fault_l10_large_payload_has_longer_to_arrive(void **state)
{
	struct fixture *f = *state;
	const uint32_t sizes[] = {100, 8 << 20};
	uint64_t least_ms = f->view.now_ms + f->settings.request_timeout_ms;

	f->settings.max_payload_bytes = 16 << 20;
	f->settings.max_inflight_bytes = 16 << 20;
	f->settings.max_payload_entries = 1;
	prove(f);
	ledger_append(&f->ledger, 1, LEN(sizes), sizes);
	assert_int_equal(next(f).deadline_ms, least_ms);
	assert_int_equal(next(f).deadline_ms, least_ms + (8 << 10));
	/* Neither is late when a heartbeat is due, and that is not held up. */
	f->view.now_ms += f->settings.heartbeat_interval_ms;
	step(f, (struct stream_event){.type = STREAM_EV_TIME});
	assert_int_equal(f->stream.window.count, 2);
	assert_true(stream_heartbeat(&f->stream, &f->view, false));
}

/* Whatever a rejection says: another request at once, or after a pause. */
static void
fault_l16_every_rejection_is_followed_by_a_request(void **state)
{
	struct fixture *f = *state;
	struct prng prng;
	int i;

	prng_init(&prng, unit_seed());
	for (i = 0; i < 1000; i++) {
		stream_init(&f->stream, 2, 7, &f->view);
		if (prng_range(&prng, 0, 2) == 0)
			prove(f);
		grow(f, 1);
		assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
		reject(f, f->request, prng_range(&prng, 0, 2000),
		       prng_range(&prng, 0, 4));
		if (next(f).type != STREAM_SENDS_NOTHING)
			continue;
		assert_in_range(f->stream.retry_ms, f->view.now_ms + 1,
				f->view.now_ms +
					f->settings.election_timeout_min_ms);
		f->view.now_ms = f->stream.retry_ms;
		assert_int_equal(next(f).type, STREAM_SENDS_APPEND);
	}
}

static void
newer_term_reverts_the_leader_and_ends_the_stream(void **state)
{
	struct fixture *f = *state;

	prove(f);
	step(f, (struct stream_event){.type = STREAM_EV_NEWER_TERM});
	assert_int_equal(f->stream.state, STREAM_SHUTDOWN);
	assert_true(f->reports & STREAM_REVERT_TO_FOLLOWER);
	assert_true(f->reports & STREAM_ENDED);
}

/* Any event at any time, sense or nonsense: stream_step() checks itself. */
static void
any_walk_keeps_the_invariants(void **state)
{
	struct fixture *f = *state;
	struct prng prng;
	rk_index match = 0;
	int i;

	prng_init(&prng, unit_seed());
	for (i = 0; i < 100000; i++) {
		struct stream_event ev = {
			.type = (enum stream_event_type)prng_range(
				&prng, 0, STREAM_EV_SNAPSHOT_FAILED + 1),
			.request = f->request - prng_range(&prng, 0, 5),
			.match = prng_range(&prng, 0, f->ledger.last + 3),
			.conflict = {prng_range(&prng, 0, f->ledger.last + 3),
				     prng_range(&prng, 0, 4)},
		};

		if (ev.type == STREAM_EV_TERMINATE ||
		    ev.type == STREAM_EV_NEWER_TERM)
			ev.type = STREAM_EV_TIME;
		if (prng_range(&prng, 0, 4) == 0)
			ledger_append(&f->ledger, 1, 1, NULL);
		if (f->ledger.last > f->ledger.snapshot.last.index &&
		    prng_range(&prng, 0, 400) == 0)
			compact(f, prng_range(&prng,
					      f->ledger.snapshot.last.index + 1,
					      f->ledger.last + 1));
		f->view.now_ms += prng_range(&prng, 0, 100);
		step(f, ev);
		while (next(f).type != STREAM_SENDS_NOTHING)
			;
		assert_true(f->stream.match >= match);
		match = f->stream.match;
	}
	assert_true(match > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(fault_l6_starts_with_nothing_proven_and_probes_at_once),
		TEST(lagging_probes_with_one_request_and_little_in_it),
		TEST(lagging_becomes_line_rate_when_proven_and_near),
		TEST(fault_l7_lagging_narrows_strictly_with_each_rejection),
		TEST(fault_s4_lagging_streams_in_large_payloads_once_proven),
		TEST(fault_s4_line_rate_begins_behind_the_match),
		TEST(fault_l8_lagging_asks_for_a_snapshot_when_compacted),
		TEST(lagging_uses_the_compacted_boundary_as_previous),
		TEST(line_rate_keeps_several_requests_in_flight),
		TEST(line_rate_honours_the_limit_of_bytes_but_sends_one_entry),
		TEST(line_rate_becomes_lagging_when_far_behind),
		TEST(fault_l4_line_rate_begins_again_when_one_is_lost),
		TEST(line_rate_needs_a_snapshot_when_compacted_under_a_lost_window),
		TEST(fault_l2_pauses_grow_to_a_timeout_and_end_with_success),
		TEST(a_target_that_is_heard_again_is_retried_at_once),
		TEST(any_answer_is_contact),
		TEST(an_overdue_request_counts_as_lost),
		TEST(fault_s20_a_late_reply_changes_nothing),
		TEST(fault_s20_match_never_falls_and_its_denial_is_counted),
		TEST(snapshotting_returns_to_lagging_when_installed),
		TEST(snapshotting_to_the_last_index_resumes_without_a_write),
		TEST(snapshotting_tries_again_after_a_pause_when_it_failed),
		TEST(fault_l11_fault_l19_heartbeat_has_a_timer_of_its_own),
		TEST(heartbeat_tells_no_more_than_is_proven),
		TEST(commit_is_told_soon_when_no_append_carries_it),
		TEST(fault_l3_terminate_is_final_in_every_state),
		TEST(fault_l1_stream_that_repeats_is_not_deaf),
		TEST(fault_l9_old_snapshot_is_sent_all_the_same),
		TEST(fault_l10_large_payload_has_longer_to_arrive),
		TEST(fault_l16_every_rejection_is_followed_by_a_request),
		TEST(newer_term_reverts_the_leader_and_ends_the_stream),
		TEST(any_walk_keeps_the_invariants),
	};

	return unit_run("stream", tests, LEN(tests));
}
