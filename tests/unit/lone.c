/* lone.c - one core, member 1, and a test that plays everybody else. */

#include "lone.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "core/configuration.h"

void
lone_init(struct lone *l, unsigned int voters)
{
	*l = (struct lone){.now_ms = 100000};
	core_settings_init(&l->settings);
	l->settings.id = 1;
	l->settings.seed = 1;
	l->start.now_ms = l->now_ms;
	for (; voters > 0; voters /= 10)
		id_set_add(&l->start.initial.voters, voters % 10);
}

void
lone_close(struct lone *l)
{
	core_free(l->core);
}

void
lone_log(struct lone *l, const char *terms)
{
	size_t i;

	for (i = 0; terms[i] != '\0'; i++) {
		assert(i < LEN(l->runs));
		l->runs[i] = (struct term_run){(rk_term)(terms[i] - '0'), 1};
		l->start.hard_state.term = l->runs[i].term;
	}
	l->start.runs = l->runs;
	l->start.run_count = i;
}

void
lone_start(struct lone *l)
{
	l->core = core_new(&l->settings, &l->start);
}

int
lone_setup(void **state)
{
	*state = mem_alloc(1, sizeof(struct lone));
	lone_init(*state, 123);
	lone_start(*state);
	return 0;
}

int
lone_teardown(void **state)
{
	lone_close(*state);
	mem_free(*state);
	return 0;
}

int
lone_step(struct lone *l, struct event ev)
{
	size_t i;

	ev.now_ms = l->now_ms;
	l->rc = core_step(l->core, &ev, &l->effects);
	core_check(l->core);
	if (l->effects.persist.seq != 0)
		l->seq = l->effects.persist.seq;
	for (i = 0; i < l->effects.send_count; i++) {
		const struct message *m = &l->effects.send[i].message;

		if (m->type == MESSAGE_APPEND && m->to < LEN(l->appends))
			l->appends[m->to] = *m;
	}
	return l->rc;
}

void
lone_pass(struct lone *l, uint64_t ms)
{
	l->now_ms += ms;
	lone_step(l, (struct event){.type = EVENT_TIME});
}

void
lone_time_out(struct lone *l)
{
	lone_pass(l, l->settings.election_timeout_max_ms);
}

void
lone_persist(struct lone *l)
{
	lone_step(l, (struct event){.type = EVENT_PERSISTED,
				    .as.persisted_seq = l->seq});
}

int
lone_receive(struct lone *l, struct message m)
{
	m.to = 1;
	if (m.request == 0)
		m.request = ++l->request;
	return lone_step(
		l, (struct event){.type = EVENT_RECEIVE, .as.receive = &m});
}

int
lone_append(struct lone *l, rk_id from, rk_term term, struct log_end prev,
	    const char *terms, rk_index commit)
{
	struct term_run runs[64];
	struct message m = {
		.type = MESSAGE_APPEND,
		.from = from,
		.term = term,
		.stream = 1,
		.as.append = {.prev = prev,
			      .commit = commit,
			      .count = strlen(terms),
			      .runs = runs,
			      .run_count = strlen(terms),
			      .sizes = l->sizes},
	};
	size_t i;

	for (i = 0; terms[i] != '\0'; i++)
		runs[i] = (struct term_run){(rk_term)(terms[i] - '0'), 1};
	return lone_receive(l, m);
}

int
lone_heartbeat(struct lone *l, rk_id from, rk_term term, rk_index commit)
{
	return lone_receive(l, (struct message){
				       .type = MESSAGE_HEARTBEAT,
				       .from = from,
				       .term = term,
				       .stream = 1,
				       .as.heartbeat.commit = commit,
			       });
}

int
lone_vote(struct lone *l, rk_id from, rk_term term, struct log_end last)
{
	return lone_receive(l, (struct message){
				       .type = MESSAGE_VOTE,
				       .from = from,
				       .term = term,
				       .as.vote.last = last,
			       });
}

int
lone_pre_vote(struct lone *l, rk_id from, rk_term term, struct log_end last)
{
	return lone_receive(l, (struct message){
				       .type = MESSAGE_VOTE,
				       .from = from,
				       .term = term,
				       .as.vote = {.pre = true, .last = last},
			       });
}

int
lone_propose(struct lone *l, uint64_t count)
{
	assert(count <= LEN(l->sizes));
	return lone_step(l, (struct event){
				    .type = EVENT_PROPOSE,
				    .as.propose = {.token = 77,
						   .count = count,
						   .sizes = l->sizes},
			    });
}

/* 2 and 3 grant whatever vote was asked for in the last step. */
static void
grant(struct lone *l)
{
	struct message asked[LIMIT_MEMBERS];
	size_t count = l->effects.send_count;
	size_t i;

	for (i = 0; i < count; i++)
		asked[i] = l->effects.send[i].message;
	lone_persist(l);
	for (i = 0; i < count; i++) {
		if (core_role(l->core) == ROLE_LEADER)
			return;
		assert(asked[i].type == MESSAGE_VOTE);
		lone_receive(
			l,
			(struct message){
				.type = MESSAGE_VOTE_REPLY,
				.from = asked[i].to,
				.term = asked[i].as.vote.pre ? asked[i].term - 1
							     : asked[i].term,
				.request = asked[i].request,
				.as.vote_reply = {asked[i].as.vote.pre, true},
			});
		if (asked[i].as.vote.pre &&
		    core_role(l->core) == ROLE_CANDIDATE)
			return;
	}
}

void
lone_lead(struct lone *l)
{
	lone_time_out(l);
	if (core_role(l->core) == ROLE_PRE_CANDIDATE)
		grant(l);
	grant(l);
	assert(core_role(l->core) == ROLE_LEADER);
}

const struct effect_send *
lone_sent(const struct lone *l, enum message_type type, rk_id to)
{
	size_t i;

	for (i = l->effects.send_count; i > 0; i--)
		if (l->effects.send[i - 1].message.type == type &&
		    l->effects.send[i - 1].message.to == to)
			return &l->effects.send[i - 1];
	return NULL;
}

void
lone_ack(struct lone *l, rk_id from)
{
	struct message asked = l->appends[from];
	rk_index match = asked.as.append.prev.index + asked.as.append.count;

	assert(asked.to == from);
	lone_receive(l, (struct message){
				.type = MESSAGE_APPEND_REPLY,
				.from = from,
				.term = asked.term,
				.stream = asked.stream,
				.request = asked.request,
				.as.append_reply = {.success = true,
						    .match = match,
						    .last = match},
			});
}

bool
lone_granted(const struct lone *l)
{
	assert(l->effects.send_count == 1);
	assert(l->effects.send[0].message.type == MESSAGE_VOTE_REPLY);
	return l->effects.send[0].message.as.vote_reply.granted;
}

const struct message_append_reply *
lone_reply(const struct lone *l)
{
	assert(l->effects.send_count == 1);
	assert(l->effects.send[0].message.type == MESSAGE_APPEND_REPLY);
	return &l->effects.send[0].message.as.append_reply;
}

const char *
lone_terms(struct lone *l, char text[64])
{
	size_t i = 0;

	for (; i < core_last(l->core).index && i < 63; i++)
		text[i] = (char)('0' + (int)core_term_at(l->core, i + 1));
	text[i] = '\0';
	return text;
}
