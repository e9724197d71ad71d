/* cmd_dump.h - what raft-dump is made of. */

#ifndef CMD_CMD_DUMP_H
#define CMD_CMD_DUMP_H

#include "cmd.h"

/* All types of entries, as bits. */
#define CMD_ALL_TYPES                                                          \
	(1U << RK_ENTRY_DATA | 1U << RK_ENTRY_NOOP |                           \
	 1U << RK_ENTRY_CONFIGURATION)

/* A range of indexes (`7`, `7:20`, `7:`, `:20`, `-100:`) into what->from and
 * to; whether it names just one. Types, separated by commas, as bits; changes
 * the text. */
bool cmd_read_range(const struct cmd *c, const char *text,
		    struct rk_read *what);
unsigned cmd_read_types(const struct cmd *c, char *text);

/* Verify a data directory and print what was found. */
enum rk_code cmd_check(const struct cmd *c, const char *dir,
		       struct rk_error *err);

/* Read from a source: files at a path, or a cluster (NULL: the one of the
 * common options; else a URL). Says on stderr what is half written or not
 * known to be committed. */
bool cmd_source_is_cluster(const char *source);
RK_CHECKED enum rk_code
cmd_source_read(const struct cmd *c, const char *source,
		const struct rk_read *what,
		bool (*entry)(void *user, const struct rk_entry *entry),
		void *user, struct rk_error *err);

/* Print what a source says of itself. */
enum rk_code cmd_meta(const struct cmd *c, const char *source,
		      struct rk_error *err);

/* Compare two sources: RK_CORRUPT if they differ, and then both entries have
 * been printed. */
enum rk_code cmd_diff(const struct cmd *c, const char *a, const char *b,
		      struct rk_error *err);

/* How many entries there are, and when they came: counted in spans of time
 * that cover all of it. Zero is a valid empty one. */
#define CMD_SPANS 24
struct cmd_stats {
	uint64_t entries;
	uint64_t bytes; /* Of data. */
	uint64_t types[RK_ENTRY_CONFIGURATION + 1];
	uint64_t repeats;
	uint64_t uncommitted;
	rk_index first;
	rk_index last;
	uint64_t start_ms;
	uint64_t end_ms; /* The latest entry's time. */
	uint64_t span_ms;
	struct {
		uint64_t entries;
		uint64_t bytes;
	} spans[CMD_SPANS];
};

void cmd_stats_add(struct cmd_stats *s, const struct rk_entry *entry);
void cmd_stats_print(const struct cmd *c, const struct cmd_stats *s);

#endif /* CMD_CMD_DUMP_H */
