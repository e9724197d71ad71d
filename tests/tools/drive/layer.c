/* layer.c - commands to many cores at once, for scenarios. */

#include "layer.h"

#include <string.h>

#include "bag.h"
#include "base/error.h"
#include "base/mem.h"
#include "expect.h"
#include "jstatus.h"

/* Steps of one command; what takes more never ends. */
#define MAX_STEPS 100000

/* Of `settle` and `run`. */
struct reach {
	const json_t *among; /* Ids; NULL: all. */
	const json_t *cut;   /* [[from,to],..]; NULL: no link. */
	size_t steps;
};

static bool
holds_id(const json_t *list, rk_id id)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_is_integer(item) &&
		    json_integer_value(item) == (json_int_t)id)
			return true;
	}
	return false;
}

/* Whether `who` (true, an id, or a list of ids) is about `n`. */
static bool
is_meant(const json_t *who, const struct driven *n)
{
	if (json_is_integer(who))
		return json_integer_value(who) == (json_int_t)n->id;
	return json_is_array(who) ? holds_id(who, n->id) : json_is_true(who);
}

static enum rk_code
check_who(const struct drive *d, const json_t *who, struct rk_error *err)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (is_meant(who, &d->all[i]))
			return RK_OK;
	return error_set(err, RK_USAGE, "no core is meant");
}

static json_t *
event_of(const struct drive *d, const struct driven *n, const char *event)
{
	uint64_t now_ms = n->now_ms > d->now_ms ? n->now_ms : d->now_ms;

	return json_pack("{s:I, s:I, s:s}", "core", (json_int_t)n->id, "now",
			 (json_int_t)now_ms, "event", event);
}

/* Its disk does what it has to; false: nothing. */
static bool
persist_one(struct drive *d, struct driven *n)
{
	json_t *line;

	if (!n->core || n->persisted == n->seq)
		return false;
	line = event_of(d, n, "persisted");
	jfield_set(line, "seq", jfield_from_u64(n->seq));
	return drive_step_steal(d, n, line, true, NULL) == 0;
}

/* Its machine applies what it was given; false: nothing. */
static bool
apply_one(struct drive *d, struct driven *n)
{
	struct core_status status;
	json_t *line;

	if (!n->core)
		return false;
	core_status(n->core, &status);
	if (status.applied + 1 >= n->apply_to)
		return false;
	line = event_of(d, n, "applied");
	jfield_set(line, "index", jfield_from_u64(n->apply_to - 1));
	return drive_step_steal(d, n, line, true, NULL) == 0;
}

static enum rk_code
command_brief(struct drive *d, const json_t *value, struct rk_error *err)
{
	if (!json_is_boolean(value))
		return error_set(err, RK_USAGE, "true or false");
	d->brief = json_is_true(value);
	return RK_OK;
}

static enum rk_code
command_persist(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			persist_one(d, &d->all[i]);
	return rc;
}

static enum rk_code
command_apply(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			apply_one(d, &d->all[i]);
	return rc;
}

static void
tick_one(struct drive *d, struct driven *n)
{
	json_t *line = event_of(d, n, "time");

	if (n->deadline_ms > n->now_ms && n->deadline_ms > d->now_ms &&
	    n->deadline_ms <= LIMIT_NUMBER)
		jfield_set(line, "now", jfield_from_u64(n->deadline_ms));
	drive_step_steal(d, n, line, true, NULL);
}

static enum rk_code
command_tick(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			tick_one(d, &d->all[i]);
	return rc;
}

static enum rk_code
command_crash(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			drive_crash(d, &d->all[i]);
	return rc;
}

static enum rk_code
command_restart(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++) {
		struct driven *n = &d->all[i];
		uint64_t now_ms = n->now_ms > d->now_ms ? n->now_ms : d->now_ms;
		json_t *disk;

		if (!is_meant(value, n))
			continue;
		disk = json_incref(n->disk);
		rc = drive_start(d, n, now_ms, disk, err);
		json_decref(disk);
	}
	return rc;
}

static enum rk_code
command_show(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++) {
		const struct driven *n = &d->all[i];
		json_t *line;

		if (!is_meant(value, n))
			continue;
		line = json_object();
		jfield_set(line, "core", jfield_from_u64(n->id));
		if (n->core)
			jstatus_brief(line, n->core);
		else
			jfield_set(line, "crashed", json_true());
		drive_print_steal(d, line);
	}
	return rc;
}

struct delivery {
	uint64_t count;
	bool keep;
	bool tell;
};

static enum rk_code
read_delivery(const json_t *filter, struct delivery *how, struct rk_error *err)
{
	enum rk_code rc;

	*how = (struct delivery){.count = BAG_MESSAGES};
	if (json_is_true(filter))
		return RK_OK;
	if (!json_is_object(filter))
		return error_set(err, RK_USAGE, "true, or fields of messages");
	rc = jfield_u64(filter, "count", &how->count, err);
	if (!rc)
		rc = jfield_read(filter, "keep", JFIELD_FLAG, &how->keep, err);
	if (!rc)
		rc = jfield_read(filter, "tell", JFIELD_FLAG, &how->tell, err);
	return rc;
}

static enum rk_code
command_deliver(struct drive *d, const json_t *value, struct rk_error *err)
{
	struct delivery how;
	json_t *messages;
	enum rk_code rc;
	size_t i;

	rc = read_delivery(value, &how, err);
	if (rc)
		return rc;
	messages = bag_take(d, value, how.count, how.keep);
	for (i = 0; i < json_array_size(messages); i++)
		bag_deliver(d, json_array_get(messages, i));
	if (json_array_size(messages) == 0)
		rc = error_set(err, RK_ABSENT, "no such message is under way");
	json_decref(messages);
	return rc;
}

static enum rk_code
command_drop(struct drive *d, const json_t *value, struct rk_error *err)
{
	struct delivery how;
	json_t *messages;
	enum rk_code rc;
	size_t i;

	rc = read_delivery(value, &how, err);
	if (rc)
		return rc;
	messages = bag_take(d, value, how.count, how.keep);
	drive_print_steal(d, json_pack("{s:I}", "dropped",
				       (json_int_t)json_array_size(messages)));
	for (i = 0; i < json_array_size(messages); i++)
		bag_lose(d, json_array_get(messages, i), how.tell);
	json_decref(messages);
	return RK_OK;
}

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
	       !(holds_id(r->among, from) && holds_id(r->among, to));
}

static bool
is_reached(const struct reach *r, const struct driven *n)
{
	return n->core && (!r->among || holds_id(r->among, n->id));
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
			moved |= persist_one(d, n);
			moved |= apply_one(d, n);
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

static enum rk_code
command_settle(struct drive *d, const json_t *value, struct rk_error *err)
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
		tick_one(d, n);
		if (++r->steps > MAX_STEPS)
			return error_set(err, RK_FAILED, "time stands still");
	}
	if (until_ms > d->now_ms)
		d->now_ms = until_ms;
	return until_leader ? error_set(err, RK_FAILED, "no leader") : RK_OK;
}

static enum rk_code
command_run(struct drive *d, const json_t *value, struct rk_error *err)
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

static const struct command {
	const char *name;
	enum rk_code (*run)(struct drive *d, const json_t *value,
			    struct rk_error *err);
} commands[] = {
	{"brief", command_brief}, {"deliver", command_deliver},
	{"drop", command_drop},   {"persist", command_persist},
	{"apply", command_apply}, {"settle", command_settle},
	{"run", command_run},     {"tick", command_tick},
	{"crash", command_crash}, {"restart", command_restart},
	{"show", command_show},   {"expect", expect},
};

enum rk_code
layer_command(struct drive *d, const json_t *line, struct rk_error *err)
{
	uint64_t now_ms = d->now_ms;
	size_t i;

	if (jfield_u64(line, "now", &now_ms, err))
		return err->code;
	if (now_ms < d->now_ms)
		return error_set(err, RK_USAGE, "\"now\" falls");
	d->now_ms = now_ms;
	for (i = 0; i < LEN(commands); i++) {
		const char *name = commands[i].name;
		const json_t *value = json_object_get(line, name);
		enum rk_code rc;

		if (!value)
			continue;
		rc = commands[i].run(d, value, err);
		return rc ? error_wrap(err, "%s", name) : RK_OK;
	}
	if (!jfield_is_missing(line, "now"))
		return RK_OK;
	return error_set(err, RK_USAGE, "neither \"core\" nor a command");
}
