/* cmd_option.c - the options of a command line, the common ones done here. */

#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64

/* Common options without a letter. */
enum { OPTION_CLUSTER = 0x1000, OPTION_FORMAT };

struct common_option {
	unsigned group; /* 0: every program's. */
	struct option option;
};

static const struct common_option common_options[] = {
	{CMD_CLIENT, {"endpoints", required_argument, NULL, 'e'}},
	{CMD_CLIENT, {"timeout", required_argument, NULL, 't'}},
	{CMD_CLIENT, {"cluster", required_argument, NULL, OPTION_CLUSTER}},
	{CMD_JSON, {"json", no_argument, NULL, 'J'}},
	{CMD_NULL, {"null", no_argument, NULL, '0'}},
	{CMD_FORMAT, {"format", required_argument, NULL, OPTION_FORMAT}},
	{0, {"quiet", no_argument, NULL, 'q'}},
	{0, {"verbose", no_argument, NULL, 'v'}},
	{0, {"help", no_argument, NULL, 'h'}},
	{0, {"version", no_argument, NULL, 'V'}},
};

/* Both forms of a program's whole list of options. */
struct table {
	char letters[2 * OPTIONS_MAX + 2];
	struct option longs[OPTIONS_MAX];
	size_t count;
};

static void
table_add(struct table *t, const struct option *o)
{
	size_t len = strlen(t->letters);
	size_t i;

	for (i = 0; i < t->count; i++) {
		if (strcmp(t->longs[i].name, o->name) == 0)
			return;
	}
	if (t->count == OPTIONS_MAX - 1)
		return; /* The last row stays zero. */
	t->longs[t->count++] = *o;
	if (o->val >= 128 || strchr(t->letters, o->val) != NULL)
		return;
	t->letters[len] = (char)o->val;
	t->letters[len + 1] = o->has_arg ? ':' : '\0';
}

static void
table_fill(struct table *t, const struct cmd_spec *spec)
{
	const struct option *o;
	size_t i;

	memset(t, 0, sizeof *t);
	/* The colon makes getopt tell a missing argument from no option. */
	snprintf(t->letters, sizeof t->letters, ":%.*s", OPTIONS_MAX,
		 spec->letters != NULL ? spec->letters : "");
	for (o = spec->longs; o != NULL && o->name != NULL; o++)
		table_add(t, o);
	for (i = 0; i < sizeof common_options / sizeof common_options[0]; i++) {
		if (common_options[i].group == 0 ||
		    (common_options[i].group & spec->groups) != 0)
			table_add(t, &common_options[i].option);
	}
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, take away or change. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[OPTIONS_MAX];
	size_t len = strlen(b);
	size_t diagonal;
	size_t above;
	size_t i;
	size_t j;

	if (strlen(a) >= OPTIONS_MAX || len >= OPTIONS_MAX)
		return OPTIONS_MAX;
	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 1; j <= len; j++) {
			above = row[j];
			row[j] = least(diagonal + (a[i] != b[j - 1]),
				       least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[len];
}

_Noreturn static void
refuse_option(const struct cmd *c, const struct table *t, const char *word)
{
	const char *best = NULL;
	size_t best_distance = 4;
	char name[OPTIONS_MAX];
	size_t distance;
	size_t i;

	if (strncmp(word, "--", 2) != 0)
		cmd_usage(c, "unknown option -%c", optopt);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="),
		 word + 2);
	for (i = 0; i < t->count; i++) {
		distance = edit_distance(name, t->longs[i].name);
		/* A short beginning of several names. */
		if (strncmp(name, t->longs[i].name, strlen(name)) == 0)
			distance = 1;
		if (distance < best_distance) {
			best_distance = distance;
			best = t->longs[i].name;
		}
	}
	if (best == NULL)
		cmd_usage(c, "unknown option --%s", name);
	cmd_usage(c, "unknown option --%s; did you mean --%s?", name, best);
}

static void
print_and_exit(const struct cmd *c, const char *text, const char *tail)
{
	printf("%s%s", text, tail);
	exit(cmd_finish(c, RK_OK));
}

static bool
take_common(struct cmd *c, int option)
{
	switch (option) {
	case 'e':
		c->client.endpoints = optarg;
		return true;
	case 't':
		c->client.timeout_ms = cmd_duration_ms(c, "--timeout", optarg);
		return true;
	case OPTION_CLUSTER:
		c->client.cluster = optarg;
		return true;
	case OPTION_FORMAT:
		c->format = optarg;
		return true;
	case 'J':
		c->json = true;
		return true;
	case '0':
		c->null = true;
		return true;
	case 'q':
		c->quiet = true;
		return true;
	case 'v':
		c->verbose = true;
		return true;
	case 'h':
		print_and_exit(c, c->spec->help, "");
		return true;
	case 'V':
		printf("%s ", c->spec->name);
		print_and_exit(c, rk_version(), "\n");
		return true;
	}
	return false;
}

static bool
is_own(const struct cmd_spec *spec, int option)
{
	const struct option *o;

	for (o = spec->longs; o != NULL && o->name != NULL; o++) {
		if (o->val == option)
			return true;
	}
	return option < 128 && spec->letters != NULL &&
	       strchr(spec->letters, option) != NULL;
}

int
cmd_option(struct cmd *c, int argc, char **argv)
{
	struct table t;
	int option;

	table_fill(&t, c->spec);
	opterr = 0;
	for (;;) {
		option = getopt_long(argc, argv, t.letters, t.longs, NULL);
		if (option == ':')
			cmd_usage(c, "option %s needs a value",
				  argv[optind - 1]);
		if (option == '?' && optopt != 0 &&
		    strncmp(argv[optind - 1], "--", 2) == 0)
			cmd_usage(c, "option %.*s takes no value",
				  (int)strcspn(argv[optind - 1], "="),
				  argv[optind - 1]);
		if (option == '?')
			refuse_option(c, &t, optopt ? "" : argv[optind - 1]);
		if (option == -1 || is_own(c->spec, option) ||
		    !take_common(c, option))
			return option;
	}
}
