/* cmd.c - what all programs have in common at the command line. */

#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT_MS 10000

void
cmd_usage(const struct cmd *c, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", c->spec->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry '%s --help'.\n", c->spec->name);
	exit(RK_USAGE);
}

/* A socket must not take the place of a standard descriptor that is closed;
 * and to read from it or write to it shall fail as before. */
static void
hold_standard_descriptors(void)
{
	static const int how[] = {O_WRONLY, O_RDONLY, O_RDWR};
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", how[fd]) != fd)
			abort();
	}
}

void
cmd_begin(struct cmd *c, const struct cmd_spec *spec)
{
	const char *timeout = getenv("RAFT_TIMEOUT");

	hold_standard_descriptors();
	*c = (struct cmd){.spec = spec};
	c->client.timeout_ms = TIMEOUT_DEFAULT_MS;
	/* A parent may have set it to be ignored; a reader that goes away is
	 * to end us quietly. */
	signal(SIGPIPE, SIG_DFL);
	if ((spec->groups & CMD_CLIENT) == 0)
		return;
	c->client.endpoints = getenv("RAFT_ENDPOINTS");
	c->client.cluster = getenv("RAFT_CLUSTER");
	if (timeout != NULL && timeout[0] != '\0')
		c->client.timeout_ms =
			cmd_duration_ms(c, "RAFT_TIMEOUT", timeout);
}

int
cmd_finish(const struct cmd *c, int status)
{
	bool failed = ferror(stdout) != 0;

	if (fclose(stdout) == 0 && !failed)
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "%s: write to standard output: %s\n",
			c->spec->name, strerror(errno));
	return RK_FAILED;
}

struct rk_client *
cmd_client(const struct cmd *c)
{
	struct rk_client *client = NULL;
	struct rk_error err;

	if (rk_client_open(&c->client, &client, &err) != RK_OK)
		exit(cmd_fail(c, &err));
	return client;
}
