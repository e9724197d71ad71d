/* layer.c - commands to many cores at once, for scenarios. */

#include "layer.h"

#include <string.h>

#include "bag.h"
#include "base/error.h"
#include "base/mem.h"
#include "expect.h"
#include "jstatus.h"
#include "passage.h"
#include "turn.h"

/* Whether `who` (true, an id, or a list of ids) is about `n`. */
static bool
is_meant(const json_t *who, const struct driven *n)
{
	if (json_is_integer(who))
		return json_integer_value(who) == (json_int_t)n->id;
	return json_is_array(who) ? jfield_holds(who, n->id)
				  : json_is_true(who);
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
			turn_persist(d, &d->all[i]);
	return rc;
}

static enum rk_code
command_apply(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			turn_apply(d, &d->all[i]);
	return rc;
}

static enum rk_code
command_tick(struct drive *d, const json_t *value, struct rk_error *err)
{
	enum rk_code rc = check_who(d, value, err);
	size_t i;

	for (i = 0; !rc && i < d->count; i++)
		if (is_meant(value, &d->all[i]))
			turn_tick(d, &d->all[i]);
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
		disk = driven_disk(n);
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

static const struct command {
	const char *name;
	enum rk_code (*run)(struct drive *d, const json_t *value,
			    struct rk_error *err);
} commands[] = {
	{"brief", command_brief}, {"deliver", command_deliver},
	{"drop", command_drop},   {"persist", command_persist},
	{"apply", command_apply}, {"settle", passage_settle},
	{"run", passage_run},     {"tick", command_tick},
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
