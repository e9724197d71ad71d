/* reader_meta.c - what a directory, segment or snapshot says of itself. */

#include <stdio.h>

#include "base/error.h"
#include "node/reader.h"

/* The newest configuration behind the snapshot's, whose members are in its
 * header; what is not committed counts, too (thesis, 4.1). */
static enum rk_code
find_members(struct rk_reader *r, rk_term *last_term, struct rk_error *err)
{
	struct reader_cursor c;
	struct slice text;
	struct line line;
	enum rk_code rc;

	r->members.len = 0;
	bytes_append(&r->members, r->snapshot.addresses.data,
		     r->snapshot.addresses.len);
	*last_term = r->snapshot.meta.last.term;
	rc = reader_seek(r, r->snapshot.meta.last.index + 1, &c, err);
	while (rc == RK_OK) {
		rc = reader_next(&c, &text, &line, err);
		if (rc || text.len == 0)
			break;
		*last_term = line.term;
		if (line.type != RK_ENTRY_CONFIGURATION)
			continue;
		r->members.len = 0;
		line_decode_data(&line, &r->members);
	}
	reader_cursor_close(&c);
	return rc;
}

static void
show_snapshot(const struct snapshot_header *h, struct rk_snapshot *s)
{
	if (h->meta.last.index == 0)
		return;
	snprintf(s->id, sizeof s->id, "%llu-%llu",
		 (unsigned long long)h->meta.last.index,
		 (unsigned long long)h->meta.last.term);
	s->index = h->meta.last.index;
	s->term = h->meta.last.term;
	s->bytes = h->bytes;
	line_format_time(h->time_ms, s->time);
	snprintf(s->machine, sizeof s->machine, "%s", h->machine);
}

enum rk_code
rk_reader_meta(struct rk_reader *r, struct rk_meta *meta, struct rk_error *err)
{
	struct rk_meta m = {
		.kind = r->kind,
		.cluster = r->identity.node ? r->identity.cluster
					    : r->snapshot.cluster,
		.incarnation = r->identity.incarnation,
		.node = r->identity.node,
		.format = r->identity.format,
		.term = r->hard_state.term,
		.vote = r->hard_state.vote,
	};

	if (find_members(r, &m.last_term, err))
		return err->code;
	show_snapshot(&r->snapshot, &m.snapshot);
	if (r->members.len > 0) {
		bytes_append_char(&r->members, '\0');
		m.members = (const char *)r->members.data;
	}
	if (r->damage.code != RK_OK) {
		*err = r->damage;
		return err->code;
	}
	*meta = m;
	return RK_OK;
}
