/* cmd_input.c - entries from arguments, or from a descriptor, read ahead in
 * bounded memory. */

#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some batches fit, so that one is read while another is on its way. */
#define BUFFER_BYTES (4U << 20)

/* No cluster takes an entry as long as this, in whatever form. */
#define BUFFER_MOST_BYTES (64U << 20)

static void
grow(struct cmd_input *in, size_t cap)
{
	char *data = realloc(in->data, cap);

	if (data == NULL) {
		fprintf(stderr, "out of memory\n");
		abort();
	}
	in->data = data;
	in->cap = cap;
}

void
cmd_input_open(struct cmd_input *in, char **args, int fd, int separator)
{
	struct stat st;

	*in = (struct cmd_input){
		.args = args, .fd = fd, .separator = separator};
	in->at_end = args != NULL;
	if (args != NULL)
		return;
	grow(in, BUFFER_BYTES);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		in->size_bytes = (uint64_t)st.st_size;
}

void
cmd_input_close(struct cmd_input *in)
{
	cmd_progress_end(&in->shown_ms);
	free(in->data);
	*in = (struct cmd_input){.fd = -1};
}

enum rk_watch
cmd_input_fill(void *user)
{
	struct cmd_input *in = user;
	ssize_t n;

	if (in->at_end || in->len == in->cap)
		return RK_WATCH_OFF;
	n = read(in->fd, in->data + in->len, in->cap - in->len);
	if (n > 0) {
		in->len += (size_t)n;
		in->read_bytes += (uint64_t)n;
		return RK_WATCH_ON;
	}
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return RK_WATCH_ON;
	in->error = n < 0 ? errno : 0;
	in->at_end = true;
	return RK_WATCH_OFF;
}

/* Whether a read would not block. */
static bool
is_ready(const struct cmd_input *in)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};

	return !in->at_end && in->len < in->cap && poll(&p, 1, 0) > 0;
}

/* Nobody looks at what was taken any more, so things may be moved. */
static void
make_room(struct cmd_input *in)
{
	if (in->start > in->cap / 2 || in->start == in->len) {
		in->len -= in->start;
		memmove(in->data, in->data + in->start, in->len);
		in->start = 0;
	}
	if (in->start > 0 || in->len < in->cap)
		return;
	if (in->separator >= 0 &&
	    memchr(in->data, in->separator, in->len) != NULL)
		return;
	if (in->cap < BUFFER_MOST_BYTES) {
		grow(in, 2 * in->cap);
	} else {
		in->error = EFBIG;
		in->at_end = true;
		in->len = 0;
	}
}

/* Those that are whole and there. */
static size_t
take_ready(struct cmd_input *in, struct rk_data *entries, size_t most,
	   size_t size_bytes)
{
	size_t count = 0;
	size_t size = 0;
	char *begin;
	char *end;

	make_room(in);
	while (count < most && size < size_bytes && in->start < in->len) {
		begin = in->data + in->start;
		end = in->separator < 0 ? NULL
					: memchr(begin, in->separator,
						 in->len - in->start);
		if (end == NULL && (!in->at_end || in->error != 0))
			break; /* Half an entry is none. */
		if (end == NULL)
			end = in->data + in->len;
		entries[count].data = begin;
		entries[count].len = (size_t)(end - begin);
		size += entries[count++].len;
		in->start = (size_t)(end - in->data);
		in->start += in->start < in->len; /* The separator. */
	}
	return count;
}

static size_t
take_args(struct cmd_input *in, struct rk_data *entries, size_t most)
{
	size_t count;

	for (count = 0; count < most && *in->args != NULL; count++) {
		entries[count].data = *in->args;
		entries[count].len = strlen(*in->args++);
	}
	return count;
}

static void
wait_for_input(struct cmd_input *in, struct cmd_signals *signals)
{
	struct pollfd p[2] = {{in->fd, POLLIN, 0}, {signals->fd, POLLIN, 0}};

	if (poll(p, 2, -1) < 0)
		return;
	if (p[1].revents != 0)
		cmd_signals_take(signals);
	else
		cmd_input_fill(in);
}

size_t
cmd_input_take(struct cmd_input *in, struct cmd_signals *signals,
	       struct rk_data *entries, size_t most, size_t size_bytes)
{
	size_t count = 0;

	if (in->args != NULL)
		return take_args(in, entries, most);
	while (signals->count == 0) {
		while (in->len - in->start < size_bytes && is_ready(in))
			cmd_input_fill(in);
		count = take_ready(in, entries, most, size_bytes);
		if (count > 0 || in->at_end)
			break;
		wait_for_input(in, signals);
	}
	return count;
}

void
cmd_input_progress(const struct cmd *c, struct cmd_input *in)
{
	if (in->size_bytes > 0)
		cmd_progress(c, &in->shown_ms,
			     in->read_bytes - (in->len - in->start),
			     in->size_bytes);
}
