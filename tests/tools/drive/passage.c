/* passage.c - let a cluster come to rest, or time pass over it. */

#include "passage.h"

#include "bag.h"
#include "base/error.h"
#include "turn.h"

/* Steps of one command; what takes more never ends. */
#define MAX_STEPS 100000

/* Of `settle` and `run`. */
struct reach {
	const json_t *among; /* Ids; NULL: all. */
	const json_t *cut;   /* [[from,to],..]; NULL: no link. */
	size_t steps;
};

static bool
is_cut(const struct reach *r, rk_id from, rk_id to)
{
	size_t i;

	for (i = 0; i < json_array_size(r->cut); i++) {
		const json_t *pair = json_array_get(r->cut, i);
		const json_t *a = json_array_get(pair, 0);
		const json_t *b = json_array_get(pair, 1);

		if (json_integer_value(a) == (json_int_t)from &&
		    json_integer_value(b) == (json_int_t)to)
			return true;
	}
	return r->among &&
	       !(jfield_holds(r->among, from) && jfield_holds(r->among, to));
}

static bool
is_reached(const struct reach *r, const struct driven *n)
{
	return n->core && (!r->among || jfield_holds(r->among, n->id));
}

/* Everything under way arrives, or is lost where there is no way. */
static void
carry(struct drive *d, struct reach *r, bool *moved)
{
	json_t *messages = bag_take(d, NULL, BAG_MESSAGES, false);
	size_t i;

	for (i = 0; i < json_array_size(messages); i++) {
		const json_t *m = json_array_get(messages, i);
		const json_t *from = json_object_get(m, "from");
		const json_t *to = json_object_get(m, "to");
		rk_id target = (rk_id)json_integer_value(to);
		const struct driven *n = drive_find(d, target);

		if (is_cut(r, (rk_id)json_integer_value(from), target) || !n ||
		    !n->core)
			bag_lose(d, m, true);
		else
			bag_deliver(d, m);
		*moved = true;
		r->steps++;
	}
	json_decref(messages);
}

static enum rk_code
settle(struct drive *d, struct reach *r, struct rk_error *err)
{
	bool moved = true;
	size_t i;

	while (moved) {
		moved = false;
		for (i = 0; i < d->count; i++) {
			struct driven *n = &d->all[i];

			if (!is_reached(r, n))
				continue;
			moved |= turn_persist(d, n);
			moved |= turn_apply(d, n);
		}
		carry(d, r, &moved);
		if (++r->steps > MAX_STEPS)
			return error_set(err, RK_FAILED, "it does not settle");
	}
	return RK_OK;
}

static enum rk_code
read_reach(struct drive *d, const json_t *value, struct reach *r,
	   struct rk_error *err)
{
	json_t *among = NULL, *cut = NULL;
	enum rk_code rc;

	*r = (struct reach){0};
	d->quiet = false;
	if (json_is_true(value))
		return RK_OK;
	if (!json_is_object(value))
		return error_set(err, RK_USAGE, "neither true nor an object");
	rc = jfield_array(value, "among", &among, err);
	if (!rc)
		rc = jfield_array(value, "cut", &cut, err);
	if (!rc)
		rc = jfield_read(value, "quiet", JFIELD_FLAG, &d->quiet, err);
	r->among = among;
	r->cut = cut;
	return rc;
}

enum rk_code
passage_settle(struct drive *d, const json_t *value, struct rk_error *err)
{
	struct reach r;
	enum rk_code rc = read_reach(d, value, &r, err);

	if (!rc)
		rc = settle(d, &r, err);
	d->quiet = false;
	return rc;
}

/* Whose time comes first; NULL: nobody's. */
static struct driven *
next_due(const struct drive *d, const struct reach *r)
{
	struct driven *next = NULL;
	size_t i;

	for (i = 0; i < d->count; i++) {
		struct driven *n = &d->all[i];

		if (is_reached(r, n) &&
		    (!next || n->deadline_ms < next->deadline_ms))
			next = n;
	}
	return next;
}

static bool
has_leader(const struct drive *d, const struct reach *r)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (is_reached(r, &d->all[i]) &&
		    core_role(d->all[i].core) == ROLE_LEADER)
			return true;
	return false;
}

/* Time passes up to `until_ms`, or until there is a leader. */
static enum rk_code
pass_time(struct drive *d, struct reach *r, uint64_t until_ms,
	  bool until_leader, struct rk_error *err)
{
	struct driven *n;
	enum rk_code rc;

	for (;;) {
		rc = settle(d, r, err);
		if (rc || (until_leader && has_leader(d, r)))
			return rc;
		n = next_due(d, r);
		if (!n || n->deadline_ms > until_ms)
			break;
		if (n->deadline_ms > d->now_ms)
			d->now_ms = n->deadline_ms;
		turn_tick(d, n);
		if (++r->steps > MAX_STEPS)
			return error_set(err, RK_FAILED, "time stands still");
	}
	if (until_ms > d->now_ms)
		d->now_ms = until_ms;
	return until_leader ? error_set(err, RK_FAILED, "no leader") : RK_OK;
}

enum rk_code
passage_run(struct drive *d, const json_t *value, struct rk_error *err)
{
	uint64_t for_ms = 10000, until_ms;
	bool until_leader = false;
	struct reach r;
	enum rk_code rc = read_reach(d, value, &r, err);

	if (!rc)
		rc = jfield_u64(value, "for", &for_ms, err);
	until_ms = d->now_ms + for_ms;
	if (!rc)
		rc = jfield_u64(value, "until", &until_ms, err);
	if (!rc)
		rc = jfield_read(value, "until_leader", JFIELD_FLAG,
				 &until_leader, err);
	if (!rc)
		rc = pass_time(d, &r, until_ms, until_leader, err);
	d->quiet = false;
	return rc;
}
