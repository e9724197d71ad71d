/* cmd_signal.c - to be interrupted without losing what is to be said. */

#include "cmd.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

void
cmd_signals_take(struct cmd_signals *s)
{
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	s->number = (int)info.ssi_signo;
	s->count++;
}

static enum rk_watch
on_signal(void *user)
{
	struct cmd_signals *s = user;

	cmd_signals_take(s);
	if (s->count > 1)
		return RK_WATCH_CANCEL;
	cmd_note(s->cmd, "interrupted: waiting for what was sent; once more to "
			 "give it up");
	return RK_WATCH_ON;
}

void
cmd_signals_catch(struct cmd_signals *s, const struct cmd *c,
		  struct rk_client *client)
{
	sigset_t set;

	*s = (struct cmd_signals){.cmd = c};
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rk_client_watch(client, s->fd, on_signal, s);
}

int
cmd_signals_end(const struct cmd_signals *s)
{
	sigset_t set;

	cmd_finish(s->cmd, RK_OK);
	signal(s->number, SIG_DFL);
	raise(s->number);
	sigfillset(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return RK_FAILED; /* Not reached: a signal is waiting. */
}

static enum rk_watch
on_stdout(void *user)
{
	struct pollfd end = {STDOUT_FILENO, 0, 0};

	(void)user;
	if (poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0)
		raise(SIGPIPE);
	return RK_WATCH_OFF; /* It is no pipe that one only writes to. */
}

void
cmd_watch_reader(struct rk_client *client)
{
	struct stat status;

	if (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
		rk_client_watch(client, STDOUT_FILENO, on_stdout, NULL);
}
