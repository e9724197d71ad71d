/* settings.c - what a member is told on its command line, checked.
 *
 * One table says of each setting its name, unit, default and range; --help,
 * --print-config, the configuration file and the checks all read it. */

#include "node/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/line.h"
#include "base/mem.h"

enum kind {
	KIND_DURATION, /* Kept in milliseconds. */
	KIND_BYTES,
	KIND_COUNT,
	KIND_SYNC,
	KIND_TEXT,
};

struct row {
	const char *name;
	enum kind kind;
	const char *initial;
	uint64_t min;
	uint64_t max;
	const char *help;
	size_t offset; /* Of the uint64_t in struct node_settings. */
};

#define AT(field) offsetof(struct node_settings, field)
#define DAY_MS    UINT64_C(86400000)
#define GIB       (UINT64_C(1) << 30)

static const struct row rows[] = {
	{"cluster-name", KIND_TEXT, "", 0, 64, "part of the cluster's identity",
	 0},
	{"election-timeout-min", KIND_DURATION, "500ms", 10, DAY_MS,
	 "shortest silence before an election",
	 AT(core.election_timeout_min_ms)},
	{"election-timeout-max", KIND_DURATION, "1s", 11, DAY_MS,
	 "longest silence before an election",
	 AT(core.election_timeout_max_ms)},
	{"heartbeat-interval", KIND_DURATION, "100ms", 1, DAY_MS,
	 "a leader is heard at least this often",
	 AT(core.heartbeat_interval_ms)},
	{"max-payload-entries", KIND_COUNT, "4096", 1, 65536,
	 "entries in one append to a peer", AT(core.max_payload_entries)},
	{"max-payload-bytes", KIND_BYTES, "1MiB", 1024, 32U << 20,
	 "bytes in one append, but at least an entry",
	 AT(core.max_payload_bytes)},
	{"max-inflight-requests", KIND_COUNT, "8", 1, 64,
	 "appends under way to one peer", AT(core.max_inflight_requests)},
	{"max-inflight-bytes", KIND_BYTES, "8MiB", 1024, GIB,
	 "bytes under way to one peer", AT(core.max_inflight_bytes)},
	{"replication-lag-threshold", KIND_COUNT, "10000", 1, LIMIT_NUMBER,
	 "entries behind which a peer counts as lagging",
	 AT(core.replication_lag_threshold)},
	{"snapshot-logs-since-last", KIND_COUNT, "100000", 0, LIMIT_NUMBER,
	 "entries between snapshots; 0: only when asked",
	 AT(core.snapshot_logs_since_last)},
	{"snapshot-max-chunk-size", KIND_BYTES, "1MiB", 4096, 16U << 20,
	 "bytes in one chunk of a snapshot", AT(snapshot_chunk_bytes)},
	{"snapshot-rate", KIND_BYTES, "0", 0, 64 * GIB,
	 "bytes a second of one transfer; 0: no limit",
	 AT(snapshot_bytes_per_second)},
	{"trailing-entries", KIND_COUNT, "20000", 0, LIMIT_NUMBER,
	 "entries that a compacted log keeps", AT(core.trailing_entries)},
	{"max-entry-bytes", KIND_BYTES, "1MiB", 1, LIMIT_ENTRY_BYTES,
	 "largest entry", AT(max_entry_bytes)},
	{"max-uncommitted-bytes", KIND_BYTES, "64MiB", 4096, GIB,
	 "appends beyond it are told to wait", AT(core.max_uncommitted_bytes)},
	{"sync", KIND_SYNC, "full", 0, 1,
	 "full, or off: entries are lost with the power", 0},
};

/* A value and where it came from. */
struct value {
	char text[80];
	char origin[32];
};

struct rk_settings {
	struct value values[LEN(rows)];
};

struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix durations[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct suffix sizes[] = {{"", 1},           {"B", 1},
				      {"KiB", 1U << 10}, {"MiB", 1U << 20},
				      {"GiB", 1U << 30}, {"K", 1U << 10},
				      {"M", 1U << 20},   {"G", 1U << 30}};

static bool
parse_with(const struct suffix *suffixes, size_t count, const char *text,
	   uint64_t *n)
{
	size_t digits = strspn(text, "0123456789");
	size_t i;

	if (!bytes_parse_u64(text, digits, LIMIT_NUMBER, n))
		return false;
	for (i = 0; i < count; i++) {
		if (strcmp(text + digits, suffixes[i].text) == 0 &&
		    *n <= LIMIT_NUMBER / suffixes[i].factor) {
			*n *= suffixes[i].factor;
			return true;
		}
	}
	/* Nought needs no unit. */
	return *n == 0 && text[digits] == '\0' && digits > 0;
}

static bool
parse(const struct row *row, const char *text, uint64_t *n)
{
	*n = 0;
	switch (row->kind) {
	case KIND_DURATION:
		return parse_with(durations, LEN(durations), text, n);
	case KIND_BYTES:
		return parse_with(sizes, LEN(sizes), text, n);
	case KIND_COUNT:
		return bytes_parse_u64(text, strlen(text), LIMIT_NUMBER, n);
	case KIND_SYNC:
		*n = strcmp(text, "full") == 0;
		return *n || strcmp(text, "off") == 0;
	case KIND_TEXT:
		*n = strlen(text);
		return *n == 0 || line_session_is_valid(text, strlen(text));
	}
	return false;
}

static const char *
form_of(const struct row *row)
{
	switch (row->kind) {
	case KIND_DURATION:
		return "a duration such as 500ms, 10s or 2m";
	case KIND_BYTES:
		return "a size such as 65536, 64KiB or 1MiB";
	case KIND_COUNT:
		return "a number";
	case KIND_SYNC:
		return "full or off";
	case KIND_TEXT:
		return "up to 64 of A-Z a-z 0-9 . _ -";
	}
	return "";
}

struct rk_settings *
rk_settings_new(void)
{
	struct rk_settings *s = mem_alloc(1, sizeof *s);
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		snprintf(s->values[i].text, sizeof s->values[i].text, "%s",
			 rows[i].initial);
		snprintf(s->values[i].origin, sizeof s->values[i].origin,
			 "default");
	}
	return s;
}

void
rk_settings_free(struct rk_settings *s)
{
	mem_free(s);
}

enum rk_code
rk_settings_set(struct rk_settings *s, const char *name, const char *text,
		const char *origin, struct rk_error *err)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			break;
	}
	if (i == LEN(rows))
		return error_set(err, RK_ABSENT, "no setting named %s", name);
	if (strlen(text) >= sizeof s->values[i].text ||
	    !parse(&rows[i], text, &n))
		return error_set(err, RK_USAGE, "%s: '%.64s' is not %s", name,
				 text, form_of(&rows[i]));
	if (n < rows[i].min || n > rows[i].max)
		return error_set(err, RK_USAGE,
				 "%s: %s is out of range [%" PRIu64 ", %" PRIu64
				 "]%s",
				 name, text, rows[i].min, rows[i].max,
				 rows[i].kind == KIND_DURATION ? " ms" : "");
	snprintf(s->values[i].text, sizeof s->values[i].text, "%s", text);
	snprintf(s->values[i].origin, sizeof s->values[i].origin, "%s", origin);
	return RK_OK;
}

bool
rk_settings_get(const struct rk_settings *s, size_t i,
		struct rk_setting *setting)
{
	if (i >= LEN(rows))
		return false;
	setting->name = rows[i].name;
	setting->value = s->values[i].text;
	setting->initial = rows[i].initial;
	setting->origin = s->values[i].origin;
	setting->help = rows[i].help;
	return true;
}

enum rk_code
node_settings_read(const struct rk_settings *s, struct node_settings *n,
		   struct rk_error *err)
{
	struct rk_settings *defaults = NULL;
	const char *wrong;
	uint64_t number;
	size_t i;

	if (!s)
		s = defaults = rk_settings_new();
	memset(n, 0, sizeof *n);
	core_settings_init(&n->core);
	for (i = 0; i < LEN(rows); i++) {
		bool ok = parse(&rows[i], s->values[i].text, &number);

		assert(ok); /* rk_settings_set() has checked it. */
		if (rows[i].kind == KIND_SYNC)
			n->sync = number == 1;
		else if (rows[i].kind == KIND_TEXT)
			snprintf(n->cluster_name, sizeof n->cluster_name, "%s",
				 s->values[i].text);
		else
			memcpy((char *)n + rows[i].offset, &number,
			       sizeof number);
	}
	rk_settings_free(defaults);
	n->core.request_timeout_ms = 2 * n->core.election_timeout_max_ms;
	n->core.id = 1; /* A stand-in, for the check. */
	wrong = core_settings_error(&n->core);
	if (wrong)
		return error_set(err, RK_USAGE, "%s", wrong);
	return RK_OK;
}
