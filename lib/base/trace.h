/* trace.h - diagnostics for people, one line a message, on a descriptor.
 *
 * (Raft's log is the log; this is the trace.) Control bytes in a message are
 * escaped, so that nobody can write lines in our name. */

#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>

enum trace_level {
	TRACE_ERROR,
	TRACE_WARNING,
	TRACE_INFO,
	TRACE_DEBUG,
};

struct trace {
	int fd;                 /* -1: nowhere. */
	enum trace_level level; /* Lines above this are dropped. */
	const char *name;       /* The program's; printed before each line. */
};

/* `name: message\n` in one write(2). `t` may be NULL: nowhere. */
void trace_line(const struct trace *t, enum trace_level level,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif /* BASE_TRACE_H */
