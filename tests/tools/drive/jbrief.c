/* jbrief.c - what a core did, in short texts for people. */

#include <inttypes.h>

#include "jeffects.h"
#include "jmessage.h"

static json_t *
text_take(struct bytes *text)
{
	json_t *value = json_stringn((const char *)text->data, text->len);

	bytes_close(text);
	return value ? value : json_string("");
}

static void
append_range(struct bytes *text, rk_index from, rk_index to)
{
	bytes_printf(text, "%" PRIu64, from);
	if (to - from > 1)
		bytes_printf(text, "-%" PRIu64, to - 1);
}

static json_t *
brief_persist(const struct effect_persist *p)
{
	struct bytes text = {0};

	bytes_printf(&text, "#%" PRIu64, p->seq);
	if (p->has_hard_state)
		bytes_printf(&text, " T%" PRIu64 " vote %" PRIu64,
			     p->hard_state.term, p->hard_state.vote);
	if (p->truncate_from)
		bytes_printf(&text, " cut from %" PRIu64, p->truncate_from);
	if (p->append_to > p->append_from) {
		bytes_append_text(&text, " append ");
		append_range(&text, p->append_from, p->append_to);
		if (p->append_term)
			bytes_printf(&text, " of T%" PRIu64, p->append_term);
		if (p->append_type != RK_ENTRY_DATA)
			bytes_printf(&text, " %s",
				     rk_entry_type_name(p->append_type));
	}
	return text_take(&text);
}

static json_t *
brief_sends(const struct effects *fx)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < fx->send_count; i++) {
		struct bytes text = {0};

		jmessage_brief(&text, &fx->send[i].message);
		if (fx->send[i].gate)
			bytes_printf(&text, " after #%" PRIu64,
				     fx->send[i].gate);
		json_array_append_new(list, text_take(&text));
	}
	return list;
}

static json_t *
brief_results(const struct effects *fx)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < fx->result_count; i++) {
		const struct effect_result *r = &fx->results[i];

		json_array_append_new(
			list,
			json_sprintf("%" PRIu64 " %s at %" PRIu64 "/%" PRIu64,
				     r->token, jeffects_result_name(r->status),
				     r->index, r->term));
	}
	return list;
}

static json_t *
brief_reads(const struct effects *fx)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < fx->read_count; i++) {
		const struct effect_read *r = &fx->reads[i];

		json_array_append_new(
			list, r->granted
				      ? json_sprintf("%" PRIu64 " at %" PRIu64,
						     r->token, r->index)
				      : json_sprintf("%" PRIu64 " refused",
						     r->token));
	}
	return list;
}

static json_t *
brief_log_end(struct log_end end)
{
	return json_sprintf("%" PRIu64 "/%" PRIu64, end.index, end.term);
}

static void
brief_snapshots(json_t *line, const struct effects *fx)
{
	json_t *list;
	size_t i;

	if (fx->snapshot_take)
		jfield_set(line, "snapshot_take", json_true());
	if (fx->snapshot_send_count > 0) {
		list = json_array();
		for (i = 0; i < fx->snapshot_send_count; i++)
			json_array_append_new(
				list,
				json_sprintf(
					"%" PRIu64 "/%" PRIu64 " to %" PRIu64,
					fx->snapshot_send[i].meta.last.index,
					fx->snapshot_send[i].meta.last.term,
					fx->snapshot_send[i].peer));
		jfield_set(line, "snapshot_send", list);
	}
	if (fx->chunk_wanted)
		jfield_set(line, "chunk_wanted", json_true());
	if (fx->snapshot_install)
		jfield_set(line, "snapshot_install",
			   json_sprintf(
				   "%" PRIu64 "/%" PRIu64 " #%" PRIu64 "%s",
				   fx->install.meta.last.index,
				   fx->install.meta.last.term, fx->install.seq,
				   fx->install.keep_tail ? " keeps tail" : ""));
	if (fx->compact.index)
		jfield_set(line, "compact", brief_log_end(fx->compact));
}

/* What it is, and of whom. */
static json_t *
brief_role(const struct core *core)
{
	const char *name = role_name(core_role(core));

	if (core_leader(core) == 0 || core_role(core) == ROLE_LEADER)
		return json_string(name);
	return json_sprintf("%s of %" PRIu64, name, core_leader(core));
}

void
jeffects_brief(json_t *line, const struct core *core, const struct effects *fx)
{
	struct bytes text = {0};

	if (fx->persist.seq)
		jfield_set(line, "persist", brief_persist(&fx->persist));
	if (fx->send_count > 0)
		jfield_set(line, "send", brief_sends(fx));
	if (fx->apply.to > fx->apply.from) {
		append_range(&text, fx->apply.from, fx->apply.to);
		jfield_set(line, "apply", text_take(&text));
	}
	if (fx->result_count > 0)
		jfield_set(line, "results", brief_results(fx));
	if (fx->read_count > 0)
		jfield_set(line, "reads", brief_reads(fx));
	brief_snapshots(line, fx);
	if (fx->role_changed)
		jfield_set(line, "role", brief_role(core));
}
