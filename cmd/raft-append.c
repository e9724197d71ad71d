/* raft-append.c - put entries into the log. */

#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_DEFAULT 8192
#define BATCH_MOST    65536
#define BATCH_BYTES   (1U << 20)

enum { OPTION_SESSION = 0x2000, OPTION_RESUME, OPTION_PRINT };

enum print { PRINT_REPLY, PRINT_INDEX, PRINT_JSON, PRINT_NONE };

static const char *const prints[] = {"reply", "index", "json", "none", NULL};

static const struct option longs[] = {
	{"batch", required_argument, NULL, 'w'},
	{"one", no_argument, NULL, '1'},
	{"session", required_argument, NULL, OPTION_SESSION},
	{"resume", required_argument, NULL, OPTION_RESUME},
	{"print", required_argument, NULL, OPTION_PRINT},
	{NULL, 0, NULL, 0},
};

static const struct cmd_spec spec = {
	.name = "raft-append",
	.groups = CMD_CLIENT | CMD_JSON | CMD_NULL | CMD_FORMAT,
	.letters = "1w:",
	.longs = longs,
	.help = "Usage: raft-append [OPTION]... [ENTRY...]\n"
		"Append the arguments, or the lines of standard input.\n"
		"Exits 0 when all are committed and applied.\n\n"
		"  -0, --null            a NUL ends each entry\n"
		"  -J, --json            JSON lines as of raft-dump -J\n"
		"  -1, --one             all of standard input is one entry\n"
		"  -w, --batch=N         at most N entries at once (8192)\n"
		"      --session=ID      number the entries in this session\n"
		"      --resume=FILE     keep in FILE how far it came; go on\n"
		"      --print=WHAT      reply (default), index, json, none\n"
		"      --format=STR      print each; %i index, %d data, ...\n"
		"  -e, --endpoints=LIST  the cluster ($RAFT_ENDPOINTS)\n"
		"      --cluster=ID      talk to this cluster only\n"
		"  -t, --timeout=DUR     for each batch (10s; 0: for ever)\n"
		"  -q, --quiet   -v, --verbose   -h, --help   -V, --version\n\n"
		"Examples:\n"
		"  raft-append 'set a 1'\n"
		"  seq 100000 | raft-append --print=none\n"
		"  raft-append --session=load --resume=load.ck <load.txt\n",
};

struct append {
	struct cmd cmd;
	struct rk_client *client;
	size_t print; /* An enum print. */
	bool one;
	size_t batch;
	struct cmd_resume resume;
	struct cmd_signals signals;
	struct cmd_input input;
	struct rk_data *entries;
	uint64_t taken; /* Entries of the input, those skipped included. */
};

static void
print_entry(const struct append *a, const struct rk_entry *e)
{
	char reply[24];

	snprintf(reply, sizeof reply, "%" PRIu64, e->index);
	if (a->cmd.format != NULL)
		cmd_print_format(stdout, a->cmd.format, e, reply, 0);
	else if (a->print == PRINT_JSON)
		printf("{\"index\":%s,\"term\":%" PRIu64 "}\n", reply, e->term);
	else if (a->print != PRINT_NONE)
		printf("%s%c", reply, a->cmd.null ? '\0' : '\n');
}

static void
print_appended(const struct append *a, const struct rk_data *data,
	       const struct rk_appended *done)
{
	struct rk_entry e = {.term = done->term};
	const struct rk_run *run = done->runs;
	uint64_t i;

	for (; run < done->runs + done->run_count; run++) {
		for (i = 0; i < run->count; i++, data++) {
			e.index = run->first + i;
			e.data = data->data;
			e.len = data->len;
			print_entry(a, &e);
		}
	}
	fflush(stdout);
}

/* Say which entry it was, what of the others is in, and how to repeat it. */
static void
explain(const struct append *a, struct rk_error *err)
{
	static const char nothing[] = "nothing was appended";
	const char *what = a->input.args != NULL ? "argument" : "line";
	uint64_t in = a->resume.acknowledged;
	struct rk_error plain = *err;

	if (!a->one && (a->input.args == NULL || a->taken > 1))
		snprintf(err->text, sizeof err->text, "%s %" PRIu64 ": %.480s",
			 what, in + 1, plain.text);
	if (in > 0 && strncmp(plain.hint, nothing, strlen(nothing)) == 0)
		snprintf(err->hint, sizeof err->hint,
			 "%s 1 to %" PRIu64 " are in, nothing after%.400s",
			 what, in, plain.hint + strlen(nothing));
	if (err->code == RK_UNKNOWN)
		snprintf(err->hint, sizeof err->hint,
			 "it may be committed. To repeat safely: raft-append "
			 "--session=%s%s%.200s%s",
			 a->resume.session,
			 a->resume.path != NULL ? " --resume=" : "",
			 a->resume.path != NULL ? a->resume.path : "",
			 a->input.args != NULL ? " and the same arguments"
					       : " <the same input");
}

/* Append what was taken, but for what an earlier run has appended. */
static enum rk_code
append(struct append *a, size_t count, struct rk_error *err)
{
	uint64_t first = a->taken + 1;
	uint64_t known = a->resume.acknowledged;
	size_t skip = known < first ? 0 : (size_t)(known + 1 - first);
	struct rk_batch batch = {.session = a->resume.session,
				 .is_json =
					 a->cmd.json && a->input.args == NULL};
	struct rk_appended done;
	struct rk_error unsaved;
	enum rk_code rc;

	a->taken += count;
	if (skip >= count)
		return RK_OK;
	batch.entries = a->entries + skip;
	batch.count = count - skip;
	batch.first_seq = first + skip;
	if (a->input.args == NULL && !a->input.at_end)
		rk_client_watch(a->client, a->input.fd, cmd_input_fill,
				&a->input);
	rc = rk_client_append(a->client, &batch, &done, err);
	if (done.count > 0) {
		a->resume.acknowledged = batch.first_seq + done.count - 1;
		snprintf(a->resume.cluster, sizeof a->resume.cluster, "%s",
			 rk_client_cluster(a->client));
		print_appended(a, batch.entries, &done);
		if (rc == RK_OK)
			return cmd_resume_save(&a->resume, err);
		if (cmd_resume_save(&a->resume, &unsaved) != RK_OK)
			cmd_warn(&a->cmd, "%s", unsaved.text);
	}
	if (rc != RK_OK)
		explain(a, err);
	return rc;
}

static enum rk_code
append_all(struct append *a, struct rk_error *err)
{
	/* The session must not be lost once it has been used. */
	enum rk_code rc = cmd_resume_save(&a->resume, err);
	size_t count;

	while (rc == RK_OK) {
		count = cmd_input_take(&a->input, &a->signals, a->entries,
				       a->batch, BATCH_BYTES);
		if (a->one && a->taken + count == 0 && a->input.error == 0)
			count = 1; /* Nothing is an entry, too. */
		if (count == 0 || a->signals.count > 0)
			break;
		rc = append(a, count, err);
		cmd_input_progress(&a->cmd, &a->input);
	}
	if (rc == RK_OK && a->input.error != 0)
		rc = cmd_error(err, RK_FAILED, NULL,
			       "line %" PRIu64 ": read standard input: %s",
			       a->taken + 1, strerror(a->input.error));
	return rc;
}

static void
parse(struct append *a, int argc, char **argv)
{
	const char *session = NULL;
	int option;

	cmd_begin(&a->cmd, &spec);
	a->batch = BATCH_DEFAULT;
	while ((option = cmd_option(&a->cmd, argc, argv)) != -1) {
		switch (option) {
		case '1':
			a->one = true;
			break;
		case 'w':
			a->batch = cmd_number(&a->cmd, "--batch", optarg, 1,
					      BATCH_MOST);
			break;
		case OPTION_SESSION:
			session = optarg;
			break;
		case OPTION_RESUME:
			a->resume.path = optarg;
			break;
		case OPTION_PRINT:
			a->print = (enum print)cmd_choice(&a->cmd, "--print",
							  optarg, prints);
			break;
		}
	}
	if (a->cmd.json && a->print == PRINT_REPLY)
		a->print = PRINT_JSON;
	if (a->one && (a->cmd.json || a->cmd.null || argv[optind] != NULL))
		cmd_usage(&a->cmd, "--one takes standard input as it is: no "
				   "-J, -0 or arguments");
	cmd_resume_open(&a->cmd, session, &a->resume);
	if (a->cmd.client.cluster == NULL)
		a->cmd.client.cluster = a->resume.cluster;
}

int
main(int argc, char **argv)
{
	struct append a = {.taken = 0};
	struct rk_error err;
	int status;

	parse(&a, argc, argv);
	a.client = cmd_client(&a.cmd);
	a.entries = calloc(a.batch, sizeof *a.entries);
	if (a.entries == NULL)
		abort();
	cmd_input_open(&a.input, argv[optind] != NULL ? argv + optind : NULL,
		       STDIN_FILENO,
		       a.one        ? -1
		       : a.cmd.null ? 0
				    : '\n');
	cmd_signals_catch(&a.signals, &a.cmd, a.client);
	status = (int)append_all(&a, &err);
	if (status != RK_OK)
		cmd_fail(&a.cmd, &err);
	if (a.signals.count > 0)
		cmd_warn(&a.cmd, "interrupted: %" PRIu64 " entries are in",
			 a.resume.acknowledged);
	if (a.signals.count > 0 && status == RK_OK)
		return cmd_signals_end(&a.signals);
	rk_client_close(a.client);
	cmd_input_close(&a.input);
	free(a.entries);
	return cmd_finish(&a.cmd, status);
}
