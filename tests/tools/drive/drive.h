/* drive.h - a driver's cores, the messages between them, and what it prints.
 *
 * Lines in, lines out; core-drive.c says what they mean. */

#ifndef DRIVE_DRIVE_H
#define DRIVE_DRIVE_H

#include <stdio.h>

#include "driven.h"

/* Bytes of one line of input. */
#define DRIVE_LINE_MAX (16U << 20)

struct drive {
	FILE *out;
	bool brief;
	bool quiet;         /* Print only what changes a role. */
	bool failed;        /* An expectation was not met. */
	uint64_t now_ms;    /* Of the commands to many cores. */
	struct driven *all; /* In order of their making. */
	size_t count;
	size_t cap;
	/* What was sent and neither delivered nor dropped, the oldest first:
	 * {"gate":..,"message":..}; and its weight. See bag.h. */
	json_t *bag;
	size_t bag_weight;
	json_t *last; /* What the last step did, as a whole; NULL: none yet. */
};

void drive_init(struct drive *d, FILE *out);
void drive_close(struct drive *d);

/* One line of input, without its newline; prints what comes of it. */
void drive_line(struct drive *d, struct slice line);

/* NULL if there is none. Valid until the next core is made. */
struct driven *drive_find(const struct drive *d, rk_id id);

/* Start `n` from a "new" object, and say so. */
RK_CHECKED enum rk_code drive_start(struct drive *d, struct driven *n,
				    uint64_t now_ms, const json_t *object,
				    struct rk_error *err);

/* Its unsent messages are gone, and so is the core. */
void drive_crash(struct drive *d, struct driven *n);

/* Step a core by an event line and print what it does, or why not. With
 * `show_cause` the event is printed, too. Releases `line`. 0 if it was done;
 * `effects`, if not NULL, are borrowed until its next step. */
int drive_step_steal(struct drive *d, struct driven *n, json_t *line,
		     bool show_cause, struct effects *effects);

/* Print and release. */
void drive_print_steal(const struct drive *d, json_t *line);

/* A refused line; `core` 0: it named none. */
void drive_refuse(const struct drive *d, rk_id core, const char *code,
		  const char *text);

#endif /* DRIVE_DRIVE_H */
