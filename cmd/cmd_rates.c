/* cmd_rates.c - how many commits a second, as a small picture. */

#include "cmd.h"

#include <string.h>
#include <time.h>

uint64_t
cmd_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
cmd_nap(uint64_t ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static void
add(struct cmd_rates *r, rk_index commit)
{
	uint64_t now_ms = cmd_now_ms();
	double seconds = (double)(now_ms - r->at_ms) / 1000;

	if (r->count == CMD_RATES) {
		r->count--;
		memmove(r->rates, r->rates + 1, r->count * sizeof r->rates[0]);
	}
	if (r->at_ms > 0 && seconds > 0)
		r->rates[r->count++] = (double)(commit - r->commit) / seconds;
	r->commit = commit;
	r->at_ms = now_ms;
}

void
cmd_print_rates(struct cmd_rates *r, const struct rk_cluster_status *s)
{
	static const char *const bar[] = {"▁", "▂", "▃", "▄",
					  "▅", "▆", "▇", "█"};
	rk_index commit = r->commit;
	double most = 1;
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->members[i].reachable && s->members[i].commit > commit)
			commit = s->members[i].commit;
	}
	add(r, commit);
	for (i = 0; i < r->count; i++)
		most = r->rates[i] > most ? r->rates[i] : most;
	for (i = 0; i < r->count; i++)
		fputs(bar[(size_t)(r->rates[i] / most * 7)], stdout);
	if (r->count > 0)
		printf(" %.0f commits/s\n", r->rates[r->count - 1]);
}
