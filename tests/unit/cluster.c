/* cluster.c - some cores, a bag of messages, and disks that forget. */

#include "cluster.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/configuration.h"

struct cluster_member *
cluster_member(struct cluster *k, rk_id id)
{
	assert(id >= 1);
	assert(id <= k->count);
	return &k->members[id - 1];
}

static struct cluster_entry *
disk_entry(struct cluster_disk *d, rk_index index)
{
	d->entries = mem_grow(d->entries, &d->cap, (size_t)index + 1,
			      sizeof d->entries[0]);
	return &d->entries[index];
}

static const struct configuration *
keep(struct cluster *k, const struct configuration *c)
{
	k->pool = mem_grow(k->pool, &k->pool_cap, k->pool_count + 1,
			   sizeof k->pool[0]);
	k->pool[k->pool_count] = mem_dup(c, sizeof *c);
	return k->pool[k->pool_count++];
}

static void
mail_close(struct cluster_mail *mail)
{
	if (mail->message.type != MESSAGE_APPEND)
		return;
	mem_free((void *)mail->message.as.append.runs);
	mem_free((void *)mail->message.as.append.sizes);
	mem_free((void *)mail->message.as.append.configurations);
}

static struct cluster_mail
mail_copy(const struct message *message, uint64_t gate)
{
	struct cluster_mail mail = {.message = *message, .gate = gate};
	struct message_append *a = &mail.message.as.append;

	if (message->type != MESSAGE_APPEND)
		return mail;
	a->runs = mem_dup(a->runs, a->run_count * sizeof a->runs[0]);
	a->sizes = mem_dup(a->sizes, (size_t)a->count * sizeof a->sizes[0]);
	a->configurations =
		mem_dup(a->configurations,
			a->configuration_count * sizeof a->configurations[0]);
	return mail;
}

static bool
is_confirmed(const struct cluster_member *m, uint64_t gate)
{
	return m->write_count == 0 || m->writes[0].seq > gate;
}

static void
put(struct cluster *k, struct cluster_mail mail)
{
	k->bag = mem_grow(k->bag, &k->bag_cap, k->bag_count + 1,
			  sizeof k->bag[0]);
	k->bag[k->bag_count++] = mail;
}

static void
release(struct cluster *k, struct cluster_member *m)
{
	size_t stay = 0;
	size_t i;

	for (i = 0; i < m->held_count; i++) {
		if (is_confirmed(m, m->held[i].gate)) {
			cluster_check_leaving(k, m, &m->held[i].message);
			put(k, m->held[i]);
		} else {
			m->held[stay++] = m->held[i];
		}
	}
	m->held_count = stay;
}

static void
post(struct cluster_member *m, const struct message *message, uint64_t gate)
{
	m->held = mem_grow(m->held, &m->held_cap, m->held_count + 1,
			   sizeof m->held[0]);
	m->held[m->held_count++] = mail_copy(message, gate);
}

static const struct configuration *
configuration_of(const struct event *ev, const struct effect_persist *persist,
		 rk_index index)
{
	const struct message_append *a;
	size_t i;

	if (persist->append_type == RK_ENTRY_CONFIGURATION)
		return persist->configuration;
	if (ev->type != EVENT_RECEIVE || ev->as.receive->type != MESSAGE_APPEND)
		return NULL;
	a = &ev->as.receive->as.append;
	for (i = 0; i < a->configuration_count; i++)
		if (a->configurations[i].index == index)
			return &a->configurations[i].configuration;
	return NULL;
}

static uint32_t
size_of(const struct event *ev, const struct effect_persist *persist,
	rk_index index)
{
	if (persist->append_type != RK_ENTRY_DATA)
		return 0;
	if (ev->type == EVENT_PROPOSE)
		return ev->as.propose.sizes[index - persist->append_from];
	return ev->as.receive->as.append
		.sizes[index - ev->as.receive->as.append.prev.index - 1];
}

/* Queue what the step wants written. */
static void
begin_write(struct cluster *k, struct cluster_member *m, const struct event *ev)
{
	const struct effect_persist *persist = &m->effects.persist;
	struct cluster_write w = {
		.seq = persist->seq,
		.has_hard_state = persist->has_hard_state,
		.hard_state = persist->hard_state,
		.truncate_from = persist->truncate_from,
		.from = persist->append_from,
		.count = persist->append_to - persist->append_from,
	};
	uint64_t i;

	if (persist->seq == 0)
		return;
	w.entries = mem_alloc((size_t)w.count, sizeof w.entries[0]);
	for (i = 0; i < w.count; i++) {
		const struct configuration *c =
			configuration_of(ev, persist, w.from + i);

		w.entries[i].term = core_term_at(m->core, w.from + i);
		w.entries[i].size = size_of(ev, persist, w.from + i);
		w.entries[i].configuration = c == NULL ? NULL : keep(k, c);
		if (persist->append_term != 0)
			assert(w.entries[i].term == persist->append_term);
	}
	if (m->effects.snapshot_install) {
		assert(m->effects.install.seq == persist->seq);
		w.resets = !m->effects.install.keep_tail;
		w.reset_to = m->effects.install.meta.last;
	}
	m->writes = mem_grow(m->writes, &m->write_cap, m->write_count + 1,
			     sizeof m->writes[0]);
	m->writes[m->write_count++] = w;
}

static void
ask_to_send(struct cluster *k, struct cluster_member *m)
{
	size_t i;

	for (i = 0; i < m->effects.send_count; i++)
		post(m, &m->effects.send[i].message, m->effects.send[i].gate);
	for (i = 0; i < m->effects.snapshot_send_count; i++) {
		const struct effect_snapshot_send *s =
			&m->effects.snapshot_send[i];
		struct message message = {
			.type = MESSAGE_SNAPSHOT,
			.from = m->id,
			.to = s->peer,
			.term = core_term(m->core),
			.stream = s->stream,
			.request = s->request,
			.as.snapshot = {.meta = s->meta,
					.transfer = s->request,
					.chunk_bytes = 1,
					.total_bytes = 1,
					.done = true},
		};

		k->snapshots_sent++;
		post(m, &message, 0);
	}
}

static void
carry_out(struct cluster *k, struct cluster_member *m, const struct event *ev)
{
	const struct effects *effects = &m->effects;

	begin_write(k, m, ev);
	if (effects->snapshot_install) {
		m->disk.snapshot = effects->install.meta;
		m->applied = m->to_apply = effects->install.meta.last.index;
		k->installs++;
	}
	ask_to_send(k, m);
	release(k, m);
	if (effects->apply.from != effects->apply.to) {
		assert(effects->apply.from == m->to_apply + 1);
		m->to_apply = effects->apply.to - 1;
	}
	m->wants_snapshot |= effects->snapshot_take;
}

int
cluster_step(struct cluster *k, rk_id id, struct event ev)
{
	struct cluster_member *m = cluster_member(k, id);
	struct log_end compact;
	int rc;

	if (m->core == NULL)
		return CORE_SHUTDOWN;
	ev.now_ms = k->now_ms;
	k->steps++;
	rc = core_step(m->core, &ev, &m->effects);
	m->deadline_ms = m->effects.deadline_ms;
	cluster_check_member(k, m);
	cluster_check_results(k, &m->effects);
	if (rc != CORE_OK)
		return rc;
	carry_out(k, m, &ev);
	compact = m->effects.compact;
	if (compact.index != 0) {
		struct effects effects = m->effects;

		m->disk.compacted = compact;
		rc = cluster_step(k, id,
				  (struct event){.type = EVENT_COMPACTED,
						 .as.compacted = compact});
		effects.send_count = 0; /* Not valid any more. */
		m->effects = effects;
	}
	return rc;
}

void
cluster_persist(struct cluster *k, rk_id id, size_t count)
{
	struct cluster_member *m = cluster_member(k, id);
	struct event ev = {.type = EVENT_PERSISTED};
	size_t i, j;

	if (m->paused)
		return;
	if (count > m->write_count)
		count = m->write_count;
	if (count == 0)
		return;
	for (i = 0; i < count; i++) {
		struct cluster_write *w = &m->writes[i];
		struct cluster_disk *d = &m->disk;

		if (w->has_hard_state)
			d->hard_state = w->hard_state;
		if (w->resets) {
			d->compacted = w->reset_to;
			d->last = w->reset_to.index;
		}
		if (w->truncate_from != 0 && w->truncate_from <= d->last)
			d->last = w->truncate_from - 1;
		for (j = 0; j < w->count; j++)
			*disk_entry(d, w->from + j) = w->entries[j];
		if (w->count > 0)
			d->last = w->from + w->count - 1;
		ev.as.persisted_seq = w->seq;
		mem_free(w->entries);
	}
	m->write_count -= count;
	memmove(m->writes, m->writes + count,
		m->write_count * sizeof m->writes[0]);
	if (m->core != NULL) {
		release(k, m);
		cluster_step(k, id, ev);
	}
}

void
cluster_apply(struct cluster *k, rk_id id)
{
	struct cluster_member *m = cluster_member(k, id);

	if (m->core == NULL || m->paused || m->applied == m->to_apply)
		return;
	m->applied = m->to_apply;
	cluster_step(k, id,
		     (struct event){.type = EVENT_APPLIED,
				    .as.applied = m->applied});
}

void
cluster_snapshot(struct cluster *k, rk_id id)
{
	struct cluster_member *m = cluster_member(k, id);
	struct event ev = {.type = EVENT_SNAPSHOT_TAKEN};

	if (m->core == NULL || m->paused || !m->wants_snapshot)
		return;
	m->wants_snapshot = false;
	core_snapshot_meta(m->core, &ev.as.snapshot_taken);
	if (ev.as.snapshot_taken.last.index <= m->disk.snapshot.last.index)
		return;
	m->disk.snapshot = ev.as.snapshot_taken;
	cluster_step(k, id, ev);
}

/* Tell the sender of a snapshot how it went. */
static void
snapshot_ended(struct cluster *k, const struct message *reply, rk_id sender,
	       rk_id peer, enum snapshot_outcome outcome)
{
	struct event ev = {
		.type = EVENT_SNAPSHOT_SENT,
		.as.snapshot_sent = {.peer = peer,
				     .stream = reply->stream,
				     .request = reply->request,
				     .outcome = outcome},
	};

	if (outcome == SNAPSHOT_INSTALLED)
		ev.as.snapshot_sent.match = reply->as.snapshot_reply.match;
	cluster_step(k, sender, ev);
}

static void
forget(struct cluster *k, const struct message *m, bool tell_sender)
{
	if (m->type == MESSAGE_SNAPSHOT)
		snapshot_ended(k, m, m->from, m->to, SNAPSHOT_FAILED);
	else if (m->type == MESSAGE_SNAPSHOT_REPLY)
		snapshot_ended(k, m, m->to, m->from, SNAPSHOT_FAILED);
	else if (tell_sender &&
		 (m->type == MESSAGE_APPEND || m->type == MESSAGE_HEARTBEAT))
		cluster_step(k, m->from,
			     (struct event){.type = EVENT_PEER_UNREACHABLE,
					    .as.unreachable = {m->to, m->stream,
							       m->request}});
}

static struct cluster_mail
take_mail(struct cluster *k, size_t i)
{
	struct cluster_mail mail = k->bag[i];

	k->bag_count--;
	memmove(k->bag + i, k->bag + i + 1,
		(k->bag_count - i) * sizeof k->bag[0]);
	return mail;
}

void
cluster_drop(struct cluster *k, size_t i, bool tell_sender)
{
	struct cluster_mail mail = take_mail(k, i);

	forget(k, &mail.message, tell_sender);
	mail_close(&mail);
}

/* The node's part: the file is whole; install it and say so. */
static void
receive_snapshot(struct cluster *k, const struct message *m)
{
	struct cluster_member *to = cluster_member(k, m->to);
	struct message reply = {
		.type = MESSAGE_SNAPSHOT_REPLY,
		.from = m->to,
		.to = m->from,
		.term = core_term(to->core),
		.stream = m->stream,
		.request = m->request,
	};
	struct event ev = {.type = EVENT_SNAPSHOT_RECEIVED,
			   .as.snapshot_received = m->as.snapshot.meta};

	cluster_step(k, m->to, ev);
	reply.as.snapshot_reply.installed = to->effects.snapshot_install;
	reply.as.snapshot_reply.match = m->as.snapshot.meta.last;
	post(to, &reply, to->effects.install.seq);
	release(k, to);
}

static void
receive(struct cluster *k, const struct message *m)
{
	struct cluster_member *to = cluster_member(k, m->to);
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = m};
	int rc;

	rc = cluster_step(k, m->to, ev);
	/* Nobody breaks the rules here, so nothing may look as if. */
	assert(rc == CORE_OK || rc == CORE_SHUTDOWN);
	if (m->type == MESSAGE_SNAPSHOT && to->effects.chunk_wanted)
		receive_snapshot(k, m);
	if (m->type == MESSAGE_SNAPSHOT_REPLY)
		snapshot_ended(k, m, m->to, m->from,
			       m->as.snapshot_reply.installed
				       ? SNAPSHOT_INSTALLED
				       : SNAPSHOT_FAILED);
}

void
cluster_deliver(struct cluster *k, size_t i, bool keep_it)
{
	struct cluster_mail mail = take_mail(k, i);
	struct message *m = &mail.message;

	if (cluster_member(k, m->to)->paused) {
		put(k, mail); /* It waits in the kernel. */
		return;
	}
	if (keep_it)
		put(k, mail_copy(m, 0));
	if (k->cut[m->from][m->to] || cluster_member(k, m->to)->core == NULL)
		forget(k, m, true);
	else
		receive(k, m);
	mail_close(&mail);
}

void
cluster_start(struct cluster *k, rk_id id)
{
	struct cluster_member *m = cluster_member(k, id);
	struct cluster_disk *d = &m->disk;
	struct core_settings settings = k->settings;
	struct core_start start = {.initial = k->initial, .now_ms = k->now_ms};
	struct term_run *runs;
	struct configuration_at *configurations;
	uint32_t *sizes;
	size_t count;
	size_t i;

	assert(m->core == NULL);
	/* As the store does: a log that its snapshot outran is of no use. */
	if (d->last < d->snapshot.last.index ||
	    (d->snapshot.last.index > d->compacted.index &&
	     d->entries[d->snapshot.last.index].term !=
		     d->snapshot.last.term)) {
		d->compacted = d->snapshot.last;
		d->last = d->snapshot.last.index;
	}
	count = (size_t)(d->last - d->compacted.index);
	runs = mem_alloc(count, sizeof runs[0]);
	sizes = mem_alloc(count, sizeof sizes[0]);
	configurations = mem_alloc(count, sizeof configurations[0]);
	for (i = 0; i < count; i++) {
		rk_index index = d->compacted.index + 1 + i;
		const struct cluster_entry *e = disk_entry(d, index);

		runs[i] = (struct term_run){e->term, 1};
		sizes[i] = e->size;
		if (e->configuration != NULL)
			configurations[start.configuration_count++] =
				(struct configuration_at){index,
							  *e->configuration};
	}
	settings.id = id;
	settings.seed = prng_next(&k->prng);
	start.hard_state = d->hard_state;
	start.snapshot = d->snapshot;
	start.compacted = d->compacted;
	start.runs = runs;
	start.run_count = count;
	start.sizes = sizes;
	start.configurations = configurations;
	start.commit = start.applied = d->snapshot.last.index;
	m->commit = m->applied = m->to_apply = start.applied;
	m->wants_snapshot = false;
	m->core = core_new(&settings, &start);
	m->lives++;
	m->term = 0;
	mem_free(runs);
	mem_free(sizes);
	mem_free(configurations);
	cluster_step(k, id, (struct event){.type = EVENT_TIME});
}

void
cluster_crash(struct cluster *k, rk_id id, size_t kept)
{
	struct cluster_member *m = cluster_member(k, id);
	size_t i;

	core_free(m->core);
	m->core = NULL;
	m->paused = false;
	cluster_persist(k, id, kept);
	for (i = 0; i < m->write_count; i++)
		mem_free(m->writes[i].entries);
	m->write_count = 0;
	for (i = 0; i < m->held_count; i++) {
		if (m->held[i].message.type == MESSAGE_SNAPSHOT_REPLY)
			forget(k, &m->held[i].message, true);
		mail_close(&m->held[i]);
	}
	m->held_count = 0;
}

void
cluster_init(struct cluster *k, uint64_t seed, size_t count, size_t voters)
{
	size_t i;

	assert(count <= CLUSTER_MEMBERS);
	*k = (struct cluster){.count = count, .now_ms = 1000};
	prng_init(&k->prng, seed);
	core_settings_init(&k->settings);
	for (i = 0; i < count; i++)
		k->members[i].id = i + 1;
	for (i = 0; i < voters; i++)
		id_set_add(&k->initial.voters, i + 1);
}

void
cluster_start_all(struct cluster *k)
{
	size_t i;

	for (i = 0; i < k->count; i++)
		cluster_start(k, k->members[i].id);
}

void
cluster_close(struct cluster *k)
{
	size_t i;

	for (i = 0; i < k->count; i++) {
		cluster_crash(k, k->members[i].id, SIZE_MAX);
		mem_free(k->members[i].disk.entries);
		mem_free(k->members[i].writes);
		mem_free(k->members[i].held);
	}
	for (i = 0; i < k->bag_count; i++)
		mail_close(&k->bag[i]);
	for (i = 0; i < k->pool_count; i++)
		mem_free(k->pool[i]);
	mem_free(k->bag);
	mem_free(k->pool);
	mem_free(k->committed);
	mem_free(k->leaders);
	mem_free(k->votes);
	mem_free(k->reads);
}

int
cluster_propose(struct cluster *k, rk_id id, uint64_t count)
{
	uint32_t sizes[16];
	struct event ev = {
		.type = EVENT_PROPOSE,
		.as.propose = {.token = ++k->next_token,
			       .count = count,
			       .sizes = sizes},
	};
	size_t i;

	assert(count <= LEN(sizes));
	for (i = 0; i < count; i++)
		sizes[i] = (uint32_t)prng_range(&k->prng, 50, 200);
	return cluster_step(k, id, ev);
}

int
cluster_configure(struct cluster *k, rk_id id, struct id_set voters,
		  struct id_set learners)
{
	struct event ev = {
		.type = EVENT_CONFIGURE,
		.as.configure = {.token = ++k->next_token,
				 .voters = voters,
				 .learners = learners},
	};

	return cluster_step(k, id, ev);
}

int
cluster_read(struct cluster *k, rk_id id)
{
	struct event ev = {.type = EVENT_READ,
			   .as.read_token = ++k->next_token};
	int rc;

	k->reads = mem_grow(k->reads, &k->read_cap, k->read_count + 1,
			    sizeof k->reads[0]);
	k->reads[k->read_count++] =
		(struct cluster_read){ev.as.read_token, k->committed_last};
	rc = cluster_step(k, id, ev);
	if (rc != CORE_OK)
		k->read_count--;
	return rc;
}

void
cluster_pass(struct cluster *k, uint64_t ms)
{
	size_t i;

	k->now_ms += ms;
	for (i = 0; i < k->count; i++)
		if (k->members[i].core != NULL && !k->members[i].paused &&
		    k->members[i].deadline_ms <= k->now_ms) {
			cluster_step(k, k->members[i].id,
				     (struct event){.type = EVENT_TIME});
			/* Else whoever runs it would spin. */
			assert(k->members[i].deadline_ms > k->now_ms);
		}
}

void
cluster_settle(struct cluster *k)
{
	uint64_t rounds = 0;
	bool busy = true;
	size_t i;

	while (busy) {
		busy = k->bag_count > 0;
		for (i = 0; i < k->count; i++) {
			struct cluster_member *m = &k->members[i];

			busy |= m->write_count > 0 || m->applied != m->to_apply;
			cluster_persist(k, m->id, SIZE_MAX);
			cluster_apply(k, m->id);
			cluster_snapshot(k, m->id);
		}
		for (i = k->bag_count; i > 0; i--)
			cluster_deliver(k, 0, false);
		rounds++;
		assert(rounds < 10000);
	}
}

void
cluster_run(struct cluster *k, uint64_t ms)
{
	uint64_t until_ms = k->now_ms + ms;

	cluster_settle(k);
	while (k->now_ms < until_ms) {
		cluster_pass(k, 10);
		cluster_settle(k);
	}
}

rk_id
cluster_leader(struct cluster *k)
{
	rk_id leader = 0;
	rk_term term = 0;
	size_t i;

	for (i = 0; i < k->count; i++) {
		const struct core *c = k->members[i].core;

		if (c != NULL && core_role(c) == ROLE_LEADER &&
		    core_term(c) > term) {
			leader = k->members[i].id;
			term = core_term(c);
		}
	}
	return leader;
}

void
cluster_elect(struct cluster *k, rk_id id)
{
	int tries;

	for (tries = 0; cluster_leader(k) != id; tries++) {
		assert(tries < 20);
		/* Long enough for stickiness to end, too short to time out. */
		cluster_pass(k, k->settings.election_timeout_min_ms);
		cluster_step(k, id, (struct event){.type = EVENT_CAMPAIGN});
		cluster_settle(k);
	}
}

struct id_set
cluster_set(unsigned int digits)
{
	struct id_set set = {.count = 0};

	for (; digits > 0; digits /= 10)
		id_set_add(&set, digits % 10);
	return set;
}

void
cluster_set_log(struct cluster *k, rk_id id, const char *terms)
{
	struct cluster_disk *d = &cluster_member(k, id)->disk;

	for (; *terms != '\0'; terms++) {
		*disk_entry(d, d->last + 1) = (struct cluster_entry){
			.term = (rk_term)(*terms - '0'), .size = 100};
		d->last++;
		if (d->hard_state.term < (rk_term)(*terms - '0'))
			d->hard_state.term = (rk_term)(*terms - '0');
	}
}

const char *
cluster_log(struct cluster *k, rk_id id, char text[64])
{
	const struct core *c = cluster_member(k, id)->core;
	rk_index i;

	for (i = 1; i <= core_last(c).index && i < 64; i++)
		snprintf(text + i - 1, 2, "%c",
			 (char)('0' + (int)core_term_at(c, i)));
	text[i - 1] = '\0';
	return text;
}
