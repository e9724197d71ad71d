/* diff.c - whether two replicas of a log hold the same.
 *
 * Committed entries of one index are equal on all members for ever (state
 * machine safety, thesis, 3.6.3); where they are not, something is badly
 * wrong, and this finds where it begins. */

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "node/reader.h"

static bool
same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* The mark of a repeat is not the log's but the reader's: one may know less of
 * the sessions than the other. */
static bool
same_entry(const struct line *a, const struct line *b)
{
	return a->index == b->index && a->term == b->term &&
	       a->type == b->type && a->time_ms == b->time_ms &&
	       a->seq == b->seq && a->base64 == b->base64 &&
	       same_bytes(a->session, a->session_len, b->session,
			  b->session_len) &&
	       same_bytes(a->data.data, a->data.len, b->data.data, b->data.len);
}

static enum rk_code
compare(const struct rk_reader *a, const struct rk_reader *b,
	struct rk_difference *d, struct rk_error *err)
{
	struct reader_cursor at_a = {.at = 0}, at_b = {.at = 0};
	struct slice text_a, text_b;
	struct line line_a, line_b;
	enum rk_code rc;
	rk_index i;

	rc = reader_seek(a, d->first, &at_a, err);
	if (rc == RK_OK)
		rc = reader_seek(b, d->first, &at_b, err);
	for (i = d->first; rc == RK_OK && i <= d->last; i++) {
		rc = reader_next(&at_a, &text_a, &line_a, err);
		if (rc == RK_OK)
			rc = reader_next(&at_b, &text_b, &line_b, err);
		if (rc == RK_OK && (text_a.len == 0 || text_b.len == 0))
			rc = error_set(err, RK_CORRUPT,
				       "%s: entry %" PRIu64 " is missing",
				       text_a.len == 0 ? a->path : b->path, i);
		if (rc == RK_OK && !same_entry(&line_a, &line_b)) {
			d->index = i;
			break;
		}
	}
	reader_cursor_close(&at_a);
	reader_cursor_close(&at_b);
	return rc;
}

/* What both have for certain. */
static enum rk_code
find_common(const struct rk_reader *a, const struct rk_reader *b,
	    struct rk_difference *d, struct rk_error *err)
{
	rk_index end_a = a->committed < a->last ? a->committed : a->last;
	rk_index end_b = b->committed < b->last ? b->committed : b->last;

	*d = (struct rk_difference){.first = a->first > b->first ? a->first
								 : b->first,
				    .last = end_a < end_b ? end_a : end_b};
	if (d->first <= d->last)
		return RK_OK;
	if (end_a >= a->first && end_b >= b->first)
		return error_set(err, RK_ABSENT,
				 "nothing in common: %s ends at index %" PRIu64
				 ", %s begins at %" PRIu64,
				 end_a < end_b ? a->path : b->path, d->last,
				 end_a < end_b ? b->path : a->path, d->first);
	d->last = d->first - 1;
	return RK_OK;
}

static enum rk_code
check_clusters(const struct rk_reader *a, const struct rk_reader *b,
	       struct rk_error *err)
{
	const char *own = a->identity.node ? a->identity.cluster : "";
	const char *other = b->identity.node ? b->identity.cluster : "";

	if (*own == '\0' || *other == '\0' || strcmp(own, other) == 0)
		return RK_OK;
	return error_set(err, RK_DENIED,
			 "%s belongs to cluster %s, %s to cluster %s", a->path,
			 own, b->path, other);
}

static enum rk_code
compare_readers(const struct rk_reader *a, const struct rk_reader *b,
		struct rk_difference *d, struct rk_error *err)
{
	enum rk_code rc = check_clusters(a, b, err);

	if (rc == RK_OK)
		rc = find_common(a, b, d, err);
	if (rc == RK_OK)
		rc = compare(a, b, d, err);
	if (rc || d->index != 0)
		return rc;
	if (a->damage.code != RK_OK)
		*err = a->damage;
	else if (b->damage.code != RK_OK)
		*err = b->damage;
	else
		return RK_OK;
	return err->code;
}

enum rk_code
rk_diff(const char *path_a, const char *path_b, struct rk_difference *d,
	struct rk_error *err)
{
	struct rk_reader *a = NULL, *b = NULL;
	enum rk_code rc;

	rc = rk_reader_open(path_a, &a, err);
	if (rc == RK_OK)
		rc = rk_reader_open(path_b, &b, err);
	if (rc == RK_OK)
		rc = compare_readers(a, b, d, err);
	rk_reader_close(a);
	rk_reader_close(b);
	return rc;
}
