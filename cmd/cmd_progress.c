/* cmd_progress.c - a bar for who waits at a terminal. */

#include "cmd.h"

#include <inttypes.h>
#include <unistd.h>

#define EVERY_MS  200
#define BAR_WIDTH 20

void
cmd_progress(const struct cmd *c, uint64_t *shown_ms, uint64_t done_bytes,
	     uint64_t total_bytes)
{
	static const char full[] = "####################";
	uint64_t now_ms = cmd_now_ms();
	int part;

	if (c->quiet || now_ms - *shown_ms < EVERY_MS || !isatty(STDERR_FILENO))
		return;
	*shown_ms = now_ms;
	if (total_bytes == 0) {
		fprintf(stderr, "\r%" PRIu64 " MiB\r", done_bytes >> 20);
		return;
	}
	if (done_bytes > total_bytes)
		done_bytes = total_bytes; /* It has grown since. */
	part = (int)((double)done_bytes / (double)total_bytes * BAR_WIDTH);
	fprintf(stderr, "\r[%.*s%*s] %3.0f%%\r", part, full, BAR_WIDTH - part,
		"", (double)done_bytes / (double)total_bytes * 100);
}

void
cmd_progress_end(const uint64_t *shown_ms)
{
	if (*shown_ms > 0)
		fputs("\r\033[K", stderr);
}
