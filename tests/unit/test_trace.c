/* test_trace.c - diagnostics for people. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/trace.h"

struct fixture {
	int fd[2];
	struct trace trace;
	char text[4096]; /* What the last read gave. */
};

static void
setup(struct fixture *f)
{
	/* In packet mode one read gives what one write put in. */
	assert_int_equal(pipe2(f->fd, O_DIRECT | O_NONBLOCK), 0);
	f->trace = (struct trace){
		.fd = f->fd[1], .level = TRACE_INFO, .name = "raft-node"};
}

static void
teardown(struct fixture *f)
{
	close(f->fd[0]);
	close(f->fd[1]);
}

/* Of one write, or empty. */
static const char *
read_text(struct fixture *f)
{
	ssize_t len = read(f->fd[0], f->text, sizeof f->text - 1);

	f->text[len > 0 ? len : 0] = '\0';
	return f->text;
}

static void
line_is_one_write_with_the_name_in_front(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	trace_line(&f.trace, TRACE_INFO, "listening on %s:%d", "::1", 7400);
	assert_string_equal(read_text(&f),
			    "raft-node: listening on ::1:7400\n");
	assert_string_equal(read_text(&f), "");
	teardown(&f);
}

static void
line_above_the_level_is_dropped(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	trace_line(&f.trace, TRACE_DEBUG, "noise");
	trace_line(NULL, TRACE_ERROR, "nowhere");
	assert_string_equal(read_text(&f), "");
	f.trace.level = TRACE_DEBUG;
	trace_line(&f.trace, TRACE_DEBUG, "noise");
	assert_string_equal(read_text(&f), "raft-node: noise\n");
	f.trace.fd = -1;
	trace_line(&f.trace, TRACE_ERROR, "nowhere");
	teardown(&f);
}

static void
control_bytes_are_escaped(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	trace_line(&f.trace, TRACE_INFO, "%s", "a\nraft-node: b\x1b[2J\x7f");
	assert_string_equal(read_text(&f),
			    "raft-node: a\\x0araft-node: b\\x1b[2J\\x7f\n");
	/* U+009B opens a terminal's sequences; U+00E9 and U+20AC do not. */
	trace_line(&f.trace, TRACE_INFO, "%s",
		   "\xc2\x9b"
		   "1m \xc3\xa9 \xc2\xa0 \xe2\x82\xac");
	assert_string_equal(read_text(&f),
			    "raft-node: \\xc2\\x9b1m \xc3\xa9 \xc2\xa0 "
			    "\xe2\x82\xac\n");
	trace_line(&f.trace, TRACE_INFO, "%s", "\xe9t\xe9");
	assert_string_equal(read_text(&f), "raft-node: \\xe9t\\xe9\n");
	teardown(&f);
}

static void
line_leaves_errno_alone(void **state)
{
	struct trace closed = {.fd = 9999, .level = TRACE_INFO, .name = "x"};

	(void)state;
	errno = ENOSPC;
	trace_line(&closed, TRACE_ERROR, "%s", "lost");
	assert_int_equal(errno, ENOSPC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_one_write_with_the_name_in_front),
		cmocka_unit_test(line_above_the_level_is_dropped),
		cmocka_unit_test(control_bytes_are_escaped),
		cmocka_unit_test(line_leaves_errno_alone),
	};

	return unit_run("trace", tests, LEN(tests));
}
