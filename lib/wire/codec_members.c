/* codec_members.c - a configuration with its members' addresses, as JSON. */

#include "wire/codec_members.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "wire/codec_sets.h"

#define SCHEME     "http://"
#define SCHEME_LEN (sizeof SCHEME - 1)

/* Where the address of `id` is, or would be. */
static size_t
find_place(const struct addresses *a, rk_id id)
{
	size_t i = 0;

	while (i < a->count && a->members[i].id < id)
		i++;
	return i;
}

const struct member_address *
addresses_member(const struct addresses *a, rk_id id)
{
	size_t i = find_place(a, id);

	return i < a->count && a->members[i].id == id ? &a->members[i] : NULL;
}

const char *
addresses_find(const struct addresses *a, rk_id id)
{
	const struct member_address *m = addresses_member(a, id);

	return m != NULL ? m->url : NULL;
}

bool
addresses_set(struct addresses *a, rk_id id, const char *url)
{
	size_t i = find_place(a, id);
	struct member_address *m = &a->members[i];

	assert(id >= 1 && id <= LIMIT_NUMBER);
	assert(a->count <= LEN(a->members));
	if (!url_is_valid(url))
		return false;
	if (i == a->count || m->id != id) {
		if (a->count == LEN(a->members))
			return false;
		memmove(m + 1, m, (a->count - i) * sizeof *m);
		a->count++;
		*m = (struct member_address){.id = id};
	}
	memcpy(m->url, url, strlen(url) + 1);
	return true;
}

void
addresses_set_incarnation(struct addresses *a, rk_id id,
			  const char *incarnation)
{
	size_t i = find_place(a, id);

	assert(i < a->count && a->members[i].id == id);
	assert(strlen(incarnation) < MEMBER_INCARNATION);
	memcpy(a->members[i].incarnation, incarnation, strlen(incarnation) + 1);
}

void
addresses_set_joining(struct addresses *a, rk_id id, bool joining)
{
	size_t i = find_place(a, id);

	assert(i < a->count && a->members[i].id == id);
	a->members[i].joining = joining;
}

void
addresses_remove(struct addresses *a, rk_id id)
{
	size_t i = find_place(a, id);

	if (i == a->count || a->members[i].id != id)
		return;
	a->count--;
	memmove(&a->members[i], &a->members[i + 1],
		(a->count - i) * sizeof a->members[0]);
}

bool
incarnation_is_valid(const char *text)
{
	return strlen(text) == MEMBER_INCARNATION - 1 &&
	       strspn(text, "0123456789abcdef") == MEMBER_INCARNATION - 1;
}

/* The length of the host at `text`: a name, a number, or an IPv6 number in
 * brackets. 0 if there is none. */
static size_t
host_length(const char *text)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	size_t len;

	if (*text != '[')
		return strspn(text, name);
	len = strspn(text + 1, "0123456789abcdefABCDEF:.");
	return len > 0 && text[len + 1] == ']' ? len + 2 : 0;
}

bool
url_is_valid(const char *url)
{
	const char *port;
	uint64_t number;
	size_t host;

	if (strlen(url) >= LIMIT_URL_BYTES ||
	    strncmp(url, SCHEME, SCHEME_LEN) != 0)
		return false;
	host = host_length(url + SCHEME_LEN);
	port = url + SCHEME_LEN + host;
	if (host == 0 || *port++ != ':')
		return false;
	return bytes_parse_u64(port, strlen(port), UINT16_MAX, &number) &&
	       number > 0;
}

/* Split `1=h:p` into its id and a URL. */
static enum rk_code
parse_member(const char *text, size_t len, struct member_address *m,
	     struct rk_error *err)
{
	const char *equals = memchr(text, '=', len);
	const char *url;
	size_t url_len, scheme_len;

	if (equals == NULL ||
	    !bytes_parse_u64(text, (size_t)(equals - text), LIMIT_NUMBER,
			     &m->id) ||
	    m->id == 0)
		return error_set(err, RK_USAGE,
				 "member \"%.*s\": not ID=HOST:PORT", (int)len,
				 text);
	url = equals + 1;
	url_len = len - (size_t)(url - text);
	scheme_len = memmem(url, url_len, "://", 3) != NULL ? 0 : SCHEME_LEN;
	if (scheme_len + url_len < sizeof m->url) {
		memcpy(m->url, SCHEME, scheme_len);
		memcpy(m->url + scheme_len, url, url_len);
		m->url[scheme_len + url_len] = '\0';
		if (url_is_valid(m->url))
			return RK_OK;
	}
	return error_set(err, RK_USAGE,
			 "member \"%.*s\": not an address like "
			 "127.0.0.1:7401",
			 (int)len, text);
}

static bool
url_is_taken(const struct addresses *a, const char *url)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (strcmp(a->members[i].url, url) == 0)
			return true;
	}
	return false;
}

static enum rk_code
add_member(struct addresses *a, const struct member_address *m,
	   struct rk_error *err)
{
	bool added;

	if (addresses_find(a, m->id) != NULL)
		return error_set(err, RK_USAGE, "member %" PRIu64 ": twice",
				 m->id);
	if (url_is_taken(a, m->url))
		return error_set(err, RK_USAGE,
				 "member %" PRIu64 ": %s is another's", m->id,
				 m->url);
	if (a->count == LIMIT_MEMBERS)
		return error_set(err, RK_USAGE, "more than %d members",
				 LIMIT_MEMBERS);
	added = addresses_set(a, m->id, m->url);
	assert(added);
	return RK_OK;
}

enum rk_code
members_parse(const char *text, struct configuration *c, struct addresses *a,
	      struct rk_error *err)
{
	struct addresses found = {.count = 0};
	struct member_address m;
	size_t len, i;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len > 2 * LIMIT_URL_BYTES)
			return error_set(err, RK_USAGE,
					 "member \"%.40s...\": "
					 "too long",
					 text);
		if (parse_member(text, len, &m, err) ||
		    add_member(&found, &m, err))
			return err->code;
		if (text[len] == '\0')
			break;
	}
	*a = found;
	*c = (struct configuration){.voters = {.count = a->count}};
	for (i = 0; i < a->count; i++)
		c->voters.ids[i] = a->members[i].id;
	return RK_OK;
}

/* `"1":"text"`, behind what is there already. */
static void
put_pair(struct bytes *out, bool *is_first, rk_id id, const char *text)
{
	bytes_append_text(out, *is_first ? "\"" : ",\"");
	*is_first = false;
	bytes_append_u64(out, id);
	bytes_append_text(out, "\":\"");
	bytes_append_text(out, text);
	bytes_append_char(out, '"');
}

static void
encode_incarnations(struct bytes *out, const struct addresses *a)
{
	bool is_first = true;
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (a->members[i].incarnation[0] == '\0')
			continue;
		if (is_first)
			bytes_append_text(out, ",\"incarnations\":{");
		put_pair(out, &is_first, a->members[i].id,
			 a->members[i].incarnation);
	}
	if (!is_first)
		bytes_append_char(out, '}');
}

static void
encode_joining(struct bytes *out, const struct addresses *a)
{
	bool is_first = true;
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (!a->members[i].joining)
			continue;
		bytes_append_text(out, is_first ? ",\"joining\":[" : ",");
		is_first = false;
		bytes_append_u64(out, a->members[i].id);
	}
	if (!is_first)
		bytes_append_char(out, ']');
}

void
members_encode(struct bytes *out, const struct configuration *c,
	       const struct addresses *a)
{
	bool is_first = true;
	size_t i;

	bytes_append_char(out, '{');
	sets_encode(out, c);
	bytes_append_text(out, ",\"addresses\":{");
	for (i = 0; i < a->count; i++) {
		/* A valid URL has nothing that JSON would escape. */
		assert(url_is_valid(a->members[i].url));
		put_pair(out, &is_first, a->members[i].id, a->members[i].url);
	}
	bytes_append_char(out, '}');
	encode_incarnations(out, a);
	encode_joining(out, a);
	bytes_append_char(out, '}');
}

static enum rk_code
decode_addresses(json_t *object, struct addresses *a, struct rk_error *err)
{
	const char *key, *url;
	json_t *value;
	rk_id id;

	*a = (struct addresses){.count = 0};
	json_object_foreach(object, key, value)
	{
		if (!bytes_parse_u64(key, strlen(key), LIMIT_NUMBER, &id) ||
		    id == 0)
			return error_set(err, RK_USAGE,
					 "addresses: \"%.20s\": not an id",
					 key);
		if (json_get_text(object, key, &url, err))
			return error_wrap(err, "addresses");
		if (!addresses_set(a, id, url))
			return error_set(err, RK_USAGE,
					 "addresses: \"%s\": not a URL, or "
					 "one too many",
					 key);
	}
	return RK_OK;
}

/* The member of `a` that `key` names. */
static enum rk_code
find_named(const struct addresses *a, const char *key, rk_id *id,
	   struct rk_error *err)
{
	if (bytes_parse_u64(key, strlen(key), LIMIT_NUMBER, id) && *id > 0 &&
	    addresses_member(a, *id) != NULL)
		return RK_OK;
	return error_set(err, RK_USAGE, "incarnations: \"%.20s\": no member",
			 key);
}

static enum rk_code
decode_incarnations(const json_t *root, struct addresses *a,
		    struct rk_error *err)
{
	const char *key, *text;
	json_t *object, *value;
	rk_id id;

	if (json_object_get(root, "incarnations") == NULL)
		return RK_OK;
	if (json_get_object(root, "incarnations", &object, err))
		return err->code;
	json_object_foreach(object, key, value)
	{
		if (find_named(a, key, &id, err))
			return err->code;
		if (json_get_text(object, key, &text, err))
			return error_wrap(err, "incarnations");
		if (!incarnation_is_valid(text))
			return error_set(err, RK_USAGE,
					 "incarnations: \"%s\": not 16 hex "
					 "digits",
					 key);
		addresses_set_incarnation(a, id, text);
	}
	return RK_OK;
}

static enum rk_code
decode_joining(const json_t *root, const struct configuration *c,
	       struct addresses *a, struct rk_error *err)
{
	struct id_set joining;
	size_t i, k;

	if (json_object_get(root, "joining") == NULL)
		return RK_OK;
	if (set_decode(root, "joining", &joining, err))
		return err->code;
	for (i = 0; i < joining.count; i++) {
		for (k = 0; k < c->learners.count; k++) {
			if (c->learners.ids[k] == joining.ids[i])
				break;
		}
		if (k == c->learners.count)
			return error_set(err, RK_USAGE,
					 "joining: member %" PRIu64
					 " is no learner",
					 joining.ids[i]);
		addresses_set_joining(a, joining.ids[i], true);
	}
	return RK_OK;
}

/* Every id of the set has an address. */
static enum rk_code
check_addresses(const struct id_set *set, const struct addresses *a,
		struct rk_error *err)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (addresses_find(a, set->ids[i]) == NULL)
			return error_set(err, RK_USAGE,
					 "addresses: none of member %" PRIu64,
					 set->ids[i]);
	}
	return RK_OK;
}

static enum rk_code
decode(const json_t *root, struct configuration *c, struct addresses *a,
       struct rk_error *err)
{
	json_t *object;

	if (sets_decode(root, c, err) ||
	    json_get_object(root, "addresses", &object, err) ||
	    decode_addresses(object, a, err) ||
	    check_addresses(&c->voters, a, err) ||
	    check_addresses(&c->old, a, err) ||
	    check_addresses(&c->learners, a, err) ||
	    decode_incarnations(root, a, err) ||
	    decode_joining(root, c, a, err))
		return err->code;
	return RK_OK;
}

enum rk_code
members_decode(struct slice text, struct configuration *c, struct addresses *a,
	       struct rk_error *err)
{
	struct configuration sets;
	struct addresses urls;
	enum rk_code rc;
	json_t *root;

	if (json_read(text, LIMIT_JSON_BYTES, &root, err))
		return error_wrap(err, "configuration");
	rc = decode(root, &sets, &urls, err);
	json_decref(root);
	if (rc)
		return error_wrap(err, "configuration");
	*c = sets;
	*a = urls;
	return RK_OK;
}
