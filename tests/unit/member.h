/* member.h - a member's data directory, written as a member writes it. */

#ifndef UNIT_MEMBER_H
#define UNIT_MEMBER_H

#include "machine/machine.h"
#include "store/identity.h"
#include "store/log.h"
#include "unit.h"

struct member {
	char *dir;
	struct identity identity;
	int lock_fd;
	struct log *log;
	struct log_map *map;
	struct machine *machine;
	struct bytes lines; /* All entries, as in the log. */
	rk_index last;
};

/* An empty directory of member 1, its log open. */
void member_init(struct member *m);
void member_close_files(struct member *m); /* The directory stays. */
void member_close(struct member *m);

/* Append to the log `lines` of `count` entries from m->last + 1 on, in one
 * batch that knows of `commit`. */
void member_append(struct member *m, const struct bytes *lines, uint64_t count,
		   rk_index commit);

/* The same with data entries: their indexes as data. */
void member_append_some(struct member *m, uint64_t count, rk_index commit);

/* Apply everything up to `last`. */
void member_apply(struct member *m, rk_index last);

/* Take a snapshot of what is applied, as of `term`. */
void member_snapshot(struct member *m, rk_term term);

/* Write the newest snapshot to `path` as it would be sent. */
void member_save(struct member *m, const char *path);

#endif /* UNIT_MEMBER_H */
