/* line.h - the canonical JSON line of an entry: encoder and strict scanner.
 *
 * The only form of an entry on disk, between members, in GET /v1/log and in
 * raft-dump -J: encoded once on the leader, copied ever after.
 *
 *   {"index":7,"term":2,"type":"data","time":"2026-11-23T07:12:13.794Z",
 *    "session":"8f3a91","seq":17,"data":"set a 1"}\n
 *
 * on one line, keys in this order, no white space. `session` and `seq` stand
 * together or not at all. `data` holds valid UTF-8 without NUL, in which only
 * `"`, `\`, and bytes below 0x20 and 0x7f are escaped (\" \\ \b \f \n \r \t,
 * else \u00xx in lower case); any other data is `data_base64`. `repeat` may
 * stand last, in a history alone. A noop has no data. The scanner accepts this
 * form and nothing else, so equal entries are equal bytes. */

#ifndef BASE_LINE_H
#define BASE_LINE_H

#include "base/bytes.h"
#include "raftkit.h"

/* What line_scan() finds; pointers are into the line. */
struct line {
	rk_index index;
	rk_term term;
	enum rk_entry_type type;
	uint64_t time_ms;
	const char *session; /* Not NUL-terminated; NULL if none. */
	size_t session_len;
	uint64_t seq;
	bool base64;       /* Which form `data` has. */
	struct slice data; /* As it stands between the quotes: encoded. */
	rk_index repeat;
	size_t len; /* Of the whole line, newline included. */
};

/* Append the canonical line of `entry` (its index, term, type, time_ms,
 * session, seq, data, len and repeat) to `out`. The caller has checked the
 * session id and that all numbers are at most LIMIT_NUMBER. */
void line_encode(struct bytes *out, const struct rk_entry *entry);

/* An upper bound of what line_encode() appends, without looking at the data. */
size_t line_size_bound(const struct rk_entry *entry);

/* Scan the line that starts at `text`; at most `len` bytes, of which a newline
 * must be one. False unless it is canonical. `may_repeat` allows `repeat`. */
bool line_scan(const void *text, size_t len, bool may_repeat,
	       struct line *line);

/* Append the exact bytes of the data to `out`. */
void line_decode_data(const struct line *line, struct bytes *out);

/* Append a copy of a canonical line without `repeat`, marked as repeating
 * `index`. */
void line_mark_repeat(struct bytes *out, struct slice line, rk_index index);

/* Whether `id` is a session id: `[A-Za-z0-9._-]{1,64}`. */
bool line_session_is_valid(const char *id, size_t len);

/* `2026-11-23T07:12:13.794Z`, and back. The buffer takes 25 bytes. The
 * parser accepts exactly this form, years 1970 to 9999; what is later is
 * written as the last moment of 9999. */
void line_format_time(uint64_t time_ms, char text[25]);
bool line_parse_time(const char *text, size_t len, uint64_t *time_ms);

#endif /* BASE_LINE_H */
