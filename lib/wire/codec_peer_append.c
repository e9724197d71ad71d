/* codec_peer_append.c - an append's runs and lines, checked against another.
 *
 * What a sender says about its entries it says twice, in the header and in
 * the lines; both must agree, in every number. Nothing is allocated that the
 * length of the body does not bear out. */

#include <assert.h>
#include <inttypes.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/line.h"
#include "base/mem.h"
#include "wire/codec_members.h"
#include "wire/codec_peer_parts.h"

/* A canonical line is longer than this, whatever it holds. */
#define LINE_BYTES_MIN 64

static bool
get_run(const json_t *pair, struct term_run *run)
{
	const json_t *term = json_array_get(pair, 0);
	const json_t *count = json_array_get(pair, 1);
	json_int_t t, n;

	if (json_array_size(pair) != 2 || !json_is_integer(term) ||
	    !json_is_integer(count))
		return false;
	t = json_integer_value(term);
	n = json_integer_value(count);
	*run = (struct term_run){(rk_term)t, (uint64_t)n};
	return t >= 1 && (uint64_t)t <= LIMIT_NUMBER && n >= 1 &&
	       (uint64_t)n <= LIMIT_NUMBER;
}

/* Terms rise from run to run, from prev's up to the sender's own, and the
 * counts add up. */
static enum rk_code
decode_runs(const json_t *header, struct peer_message *m, struct rk_error *err)
{
	struct message_append *append = &m->message.as.append;
	rk_term before = append->prev.term;
	uint64_t left = append->count;
	json_t *array;
	size_t i;

	if (json_get_array(header, "runs", &array, err))
		return err->code;
	append->run_count = json_array_size(array);
	if (append->run_count > append->count)
		return error_set(err, RK_USAGE, "more runs than entries");
	m->runs = mem_alloc(append->run_count, sizeof *m->runs);
	append->runs = m->runs;
	for (i = 0; i < append->run_count; i++) {
		if (!get_run(json_array_get(array, i), &m->runs[i]))
			return error_set(err, RK_USAGE,
					 "run %zu: not a term "
					 "and a count",
					 i);
		if (m->runs[i].term < before ||
		    (i > 0 && m->runs[i].term == before) ||
		    m->runs[i].term > m->message.term)
			return error_set(err, RK_USAGE,
					 "run %zu: term %" PRIu64
					 " is out of order",
					 i, m->runs[i].term);
		if (m->runs[i].count > left)
			break;
		left -= m->runs[i].count;
		before = m->runs[i].term;
	}
	if (left != 0 || i < append->run_count)
		return error_set(err, RK_USAGE,
				 "the runs' counts are not %" PRIu64
				 " together",
				 append->count);
	return RK_OK;
}

static enum rk_code
decode_configuration(const struct line *line, struct peer_message *m,
		     size_t *cap, struct rk_error *err)
{
	struct message_append *append = &m->message.as.append;
	struct configuration_at at = {.index = line->index};
	struct bytes data = {.data = NULL};
	struct addresses addresses;
	enum rk_code rc;

	line_decode_data(line, &data);
	rc = members_decode((struct slice){data.data, data.len},
			    &at.configuration, &addresses, err);
	bytes_close(&data);
	if (rc)
		return error_wrap(err, "entry %" PRIu64, line->index);
	m->configurations =
		mem_grow(m->configurations, cap,
			 append->configuration_count + 1, sizeof at);
	m->configurations[append->configuration_count++] = at;
	append->configurations = m->configurations;
	return RK_OK;
}

/* One line: canonical, at its place, of its term. */
static enum rk_code
check_line(struct slice text, rk_index index, rk_term term, struct line *line,
	   struct rk_error *err)
{
	if (!line_scan(text.data, text.len, false, line))
		return error_set(err, RK_USAGE,
				 "entry %" PRIu64 ": not a canonical line",
				 index);
	if (line->index != index || line->term != term)
		return error_set(err, RK_USAGE,
				 "entry %" PRIu64 " of term %" PRIu64
				 ": the line says %" PRIu64 " of %" PRIu64,
				 index, term, line->index, line->term);
	if (line->len > LIMIT_LINE_BYTES)
		return error_set(err, RK_USAGE,
				 "entry %" PRIu64 ": %zu bytes; at most %u",
				 index, line->len, LIMIT_LINE_BYTES);
	return RK_OK;
}

static enum rk_code
decode_lines(struct peer_message *m, struct rk_error *err)
{
	struct message_append *append = &m->message.as.append;
	const struct term_run *run = m->runs;
	struct slice rest = m->body;
	struct line line;
	uint64_t used = 0; /* Of the run. */
	size_t cap = 0;
	uint64_t i;

	m->sizes = mem_alloc(append->count, sizeof *m->sizes);
	append->sizes = m->sizes;
	for (i = 0; i < append->count; i++) {
		if (used == run->count) {
			run++;
			used = 0;
		}
		used++;
		if (check_line(rest, append->prev.index + 1 + i, run->term,
			       &line, err))
			return err->code;
		if (line.type == RK_ENTRY_CONFIGURATION &&
		    decode_configuration(&line, m, &cap, err))
			return err->code;
		m->sizes[i] = (uint32_t)line.len;
		rest.data += line.len;
		rest.len -= line.len;
	}
	if (rest.len > 0)
		return error_set(err, RK_USAGE,
				 "%zu bytes behind the last entry", rest.len);
	return RK_OK;
}

enum rk_code
peer_decode_append(const json_t *header, struct peer_message *m,
		   struct rk_error *err)
{
	struct message_append *append = &m->message.as.append;

	if (peer_decode_end(header, "prev_index", "prev_term", &append->prev,
			    err) ||
	    json_get_u64(header, "commit", LIMIT_NUMBER, &append->commit,
			 err) ||
	    json_get_u64(header, "count", LIMIT_NUMBER, &append->count, err))
		return err->code;
	if (append->prev.term > m->message.term)
		return error_set(err, RK_USAGE,
				 "the entry before is of a later term");
	if (append->count > m->body.len / LINE_BYTES_MIN)
		return error_set(err, RK_USAGE,
				 "%" PRIu64 " entries in %zu bytes",
				 append->count, m->body.len);
	if (append->prev.index + append->count > LIMIT_NUMBER)
		return error_set(err, RK_USAGE, "indexes end before this");
	if (decode_runs(header, m, err))
		return err->code;
	return decode_lines(m, err);
}
