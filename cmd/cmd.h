/* cmd.h - what all programs have in common at the command line.
 *
 * stdout is data and nothing else; stderr is everything else, one line a
 * message with the program's name in front. The exit status is an enum
 * rk_code. */

#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <getopt.h>
#include <stdio.h>

#include "raftkit.h"

/* Groups of common options that a program takes, besides -q -v -h -V. */
enum cmd_group {
	CMD_CLIENT = 1, /* -e -t, and --cluster */
	CMD_JSON = 2,   /* -J */
	CMD_NULL = 4,   /* -0 */
	CMD_FORMAT = 8, /* --format */
};

/* What there is to a program's command line. `letters` and `longs` (ended by a
 * zero row) are its own options in the form of getopt_long(3); they win over
 * the common ones. */
struct cmd_spec {
	const char *name;
	const char *help; /* The whole text of --help. */
	unsigned groups;
	const char *letters;
	const struct option *longs;
};

/* The common options' values. Zero but for what cmd_begin() sets. */
struct cmd {
	const struct cmd_spec *spec;
	struct rk_client_options client; /* From options or environment. */
	const char *format;              /* NULL: not given. */
	bool json;
	bool null;
	bool quiet;
	bool verbose;
};

/* Start: defaults, environment, SIGPIPE. */
void cmd_begin(struct cmd *c, const struct cmd_spec *spec);

/* The next of the program's own options (see getopt_long(3)), or -1 when
 * `optind` is at the first argument. Does the common ones itself; ends the
 * program on --help, --version and wrong usage. */
int cmd_option(struct cmd *c, int argc, char **argv);

/* Say what is wrong with the command line and end the program with 2. */
_Noreturn void cmd_usage(const struct cmd *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Values; `what` names the option or argument for the message of
 * cmd_usage(). A duration is `500ms`, `10s`, `2m`, `1h` or seconds; a size is
 * a number with an optional K, M or G (of 1024). */
uint64_t cmd_number(const struct cmd *c, const char *what, const char *text,
		    uint64_t min, uint64_t max);
uint64_t cmd_duration_ms(const struct cmd *c, const char *what,
			 const char *text);
/* A moment, as Unix time: `2026-11-23T07:12:13Z`, or a duration ago. */
uint64_t cmd_time_ms(const struct cmd *c, const char *what, const char *text);
uint64_t cmd_size(const struct cmd *c, const char *what, const char *text,
		  uint64_t min, uint64_t max);

/* Which of the NULL-ended words `text` is; cmd_usage() if none. */
size_t cmd_choice(const struct cmd *c, const char *what, const char *text,
		  const char *const *words);

/* What is done with the snapshots of a cluster. `cmd_save` copies the newest
 * to `file`: NULL is one named after it, "-" is standard output. */
RK_CHECKED enum rk_code cmd_take(const struct cmd *c, struct rk_error *err);
RK_CHECKED enum rk_code cmd_list(const struct cmd *c, struct rk_error *err);
RK_CHECKED enum rk_code cmd_save(const struct cmd *c, const char *file,
				 struct rk_error *err);

/* Saved snapshots, FILE or - for stdin: print what one covers (and with
 * `verify` read all of it); print its payload; make a member's directory of it
 * and print how its cluster's members are started. The errors are complete. */
enum rk_code cmd_inspect(const struct cmd *c, const char *file, bool verify,
			 struct rk_error *err);
enum rk_code cmd_extract(const struct cmd *c, const char *file,
			 struct rk_error *err);
enum rk_code cmd_restore(const struct cmd *c, const char *file,
			 const struct rk_restore *what, struct rk_error *err);

/* Open a client by the common options; ends the program if that fails. */
struct rk_client *cmd_client(const struct cmd *c);

/* `name: message` on stderr; cmd_note() not with -q, cmd_debug() only with
 * -v. */
void cmd_warn(const struct cmd *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cmd_note(const struct cmd *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cmd_debug(const struct cmd *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Print the error and its hint (a problem object with -J); returns the exit
 * status. */
int cmd_fail(const struct cmd *c, const struct rk_error *err);

/* Fill `err` for an error of the program's own; returns `code`. */
enum rk_code cmd_error(struct rk_error *err, enum rk_code code,
		       const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The end: whether all of stdout could be written. Returns `status`, or
 * RK_FAILED with a message. */
int cmd_finish(const struct cmd *c, int status);

/* Text as a JSON string, quotes included; what is not UTF-8 is replaced. */
void cmd_print_json_text(FILE *to, const char *text);

/* Print an entry as --format says; `reply` and `node` may be NULL and 0. */
void cmd_print_format(FILE *to, const char *format,
		      const struct rk_entry *entry, const char *reply,
		      rk_id node);

/* An entry as a row of the columns INDEX TERM TYPE TIME SIZE DATA, the data
 * escaped, ended by a newline; and the row that names them. What is no plain
 * committed entry is marked at its type. `width` not 0: cut to so many
 * characters. */
void cmd_print_row(FILE *to, const struct rk_entry *entry, size_t width);
void cmd_print_row_names(FILE *to);

/* An entry as its JSON line, which says so if it is not committed. */
void cmd_print_line(FILE *to, const struct rk_entry *entry);

/* The width of the terminal that stdout is; 0 if it is none. */
size_t cmd_terminal_width(void);

/* Data as people read it: control bytes and what is not UTF-8 as \xNN. */
void cmd_print_escaped(FILE *to, const void *data, size_t len);

/* A cluster's status on stdout: a row for each member (`is_full`: with what is
 * under way to it, and what failed); a JSON object for each; the verdict, on
 * one line. */
void cmd_print_table(const struct rk_cluster_status *s, bool is_full);
void cmd_print_members(const struct rk_cluster_status *s);
void cmd_print_verdict(const struct rk_cluster_status *s);

/* Who the members are, a row or a JSON object for each; and the quorum. */
void cmd_print_member_rows(const struct rk_cluster_status *s, bool json);

/* The quorum before and after a change. */
void cmd_print_change(const struct cmd *c,
		      const struct rk_member_change *change, bool dry_run);

/* A row for each setting, between `head` and `tail`; the caller frees it. */
char *cmd_settings_help(const char *head, const struct rk_settings *settings,
			const char *tail);

/* Remove a directory and all that is in it. */
void cmd_remove_tree(const char *path);

/* Commits a second between calls, newest on the right. */
#define CMD_RATES 40
struct cmd_rates {
	double rates[CMD_RATES];
	size_t count;
	rk_index commit; /* At the last call. */
	uint64_t at_ms;
};
void cmd_print_rates(struct cmd_rates *r, const struct rk_cluster_status *s);

/* A bar on standard error, if that is a terminal, now and then; `total` 0: not
 * known. `*shown_ms` is 0 at first and the caller's; cmd_progress_end() wipes
 * the bar. */
void cmd_progress(const struct cmd *c, uint64_t *shown_ms, uint64_t done_bytes,
		  uint64_t total_bytes);
void cmd_progress_end(const uint64_t *shown_ms);

uint64_t cmd_now_ms(void); /* Monotonic. */
void cmd_nap(uint64_t ms);

/* SIGINT and SIGTERM, taken as they come: the first one asks to end in order,
 * a second one gives up what the client waits for. */
struct cmd_signals {
	const struct cmd *cmd;
	int fd;
	int count;  /* How many came. */
	int number; /* Of the last. */
};

void cmd_signals_catch(struct cmd_signals *s, const struct cmd *c,
		       struct rk_client *client);

/* Take the signal that s->fd has, outside of the client's calls. */
void cmd_signals_take(struct cmd_signals *s);

/* End as one does that was interrupted, when all has been said. */
int cmd_signals_end(const struct cmd_signals *s);

/* End as by SIGPIPE once nobody reads standard output any more, also while
 * there is nothing to write. */
void cmd_watch_reader(struct rk_client *client);

/* Entries from arguments, or from a descriptor, which is read ahead in bounded
 * memory. */
struct cmd_input {
	char **args;         /* Not NULL: those that are left. */
	int fd;              /* Else. */
	int separator;       /* A byte; -1: all there is is one entry. */
	bool at_end;         /* Nothing more can be read... */
	int error;           /* ... for this errno, if not 0. */
	uint64_t size_bytes; /* Of the file; 0: not known. */
	uint64_t read_bytes;
	uint64_t shown_ms; /* For cmd_progress(). */
	char *data;
	size_t start; /* Of what was not taken yet. */
	size_t len;
	size_t cap;
};

void cmd_input_open(struct cmd_input *in, char **args, int fd, int separator);
void cmd_input_close(struct cmd_input *in);

/* Read once, when there is something to read and room for it. Has the form
 * that rk_client_watch() wants; `user` is the input. */
enum rk_watch cmd_input_fill(void *user);

/* Take the next entries: those that are there, at least one, for which it
 * waits; at most `most`, and no more when they exceed `size_bytes`. They stay
 * where they are until the next call. 0 at the end, or on a signal. */
size_t cmd_input_take(struct cmd_input *in, struct cmd_signals *signals,
		      struct rk_data *entries, size_t most, size_t size_bytes);

/* Show how much of a file has been taken. */
void cmd_input_progress(const struct cmd *c, struct cmd_input *in);

/* What raft-append --resume keeps: how far a session has come. */
struct cmd_resume {
	const char *path; /* NULL: nowhere. */
	char session[65];
	char cluster[65];      /* Empty: not known yet. */
	uint64_t acknowledged; /* Entries 1 to this are committed. */
};

/* Begin anew or go on, as the file at r->path and `session` (may be NULL) say;
 * ends the program if they contradict. */
void cmd_resume_open(const struct cmd *c, const char *session,
		     struct cmd_resume *r);

/* Sync the directory that `path` is in, so that its name is there for good. */
bool cmd_sync_directory_of(const char *path);

/* Replace the file, if there is one: written aside, synced, renamed. */
RK_CHECKED enum rk_code cmd_resume_save(const struct cmd_resume *r,
					struct rk_error *err);

#endif /* CMD_CMD_H */
