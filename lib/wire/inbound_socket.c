/* inbound_socket.c - a listening socket, made here so that errors are told. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/inbound_parts.h"

/* Numbers only: a name server is not asked where to listen. */
static enum rk_code
find_address(const char *host, uint16_t port, struct addrinfo **found,
	     struct rk_error *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	char bare[64];
	char service[8];
	size_t len = strlen(host);

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (host[0] == '[' && host[len - 1] == ']' && len < sizeof bare) {
		memcpy(bare, host + 1, len - 2);
		bare[len - 2] = '\0';
		host = bare;
	}
	snprintf(service, sizeof service, "%u", (unsigned)port);
	if (getaddrinfo(host, service, &hints, found) != 0)
		return error_set(err, RK_USAGE,
				 "listen on %s: not a numeric address", host);
	return RK_OK;
}

static uint16_t
port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->ss_family == AF_INET6) {
		memcpy(&in6, address, sizeof in6);
		return ntohs(in6.sin6_port);
	}
	memcpy(&in, address, sizeof in);
	return ntohs(in.sin_port);
}

enum rk_code
inbound_listen(const char *host, uint16_t port, int *fd, uint16_t *bound_port,
	       struct rk_error *err)
{
	const int on = 1;
	struct sockaddr_storage bound;
	socklen_t len = sizeof bound;
	struct addrinfo *found;
	enum rk_code rc = RK_OK;
	int s;

	if (find_address(host, port, &found, err))
		return err->code;
	s = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		   0);
	if (s < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(s, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(s, SOMAXCONN) < 0 ||
	    getsockname(s, (struct sockaddr *)&bound, &len) < 0)
		rc = error_set(err, RK_FAILED, "listen on %s:%u: %s", host,
			       (unsigned)port, strerror(errno));
	freeaddrinfo(found);
	if (rc) {
		if (s >= 0)
			close(s);
		return rc;
	}
	*fd = s;
	*bound_port = port_of(&bound);
	return RK_OK;
}
