/* snapshot_header.c - the one line that says what a snapshot holds.
 *
 *   {"format":1,"cluster":ID,"index":N,"term":N,"members":{"index":N,
 *    "voters":[N,...],"voters_old":[N,...],"learners":[N,...]},
 *    "machine":TEXT,"time":TIME,"size":N,"checksum":"crc32c:HEX",
 *    "addresses_bytes":N,"sessions_bytes":N,
 *    "addresses":JSON,"sessions":JSON,"header_crc32c":N}
 *
 * in this order and without white space. The last number is over all bytes
 * before its comma. Addresses and sessions are found by their sizes, so that
 * they come back as the very bytes that they were, and a parser of JSON need
 * not look at a hundred thousand sessions. */

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/json.h"
#include "base/line.h"
#include "store/snapshot.h"

#define CRC_KEY       ",\"header_crc32c\":"
#define ADDRESSES_KEY ",\"addresses\":"
#define SESSIONS_KEY  ",\"sessions\":"
#define CHECKSUM_KIND "crc32c:"

/* All but the addresses and sessions: bounded, so it is small. */
#define FIXED_BYTES_MAX (64U << 10)

void
snapshot_header_close(struct snapshot_header *h)
{
	bytes_close(&h->addresses);
	bytes_close(&h->sessions);
	*h = (struct snapshot_header){0};
}

/* ---- encoding ---- */

static void
append_ids(struct bytes *out, const char *name, const struct id_set *set)
{
	size_t i;

	bytes_printf(out, ",\"%s\":[", name);
	for (i = 0; i < set->count; i++)
		bytes_printf(out, "%s%" PRIu64, i == 0 ? "" : ",", set->ids[i]);
	bytes_append_char(out, ']');
}

static struct slice
json_or_null(const struct bytes *json)
{
	if (json->len == 0)
		return (struct slice){(const uint8_t *)"null", 4};
	return (struct slice){json->data, json->len};
}

void
snapshot_header_encode(const struct snapshot_header *h, struct bytes *out)
{
	const struct configuration_at *at = &h->meta.configuration;
	struct slice addresses = json_or_null(&h->addresses);
	struct slice sessions = json_or_null(&h->sessions);
	size_t start = out->len;
	char time[25];

	line_format_time(h->time_ms, time);
	bytes_printf(out,
		     "{\"format\":%d,\"cluster\":\"%s\",\"index\":%" PRIu64
		     ",\"term\":%" PRIu64 ",\"members\":{\"index\":%" PRIu64,
		     STORE_FORMAT, h->cluster, h->meta.last.index,
		     h->meta.last.term, at->index);
	append_ids(out, "voters", &at->configuration.voters);
	append_ids(out, "voters_old", &at->configuration.old);
	append_ids(out, "learners", &at->configuration.learners);
	bytes_printf(out,
		     "},\"machine\":\"%s\",\"time\":\"%s\",\"size\":%" PRIu64
		     ",\"checksum\":\"" CHECKSUM_KIND "%08" PRIx32
		     "\",\"addresses_bytes\":%zu,\"sessions_bytes\":%zu",
		     h->machine, time, h->bytes, h->crc32c, addresses.len,
		     sessions.len);
	bytes_append_text(out, ADDRESSES_KEY);
	bytes_append(out, addresses.data, addresses.len);
	bytes_append_text(out, SESSIONS_KEY);
	bytes_append(out, sessions.data, sessions.len);
	bytes_printf(out, CRC_KEY "%" PRIu32 "}\n",
		     crc32c(0, out->data + start, out->len - start));
}

/* ---- decoding ---- */

static enum rk_code
malformed(struct rk_error *err, const char *why)
{
	return error_set(err, RK_CORRUPT, "snapshot header: %s", why);
}

/* The line without its own checksum, which must be right. */
static enum rk_code
check_line(struct slice line, struct slice *body, struct rk_error *err)
{
	static const char key[] = CRC_KEY;
	const char *text = (const char *)line.data;
	size_t key_len = sizeof key - 1;
	size_t end = line.len - 2; /* Of the number. */
	size_t at;
	uint64_t crc;

	if (line.len < 2 || memcmp(line.data + end, "}\n", 2) != 0)
		return malformed(err, "not a whole line");
	for (at = end; at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9';)
		at--;
	if (at < key_len || memcmp(text + at - key_len, key, key_len) != 0 ||
	    !bytes_parse_u64(text + at, end - at, UINT32_MAX, &crc))
		return malformed(err, "no checksum");
	*body = (struct slice){line.data, at - key_len};
	if (crc32c(0, body->data, body->len) != crc)
		return malformed(err, "bad checksum");
	return RK_OK;
}

static enum rk_code
get_ids(const json_t *members, const char *name, struct id_set *set,
	struct rk_error *err)
{
	json_t *array;
	json_t *id;
	size_t i;
	enum rk_code rc;

	rc = json_get_array(members, name, &array, err);
	if (rc != RK_OK)
		return rc;
	set->count = json_array_size(array);
	if (set->count > LIMIT_MEMBERS)
		return malformed(err, "too many members");
	for (i = 0; i < set->count; i++) {
		id = json_array_get(array, i);
		if (!json_is_integer(id) || json_integer_value(id) <= 0)
			return malformed(err, "a member's id is no number");
		set->ids[i] = (rk_id)json_integer_value(id);
		if (set->ids[i] > LIMIT_NUMBER ||
		    (i > 0 && set->ids[i] <= set->ids[i - 1]))
			return malformed(err, "members out of order");
	}
	return RK_OK;
}

static enum rk_code
get_members(const json_t *root, struct configuration_at *at,
	    struct rk_error *err)
{
	json_t *members;
	enum rk_code rc;

	rc = json_get_object(root, "members", &members, err);
	if (rc == RK_OK)
		rc = json_get_u64(members, "index", LIMIT_NUMBER, &at->index,
				  err);
	if (rc == RK_OK)
		rc = get_ids(members, "voters", &at->configuration.voters, err);
	if (rc == RK_OK)
		rc = get_ids(members, "voters_old", &at->configuration.old,
			     err);
	if (rc == RK_OK)
		rc = get_ids(members, "learners", &at->configuration.learners,
			     err);
	return rc;
}

static enum rk_code
get_copy(const json_t *root, const char *name, char *to, size_t size,
	 struct rk_error *err)
{
	const char *text;
	enum rk_code rc;

	rc = json_get_text(root, name, &text, err);
	if (rc != RK_OK)
		return rc;
	if (strlen(text) >= size)
		return malformed(err, "a name is too long");
	memcpy(to, text, strlen(text) + 1);
	return RK_OK;
}

static enum rk_code
get_checksum(const json_t *root, uint32_t *crc, struct rk_error *err)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	const char *text;
	enum rk_code rc;
	size_t i;

	rc = json_get_text(root, "checksum", &text, err);
	if (rc != RK_OK)
		return rc;
	if (strncmp(text, CHECKSUM_KIND, strlen(CHECKSUM_KIND)) != 0)
		return malformed(err, "unknown kind of checksum");
	text += strlen(CHECKSUM_KIND);
	*crc = 0;
	for (i = 0; i < 8; i++) {
		digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);
		if (digit == NULL)
			return malformed(err, "not a checksum");
		*crc = *crc << 4 | (uint32_t)(digit - digits);
	}
	return text[8] == '\0' ? RK_OK : malformed(err, "not a checksum");
}

static enum rk_code
get_time(const json_t *root, uint64_t *time_ms, struct rk_error *err)
{
	const char *text;
	enum rk_code rc;

	rc = json_get_text(root, "time", &text, err);
	if (rc == RK_OK && !line_parse_time(text, strlen(text), time_ms))
		rc = malformed(err, "not a time");
	return rc;
}

/* Everything but addresses and sessions, whose sizes it says. */
static enum rk_code
decode_fixed(const json_t *root, struct snapshot_header *h,
	     uint64_t *addresses_bytes, uint64_t *sessions_bytes,
	     struct rk_error *err)
{
	uint64_t format;
	enum rk_code rc;

	rc = json_get_u64(root, "format", LIMIT_NUMBER, &format, err);
	if (rc == RK_OK && format != STORE_FORMAT)
		return error_set(err, RK_CORRUPT,
				 "snapshot header: format %" PRIu64
				 "; this program reads format %d",
				 format, STORE_FORMAT);
	if (rc == RK_OK)
		rc = get_copy(root, "cluster", h->cluster, sizeof h->cluster,
			      err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "index", LIMIT_NUMBER,
				  &h->meta.last.index, err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "term", LIMIT_NUMBER,
				  &h->meta.last.term, err);
	if (rc == RK_OK)
		rc = get_members(root, &h->meta.configuration, err);
	if (rc == RK_OK)
		rc = get_copy(root, "machine", h->machine, sizeof h->machine,
			      err);
	if (rc == RK_OK)
		rc = get_time(root, &h->time_ms, err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "size", LIMIT_NUMBER, &h->bytes, err);
	if (rc == RK_OK)
		rc = get_checksum(root, &h->crc32c, err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "addresses_bytes",
				  LIMIT_SNAPSHOT_HEAD_BYTES, addresses_bytes,
				  err);
	if (rc == RK_OK)
		rc = json_get_u64(root, "sessions_bytes",
				  LIMIT_SNAPSHOT_HEAD_BYTES, sessions_bytes,
				  err);
	return rc;
}

/* Take `key` and `bytes` of JSON off the front of `rest`. */
static bool
take_json(struct slice *rest, const char *key, uint64_t bytes,
	  struct bytes *out)
{
	size_t key_len = strlen(key);

	if (rest->len < key_len || memcmp(rest->data, key, key_len) != 0 ||
	    rest->len - key_len < bytes)
		return false;
	if (bytes != 4 || memcmp(rest->data + key_len, "null", 4) != 0)
		bytes_append(out, rest->data + key_len, (size_t)bytes);
	rest->data += key_len + bytes;
	rest->len -= key_len + (size_t)bytes;
	return true;
}

static enum rk_code
decode_body(struct slice body, struct snapshot_header *h, struct rk_error *err)
{
	struct slice rest = body;
	struct bytes fixed = {0};
	uint64_t addresses_bytes;
	uint64_t sessions_bytes;
	json_t *root;
	enum rk_code rc;

	rest.data = memmem(body.data, body.len, ADDRESSES_KEY,
			   strlen(ADDRESSES_KEY));
	if (rest.data == NULL)
		return malformed(err, "no addresses");
	rest.len = body.len - (size_t)(rest.data - body.data);
	bytes_append(&fixed, body.data, body.len - rest.len);
	bytes_append_char(&fixed, '}');
	rc = json_read((struct slice){fixed.data, fixed.len}, FIXED_BYTES_MAX,
		       &root, err);
	bytes_close(&fixed);
	if (rc != RK_OK)
		return rc;
	rc = decode_fixed(root, h, &addresses_bytes, &sessions_bytes, err);
	json_decref(root);
	if (rc != RK_OK)
		return rc;
	if (!take_json(&rest, ADDRESSES_KEY, addresses_bytes, &h->addresses) ||
	    !take_json(&rest, SESSIONS_KEY, sessions_bytes, &h->sessions) ||
	    rest.len != 0)
		return malformed(err, "sizes do not add up");
	return RK_OK;
}

enum rk_code
snapshot_header_decode(struct slice line, struct snapshot_header *h,
		       struct rk_error *err)
{
	struct slice body = {0};
	enum rk_code rc;

	*h = (struct snapshot_header){0};
	if (line.len > LIMIT_SNAPSHOT_HEAD_BYTES)
		return malformed(err, "too long");
	rc = check_line(line, &body, err);
	if (rc == RK_OK)
		rc = decode_body(body, h, err);
	if (rc == RK_OK)
		return RK_OK;
	snapshot_header_close(h);
	err->code = RK_CORRUPT; /* Nobody writes these by hand. */
	return RK_CORRUPT;
}
