/* log_reader.c - what GET /v1/log selects of the history, piece by piece. */

#include "node/log_reader.h"

#include <string.h>

#include "base/error.h"
#include "base/line.h"

/* Read from the history at once. */
#define PIECE_BYTES (64U << 10)

/* Looked at in one go, however little of it is wanted: the member has other
 * things to do. */
#define LOOK_BYTES (1U << 20)

#define ALL_TYPES                                                              \
	(1U << RK_ENTRY_DATA | 1U << RK_ENTRY_NOOP |                           \
	 1U << RK_ENTRY_CONFIGURATION)

/* `from` may be negative: so many from the end, wherever that is when the
 * reading begins. */
static bool
parse_from(struct node *n, struct inbound_request *r, struct log_reader *reader)
{
	const char *text = inbound_query(r, "from");
	bool given;

	reader->next = 1;
	if (!text || text[0] != '-')
		return api_query_u64(n, r, "from", &reader->next, &given);
	if (!bytes_parse_u64(text + 1, strlen(text + 1), LIMIT_NUMBER,
			     &reader->back)) {
		api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
			    "from=%.40s: not a number", text);
		return false;
	}
	return true;
}

static void
find_begin(struct log_reader *reader)
{
	rk_index last = machine_applied(reader->node->machine);

	reader->next = reader->back > last ? 1 : last + 1 - reader->back;
	reader->back = 0;
}

static bool
type_bit(const char *name, size_t len, unsigned *types)
{
	unsigned type;

	if (len == 3 && memcmp(name, "all", 3) == 0) {
		*types |= ALL_TYPES;
		return true;
	}
	for (type = RK_ENTRY_DATA; type <= RK_ENTRY_CONFIGURATION; type++) {
		const char *known = rk_entry_type_name(type);

		if (strlen(known) == len && memcmp(known, name, len) == 0) {
			*types |= 1U << type;
			return true;
		}
	}
	return false;
}

static bool
parse_types(struct node *n, struct inbound_request *r, unsigned *types)
{
	const char *p = inbound_query(r, "type");
	size_t len;

	*types = 0;
	while (p && *p) {
		len = strcspn(p, ",");
		if (!type_bit(p, len, types)) {
			api_problem(n, r, PROBLEM_BAD_REQUEST, NULL,
				    "type=%.40s: data, noop, configuration or "
				    "all",
				    p);
			return false;
		}
		p += len;
		p += *p == ',';
	}
	if (!*types)
		*types = 1U << RK_ENTRY_DATA;
	return true;
}

bool
log_reader_parse(struct node *n, struct inbound_request *r,
		 struct log_reader *reader)
{
	bool given;

	*reader = (struct log_reader){
		.node = n, .to = LIMIT_NUMBER, .remaining = UINT64_MAX};
	if (!parse_from(n, r, reader) || !parse_types(n, r, &reader->types) ||
	    !api_query_u64(n, r, "to", &reader->to, &given) ||
	    !api_query_u64(n, r, "limit", &reader->remaining, &given))
		return false;
	if (reader->next == 0)
		reader->next = 1;
	if (inbound_query(r, "all")) {
		reader->types = ALL_TYPES;
		reader->repeats = true;
	}
	reader->raw = inbound_query(r, "raw") != NULL;
	return true;
}

bool
log_reader_is_done(const struct log_reader *reader)
{
	return !reader->remaining || reader->next > reader->to ||
	       reader->next > machine_applied(reader->node->machine);
}

static void
show(struct log_reader *reader, const uint8_t *text, const struct line *line,
     struct bytes *out)
{
	if (!(reader->types & 1U << line->type))
		return;
	if (line->repeat && !reader->repeats)
		return;
	if (reader->raw) {
		line_decode_data(line, out);
		bytes_append_char(out, '\n');
	} else {
		bytes_append(out, text, line->len);
	}
	reader->remaining--;
}

/* False if `piece` holds anything but lines. */
static bool
show_all(struct log_reader *reader, struct slice piece, struct bytes *out)
{
	struct line line;
	size_t at;

	for (at = 0; at < piece.len && reader->remaining; at += line.len) {
		if (!line_scan(piece.data + at, piece.len - at, true, &line))
			return false;
		show(reader, piece.data + at, &line, out);
	}
	return true;
}

/* The next piece of the history, up to `stop`. */
static enum rk_code
read_piece(struct log_reader *reader, rk_index stop, struct bytes *piece,
	   struct bytes *out, struct rk_error *err)
{
	struct history *history = machine_history(reader->node->machine);
	rk_index end;

	piece->len = 0;
	if (history_read(history, reader->next, stop, PIECE_BYTES, piece, &end,
			 err))
		return err->code;
	if (!show_all(reader, (struct slice){piece->data, piece->len}, out))
		return error_set(err, RK_CORRUPT,
				 "history: no entries from index %" PRIu64
				 " on",
				 reader->next);
	reader->next = end;
	return RK_OK;
}

bool
log_reader_read(struct log_reader *reader, size_t max_bytes, struct bytes *out)
{
	struct node *n = reader->node;
	struct bytes piece = {0};
	enum rk_code rc = RK_OK;
	size_t looked_at = 0;
	struct rk_error err;
	rk_index stop;

	if (reader->back)
		find_begin(reader);
	while (!rc && !log_reader_is_done(reader) && out->len < max_bytes &&
	       looked_at < LOOK_BYTES) {
		stop = machine_applied(n->machine) + 1;
		if (reader->to < stop)
			stop = reader->to + 1;
		rc = read_piece(reader, stop, &piece, out, &err);
		looked_at += piece.len;
	}
	if (rc)
		trace_line(n->trace, TRACE_ERROR, "%s", err.text);
	bytes_close(&piece);
	return rc == RK_OK;
}
