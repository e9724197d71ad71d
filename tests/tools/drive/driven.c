/* driven.c - one core, and what a driver must remember to drive it. */

#include "driven.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "jstart.h"

const struct driven_peer *
driven_find_peer(const struct driven *n, rk_id id)
{
	size_t i;

	for (i = 0; i < n->peer_count; i++)
		if (n->peers[i].id == id)
			return &n->peers[i];
	return NULL;
}

static struct driven_peer *
want_peer(struct driven *n, rk_id id)
{
	size_t i;

	for (i = 0; i < n->peer_count; i++)
		if (n->peers[i].id == id)
			return &n->peers[i];
	n->peers = mem_grow(n->peers, &n->peer_cap, n->peer_count + 1,
			    sizeof n->peers[0]);
	n->peers[n->peer_count] = (struct driven_peer){.id = id};
	return &n->peers[n->peer_count++];
}

/* The disk's list `name`, made if it is missing. */
static json_t *
disk_list(json_t *disk, const char *name)
{
	json_t *list = json_object_get(disk, name);

	if (!json_is_array(list)) {
		list = json_array();
		jfield_set(disk, name, list);
	}
	return list;
}

static rk_index
index_in(const json_t *object)
{
	json_int_t n = json_integer_value(json_object_get(object, "index"));

	return n > 0 ? (rk_index)n : 0;
}

static rk_term
term_in(const json_t *object)
{
	return (rk_term)json_integer_value(json_object_get(object, "term"));
}

static rk_index
disk_base(const json_t *disk)
{
	return index_in(json_object_get(disk, "compacted"));
}

/* What the "new" object left out is written in, so that the disk can be
 * changed piece by piece. */
static json_t *
disk_new(const json_t *object, const struct jstart *s)
{
	json_t *disk = json_deep_copy(object);
	uint64_t i;
	json_t *sizes;

	jfield_set(disk, "term", jfield_from_u64(s->start.hard_state.term));
	jfield_set(disk, "vote", jfield_from_u64(s->start.hard_state.vote));
	jfield_set(disk, "snapshot", jfield_from_meta(&s->start.snapshot));
	jfield_set(disk, "compacted", jfield_from_log_end(s->start.compacted));
	disk_list(disk, "log");
	disk_list(disk, "configurations");
	sizes = json_array();
	for (i = 0; i < s->log.count; i++)
		json_array_append_new(sizes, jfield_from_u64(s->log.sizes[i]));
	jfield_set(disk, "sizes", sizes);
	/* Neither is on a disk: both are learnt again. */
	json_object_del(disk, "commit");
	json_object_del(disk, "applied");
	return disk;
}

/* Keep the configurations with an index in [from, to). */
static void
disk_keep_configurations(json_t *disk, rk_index from, rk_index to)
{
	json_t *list = disk_list(disk, "configurations");
	size_t i = json_array_size(list);

	while (i-- > 0) {
		rk_index index = index_in(json_array_get(list, i));

		if (index < from || index >= to)
			json_array_remove(list, i);
	}
}

static void
disk_truncate(json_t *disk, rk_index from)
{
	json_t *log = disk_list(disk, "log"), *sizes = disk_list(disk, "sizes");
	size_t keep = 0;

	if (from > disk_base(disk))
		keep = (size_t)(from - disk_base(disk) - 1);
	while (json_array_size(log) > keep) {
		json_array_remove(log, json_array_size(log) - 1);
		json_array_remove(sizes, json_array_size(sizes) - 1);
	}
	disk_keep_configurations(disk, 0, from);
}

/* The first `count` items of the disk's list `name` go. */
static void
disk_drop_first(json_t *disk, const char *name, size_t count)
{
	json_t *list = disk_list(disk, name);
	json_t *rest = json_array();
	size_t i;

	for (i = count; i < json_array_size(list); i++)
		json_array_append(rest, json_array_get(list, i));
	jfield_set(disk, name, rest);
}

/* Everything up to `to` leaves the log. */
static void
disk_compact(json_t *disk, struct log_end to)
{
	if (to.index <= disk_base(disk))
		return;
	disk_drop_first(disk, "log", (size_t)(to.index - disk_base(disk)));
	disk_drop_first(disk, "sizes", (size_t)(to.index - disk_base(disk)));
	jfield_set(disk, "compacted", jfield_from_log_end(to));
	disk_keep_configurations(disk, to.index + 1, LIMIT_NUMBER + 1);
}

/* The log holds nothing that goes with the snapshot. */
static void
disk_begin_behind_snapshot(json_t *disk)
{
	const json_t *snapshot = json_object_get(disk, "snapshot");
	struct log_end end = {index_in(snapshot), term_in(snapshot)};

	disk_truncate(disk, disk_base(disk) + 1);
	disk_compact(disk, end);
}

static void
disk_install(json_t *disk, const json_t *install)
{
	json_t *snapshot = json_object_get(install, "snapshot");

	json_object_set(disk, "snapshot", snapshot);
	if (!json_is_true(json_object_get(install, "keep_tail")))
		disk_begin_behind_snapshot(disk);
}

static void
disk_append(json_t *disk, const json_t *append)
{
	json_t *list = json_object_get(append, "configurations");

	json_array_extend(disk_list(disk, "log"),
			  json_object_get(append, "terms"));
	json_array_extend(disk_list(disk, "sizes"),
			  json_object_get(append, "sizes"));
	if (list)
		json_array_extend(disk_list(disk, "configurations"), list);
}

/* The term of the entry at `index`; 0: it is not in the log. */
static rk_term
disk_term(json_t *disk, rk_index index)
{
	const json_t *log = json_object_get(disk, "log");
	rk_index base = disk_base(disk);

	if (index <= base)
		return index == base
			       ? term_in(json_object_get(disk, "compacted"))
			       : 0;
	return (rk_term)json_integer_value(
		json_array_get(log, (size_t)(index - base - 1)));
}

/* One "persist" effect, or a "snapshot_install" beside it, reaches the disk. */
static void
disk_write(json_t *disk, const json_t *persist)
{
	const json_t *install = json_object_get(persist, "snapshot_install");
	const json_t *append = json_object_get(persist, "append");
	json_t *term = json_object_get(persist, "term");
	json_t *from = json_object_get(persist, "truncate_from");

	if (term) {
		json_object_set(disk, "term", term);
		json_object_set(disk, "vote", json_object_get(persist, "vote"));
	}
	if (install)
		disk_install(disk, install);
	if (from)
		disk_truncate(disk, (rk_index)json_integer_value(from));
	if (append)
		disk_append(disk, append);
}

static void
note_persisted(struct driven *n, uint64_t seq)
{
	json_t *first;

	if (seq > n->persisted)
		n->persisted = seq;
	while ((first = json_array_get(n->pending, 0))) {
		json_t *number = json_object_get(first, "seq");

		if ((uint64_t)json_integer_value(number) > seq)
			return;
		disk_write(n->disk, first);
		json_array_remove(n->pending, 0);
	}
}

static void
note_sends(struct driven *n, const struct effects *effects)
{
	size_t i;

	for (i = 0; i < effects->send_count; i++) {
		const struct message *m = &effects->send[i].message;
		struct driven_peer *peer;

		if (m->type != MESSAGE_APPEND && m->type != MESSAGE_HEARTBEAT)
			continue; /* No other has a stream of ours. */
		peer = want_peer(n, m->to);
		peer->stream = m->stream;
		peer->request = m->request;
	}
	for (i = 0; i < effects->snapshot_send_count; i++) {
		const struct effect_snapshot_send *s =
			&effects->snapshot_send[i];
		struct driven_peer *peer = want_peer(n, s->peer);

		peer->stream = s->stream;
		peer->snapshot_stream = s->stream;
		peer->snapshot_request = s->request;
		peer->snapshot = s->meta;
	}
}

static void
note_persist(struct driven *n, const struct effects *effects,
	     const json_t *line)
{
	const json_t *persist = json_object_get(line, "persist");
	json_t *install = json_object_get(line, "snapshot_install");
	json_t *work;

	if (!persist && !install)
		return;
	work = persist ? json_copy((json_t *)(uintptr_t)persist)
		       : json_object();
	if (install) {
		json_object_set(work, "snapshot_install", install);
		if (!persist)
			json_object_set(work, "seq",
					json_object_get(install, "seq"));
	}
	json_array_append_new(n->pending, work);
	if (effects->persist.seq > n->seq)
		n->seq = effects->persist.seq;
	if (effects->snapshot_install && effects->install.seq > n->seq)
		n->seq = effects->install.seq;
}

/* The newest snapshot is on the disk before a core is told of it. */
static void
note_snapshot(struct driven *n)
{
	struct core_status status;

	core_status(n->core, &status);
	jfield_set(n->disk, "snapshot", jfield_from_meta(&status.snapshot));
}

void
driven_note(struct driven *n, const struct event *ev,
	    const struct effects *effects, const json_t *line)
{
	n->now_ms = ev->now_ms;
	n->deadline_ms = effects->deadline_ms;
	if (ev->type == EVENT_PERSISTED)
		note_persisted(n, ev->as.persisted_seq);
	if (ev->type == EVENT_SNAPSHOT_TAKEN)
		note_snapshot(n);
	if (ev->type == EVENT_COMPACTED)
		disk_compact(n->disk, ev->as.compacted);
	note_persist(n, effects, line);
	note_sends(n, effects);
	if (effects->apply.to > n->apply_to)
		n->apply_to = effects->apply.to;
	if (effects->compact.index)
		n->compact = effects->compact;
	if (effects->chunk_wanted)
		n->chunk = ev->as.receive->as.snapshot.meta;
}

/* When such a core first wants to be told the time. A core says so only with
 * its effects, so a twin is asked. */
static uint64_t
first_deadline(const struct jstart *s)
{
	struct event ev = {.type = EVENT_TIME, .now_ms = s->start.now_ms};
	struct core *twin = core_new(&s->settings, &s->start);
	struct effects effects;
	uint64_t deadline_ms;

	core_step(twin, &ev, &effects);
	deadline_ms =
		effects.role_changed ? s->start.now_ms : effects.deadline_ms;
	core_free(twin);
	return deadline_ms;
}

enum rk_code
driven_start(struct driven *n, uint64_t now_ms, const json_t *object,
	     struct rk_error *err)
{
	struct jstart s;
	struct driven fresh;
	enum rk_code rc;

	rc = jstart_read(n->id, now_ms, object, &s, err);
	if (rc)
		return rc;
	fresh = (struct driven){.id = n->id,
				.now_ms = now_ms,
				.deadline_ms = first_deadline(&s),
				.apply_to = s.start.applied + 1,
				.core = core_new(&s.settings, &s.start),
				.disk = disk_new(object, &s),
				.pending = json_array()};
	jstart_close(&s);
	driven_close(n);
	*n = fresh;
	return RK_OK;
}

json_t *
driven_disk(const struct driven *n)
{
	json_t *disk = json_deep_copy(n->disk);
	const json_t *snapshot = json_object_get(disk, "snapshot");

	/* A machine may save what a majority has and its own disk has not;
	 * nor has it then a vote that anybody heard of. */
	if (disk_term(disk, index_in(snapshot)) != term_in(snapshot))
		disk_begin_behind_snapshot(disk);
	if (term_in(disk) < term_in(snapshot)) {
		jfield_set(disk, "term", jfield_from_u64(term_in(snapshot)));
		jfield_set(disk, "vote", jfield_from_u64(0));
	}
	return disk;
}

void
driven_crash(struct driven *n)
{
	core_free(n->core);
	n->core = NULL;
	json_array_clear(n->pending);
}

void
driven_close(struct driven *n)
{
	core_free(n->core);
	json_decref(n->disk);
	json_decref(n->pending);
	mem_free(n->peers);
	*n = (struct driven){.id = n->id};
}
