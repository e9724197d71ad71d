/* cmd_meta.c - what a directory, segment or snapshot says of itself. */

#include "cmd_dump.h"

#include <inttypes.h>

static void
text_row(const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		printf("%-12s %s\n", name, value);
}

static void
number_row(const char *name, uint64_t value)
{
	if (value != 0)
		printf("%-12s %" PRIu64 "\n", name, value);
}

/* What is not known has no row. */
static void
print_rows(const struct rk_reader_info *info, const struct rk_meta *m)
{
	text_row("kind", m->kind);
	number_row("format", m->format);
	text_row("cluster", m->cluster);
	number_row("id", m->node);
	text_row("incarnation", m->incarnation);
	number_row("term", m->term);
	if (m->term != 0)
		printf("%-12s %" PRIu64 "\n", "vote", m->vote);
	printf("%-12s %" PRIu64 "\n", "first", info->first);
	printf("%-12s %" PRIu64 "\n", "last", info->last);
	number_row("last_term", m->last_term);
	printf("%-12s %" PRIu64 "\n", "committed", info->committed);
	if (m->snapshot.index != 0)
		printf("%-12s %s %" PRIu64 " bytes %s machine %s\n", "snapshot",
		       m->snapshot.id, m->snapshot.bytes, m->snapshot.time,
		       m->snapshot.machine);
	number_row("torn_bytes", info->torn_bytes);
	text_row("members", m->members);
}

static void
text_field(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	if (value[0] != '\0')
		cmd_print_json_text(stdout, value);
	else
		fputs("null", stdout);
}

static void
number_field(const char *name, uint64_t value)
{
	printf(",\"%s\":%" PRIu64, name, value);
}

static void
print_json(const struct rk_reader_info *info, const struct rk_meta *m)
{
	const struct rk_snapshot *s = &m->snapshot;

	printf("{\"kind\":\"%s\"", m->kind);
	number_field("format", m->format);
	text_field("cluster", m->cluster);
	number_field("id", m->node);
	text_field("incarnation", m->incarnation);
	number_field("term", m->term);
	number_field("vote", m->vote);
	number_field("first", info->first);
	number_field("last", info->last);
	number_field("last_term", m->last_term);
	number_field("committed", info->committed);
	number_field("torn_bytes", info->torn_bytes);
	if (s->index != 0) {
		printf(",\"snapshot\":{\"id\":\"%s\",\"index\":%" PRIu64
		       ",\"term\":%" PRIu64 ",\"bytes\":%" PRIu64,
		       s->id, s->index, s->term, s->bytes);
		text_field("time", s->time);
		text_field("machine", s->machine);
		putchar('}');
	} else {
		fputs(",\"snapshot\":null", stdout);
	}
	printf(",\"members\":%s}\n", m->members != NULL ? m->members : "null");
}

enum rk_code
cmd_meta(const struct cmd *c, const char *source, struct rk_error *err)
{
	struct rk_reader_info info;
	struct rk_reader *r;
	struct rk_meta meta;
	enum rk_code rc;

	if (cmd_source_is_cluster(source))
		cmd_usage(c, "--meta reads files; raft-status asks members");
	rc = rk_reader_open(source, &r, err);
	if (rc)
		return rc;
	rk_reader_info(r, &info);
	rc = rk_reader_meta(r, &meta, err);
	if (rc == RK_OK && c->json)
		print_json(&info, &meta);
	else if (rc == RK_OK)
		print_rows(&info, &meta);
	rk_reader_close(r);
	return rc;
}
