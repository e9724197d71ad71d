/* cmd_diff.c - whether two replicas of a log hold the same. */

#include "cmd_dump.h"

#include <inttypes.h>

static bool
print_row(void *user, const struct rk_entry *entry)
{
	const struct cmd *c = user;

	if (c->json)
		fwrite(entry->line, 1, entry->line_len, stdout);
	else
		cmd_print_row(stdout, entry, cmd_terminal_width());
	return true;
}

static enum rk_code
print_entry(const struct cmd *c, const char *source, rk_index index,
	    struct rk_error *err)
{
	const struct rk_read what = {.from = (int64_t)index,
				     .to = index,
				     .types = CMD_ALL_TYPES,
				     .repeats = true};
	struct rk_reader *r;
	enum rk_code rc;

	rc = rk_reader_open(source, &r, err);
	if (rc)
		return rc;
	rc = rk_reader_read(r, &what, print_row, (void *)(uintptr_t)c, err);
	rk_reader_close(r);
	return rc;
}

enum rk_code
cmd_diff(const struct cmd *c, const char *a, const char *b,
	 struct rk_error *err)
{
	struct rk_difference d;
	enum rk_code rc;

	rc = rk_diff(a, b, &d, err);
	if (rc)
		return rc;
	if (d.index == 0) {
		cmd_note(c,
			 "%s and %s agree in all that is committed in both: "
			 "index %" PRIu64 " to %" PRIu64,
			 a, b, d.first, d.last);
		return RK_OK;
	}
	rc = print_entry(c, a, d.index, err);
	if (rc == RK_OK)
		rc = print_entry(c, b, d.index, err);
	return rc ? rc
		  : cmd_error(err, RK_CORRUPT,
			      "two members have applied different entries; "
			      "stop them both and get help",
			      "%s and %s differ from index %" PRIu64 " on", a,
			      b, d.index);
}
