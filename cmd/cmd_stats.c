/* cmd_stats.c - how many entries there are, and when they came. */

#include "cmd_dump.h"

#include <inttypes.h>
#include <string.h>

/* Columns of the plot beside the numbers, on a terminal of usual width. */
#define BAR_MOST 24

/* Which span a moment falls into. Spans grow with the time that they cover:
 * twice as long, they hold what two of them held. */
static size_t
place(struct cmd_stats *s, uint64_t time_ms)
{
	uint64_t at;
	size_t i;

	if (s->span_ms == 0) {
		s->start_ms = time_ms;
		s->span_ms = 1;
	}
	if (time_ms < s->start_ms)
		return 0; /* Another leader's clock. */
	while ((at = (time_ms - s->start_ms) / s->span_ms) >= CMD_SPANS) {
		for (i = 0; i < CMD_SPANS / 2; i++) {
			s->spans[i].entries = s->spans[2 * i].entries +
					      s->spans[2 * i + 1].entries;
			s->spans[i].bytes = s->spans[2 * i].bytes +
					    s->spans[2 * i + 1].bytes;
		}
		memset(s->spans + CMD_SPANS / 2, 0, sizeof s->spans / 2);
		s->span_ms *= 2;
	}
	return (size_t)at;
}

void
cmd_stats_add(struct cmd_stats *s, const struct rk_entry *entry)
{
	size_t at = place(s, entry->time_ms);

	s->spans[at].entries++;
	s->spans[at].bytes += entry->len;
	s->types[entry->type]++;
	s->entries++;
	s->bytes += entry->len;
	s->repeats += entry->repeat != 0;
	s->uncommitted += !entry->committed;
	if (s->first == 0)
		s->first = entry->index;
	s->last = entry->index;
	if (entry->time_ms > s->end_ms)
		s->end_ms = entry->time_ms;
}

/* From the start of the i-th span to its end, or to the last entry. */
static double
seconds_of(const struct cmd_stats *s, size_t i)
{
	uint64_t from_ms = s->start_ms + i * s->span_ms;
	uint64_t ms = s->end_ms + 1 - from_ms;

	return (double)(ms < s->span_ms ? ms : s->span_ms) / 1000;
}

static void
print_time(uint64_t time_ms)
{
	const struct rk_entry entry = {.time_ms = time_ms};

	cmd_print_format(stdout, "%T", &entry, NULL, 0);
}

static size_t
span_count(const struct cmd_stats *s)
{
	return s->entries > 0
		       ? (size_t)((s->end_ms - s->start_ms) / s->span_ms) + 1
		       : 0;
}

static double
rate_of(const struct cmd_stats *s)
{
	return (double)s->entries * 1000 /
	       (double)(s->end_ms + 1 - s->start_ms);
}

static void
print_bar(double part)
{
	static const char *const eighth[] = {"",  "▏", "▎", "▍",
					     "▌", "▋", "▊", "▉"};
	unsigned eighths = (unsigned)(part * BAR_MOST * 8 + 0.5);

	for (; eighths >= 8; eighths -= 8)
		fputs("█", stdout);
	fputs(eighth[eighths], stdout);
}

static void
print_spans(const struct cmd_stats *s)
{
	bool plot = cmd_terminal_width() > 0;
	size_t count = span_count(s), i;
	double most = 0, rate;

	for (i = 0; i < count; i++) {
		rate = (double)s->spans[i].entries / seconds_of(s, i);
		most = rate > most ? rate : most;
	}
	printf("%-24s %10s %12s %12s\n", "TIME", "ENTRIES", "BYTES",
	       "ENTRIES/S");
	for (i = 0; i < count; i++) {
		rate = (double)s->spans[i].entries / seconds_of(s, i);
		print_time(s->start_ms + i * s->span_ms);
		printf(" %10" PRIu64 " %12" PRIu64 " %12.1f",
		       s->spans[i].entries, s->spans[i].bytes, rate);
		if (plot) {
			putchar(' ');
			print_bar(rate / most);
		}
		putchar('\n');
	}
}

static void
print_text(const struct cmd_stats *s)
{
	printf("entries %" PRIu64 ": %" PRIu64 " data, %" PRIu64
	       " noop, %" PRIu64 " configuration",
	       s->entries, s->types[RK_ENTRY_DATA], s->types[RK_ENTRY_NOOP],
	       s->types[RK_ENTRY_CONFIGURATION]);
	if (s->repeats > 0)
		printf("; %" PRIu64 " repeats", s->repeats);
	if (s->uncommitted > 0)
		printf("; %" PRIu64 " not known to be committed",
		       s->uncommitted);
	printf("\nbytes %" PRIu64 "\n", s->bytes);
	if (s->entries == 0)
		return;
	printf("index %" PRIu64 " to %" PRIu64 "\ntime ", s->first, s->last);
	print_time(s->start_ms);
	fputs(" to ", stdout);
	print_time(s->end_ms);
	printf("\nrate %.1f entries/s\n\n", rate_of(s));
	print_spans(s);
}

static void
print_json(const struct cmd_stats *s)
{
	size_t i;

	printf("{\"entries\":%" PRIu64 ",\"data\":%" PRIu64 ",\"noop\":%" PRIu64
	       ",\"configuration\":%" PRIu64 ",\"repeats\":%" PRIu64
	       ",\"uncommitted\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
	       ",\"span_ms\":%" PRIu64 ",\"spans\":[",
	       s->entries, s->types[RK_ENTRY_DATA], s->types[RK_ENTRY_NOOP],
	       s->types[RK_ENTRY_CONFIGURATION], s->repeats, s->uncommitted,
	       s->bytes, s->first, s->last, s->span_ms);
	for (i = 0; i < span_count(s); i++) {
		fputs(i > 0 ? ",{\"time\":\"" : "{\"time\":\"", stdout);
		print_time(s->start_ms + i * s->span_ms);
		printf("\",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64
		       ",\"entries_per_second\":%.1f}",
		       s->spans[i].entries, s->spans[i].bytes,
		       (double)s->spans[i].entries / seconds_of(s, i));
	}
	fputs("]}\n", stdout);
}

void
cmd_stats_print(const struct cmd *c, const struct cmd_stats *s)
{
	if (c->json)
		print_json(s);
	else
		print_text(s);
}
