/* test_core_hostile.c - whatever a peer or a client sends, a core stays whole.
 *
 * One core among peers that lie: messages with plausible and with absurd
 * numbers, in any order, mixed with honest confirmations of its own disk. */

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "core/configuration.h"
#include "core/core.h"

#define RUNS_MAX    4
#define ENTRIES_MAX 12
#define SENT_MAX    16

struct hostile {
	struct prng prng;
	struct core *core;
	uint64_t now_ms;
	uint64_t seq;                  /* The newest write it asked for. */
	struct message sent[SENT_MAX]; /* Its newest requests, anywhere. */
	uint64_t sent_count;
	struct effect_snapshot_send transfer; /* The newest. */
	struct term_run runs[RUNS_MAX];
	uint32_t sizes[ENTRIES_MAX];
	struct configuration_at configurations[2];
	uint64_t kindness; /* For so many steps nobody lies. */
	uint64_t accepted;
	uint64_t refused;
};

static uint64_t
below(struct hostile *h, uint64_t n)
{
	return prng_range(&h->prng, 0, n);
}

/* Near what is so, or far from everything. */
static uint64_t
number(struct hostile *h, uint64_t truth)
{
	static const uint64_t absurd[] = {0,
					  1,
					  LIMIT_NUMBER,
					  LIMIT_NUMBER + 1,
					  UINT64_MAX,
					  UINT64_MAX - 1,
					  LIMIT_TERM_STEP,
					  UINT64_C(1) << 63};

	if (below(h, 30) == 0)
		return absurd[below(h, LEN(absurd))];
	if (below(h, 2) == 0)
		return truth;
	return truth + below(h, 6) - (truth < 3 ? truth : 3);
}

static struct log_end
place(struct hostile *h)
{
	rk_index index = below(h, 2) == 0
				 ? core_last(h->core).index
				 : below(h, core_last(h->core).index + 1);
	struct log_end at = {number(h, index), core_term_at(h->core, index)};

	if (below(h, 3) == 0)
		at.term = number(h, at.term);
	return at;
}

static struct id_set
set(struct hostile *h)
{
	struct id_set s = {.count = 0};
	size_t count = (size_t)below(h, 5);
	size_t i;

	if (below(h, 20) == 0) { /* Out of order, doubled, with 0. */
		s.count = count;
		for (i = 0; i < count; i++)
			s.ids[i] = below(h, 4);
		return s;
	}
	for (i = 0; i < count; i++)
		id_set_add(&s, 1 + below(h, 6));
	return s;
}

static struct configuration
configuration(struct hostile *h)
{
	struct configuration c = {.voters = set(h)};

	if (below(h, 3) == 0)
		c.old = set(h);
	if (below(h, 3) == 0)
		c.learners = set(h);
	return c;
}

static void
append(struct hostile *h, struct message *m)
{
	struct message_append *a = &m->as.append;
	rk_term term;
	size_t i;

	a->prev = place(h);
	a->commit = number(h, core_commit(h->core));
	a->runs = h->runs;
	a->sizes = h->sizes;
	a->run_count = (size_t)below(h, RUNS_MAX);
	term = a->prev.term;
	for (i = 0; i < a->run_count; i++) {
		term += below(h, 3);
		h->runs[i].term = number(h, term);
		h->runs[i].count = 1 + below(h, 3);
		a->count += h->runs[i].count;
		if (below(h, 30) == 0)
			h->runs[i].count = number(h, 3);
	}
	if (below(h, 30) == 0)
		a->count = below(h, ENTRIES_MAX);
	a->configurations = h->configurations;
	a->configuration_count = (size_t)below(h, 3);
	for (i = 0; i < a->configuration_count; i++)
		h->configurations[i] = (struct configuration_at){
			number(h, a->prev.index + 1 + i), configuration(h)};
}

static void
fill(struct hostile *h, struct message *m)
{
	switch (m->type) {
	case MESSAGE_VOTE:
		m->as.vote.pre = below(h, 2);
		m->as.vote.transfer = below(h, 5) == 0;
		m->as.vote.last = place(h);
		break;
	case MESSAGE_VOTE_REPLY:
		m->as.vote_reply.pre = below(h, 2);
		m->as.vote_reply.granted = below(h, 4) != 0;
		break;
	case MESSAGE_APPEND:
		append(h, m);
		break;
	case MESSAGE_APPEND_REPLY:
		m->as.append_reply.success = below(h, 2);
		m->as.append_reply.match = number(h, core_last(h->core).index);
		m->as.append_reply.conflict = place(h);
		m->as.append_reply.last = number(h, core_last(h->core).index);
		break;
	case MESSAGE_HEARTBEAT:
		m->as.heartbeat.commit = number(h, core_commit(h->core));
		break;
	case MESSAGE_HEARTBEAT_REPLY:
		m->as.heartbeat_reply.round = below(h, 5);
		m->as.heartbeat_reply.last = place(h).index;
		break;
	case MESSAGE_SNAPSHOT:
		m->as.snapshot.meta.last = place(h);
		m->as.snapshot.meta.configuration.index = place(h).index;
		m->as.snapshot.meta.configuration.configuration =
			configuration(h);
		break;
	case MESSAGE_SNAPSHOT_REPLY:
	case MESSAGE_TIMEOUT_NOW:
	case MESSAGE_TIMEOUT_NOW_REPLY:
		break;
	}
}

static void
note(struct hostile *h, const struct effects *effects)
{
	size_t i;

	if (effects->persist.seq != 0)
		h->seq = effects->persist.seq;
	for (i = 0; i < effects->send_count; i++) {
		const struct message *m = &effects->send[i].message;

		if (m->type == MESSAGE_VOTE || m->type == MESSAGE_APPEND ||
		    m->type == MESSAGE_HEARTBEAT)
			h->sent[h->sent_count++ % SENT_MAX] = *m;
	}
	if (effects->snapshot_send_count > 0)
		h->transfer = effects->snapshot_send[0];
}

static int
step(struct hostile *h, struct event ev)
{
	struct effects effects;
	int rc;

	ev.now_ms = h->now_ms;
	rc = core_step(h->core, &ev, &effects);
	core_check(h->core);
	if (rc == CORE_OK) {
		h->accepted++;
		note(h, &effects);
	} else {
		h->refused++;
		assert_int_equal(effects.send_count, 0);
		assert_int_equal(effects.persist.seq, 0);
		assert_int_equal(effects.result_count, 0);
	}
	if (effects.apply.from != effects.apply.to)
		step(h, (struct event){.type = EVENT_APPLIED,
				       .as.applied = effects.apply.to - 1});
	return rc;
}

/* A reply to something that it did ask, and perhaps even an honest one. */
static void
answer(struct hostile *h)
{
	uint64_t known = h->sent_count < SENT_MAX ? h->sent_count : SENT_MAX;
	struct message asked;
	struct message m;

	if (known == 0)
		return;
	asked = h->sent[(h->sent_count - 1 - below(h, known)) % SENT_MAX];
	m = (struct message){
		.type = (enum message_type)(asked.type + 1),
		.from = asked.to,
		.to = 1,
		.term = core_term(h->core),
		.stream = asked.stream,
		.request = asked.request,
	};
	fill(h, &m);
	if (m.type == MESSAGE_VOTE_REPLY)
		m.as.vote_reply.pre = asked.as.vote.pre;
	if (m.type == MESSAGE_APPEND_REPLY && below(h, 2) == 0)
		m.as.append_reply.match =
			asked.as.append.prev.index + asked.as.append.count;
	if (m.type == MESSAGE_HEARTBEAT_REPLY)
		m.as.heartbeat_reply.round =
			number(h, asked.as.heartbeat.round);
	step(h, (struct event){.type = EVENT_RECEIVE, .as.receive = &m});
}

static void
lie(struct hostile *h)
{
	struct message m = {.to = 1, .stream = 1, .request = below(h, 99)};

	m.type = (enum message_type)below(h, MESSAGE_TIMEOUT_NOW_REPLY + 1);
	m.from = below(h, 4) == 0 ? core_leader(h->core) : 2 + below(h, 3);
	m.term = core_term(h->core);
	if (below(h, 20) == 0)
		m.term = number(h, m.term);
	if (below(h, 30) == 0)
		m.from = number(h, 1);
	if (below(h, 30) == 0)
		m.to = 2;
	fill(h, &m);
	step(h, (struct event){.type = EVENT_RECEIVE, .as.receive = &m});
	if (m.type == MESSAGE_SNAPSHOT && below(h, 2) == 0)
		step(h, (struct event){.type = EVENT_SNAPSHOT_RECEIVED,
				       .as.snapshot_received =
					       m.as.snapshot.meta});
}

static void
use(struct hostile *h)
{
	struct event ev = {
		.type = (enum event_type)below(h, EVENT_COMPACTED + 1)};
	uint32_t sizes[4] = {1, UINT32_MAX, 3, 0};

	switch (ev.type) {
	case EVENT_TIME:
		h->now_ms += below(h, below(h, 20) == 0 ? 1200 : 100);
		break;
	case EVENT_PROPOSE:
		ev.as.propose.count = below(h, 5);
		ev.as.propose.sizes = sizes;
		break;
	case EVENT_CONFIGURE:
		ev.as.configure.voters = set(h);
		ev.as.configure.learners = set(h);
		ev.as.configure.always = below(h, 2);
		break;
	case EVENT_TRANSFER:
		ev.as.transfer_to = below(h, 6);
		break;
	case EVENT_PERSISTED:
		ev.as.persisted_seq = below(h, 9) ? h->seq : number(h, h->seq);
		break;
	case EVENT_SNAPSHOT_TAKEN:
		core_snapshot_meta(h->core, &ev.as.snapshot_taken);
		if (below(h, 10) == 0)
			ev.as.snapshot_taken.last = place(h);
		break;
	case EVENT_SNAPSHOT_SENT:
		ev.as.snapshot_sent = (struct event_snapshot_sent){
			.peer = h->transfer.peer,
			.stream = h->transfer.stream,
			.request = number(h, h->transfer.request),
			.outcome = below(h, 2) == 0 ? SNAPSHOT_INSTALLED
						    : SNAPSHOT_FAILED,
			.match = place(h),
		};
		break;
	case EVENT_PEER_UNREACHABLE:
		ev.as.unreachable = (struct event_peer_unreachable){
			2 + below(h, 3), below(h, 3), number(h, 40)};
		break;
	case EVENT_COMPACTED:
		ev.as.compacted = place(h);
		break;
	case EVENT_PERSIST_FAILED: /* Would end it all. */
	case EVENT_RECEIVE:
		ev.type = EVENT_CAMPAIGN;
		break;
	case EVENT_CAMPAIGN:
	case EVENT_READ:
	case EVENT_APPLIED:
	case EVENT_SNAPSHOT_RECEIVED:
		break;
	}
	step(h, ev);
}

static void
torment(uint64_t seed, uint64_t steps)
{
	struct hostile h = {.now_ms = 0};
	struct core_settings settings;
	struct core_start start = {.now_ms = 0};
	uint64_t i;

	prng_init(&h.prng, seed);
	core_settings_init(&settings);
	settings.id = 1;
	settings.seed = seed;
	settings.max_payload_entries = 1 + below(&h, 5);
	settings.trailing_entries = below(&h, 5);
	settings.snapshot_logs_since_last = below(&h, 10);
	settings.pre_vote = below(&h, 2);
	settings.check_quorum = below(&h, 2);
	for (i = 1; i <= 3; i++)
		id_set_add(&start.initial.voters, i);
	h.core = core_new(&settings, &start);
	for (i = 0; i < steps; i++) {
		uint64_t what = below(&h, 8);

		if (what < 3)
			use(&h);
		else if (what < 6 || h.kindness > 0)
			answer(&h);
		else
			lie(&h);
		/* Long enough without lies to become leader now and then. */
		if (h.kindness > 0)
			h.kindness--;
		else if (below(&h, 100) == 0)
			h.kindness = below(&h, 100);
	}
	assert_true(h.accepted > 0);
	assert_true(h.refused > 0);
	core_free(h.core);
}

static void
lies_are_answered_or_refused_and_nothing_breaks(void **state)
{
	const char *text = getenv("STEPS");
	uint64_t steps = text != NULL ? strtoull(text, NULL, 0) : 3000;
	uint64_t seed = unit_seed();
	uint64_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		printf("# walk SEED=%" PRIu64 "\n", seed + i);
		fflush(stdout);
		torment(seed + i, steps);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			lies_are_answered_or_refused_and_nothing_breaks),
	};

	return unit_run("core_hostile", tests, LEN(tests));
}
