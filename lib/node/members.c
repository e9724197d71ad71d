/* members.c - who the members are, by the configuration in force.
 *
 * The core knows the sets; what stands beside them in a configuration entry -
 * addresses, incarnations, who is joining - is kept here, for every
 * configuration that may yet come in force: a truncation brings an older one
 * back, a snapshot is of an older one than the log's last. */

#include "node/members.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "base/mem.h"
#include "node/member_change.h"

struct members *
members_new(void)
{
	return mem_alloc(1, sizeof(struct members));
}

void
members_free(struct members *m)
{
	if (!m)
		return;
	mem_free(m->items);
	mem_free(m);
}

/* ---- what is in force ---- */

static bool
is_in(const struct id_set *set, rk_id id)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->ids[i] == id)
			return true;
	}
	return false;
}

bool
members_are(const struct configuration *c, rk_id id)
{
	return is_in(&c->voters, id) || is_in(&c->old, id) ||
	       is_in(&c->learners, id);
}

static struct members_at_index *
top(const struct members *m)
{
	assert(m->count);
	return &m->items[m->count - 1];
}

/* Forget what nobody can go back to. */
static void
prune(struct node *n)
{
	struct members *m = n->members;
	size_t gone = 0;

	if (!n->machine)
		return;
	while (gone + 1 < m->count &&
	       m->items[gone + 1].index <= machine_applied(n->machine))
		gone++;
	m->count -= gone;
	memmove(m->items, m->items + gone, m->count * sizeof *m->items);
}

/* What has become of the members since `before`. */
static void
note_left(struct members *m, const struct addresses *before,
	  const struct addresses *now)
{
	size_t i;

	for (i = 0; i < before->count; i++) {
		const struct member_address *a = &before->members[i];

		if (addresses_find(now, a->id))
			continue;
		addresses_remove(&m->seen, a->id);
		addresses_set(&m->left, a->id, a->url);
	}
	for (i = 0; i < now->count; i++)
		addresses_remove(&m->left, now->members[i].id);
}

/* What is on top is what everybody sees. */
static void
publish(struct node *n)
{
	struct members *m = n->members;
	struct addresses before = n->addresses;

	n->addresses = top(m)->addresses;
	if (m->own_url[0] && addresses_find(&n->addresses, n->self.id))
		addresses_set(&n->addresses, n->self.id, m->own_url);
	note_left(m, &before, &n->addresses);
}

void
members_push(struct node *n, rk_index index, const struct addresses *a)
{
	struct members *m = n->members;

	prune(n);
	if (m->count)
		assert(top(m)->index < index);
	m->items = mem_grow(m->items, &m->cap, m->count + 1, sizeof *m->items);
	m->items[m->count++] = (struct members_at_index){index, *a};
	publish(n);
}

bool
members_was_one(const struct node *n)
{
	size_t i;

	for (i = 0; i < n->members->count; i++) {
		if (addresses_find(&n->members->items[i].addresses, n->self.id))
			return true;
	}
	return false;
}

const char *
members_own_url(const struct node *n)
{
	const char *url = NULL;
	size_t i;

	for (i = n->members->count; i-- > 0 && !url;)
		url = addresses_find(&n->members->items[i].addresses,
				     n->self.id);
	return url;
}

void
members_listen_at(struct node *n, const char *url)
{
	snprintf(n->members->own_url, LIMIT_URL_BYTES, "%s", url);
	publish(n);
}

bool
members_moved(const struct node *n)
{
	const char *url =
		addresses_find(&top(n->members)->addresses, n->self.id);

	return url && n->members->own_url[0] &&
	       strcmp(url, n->members->own_url) != 0;
}

void
members_truncate(struct node *n, rk_index from)
{
	struct members *m = n->members;

	while (m->count > 1 && top(m)->index >= from)
		m->count--;
	publish(n);
}

/* The addresses in the configuration entry at `index` of the log. */
static bool
read_entry(struct node *n, rk_index index, struct addresses *a)
{
	struct bytes text = {0}, data = {0};
	struct configuration ignored;
	struct rk_error err = {.code = RK_OK};
	struct line line;
	rk_index end;

	if (node_read_lines(n, index, index + 1, 1, &text, &end, &err) ||
	    !line_scan(text.data, text.len, false, &line)) {
		if (!err.code)
			err = (struct rk_error){.code = RK_CORRUPT,
						.text = "no configuration"};
	} else {
		line_decode_data(&line, &data);
		if (members_decode((struct slice){data.data, data.len},
				   &ignored, a, &err))
			err.code = RK_CORRUPT;
	}
	bytes_close(&text);
	bytes_close(&data);
	if (err.code)
		node_fail(n, &err);
	return !err.code;
}

void
members_follow(struct node *n)
{
	const struct configuration_at *at = core_configuration(n->core);
	struct members *m = n->members;
	struct addresses a;

	if (top(m)->index > at->index)
		members_truncate(n, at->index + 1);
	if (top(m)->index != at->index && read_entry(n, at->index, &a))
		members_push(n, at->index, &a);
	if (m->joining && members_are(&at->configuration, n->self.id))
		m->joining = false;
	members_trace_standing(n);
}

void
members_install(struct node *n, rk_index index, const struct addresses *a)
{
	struct members *m = n->members;
	size_t kept = 0, i;

	/* Those of the log that stays behind it remain. */
	for (i = 0; i < m->count; i++) {
		if (m->items[i].index > index &&
		    m->items[i].index <= core_configuration(n->core)->index)
			m->items[kept++] = m->items[i];
	}
	m->items = mem_grow(m->items, &m->cap, kept + 1, sizeof *m->items);
	memmove(m->items + 1, m->items, kept * sizeof *m->items);
	m->items[0] = (struct members_at_index){index, *a};
	m->count = kept + 1;
	publish(n);
}

const struct addresses *
members_at(struct node *n, rk_index index)
{
	struct members *m = n->members;
	struct addresses a;
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (m->items[i].index == index)
			return &m->items[i].addresses;
		if (m->items[i].index > index)
			break;
	}
	/* One of several that came in one message; the log has it still. */
	if (!read_entry(n, index, &a))
		return &n->addresses;
	m->items = mem_grow(m->items, &m->cap, m->count + 1, sizeof *m->items);
	memmove(m->items + i + 1, m->items + i,
		(m->count++ - i) * sizeof *m->items);
	m->items[i] = (struct members_at_index){index, a};
	return &m->items[i].addresses;
}

void
members_propose(struct node *n, const struct addresses *next)
{
	n->members->next = next;
}

void
members_encode_own(struct node *n, const struct configuration *c,
		   struct bytes *out)
{
	const struct addresses *next = n->members->next;
	struct membership m = {.sets = *c,
			       .addresses = next ? *next : n->addresses};

	membership_trim(&m);
	members_encode(out, c, &m.addresses);
}

const char *
members_url(const struct node *n, rk_id id)
{
	const char *url = addresses_find(&n->addresses, id);

	return url ? url : addresses_find(&n->members->left, id);
}
