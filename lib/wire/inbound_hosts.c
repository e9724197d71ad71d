/* inbound_hosts.c - the names by which a client may call us.
 *
 * A web page that has its own name lead to our address (DNS rebinding) calls
 * us by that name; so only known names are answered. */

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "wire/inbound_parts.h"

static void
add_name(struct bytes *names, const char *name, size_t len)
{
	while (len > 0 && *name == ' ') {
		name++;
		len--;
	}
	while (len > 0 && name[len - 1] == ' ')
		len--;
	if (len == 0)
		return;
	bytes_append(names, name, len);
	bytes_append_char(names, '\0');
}

void
hosts_init(struct inbound_hosts *h, const char *host, const char *more)
{
	struct bytes names = {.data = NULL};
	size_t len;

	add_name(&names, "localhost", strlen("localhost"));
	add_name(&names, host, strlen(host));
	while (more != NULL && *more != '\0') {
		len = strcspn(more, ",");
		add_name(&names, more, len);
		more += len + (more[len] == ',');
	}
	bytes_append_char(&names, '\0');
	h->names = (char *)names.data;
	h->any_number = strcmp(host, "0.0.0.0") == 0 ||
			strcmp(host, "::") == 0 || strcmp(host, "[::]") == 0;
}

void
hosts_close(struct inbound_hosts *h)
{
	mem_free(h->names);
	*h = (struct inbound_hosts){.names = NULL};
}

/* Whether `text` is an address in numbers that may be meant for us. */
static bool
number_is_allowed(const struct inbound_hosts *h, const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return h->any_number || ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return h->any_number || IN6_IS_ADDR_LOOPBACK(&v6);
	return false;
}

/* The length of the host in `host:port` or `[host]:port`; 0 if the rest is no
 * port. */
static size_t
host_length(const char *text)
{
	const char *end;
	uint64_t port;
	size_t len;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL)
			return 0;
		len = (size_t)(end - text) + 1;
	} else {
		len = strcspn(text, ":");
	}
	if (text[len] == '\0')
		return len;
	if (text[len] != ':' ||
	    !bytes_parse_u64(text + len + 1, strlen(text + len + 1), UINT16_MAX,
			     &port))
		return 0;
	return len;
}

bool
hosts_allow(const struct inbound_hosts *h, const char *host_and_port)
{
	size_t len = host_length(host_and_port);
	const char *name;
	char host[64];

	if (len == 0)
		return false;
	for (name = h->names; *name != '\0'; name += strlen(name) + 1) {
		if (strlen(name) == len &&
		    strncasecmp(name, host_and_port, len) == 0)
			return true;
	}
	if (len >= sizeof host)
		return false;
	memcpy(host, host_and_port, len);
	host[len] = '\0';
	if (host[0] == '[') {
		host[len - 1] = '\0';
		return number_is_allowed(h, host + 1);
	}
	return number_is_allowed(h, host);
}
