/* line_text.h - the text between the quotes of a line's data.
 *
 * Private to line's own files. Text is valid UTF-8 without NUL; each has one
 * escaped form, as line.h says. */

#ifndef BASE_LINE_TEXT_H
#define BASE_LINE_TEXT_H

#include "base/bytes.h"

/* A character is at most this long once escaped. */
#define LINE_TEXT_ESCAPED_MAX 6

/* Append the escaped form of the data. False, and `out` holds what it held,
 * if the data is not text. */
bool line_text_escape(struct bytes *out, const void *data, size_t len);

/* Where escaped text that starts at `p` ends: at the quote that closes it.
 * NULL if there is none before `end` or the form is not the one. */
const uint8_t *line_text_end(const uint8_t *p, const uint8_t *end);

/* Append what the escaped text, known to be in the one form, stands for. */
void line_text_unescape(struct bytes *out, struct slice text);

/* The length of the longest prefix of the data that is text. */
size_t line_text_prefix(const uint8_t *p, size_t len);

#endif /* BASE_LINE_TEXT_H */
