/* bag.c - the messages that are under way: deliver, duplicate, lose them. */

#include "bag.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "turn.h"

static uint64_t
number_in(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* How much of the bag's room an item takes. */
static size_t
weight_of(const json_t *item)
{
	const json_t *message = json_object_get(item, "message");
	const json_t *terms = json_object_get(message, "terms");

	return BAG_ENTRIES / BAG_MESSAGES + json_array_size(terms);
}

static void
take_out(struct drive *d, size_t i)
{
	d->bag_weight -= weight_of(json_array_get(d->bag, i));
	json_array_remove(d->bag, i);
}

void
bag_put_steal(struct drive *d, uint64_t gate, json_t *message)
{
	json_t *item = json_object();

	jfield_set(item, "gate", jfield_from_u64(gate));
	jfield_set(item, "message", message);
	json_array_append_new(d->bag, item);
	d->bag_weight += weight_of(item);
	while (d->bag_weight > BAG_ENTRIES && json_array_size(d->bag) > 1)
		take_out(d, 0);
}

void
bag_forget(struct drive *d, rk_id id, uint64_t persisted)
{
	size_t i = json_array_size(d->bag);

	while (i-- > 0) {
		json_t *item = json_array_get(d->bag, i);
		json_t *message = json_object_get(item, "message");

		if (number_in(message, "from") != id)
			continue;
		if (number_in(item, "gate") > persisted)
			take_out(d, i);
		else
			jfield_set(item, "gate", jfield_from_u64(0));
	}
}

static bool
is_option(const char *key)
{
	static const char *const option[] = {"count", "keep", "tell"};
	size_t i;

	for (i = 0; i < LEN(option); i++)
		if (strcmp(key, option[i]) == 0)
			return true;
	return false;
}

static bool
is_among(const json_t *list, const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), value))
			return true;
	return false;
}

bool
bag_wants(const json_t *filter, const json_t *message)
{
	json_t *walk = (json_t *)(uintptr_t)filter; /* Only for the iterator. */
	void *at;

	for (at = json_object_iter(walk); at;
	     at = json_object_iter_next(walk, at)) {
		const char *key = json_object_iter_key(at);
		const json_t *want = json_object_iter_value(at);
		const json_t *is = json_object_get(message, key);

		if (is_option(key))
			continue;
		if (json_is_array(want) ? !is_among(want, is)
					: !json_equal(want, is))
			return false;
	}
	return true;
}

static bool
is_released(const struct drive *d, const json_t *item)
{
	const json_t *message = json_object_get(item, "message");
	const struct driven *n = drive_find(d, number_in(message, "from"));

	return !n || number_in(item, "gate") <= n->persisted;
}

json_t *
bag_take(struct drive *d, const json_t *filter, size_t max, bool keep)
{
	json_t *taken = json_array();
	size_t i = 0;

	while (i < json_array_size(d->bag) && json_array_size(taken) < max) {
		json_t *item = json_array_get(d->bag, i);
		json_t *message = json_object_get(item, "message");

		if (!is_released(d, item) || !bag_wants(filter, message)) {
			i++;
			continue;
		}
		json_array_append(taken, message);
		if (keep)
			i++;
		else
			take_out(d, i);
	}
	return taken;
}

/* What the node of a leader does with the answer to a snapshot. */
static void
report_snapshot(struct drive *d, struct driven *n, const json_t *reply,
		bool installed)
{
	json_t *line = turn_event(d, n, "snapshot_sent");
	json_t *match = json_object();

	json_object_set(line, "peer", json_object_get(reply, "from"));
	json_object_set(line, "stream", json_object_get(reply, "stream"));
	json_object_set(line, "request", json_object_get(reply, "request"));
	jfield_set(line, "outcome",
		   json_string(installed ? "installed" : "failed"));
	json_object_set(match, "index", json_object_get(reply, "match_index"));
	json_object_set(match, "term", json_object_get(reply, "match_term"));
	jfield_set(line, "match", match);
	drive_step_steal(d, n, line, true, NULL);
}

/* What the node of a follower does with a whole snapshot: answer once the
 * switch to it is durable. */
static void
receive_snapshot(struct drive *d, struct driven *n, const json_t *chunk)
{
	json_t *line = turn_event(d, n, "snapshot_received");
	json_t *meta = json_object_get(chunk, "snapshot");
	struct effects effects;
	json_t *reply;

	json_object_set(line, "snapshot", meta);
	if (drive_step_steal(d, n, line, true, &effects))
		return;
	reply = json_object();
	jfield_set(reply, "type", json_string("snapshot_reply"));
	json_object_set(reply, "from", json_object_get(chunk, "to"));
	json_object_set(reply, "to", json_object_get(chunk, "from"));
	jfield_set(reply, "term", jfield_from_u64(core_term(n->core)));
	json_object_set(reply, "stream", json_object_get(chunk, "stream"));
	json_object_set(reply, "request", json_object_get(chunk, "request"));
	jfield_set(reply, "installed", json_true());
	json_object_set(reply, "match_index", json_object_get(meta, "index"));
	json_object_set(reply, "match_term", json_object_get(meta, "term"));
	json_object_set(reply, "transfer", json_object_get(chunk, "transfer"));
	jfield_set(reply, "offset", jfield_from_u64(0));
	bag_put_steal(d, effects.snapshot_install ? effects.install.seq : 0,
		      reply);
}

static bool
has_type(const json_t *message, const char *type)
{
	const char *is = json_string_value(json_object_get(message, "type"));

	return strcmp(is, type) == 0;
}

void
bag_deliver(struct drive *d, const json_t *message)
{
	struct driven *n = drive_find(d, number_in(message, "to"));
	struct effects effects;
	json_t *line, *copy;

	if (!n || !n->core) {
		bag_lose(d, message, false);
		return;
	}
	line = turn_event(d, n, "receive");
	copy = json_copy((json_t *)(uintptr_t)message);
	jfield_set(line, "message", copy);
	if (drive_step_steal(d, n, line, true, &effects))
		return;
	if (effects.chunk_wanted)
		receive_snapshot(d, n, message);
	else if (has_type(message, "snapshot_reply"))
		report_snapshot(
			d, n, message,
			json_is_true(json_object_get(message, "installed")));
}

static bool
is_reply(const json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	return strstr(type, "_reply") != NULL;
}

void
bag_lose(struct drive *d, const json_t *message, bool tell)
{
	bool reply = is_reply(message);
	const char *asker = reply ? "to" : "from";
	const char *asked = reply ? "from" : "to";
	struct driven *n = drive_find(d, number_in(message, asker));
	json_t *line;

	if (!tell || !n || !n->core || number_in(message, "stream") == 0)
		return;
	line = turn_event(d, n, "peer_unreachable");
	if (has_type(message, "snapshot") ||
	    has_type(message, "snapshot_reply"))
		jfield_set(line, "event", json_string("snapshot_sent"));
	jfield_set(line, "outcome", json_string("failed"));
	json_object_set(line, "peer", json_object_get(message, asked));
	json_object_set(line, "stream", json_object_get(message, "stream"));
	json_object_set(line, "request", json_object_get(message, "request"));
	drive_step_steal(d, n, line, true, NULL);
}
