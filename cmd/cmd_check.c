/* cmd_check.c - verify a data directory and say what was found. */

#include "cmd_dump.h"

#include <inttypes.h>

enum rk_code
cmd_check(const struct cmd *c, const char *dir, struct rk_error *err)
{
	struct rk_checked found;
	enum rk_code rc;

	if (dir == NULL)
		cmd_usage(c, "--check: which directory?");
	rc = rk_check(dir, &found, err);
	if (rc)
		return rc;
	if (found.torn_bytes != 0)
		cmd_note(c,
			 "%s: the last %" PRIu64
			 " bytes were only half written, as a crash leaves it",
			 dir, found.torn_bytes);
	if (c->json)
		printf("{\"cluster\":\"%s\",\"id\":%" PRIu64
		       ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		       ",\"committed\":%" PRIu64 ",\"term\":%" PRIu64
		       ",\"snapshots\":%" PRIu64 ",\"torn_bytes\":%" PRIu64
		       "}\n",
		       found.cluster, found.node, found.first, found.last,
		       found.committed, found.term, found.snapshots,
		       found.torn_bytes);
	else
		printf("%s: sound: member %" PRIu64 " of %s, index %" PRIu64
		       " to %" PRIu64 ", committed %" PRIu64 ", term %" PRIu64
		       ", %" PRIu64 " snapshot%s\n",
		       dir, found.node, found.cluster, found.first, found.last,
		       found.committed, found.term, found.snapshots,
		       found.snapshots == 1 ? "" : "s");
	return RK_OK;
}
