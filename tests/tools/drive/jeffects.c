/* jeffects.c - what a core did, as JSON. */

#include "jeffects.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "jmessage.h"

static const char *const status_name[] = {
	[RESULT_COMMITTED] = "committed",
	[RESULT_LOST] = "lost",
	[RESULT_REFUSED] = "refused",
};
_Static_assert(LEN(status_name) == RESULT_REFUSED + 1, "name every status");

const char *
jeffects_result_name(enum result_status status)
{
	return status_name[status];
}

/* Term of the entry at `index` of those that `p` appends. */
static rk_term
term_of(const struct event *ev, const struct effect_persist *p, rk_index index)
{
	const struct message_append *append;
	uint64_t skip;
	size_t i;

	if (p->append_term)
		return p->append_term;
	assert(ev->type == EVENT_RECEIVE);
	append = &ev->as.receive->as.append;
	skip = index - append->prev.index - 1;
	for (i = 0; i < append->run_count; i++) {
		if (skip < append->runs[i].count)
			return append->runs[i].term;
		skip -= append->runs[i].count;
	}
	assert(false);
	return 0;
}

static uint32_t
size_of(const struct event *ev, const struct effect_persist *p, rk_index index)
{
	if (ev->type == EVENT_PROPOSE)
		return ev->as.propose.sizes[index - p->append_from];
	if (ev->type == EVENT_RECEIVE && p->append_term == 0) {
		const struct message_append *append =
			&ev->as.receive->as.append;

		return append->sizes[index - append->prev.index - 1];
	}
	return 0;
}

/* The configurations among the appended entries; NULL: none. */
static json_t *
write_configurations(const struct event *ev, const struct effect_persist *p)
{
	json_t *list = json_array();
	const struct message_append *append;
	struct configuration_at own;
	size_t i;

	if (p->configuration) {
		own.index = p->append_from;
		own.configuration = *p->configuration;
		json_array_append_new(list, jfield_from_configuration(&own));
	} else if (ev->type == EVENT_RECEIVE && p->append_term == 0) {
		append = &ev->as.receive->as.append;
		for (i = 0; i < append->configuration_count; i++)
			if (append->configurations[i].index >= p->append_from)
				json_array_append_new(
					list,
					jfield_from_configuration(
						&append->configurations[i]));
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
write_append(const struct event *ev, const struct effect_persist *p)
{
	json_t *object = json_object(), *terms = json_array();
	json_t *sizes = json_array(), *configurations;
	rk_index i;

	jfield_set(object, "from", jfield_from_u64(p->append_from));
	jfield_set(object, "to", jfield_from_u64(p->append_to));
	for (i = p->append_from; i < p->append_to; i++) {
		json_array_append_new(terms,
				      jfield_from_u64(term_of(ev, p, i)));
		json_array_append_new(sizes,
				      jfield_from_u64(size_of(ev, p, i)));
	}
	jfield_set(object, "terms", terms);
	jfield_set(object, "sizes", sizes);
	if (p->append_type != RK_ENTRY_DATA)
		jfield_set(object, "type",
			   json_string(rk_entry_type_name(p->append_type)));
	configurations = write_configurations(ev, p);
	if (configurations)
		jfield_set(object, "configurations", configurations);
	return object;
}

static json_t *
write_persist(const struct event *ev, const struct effect_persist *p)
{
	json_t *object = json_object();

	jfield_set(object, "seq", jfield_from_u64(p->seq));
	if (p->has_hard_state) {
		jfield_set(object, "term", jfield_from_u64(p->hard_state.term));
		jfield_set(object, "vote", jfield_from_u64(p->hard_state.vote));
	}
	if (p->truncate_from)
		jfield_set(object, "truncate_from",
			   jfield_from_u64(p->truncate_from));
	if (p->append_to > p->append_from)
		jfield_set(object, "append", write_append(ev, p));
	return object;
}

static json_t *
write_send(const struct effect_send *send)
{
	json_t *object = json_object();

	jfield_set(object, "gate", jfield_from_u64(send->gate));
	jfield_set(object, "deadline", jfield_from_u64(send->deadline_ms));
	jfield_set(object, "message", jmessage_write(&send->message));
	return object;
}

static json_t *
write_result(const struct effect_result *r)
{
	json_t *object = json_object();

	jfield_set(object, "token", jfield_from_u64(r->token));
	jfield_set(object, "status",
		   json_string(jeffects_result_name(r->status)));
	jfield_set(object, "index", jfield_from_u64(r->index));
	jfield_set(object, "count", jfield_from_u64(r->count));
	jfield_set(object, "term", jfield_from_u64(r->term));
	return object;
}

static json_t *
write_read(const struct effect_read *r)
{
	json_t *object = json_object();

	jfield_set(object, "token", jfield_from_u64(r->token));
	jfield_set(object, "granted", json_boolean(r->granted));
	jfield_set(object, "index", jfield_from_u64(r->index));
	return object;
}

static json_t *
write_snapshot_send(const struct effect_snapshot_send *s)
{
	json_t *object = json_object();

	jfield_set(object, "peer", jfield_from_u64(s->peer));
	jfield_set(object, "stream", jfield_from_u64(s->stream));
	jfield_set(object, "request", jfield_from_u64(s->request));
	jfield_set(object, "snapshot", jfield_from_meta(&s->meta));
	return object;
}

static json_t *
write_install(const struct effect_snapshot_install *s)
{
	json_t *object = json_object();

	jfield_set(object, "seq", jfield_from_u64(s->seq));
	jfield_set(object, "keep_tail", json_boolean(s->keep_tail));
	jfield_set(object, "snapshot", jfield_from_meta(&s->meta));
	return object;
}

static json_t *
write_apply(struct effect_apply apply)
{
	json_t *object = json_object();

	jfield_set(object, "from", jfield_from_u64(apply.from));
	jfield_set(object, "to", jfield_from_u64(apply.to));
	return object;
}

/* The lists that are not empty. */
static void
write_lists(json_t *line, const struct effects *fx)
{
	json_t *results = json_array(), *reads = json_array();
	size_t i;

	for (i = 0; i < fx->result_count; i++)
		json_array_append_new(results, write_result(&fx->results[i]));
	for (i = 0; i < fx->read_count; i++)
		json_array_append_new(reads, write_read(&fx->reads[i]));
	if (fx->result_count > 0)
		json_object_set(line, "results", results);
	if (fx->read_count > 0)
		json_object_set(line, "reads", reads);
	json_decref(results);
	json_decref(reads);
}

static void
write_snapshots(json_t *line, const struct effects *fx)
{
	json_t *sends = json_array();
	size_t i;

	if (fx->snapshot_take)
		jfield_set(line, "snapshot_take", json_true());
	for (i = 0; i < fx->snapshot_send_count; i++)
		json_array_append_new(
			sends, write_snapshot_send(&fx->snapshot_send[i]));
	if (fx->snapshot_send_count > 0)
		json_object_set(line, "snapshot_send", sends);
	json_decref(sends);
	if (fx->chunk_wanted)
		jfield_set(line, "chunk_wanted", json_true());
	if (fx->snapshot_install)
		jfield_set(line, "snapshot_install",
			   write_install(&fx->install));
	if (fx->compact.index)
		jfield_set(line, "compact", jfield_from_log_end(fx->compact));
}

void
jeffects_write(json_t *line, const struct core *core, const struct event *ev,
	       const struct effects *fx)
{
	json_t *sends;
	size_t i;

	if (fx->persist.seq)
		jfield_set(line, "persist", write_persist(ev, &fx->persist));
	if (fx->send_count > 0) {
		sends = json_array();
		for (i = 0; i < fx->send_count; i++)
			json_array_append_new(sends, write_send(&fx->send[i]));
		jfield_set(line, "send", sends);
	}
	if (fx->apply.to > fx->apply.from)
		jfield_set(line, "apply", write_apply(fx->apply));
	write_lists(line, fx);
	write_snapshots(line, fx);
	if (fx->role_changed) {
		jfield_set(line, "role",
			   json_string(role_name(core_role(core))));
		jfield_set(line, "leader", jfield_from_u64(core_leader(core)));
	}
	if (fx->deadline_ms <= LIMIT_NUMBER)
		jfield_set(line, "deadline", jfield_from_u64(fx->deadline_ms));
}
