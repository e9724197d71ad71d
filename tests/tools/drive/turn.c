/* turn.c - what the disk, the machine and the clock of a core do next. */

#include "turn.h"

json_t *
turn_event(const struct drive *d, const struct driven *n, const char *event)
{
	uint64_t now_ms = n->now_ms > d->now_ms ? n->now_ms : d->now_ms;

	return json_pack("{s:I, s:I, s:s}", "core", (json_int_t)n->id, "now",
			 (json_int_t)now_ms, "event", event);
}

/* Its disk and its machine work only for one that is there, and well. */
static bool
is_alive(const struct driven *n)
{
	return n->core && core_role(n->core) != ROLE_SHUTDOWN;
}

bool
turn_persist(struct drive *d, struct driven *n)
{
	json_t *line;

	if (!is_alive(n) || n->persisted == n->seq)
		return false;
	line = turn_event(d, n, "persisted");
	jfield_set(line, "seq", jfield_from_u64(n->seq));
	return drive_step_steal(d, n, line, true, NULL) == 0;
}

bool
turn_apply(struct drive *d, struct driven *n)
{
	struct core_status status;
	json_t *line;

	if (!is_alive(n))
		return false;
	core_status(n->core, &status);
	if (status.applied + 1 >= n->apply_to)
		return false;
	line = turn_event(d, n, "applied");
	jfield_set(line, "index", jfield_from_u64(n->apply_to - 1));
	return drive_step_steal(d, n, line, true, NULL) == 0;
}

bool
turn_tick(struct drive *d, struct driven *n)
{
	json_t *line = turn_event(d, n, "time");

	if (n->deadline_ms > n->now_ms && n->deadline_ms > d->now_ms &&
	    n->deadline_ms <= LIMIT_NUMBER)
		jfield_set(line, "now", jfield_from_u64(n->deadline_ms));
	return drive_step_steal(d, n, line, true, NULL) == 0;
}
