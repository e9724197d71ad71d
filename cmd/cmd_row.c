/* cmd_row.c - an entry as a row of columns. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t
cmd_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

void
cmd_print_row_names(FILE *to)
{
	fprintf(to, "%8s %5s %-4s %-24s %7s %s\n", "INDEX", "TERM", "TYPE",
		"TIME", "SIZE", "DATA");
}

static void
print_uncut(FILE *to, const struct rk_entry *entry)
{
	fprintf(to, "%8" PRIu64 " %5" PRIu64 " %-4s%s%s ", entry->index,
		entry->term, rk_entry_type_name(entry->type),
		entry->repeat != 0 ? "(repeat)" : "",
		entry->committed ? "" : "(uncommitted)");
	cmd_print_format(to, "%T", entry, NULL, 0);
	fprintf(to, " %7zu ", entry->len);
	cmd_print_escaped(to, entry->data, entry->len);
}

/* How many bytes the first `width` characters are. */
static size_t
cut(const char *text, size_t len, size_t width)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (((unsigned char)text[i] & 0xc0) == 0x80)
			continue; /* Goes with the one before it. */
		if (width-- == 0)
			break;
	}
	return i;
}

void
cmd_print_row(FILE *to, const struct rk_entry *entry, size_t width)
{
	struct rk_entry start = *entry;
	char *text = NULL;
	size_t len = 0;
	FILE *row;

	if (width == 0) {
		print_uncut(to, entry);
		putc('\n', to);
		return;
	}
	/* More than fits need not be escaped, but a character not be torn. */
	if (start.len > 4 * width)
		start.len = 4 * width;
	row = open_memstream(&text, &len);
	if (row != NULL) {
		print_uncut(row, &start);
		fclose(row);
	}
	fwrite(text, 1, cut(text, len, width), to);
	putc('\n', to);
	free(text);
}

void
cmd_print_line(FILE *to, const struct rk_entry *entry)
{
	if (entry->committed) {
		fwrite(entry->line, 1, entry->line_len, to);
		return;
	}
	fwrite(entry->line, 1, entry->line_len - 2, to);
	fputs(",\"committed\":false}\n", to);
}
