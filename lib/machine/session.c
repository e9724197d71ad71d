/* session.c - which numbers of which session have been applied, and where.
 *
 * A hash table finds a session by its id; a list through all of them keeps the
 * order of use. That order alone decides which one goes: neither a clock nor
 * a hash has a say. */

#include "machine/session.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/line.h"
#include "base/mem.h"
#include "machine/expired.h"

#define BUCKETS 16384U /* A power of two above LIMIT_SESSIONS. */
_Static_assert(BUCKETS > LIMIT_SESSIONS, "chains are short");

/* What is encoded, at most: a number has 16 digits, a hash 32/3. Half of a
 * snapshot's header is left for all else. */
#define RUN_BYTES     (3 * 16 + 5)
#define SESSION_BYTES (LIMIT_SESSION_ID + 80 + LIMIT_SESSION_RUNS * RUN_BYTES)
_Static_assert(LIMIT_SESSIONS *SESSION_BYTES + LIMIT_EXPIRED_SESSIONS * 11 <
		       LIMIT_SNAPSHOT_HEAD_BYTES / 2,
	       "a full table fits into a snapshot's header");

/* Numbers [seq, seq + count) were applied at [index, index + count). */
struct run {
	uint64_t seq;
	uint64_t count;
	rk_index index;
};

struct session {
	struct session *chain; /* The next one in its bucket. */
	struct session *older; /* In order of use. */
	struct session *newer;
	uint64_t hash;
	rk_index used;                       /* Where it was last. */
	uint64_t floor;                      /* Numbers below it are OLD. */
	struct run runs[LIMIT_SESSION_RUNS]; /* Ascending by seq, disjoint. */
	size_t run_count;
	char id[LIMIT_SESSION_ID];
	size_t id_len;
};

struct sessions {
	struct session *buckets[BUCKETS];
	struct session *oldest;
	struct session *newest;
	size_t count;
	struct expired *expired;
	bool forgotten; /* That some session has expired, at some time. */
};

/* FNV-1a, then mixed, so that any of its bits will do. It is part of the
 * snapshots: the same for ever. */
static uint64_t
hash_of(const char *id, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)id[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

static bool
is_called(const struct session *one, const char *id, size_t len)
{
	return one->id_len == len && memcmp(one->id, id, len) == 0;
}

static struct session *
lookup(const struct sessions *s, const char *id, size_t len, uint64_t hash)
{
	struct session *one = s->buckets[hash & (BUCKETS - 1)];

	while (one != NULL && !is_called(one, id, len))
		one = one->chain;
	return one;
}

static void
unlink_from_order(struct sessions *s, struct session *one)
{
	if (one->older != NULL)
		one->older->newer = one->newer;
	else
		s->oldest = one->newer;
	if (one->newer != NULL)
		one->newer->older = one->older;
	else
		s->newest = one->older;
}

static void
link_as_newest(struct sessions *s, struct session *one)
{
	one->older = s->newest;
	one->newer = NULL;
	if (s->newest != NULL)
		s->newest->newer = one;
	else
		s->oldest = one;
	s->newest = one;
}

/* Take the least recently used one out, and free it. */
static void
drop_oldest(struct sessions *s)
{
	struct session *one = s->oldest;
	struct session **at = &s->buckets[one->hash & (BUCKETS - 1)];

	while (*at != one)
		at = &(*at)->chain;
	*at = one->chain;
	unlink_from_order(s, one);
	mem_free(one);
	s->count--;
}

static void
expire_oldest(struct sessions *s)
{
	if (expired_add(s->expired, s->oldest->hash))
		s->forgotten = true;
	drop_oldest(s);
}

static struct session *
add(struct sessions *s, const char *id, size_t len, uint64_t hash)
{
	size_t bucket = hash & (BUCKETS - 1);
	struct session *one;

	assert(line_session_is_valid(id, len));
	if (s->count == LIMIT_SESSIONS)
		expire_oldest(s);
	one = mem_alloc(1, sizeof *one);
	memcpy(one->id, id, len);
	one->id_len = len;
	one->hash = hash;
	one->floor = 1;
	one->chain = s->buckets[bucket];
	s->buckets[bucket] = one;
	link_as_newest(s, one);
	s->count++;
	return one;
}

/* How many runs begin at or below `seq`. From the end, where the number asked
 * for nearly always is. */
static size_t
runs_up_to(const struct session *one, uint64_t seq)
{
	size_t i = one->run_count;

	while (i > 0 && one->runs[i - 1].seq > seq)
		i--;
	return i;
}

static struct session_found
find_in(const struct session *one, uint64_t seq)
{
	size_t i = runs_up_to(one, seq);
	const struct run *run = i > 0 ? &one->runs[i - 1] : NULL;
	uint64_t left;

	if (seq < one->floor)
		return (struct session_found){.verdict = SESSION_OLD,
					      .count = one->floor - seq};
	if (run != NULL && seq - run->seq < run->count)
		return (struct session_found){
			.verdict = SESSION_REPEAT,
			.index = run->index + (seq - run->seq),
			.count = run->count - (seq - run->seq),
		};
	left = i < one->run_count ? one->runs[i].seq - seq : UINT64_MAX;
	return (struct session_found){SESSION_FRESH, .count = left};
}

static enum session_verdict
find_unknown(const struct sessions *s, uint64_t hash, uint64_t seq)
{
	if (expired_has(s->expired, hash))
		return SESSION_OLD;
	return s->forgotten && seq != 1 ? SESSION_OLD : SESSION_FRESH;
}

/* A number that is not known yet. No run can begin right behind it: `at` is
 * higher than any index before. */
static void
remember(struct session *one, uint64_t seq, rk_index at)
{
	size_t i = runs_up_to(one, seq);
	struct run *left = i > 0 ? &one->runs[i - 1] : NULL;

	if (left != NULL && left->seq + left->count == seq &&
	    left->index + left->count == at) {
		left->count++;
		return;
	}
	if (one->run_count == LIMIT_SESSION_RUNS) {
		if (left == NULL) {
			one->floor = seq + 1; /* Itself the lowest. */
			return;
		}
		one->floor = one->runs[0].seq + one->runs[0].count;
		one->run_count--;
		i--;
		memmove(one->runs, one->runs + 1,
			one->run_count * sizeof one->runs[0]);
	}
	memmove(one->runs + i + 1, one->runs + i,
		(one->run_count - i) * sizeof one->runs[0]);
	one->runs[i] = (struct run){.seq = seq, .count = 1, .index = at};
	one->run_count++;
}

struct sessions *
sessions_new(void)
{
	struct sessions *s = mem_alloc(1, sizeof *s);

	s->expired = expired_new();
	return s;
}

void
sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	while (s->oldest != NULL)
		drop_oldest(s);
	expired_free(s->expired);
	mem_free(s);
}

struct session_found
sessions_find(const struct sessions *s, const char *id, size_t id_len,
	      uint64_t seq)
{
	uint64_t hash = hash_of(id, id_len);
	const struct session *one = lookup(s, id, id_len, hash);

	assert(seq >= 1);
	if (one != NULL)
		return find_in(one, seq);
	return (struct session_found){.verdict = find_unknown(s, hash, seq),
				      .count = UINT64_MAX};
}

/* The session as the one most recently used; NULL if it is OLD as a whole. */
static struct session *
use(struct sessions *s, const char *id, size_t len, uint64_t seq)
{
	struct session *one = s->newest;
	uint64_t hash;

	/* Entries of one session come in batches. */
	if (one != NULL && is_called(one, id, len))
		return one;
	hash = hash_of(id, len);
	one = lookup(s, id, len, hash);
	if (one != NULL) {
		unlink_from_order(s, one);
		link_as_newest(s, one);
		return one;
	}
	if (find_unknown(s, hash, seq) == SESSION_OLD)
		return NULL;
	return add(s, id, len, hash);
}

enum session_verdict
sessions_note(struct sessions *s, const char *id, size_t id_len, uint64_t seq,
	      rk_index at, rk_index *index)
{
	struct session_found found;
	struct session *one;

	assert(seq >= 1);
	assert(seq <= LIMIT_NUMBER);
	while (s->oldest != NULL &&
	       s->oldest->used + LIMIT_SESSION_IDLE_ENTRIES < at)
		expire_oldest(s);
	one = use(s, id, id_len, seq);
	if (one == NULL)
		return SESSION_OLD;
	one->used = at;
	found = find_in(one, seq);
	if (found.verdict == SESSION_FRESH)
		remember(one, seq, at);
	else if (found.verdict == SESSION_REPEAT)
		*index = found.index;
	return found.verdict;
}

size_t
sessions_count(const struct sessions *s)
{
	return s->count;
}

static void
encode_one(const struct session *one, struct bytes *out)
{
	size_t i;

	/* A session's id has no byte that JSON would escape. */
	bytes_append_text(out, "{\"id\":\"");
	bytes_append(out, one->id, one->id_len);
	bytes_append_text(out, "\",\"used\":");
	bytes_append_u64(out, one->used);
	bytes_append_text(out, ",\"floor\":");
	bytes_append_u64(out, one->floor);
	bytes_append_text(out, ",\"runs\":[");
	for (i = 0; i < one->run_count; i++) {
		bytes_append_text(out, i > 0 ? ",[" : "[");
		bytes_append_u64(out, one->runs[i].seq);
		bytes_append_char(out, ',');
		bytes_append_u64(out, one->runs[i].count);
		bytes_append_char(out, ',');
		bytes_append_u64(out, one->runs[i].index);
		bytes_append_char(out, ']');
	}
	bytes_append_text(out, "]}");
}

void
sessions_encode(const struct sessions *s, struct bytes *out)
{
	const struct session *one;

	bytes_append_text(out, s->forgotten ? "{\"forgotten\":true"
					    : "{\"forgotten\":false");
	bytes_append_text(out, ",\"expired\":\"");
	expired_encode(s->expired, out);
	bytes_append_text(out, "\",\"sessions\":[");
	for (one = s->oldest; one != NULL; one = one->newer) {
		if (one != s->oldest)
			bytes_append_char(out, ',');
		encode_one(one, out);
	}
	bytes_append_text(out, "]}");
}

/* The number at `i` of an array, within [1, LIMIT_NUMBER]; 0 if it is none. */
static uint64_t
number_at(const json_t *array, size_t i)
{
	const json_t *value = json_array_get(array, i);
	json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	return n >= 1 && (uint64_t)n <= LIMIT_NUMBER ? (uint64_t)n : 0;
}

/* Whether `json` is a run of numbers from `least` on, applied up to `last`. */
static bool
decode_run(const json_t *json, uint64_t least, rk_index last, struct run *run)
{
	if (json_array_size(json) != 3)
		return false;
	*run = (struct run){.seq = number_at(json, 0),
			    .count = number_at(json, 1),
			    .index = number_at(json, 2)};
	return run->seq >= least && run->count >= 1 && run->index >= 1 &&
	       run->count - 1 <= LIMIT_NUMBER - run->seq &&
	       run->index <= last && run->count - 1 <= last - run->index;
}

static enum rk_code
decode_runs(struct session *one, const json_t *runs, struct rk_error *err)
{
	size_t count = json_array_size(runs);
	uint64_t least = one->floor;
	struct run *run;
	size_t i;

	if (count < 1 || count > LIMIT_SESSION_RUNS)
		return error_set(err, RK_CORRUPT, "%zu runs", count);
	for (i = 0; i < count; i++) {
		run = &one->runs[i];
		if (!decode_run(json_array_get(runs, i), least, one->used, run))
			return error_set(err, RK_CORRUPT, "bad run %zu", i);
		least = run->seq + run->count;
		one->run_count++;
	}
	return RK_OK;
}

static enum rk_code
decode_one(struct sessions *s, const json_t *json, struct rk_error *err)
{
	rk_index before = s->newest != NULL ? s->newest->used : 0;
	struct session *one;
	json_t *runs;
	uint64_t floor;
	uint64_t hash;
	rk_index used;
	const char *id;

	if (json_get_text(json, "id", &id, err) ||
	    json_get_u64(json, "used", LIMIT_NUMBER, &used, err) ||
	    json_get_u64(json, "floor", LIMIT_NUMBER, &floor, err) ||
	    json_get_array(json, "runs", &runs, err))
		return err->code;
	hash = hash_of(id, strlen(id));
	if (!line_session_is_valid(id, strlen(id)) || floor < 1 ||
	    lookup(s, id, strlen(id), hash) != NULL)
		return error_set(err, RK_CORRUPT, "bad or double id or floor");
	if (used <= before)
		return error_set(err, RK_CORRUPT, "%s: out of order", id);
	one = add(s, id, strlen(id), hash);
	one->used = used;
	one->floor = floor;
	if (decode_runs(one, runs, err))
		return error_wrap(err, "%s", id);
	return RK_OK;
}

static enum rk_code
decode_all(struct sessions *s, const json_t *root, struct rk_error *err)
{
	const char *expired;
	json_t *list;
	size_t i;

	if (json_get_bool(root, "forgotten", &s->forgotten, err) ||
	    json_get_text(root, "expired", &expired, err) ||
	    json_get_array(root, "sessions", &list, err))
		return err->code;
	if (!expired_decode(s->expired, expired))
		return error_set(err, RK_CORRUPT, "bad list of the expired");
	if (json_array_size(list) > LIMIT_SESSIONS)
		return error_set(err, RK_CORRUPT, "%zu of them; at most %d",
				 json_array_size(list), LIMIT_SESSIONS);
	for (i = 0; i < json_array_size(list); i++) {
		if (decode_one(s, json_array_get(list, i), err))
			return err->code;
	}
	return RK_OK;
}

enum rk_code
sessions_decode(struct slice text, struct sessions **sessions,
		struct rk_error *err)
{
	struct sessions *s;
	json_t *root;

	if (json_read(text, LIMIT_SNAPSHOT_HEAD_BYTES, &root, err)) {
		err->code = RK_CORRUPT; /* It is our own writing. */
		return error_wrap(err, "sessions");
	}
	s = sessions_new();
	if (decode_all(s, root, err)) {
		json_decref(root);
		sessions_free(s);
		err->code = RK_CORRUPT;
		return error_wrap(err, "sessions");
	}
	json_decref(root);
	*sessions = s;
	return RK_OK;
}
