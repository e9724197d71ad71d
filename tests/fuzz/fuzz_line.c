/* fuzz_line.c - no bytes make the line scanner wrong.
 *
 *   clang -std=c11 -g -O1 -D_GNU_SOURCE -Ilib -Itests/unit \
 *       -fsanitize=fuzzer,address,undefined -DRK_VERSION_TEXT='""' \
 *       -DRK_COMMIT_TEXT='""' -o fuzz_line tests/fuzz/fuzz_line.c \
 *       tests/unit/line_oracle.c lib/base/[!j]*.c -ljansson
 *
 * What it accepts must encode to the same bytes, and jansson must read the
 * same fields from it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const uint8_t *text, size_t len, bool may_repeat)
{
	const char *complaint;
	struct line line;

	if (!line_scan(text, len, may_repeat, &line))
		return;
	complaint = line_oracle_complaint(text, &line);
	if (complaint == NULL && line.repeat != 0 && !may_repeat)
		complaint = "it repeats where it may not";
	if (complaint == NULL)
		return;
	fprintf(stderr, "accepted, but %s\n", complaint);
	abort();
}

/* What is encoded must be accepted, and give the data back. */
static void
round_trip(const uint8_t *data, size_t size)
{
	struct rk_entry entry = {
		.index = 1, .term = 1, .data = data, .len = size};
	struct bytes text = {.data = NULL};
	struct bytes back = {.data = NULL};
	struct line line;

	line_encode(&text, &entry);
	if (!line_scan(text.data, text.len, false, &line)) {
		fprintf(stderr, "its own line is refused\n");
		abort();
	}
	line_decode_data(&line, &back);
	if (back.len != size ||
	    (size > 0 && memcmp(back.data, data, size) != 0)) {
		fprintf(stderr, "other data came back\n");
		abort();
	}
	bytes_close(&text);
	bytes_close(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A block of its own, so that a read past the end is seen. */
	uint8_t *exact = mem_dup(data, size);

	check(exact, size, false);
	check(exact, size, true);
	round_trip(exact, size);
	mem_free(exact);
	return 0;
}
