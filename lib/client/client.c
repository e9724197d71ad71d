/* client.c - a client of a cluster: its endpoints, and waiting. */

#include "client/client.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/line.h"
#include "base/mem.h"
#include "wire/codec_members.h"

#define ENDPOINT_DEFAULT "http://127.0.0.1:7400"
#define PORT_DEFAULT     ":7400"

#define LEARN_MS       1000
#define LEARN_AGAIN_MS 2000

const char *
client_short_url(const char *url)
{
	return strncmp(url, "http://", 7) == 0 ? url + 7 : url;
}

size_t
client_endpoint(struct rk_client *c, const char *url, size_t otherwise)
{
	size_t i;

	for (i = 0; i < c->endpoint_count; i++) {
		if (strcmp(c->endpoints[i].url, url) == 0)
			return i;
	}
	if (i == CLIENT_ENDPOINTS || !url_is_valid(url))
		return otherwise;
	c->endpoints[i] = (struct endpoint){.is_given = false};
	snprintf(c->endpoints[i].url, LIMIT_URL_BYTES, "%s", url);
	return c->endpoint_count++;
}

/* `host`, `host:port`, `http://host:port/` as a URL. False if it is none. */
static bool
url_complete(const char *text, size_t len, char url[LIMIT_URL_BYTES])
{
	bool has_scheme = len >= 7 && memcmp(text, "http://", 7) == 0;
	const char *host;
	size_t size;

	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len + sizeof "http://" + sizeof PORT_DEFAULT > LIMIT_URL_BYTES)
		return false;
	size = (size_t)snprintf(url, LIMIT_URL_BYTES, "%s%.*s",
				has_scheme ? "" : "http://", (int)len, text);
	host = client_short_url(url);
	/* Colons within brackets are those of an IPv6 address. */
	if (strrchr(host, ':') == NULL || host[strlen(host) - 1] == ']')
		memcpy(url + size, PORT_DEFAULT, sizeof PORT_DEFAULT);
	return url_is_valid(url);
}

static enum rk_code
endpoints_parse(struct rk_client *c, const char *list, struct rk_error *err)
{
	char url[LIMIT_URL_BYTES];
	size_t at;
	size_t len;

	if (list == NULL || list[0] == '\0')
		list = ENDPOINT_DEFAULT;
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if (len >= 8 && memcmp(list, "https://", 8) == 0)
			return error_set(err, RK_USAGE,
					 "endpoint '%.*s': https is not "
					 "supported",
					 (int)len, list);
		if (!url_complete(list, len, url))
			return error_set(err, RK_USAGE,
					 "endpoint '%.*s' is not HOST:PORT or "
					 "http://HOST:PORT",
					 (int)len, list);
		at = client_endpoint(c, url, CLIENT_ENDPOINTS);
		if (at == CLIENT_ENDPOINTS)
			return error_set(err, RK_USAGE,
					 "more than %d endpoints",
					 CLIENT_ENDPOINTS);
		c->endpoints[at].is_given = true;
		if (list[len] == '\0')
			return RK_OK;
	}
}

enum rk_code
rk_client_open(const struct rk_client_options *options, struct rk_client **out,
	       struct rk_error *err)
{
	struct rk_client *c = mem_alloc(1, sizeof *c);
	enum rk_code rc;
	size_t len;
	size_t i;

	c->timeout_ms = options->timeout_ms;
	prng_init(&c->prng, prng_entropy());
	for (i = 0; i < CLIENT_WATCHES; i++)
		c->watches[i].fd = -1;
	rc = endpoints_parse(c, options->endpoints, err);
	if (rc != RK_OK)
		goto err_free;
	if (options->cluster != NULL) {
		len = strlen(options->cluster);
		if (len > 0 && !line_session_is_valid(options->cluster, len)) {
			rc = error_set(err, RK_USAGE, "'%s' is no cluster id",
				       options->cluster);
			goto err_free;
		}
		memcpy(c->cluster, options->cluster, len + 1);
	}
	rc = outbound_open(&c->out, err);
	if (rc != RK_OK)
		goto err_free;
	*out = c;
	return RK_OK;

err_free:
	mem_free(c);
	return rc;
}

void
rk_client_close(struct rk_client *c)
{
	if (c == NULL)
		return;
	outbound_close(c->out);
	bytes_close(&c->reply.body);
	mem_free(c->runs);
	mem_free(c);
}

const char *
rk_client_cluster(const struct rk_client *c)
{
	return c->cluster;
}

void
rk_client_watch(struct rk_client *c, int fd, enum rk_watch (*ready)(void *user),
		void *user)
{
	struct watch *found = NULL;
	size_t i;

	for (i = CLIENT_WATCHES; i-- > 0;) {
		if (c->watches[i].fd == fd) {
			found = &c->watches[i];
			break;
		}
		if (c->watches[i].fd < 0)
			found = &c->watches[i];
	}
	assert(found != NULL); /* The header says how many. */
	*found = (struct watch){fd, true, ready, user};
}

static void
serve_watch(struct rk_client *c, struct watch *w)
{
	switch (w->ready(w->user)) {
	case RK_WATCH_ON:
		break;
	case RK_WATCH_OFF:
		w->is_on = false;
		break;
	case RK_WATCH_CANCEL:
		c->is_cancelled = true;
		break;
	}
}

void
client_wait(struct rk_client *c, uint64_t until_ms)
{
	struct pollfd polls[CLIENT_WATCHES + 1];
	uint64_t now_ms = clock_now_ms();
	int timeout_ms = outbound_timeout_ms(c->out);
	int left_ms = INT32_MAX;
	size_t i;

	if (until_ms <= now_ms)
		left_ms = 0;
	else if (until_ms - now_ms < INT32_MAX)
		left_ms = (int)(until_ms - now_ms);
	if (timeout_ms < 0 || timeout_ms > left_ms)
		timeout_ms = left_ms;
	polls[0] = (struct pollfd){outbound_fd(c->out), POLLIN, 0};
	for (i = 0; i < CLIENT_WATCHES; i++) {
		polls[i + 1] = (struct pollfd){c->watches[i].fd, POLLIN, 0};
		if (!c->watches[i].is_on)
			polls[i + 1].fd = -1;
	}
	poll(polls, CLIENT_WATCHES + 1, timeout_ms);
	/* What is watched comes last: it may take a while, and the cluster
	 * should have its next request first. */
	outbound_run(c->out);
	for (i = 0; i < CLIENT_WATCHES; i++) {
		if (polls[i + 1].fd >= 0 && polls[i + 1].revents != 0)
			serve_watch(c, &c->watches[i]);
	}
}

static void
learn_from(struct rk_client *c, const json_t *status)
{
	struct rk_error ignored;
	const char *leader;
	json_t *addresses;
	const char *id;
	json_t *url;
	size_t at;

	if (json_get_object(status, "addresses", &addresses, &ignored) != RK_OK)
		return;
	json_object_foreach(addresses, id, url)
	{
		if (json_is_string(url))
			client_endpoint(c, json_string_value(url), 0);
	}
	if (json_get_text(status, "leader_url", &leader, &ignored) != RK_OK)
		return;
	at = client_endpoint(c, leader, c->at);
	c->at = at;
}

void
client_learn(struct rk_client *c)
{
	const struct client_request request = {.method = "GET",
					       .path = "/v1/status",
					       .once = true,
					       .max_reply_bytes =
						       LIMIT_JSON_BYTES};
	uint64_t now_ms = clock_now_ms();
	struct client_deadline deadline = {now_ms, now_ms + LEARN_MS};
	struct rk_error ignored;
	struct slice text;
	json_t *status;

	c->learn_ms = now_ms + LEARN_AGAIN_MS;
	if (client_call(c, &request, &deadline, &ignored) != RK_OK)
		return;
	text = (struct slice){c->reply.body.data, c->reply.body.len};
	if (json_read(text, LIMIT_JSON_BYTES, &status, &ignored) != RK_OK)
		return;
	learn_from(c, status);
	json_decref(status);
}

void
rk_session_new(char id[17])
{
	snprintf(id, 17, "%016llx", (unsigned long long)prng_entropy());
}
