/* checks.c - what must hold, whatever happens. */

#include "checks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/line.h"
#include "base/mem.h"
#include "platter.h"

#define CLIENTS_MOST 16
#define HISTORY      "/data/raft/machine/history.ndjson"

/* What is known of an index. */
struct fact {
	rk_term term;      /* 0: not known to be committed. */
	rk_term seen_in;   /* The term in which that was seen first. */
	size_t from;       /* Its line, in the history of all. */
	size_t to;         /* 0: nobody has applied it. */
	bool has_sessions; /* Known: what the sessions were behind it. */
	uint32_t sessions;
};

/* What became of a client's entry. */
struct serial {
	bool is_sent;
	bool is_refused;
	rk_index applied;
	rk_index acknowledged;
};

struct term_facts {
	rk_id leader;
	rk_id votes[HOSTS_MOST + 1]; /* By voter. */
};

struct checks {
	struct fact *facts; /* By index. */
	size_t fact_cap;
	rk_index known;   /* The last that is committed. */
	rk_index applied; /* The last line of the history. */
	struct bytes history;
	struct term_facts *terms; /* By term. */
	size_t term_cap;
	struct serial *serials[CLIENTS_MOST];
	size_t serial_caps[CLIENTS_MOST];
	rk_index last_acknowledged;
	uint64_t acknowledgements;
};

struct checks *
checks_new(void)
{
	return calloc(1, sizeof(struct checks));
}

void
checks_free(struct checks *c)
{
	size_t i;

	for (i = 0; i < CLIENTS_MOST; i++)
		free(c->serials[i]);
	bytes_close(&c->history);
	free(c->facts);
	free(c->terms);
	free(c);
}

/* The array has item `i` after that; what is new is zero. */
static void *
with_item(void *items, size_t *cap, size_t i, size_t size)
{
	size_t more = i * 2 + 64;

	if (i < *cap)
		return items;
	items = realloc(items, more * size);
	assert(items);
	memset((char *)items + *cap * size, 0, (more - *cap) * size);
	*cap = more;
	return items;
}

static struct fact *
fact_at(struct checks *c, rk_index index)
{
	c->facts = with_item(c->facts, &c->fact_cap, (size_t)index,
			     sizeof *c->facts);
	return &c->facts[index];
}

static struct term_facts *
term_at(struct checks *c, rk_term term)
{
	if (term > 1000000)
		world_fail("term %" PRIu64 " is out of all bounds", term);
	c->terms = with_item(c->terms, &c->term_cap, (size_t)term,
			     sizeof *c->terms);
	return &c->terms[term];
}

static struct serial *
serial_at(struct checks *c, size_t client, uint64_t number)
{
	c->serials[client] =
		with_item(c->serials[client], &c->serial_caps[client],
			  (size_t)number, sizeof(struct serial));
	return &c->serials[client][number];
}

/* ---- elections ---- */

static void
check_vote(struct checks *c, rk_id voter, rk_id candidate, rk_term term)
{
	rk_id *vote = &term_at(c, term)->votes[voter];

	if (*vote && *vote != candidate)
		world_fail("member %" PRIu64 " votes for %" PRIu64
			   " and %" PRIu64 " in term %" PRIu64,
			   voter, *vote, candidate, term);
	*vote = candidate;
}

/* A number in one of our own JSON messages. */
static uint64_t
number_in(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static bool
is_real_vote(const struct parcel *p)
{
	return strcmp(p->url, "/v1/peer/vote") == 0 &&
	       strstr((const char *)p->body, "\"pre\":false");
}

void
checks_request(const struct host *h, const struct parcel *p)
{
	if (is_real_vote(p))
		check_vote(world_now()->checks, h->id, h->id,
			   number_in((const char *)p->body, "\"term\":"));
}

/* A leader has all that is known to be committed in earlier terms. */
static void
check_new_leader(struct checks *c, const struct host *h)
{
	struct core_status s;
	rk_term term = core_term(h->node->core);
	rk_id *leader = &term_at(c, term)->leader;
	rk_index i;

	if (*leader && *leader != h->id)
		world_fail("%" PRIu64 " and %" PRIu64 " lead in term %" PRIu64,
			   *leader, h->id, term);
	*leader = h->id;
	core_status(h->node->core, &s);
	for (i = s.first; i <= c->known; i++) {
		if (c->facts[i].term && c->facts[i].seen_in < term &&
		    core_term_at(h->node->core, i) != c->facts[i].term)
			world_fail("the leader of term %" PRIu64
				   " lacks entry %" PRIu64
				   ", which is committed",
				   term, i);
	}
}

static void
check_leader(struct checks *c, struct host *h)
{
	bool leads = node_is_leader(h->node);

	if (leads && !h->seen_leading)
		check_new_leader(c, h);
	else if (leads && term_at(c, core_term(h->node->core))->leader != h->id)
		check_new_leader(c, h);
	h->seen_leading = leads;
}

/* ---- the log ---- */

static void
check_monotone(struct host *h, const struct core_status *s, rk_index applied)
{
	if (s->hard_state.term < h->seen_term || s->commit < h->seen_commit ||
	    applied < h->seen_applied)
		world_fail("member %" PRIu64 " falls back: term %" PRIu64
			   " from %" PRIu64 ", commit %" PRIu64 " from %" PRIu64
			   ", applied %" PRIu64 " from %" PRIu64,
			   h->id, s->hard_state.term, h->seen_term, s->commit,
			   h->seen_commit, applied, h->seen_applied);
	if (s->commit > s->last.index || s->applied > s->commit ||
	    applied > s->commit)
		world_fail("member %" PRIu64 ": applied %" PRIu64 "/%" PRIu64
			   ", commit %" PRIu64 ", last %" PRIu64,
			   h->id, s->applied, applied, s->commit,
			   s->last.index);
	if (s->snapshot.last.index > s->commit)
		world_fail("member %" PRIu64 ": snapshot %" PRIu64
			   " is ahead of commit %" PRIu64,
			   h->id, s->snapshot.last.index, s->commit);
}

static void
check_commit(struct checks *c, struct host *h, const struct core_status *s)
{
	rk_index i = h->seen_commit + 1;
	struct fact *fact;
	rk_term term;

	for (; i <= s->commit; i++) {
		fact = fact_at(c, i);
		term = core_term_at(h->node->core, i);
		if (!term)
			continue; /* In a snapshot. */
		if (fact->term && fact->term != term)
			world_fail("entry %" PRIu64 " is committed in term "
				   "%" PRIu64 " and, by member %" PRIu64
				   ", in %" PRIu64,
				   i, fact->term, h->id, term);
		if (!fact->term)
			fact->seen_in = s->hard_state.term;
		fact->term = term;
		if (i > c->known)
			c->known = i;
	}
}

/* ---- the history ---- */

static void
check_serial(struct checks *c, const struct line *line)
{
	struct bytes data = {0};
	struct serial *serial;
	size_t client;
	uint64_t number;
	char *end;

	line_decode_data(line, &data);
	bytes_append_char(&data, '\0');
	client = strtoul((const char *)data.data, &end, 10);
	number = strtoull(end + 1, &end, 10);
	bytes_close(&data);
	if (client >= CLIENTS_MOST || number >= c->serial_caps[client] ||
	    !c->serials[client][number].is_sent)
		world_fail("entry %" PRIu64 " is nobody's", line->index);
	serial = &c->serials[client][number];
	if (line->repeat)
		return;
	if (serial->applied)
		world_fail("entries %" PRIu64 " and %" PRIu64
			   " are both number %" PRIu64 " of client %zu",
			   serial->applied, line->index, number, client);
	if (serial->is_refused)
		world_fail("entry %" PRIu64 " was refused: number %" PRIu64
			   " of client %zu",
			   line->index, number, client);
	serial->applied = line->index;
}

/* Somebody is the first to have applied these. */
static void
extend(struct checks *c, struct slice more)
{
	struct fact *fact;
	struct line line;
	size_t at = 0;

	for (; at < more.len; at += line.len) {
		if (!line_scan(more.data + at, more.len - at, true, &line) ||
		    line.index != c->applied + 1)
			world_fail("entry %" PRIu64 " is no line",
				   c->applied + 1);
		fact = fact_at(c, line.index);
		if (fact->term != line.term)
			world_fail("entry %" PRIu64 " is committed in term "
				   "%" PRIu64 " and applied in %" PRIu64,
				   line.index, fact->term, line.term);
		fact->from = c->history.len;
		bytes_append(&c->history, more.data + at, line.len);
		fact->to = c->history.len;
		c->applied = line.index;
		if (line.type == RK_ENTRY_DATA)
			check_serial(c, &line);
	}
}

static void
check_history(struct checks *c, struct host *h)
{
	size_t bytes = (size_t)history_bytes(machine_history(h->node->machine));
	size_t from = (size_t)h->seen_bytes;
	size_t both, size;
	const uint8_t *seen = platter_peek(h->disk, HISTORY, &size);

	if (size < bytes)
		world_fail("member %" PRIu64 ": its history has %zu bytes "
			   "of %zu",
			   h->id, size, bytes);
	both = bytes < c->history.len ? bytes : c->history.len;
	if (both > from &&
	    memcmp(seen + from, c->history.data + from, both - from) != 0)
		world_fail("member %" PRIu64 " has applied something else, "
			   "behind byte %zu",
			   h->id, from);
	if (bytes > c->history.len)
		extend(c, (struct slice){seen + c->history.len,
					 bytes - c->history.len});
	h->seen_bytes = bytes;
}

/* What `h` says to clients it may never say to us: it may be killed first. */
static void
look_at(struct checks *c, struct host *h)
{
	struct core_status s;

	core_status(h->node->core, &s);
	check_commit(c, h, &s);
	check_history(c, h);
	h->seen_commit = s.commit;
}

/* A vote leaves only when it is on disk. */
static void
check_grant(struct checks *c, const struct host *h, rk_id candidate,
	    const char *text)
{
	rk_term term = number_in(text, "\"term\":");

	check_vote(c, h->id, candidate, term);
	/* It may have gone on to a later term meanwhile. */
	if (h->kept.hard_state.term < term ||
	    (h->kept.hard_state.term == term &&
	     h->kept.hard_state.vote != candidate))
		world_fail("member %" PRIu64 " promises %" PRIu64
			   " its vote in term %" PRIu64
			   ", and its disk does not know",
			   h->id, candidate, term);
}

/* So does what a leader may count. */
static void
check_promise(const struct host *h, const char *text)
{
	rk_index match = number_in(text, "\"match\":");

	/* In a later term it may have been cut again. */
	if (match > h->kept.last &&
	    number_in(text, "\"term\":") >= h->kept.hard_state.term)
		world_fail("member %" PRIu64 " says that it has %" PRIu64
			   ", and its disk has %" PRIu64,
			   h->id, match, h->kept.last);
}

void
checks_answer(struct host *h, const struct parcel *asked, int status,
	      struct slice body)
{
	struct world *w = world_now();
	char text[1024];

	if (h->node && strncmp(asked->url, "/v1/log", 7) == 0) {
		w->running = NULL; /* What follows is not its doing. */
		look_at(w->checks, h);
		w->running = h;
	}
	if (status != 200 || body.len >= sizeof text)
		return;
	if (body.len)
		memcpy(text, body.data, body.len);
	text[body.len] = '\0';
	if (is_real_vote(asked) && strstr(text, "\"granted\":true"))
		check_grant(w->checks, h, asked->from, text);
	if (strcmp(asked->url, "/v1/peer/append") == 0 &&
	    strstr(text, "\"success\":true"))
		check_promise(h, text);
}

/* ---- now and then, as it costs ---- */

static void
check_sessions(struct checks *c, struct host *h)
{
	struct fact *fact = fact_at(c, machine_applied(h->node->machine));
	struct bytes text = {0};
	uint32_t crc;

	if (machine_is_pending(h->node->machine))
		return;
	sessions_encode(machine_sessions(h->node->machine), &text);
	crc = crc32c(0, text.data, text.len);
	bytes_close(&text);
	if (fact->has_sessions && fact->sessions != crc)
		world_fail("member %" PRIu64 " has other sessions at %" PRIu64,
			   h->id, machine_applied(h->node->machine));
	fact->has_sessions = true;
	fact->sessions = crc;
}

struct look {
	struct host *host;
	rk_index index;
	struct bytes line;
	enum rk_code rc;
	struct rk_error err;
};

static void
read_line(void *arg)
{
	struct look *look = arg;
	rk_index end;

	look->rc =
		node_read_lines(look->host->node, look->index, look->index + 1,
				1, &look->line, &end, &look->err);
}

/* What the log gives is what was applied. Its line has no repeat mark. */
static void
check_log(struct checks *c, struct host *h, const struct core_status *s)
{
	struct platter_faults faults = *platter_faults(h->disk);
	uint64_t kill_calls = h->kill_calls;
	struct look look = {.host = h};
	const struct fact *fact;
	size_t len;

	if (s->first > s->applied || s->applied > c->applied)
		return;
	look.index =
		s->first + world_now()->events % (s->applied + 1 - s->first);
	h->kill_calls = 0;
	memset(platter_faults(h->disk), 0, sizeof faults);
	host_run(h, read_line, &look);
	*platter_faults(h->disk) = faults;
	h->kill_calls = kill_calls;
	if (look.rc == RK_ABSENT)
		return;
	if (look.rc)
		world_fail("member %" PRIu64 ": entry %" PRIu64
			   " cannot be read: %s",
			   h->id, look.index, look.err.text);
	fact = &c->facts[look.index];
	len = look.line.len;
	if (len < 2 || len > fact->to - fact->from ||
	    memcmp(look.line.data, c->history.data + fact->from, len - 2) != 0)
		world_fail("member %" PRIu64 ": the log has another entry "
			   "%" PRIu64,
			   h->id, look.index);
	bytes_close(&look.line);
}

void
checks_host(struct host *h)
{
	struct checks *c = world_now()->checks;
	struct core_status s;
	rk_index applied;

	core_check(h->node->core);
	core_status(h->node->core, &s);
	applied = machine_applied(h->node->machine);
	check_monotone(h, &s, applied);
	check_leader(c, h);
	check_commit(c, h, &s);
	check_history(c, h);
	h->seen_term = s.hard_state.term;
	h->seen_commit = s.commit;
	h->seen_applied = applied;
	if (world_now()->events % 32 == 0)
		check_sessions(c, h);
	if (world_now()->events % 16 == 0)
		check_log(c, h, &s);
}

/* ---- what clients saw ---- */

void
checks_sent(size_t client, uint64_t number)
{
	serial_at(world_now()->checks, client, number)->is_sent = true;
}

void
checks_acknowledged(size_t client, uint64_t number, rk_index index,
		    rk_index before)
{
	struct checks *c = world_now()->checks;
	struct serial *serial = serial_at(c, client, number);

	if (serial->applied != index)
		world_fail("client %zu was told %" PRIu64 " for number %" PRIu64
			   ", which is at %" PRIu64,
			   client, index, number, serial->applied);
	if (index <= before)
		world_fail("client %zu appended behind %" PRIu64
			   " and got %" PRIu64,
			   client, before, index);
	serial->acknowledged = index;
	c->acknowledgements++;
	if (index > c->last_acknowledged)
		c->last_acknowledged = index;
}

void
checks_refused(size_t client, uint64_t number)
{
	struct serial *serial = serial_at(world_now()->checks, client, number);

	if (serial->applied)
		world_fail("client %zu was refused number %" PRIu64
			   ", which is at %" PRIu64,
			   client, number, serial->applied);
	serial->is_refused = true;
}

rk_index
checks_last_acknowledged(void)
{
	return world_now()->checks->last_acknowledged;
}

void
checks_read(struct slice lines, rk_index least)
{
	struct checks *c = world_now()->checks;
	bool found = least == 0;
	const struct fact *fact;
	struct line line;
	size_t at = 0;

	for (; at < lines.len; at += line.len) {
		if (!line_scan(lines.data + at, lines.len - at, true, &line))
			world_fail("a read gave what is no line");
		if (line.index > c->applied)
			world_fail("a read gave entry %" PRIu64
				   ", which nobody has applied",
				   line.index);
		fact = &c->facts[line.index];
		if (fact->to - fact->from != line.len ||
		    memcmp(c->history.data + fact->from, lines.data + at,
			   line.len) != 0)
			world_fail("a read gave another entry %" PRIu64,
				   line.index);
		found |= line.index == least;
	}
	if (!found)
		world_fail("a linearizable read lacks entry %" PRIu64
			   ", which was acknowledged before",
			   least);
}

bool
checks_are_equal(void)
{
	struct world *w = world_now();
	rk_index applied = w->checks->applied;
	size_t i;

	for (i = 0; i < w->plan.hosts; i++) {
		struct host *h = &w->hosts[i];

		if (!h->node || machine_applied(h->node->machine) != applied ||
		    core_commit(h->node->core) != applied)
			return false;
	}
	return true;
}

uint64_t
checks_entries(void)
{
	return world_now()->checks->applied;
}

uint64_t
checks_acknowledgements(void)
{
	return world_now()->checks->acknowledgements;
}
