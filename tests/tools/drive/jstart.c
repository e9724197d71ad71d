/* jstart.c - where a core starts, from the object of a "new" line. */

#include "jstart.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "core/configuration.h"

#define NOT_GIVEN UINT64_MAX

struct setting {
	const char *name;
	enum jfield_kind kind;
	size_t offset;
};

#define AT(member) offsetof(struct core_settings, member)

static const struct setting settings[] = {
	{"seed", JFIELD_NUMBER, AT(seed)},
	{"election_timeout_min_ms", JFIELD_NUMBER, AT(election_timeout_min_ms)},
	{"election_timeout_max_ms", JFIELD_NUMBER, AT(election_timeout_max_ms)},
	{"election_timeout_fixed_ms", JFIELD_NUMBER,
	 AT(election_timeout_fixed_ms)},
	{"heartbeat_interval_ms", JFIELD_NUMBER, AT(heartbeat_interval_ms)},
	{"max_payload_entries", JFIELD_NUMBER, AT(max_payload_entries)},
	{"max_payload_bytes", JFIELD_NUMBER, AT(max_payload_bytes)},
	{"max_inflight_requests", JFIELD_NUMBER, AT(max_inflight_requests)},
	{"max_inflight_bytes", JFIELD_NUMBER, AT(max_inflight_bytes)},
	{"replication_lag_threshold", JFIELD_NUMBER,
	 AT(replication_lag_threshold)},
	{"request_timeout_ms", JFIELD_NUMBER, AT(request_timeout_ms)},
	{"snapshot_logs_since_last", JFIELD_NUMBER,
	 AT(snapshot_logs_since_last)},
	{"trailing_entries", JFIELD_NUMBER, AT(trailing_entries)},
	{"max_uncommitted_bytes", JFIELD_NUMBER, AT(max_uncommitted_bytes)},
	{"pre_vote", JFIELD_FLAG, AT(pre_vote)},
	{"check_quorum", JFIELD_FLAG, AT(check_quorum)},
};

static const struct setting *
find_setting(const char *name)
{
	char with_unit[64];
	size_t i;

	snprintf(with_unit, sizeof with_unit, "%s_ms", name);
	if (strcmp(name, "election_timeout") == 0 ||
	    strcmp(name, "election_timeout_ms") == 0)
		return find_setting("election_timeout_fixed_ms");
	for (i = 0; i < LEN(settings); i++)
		if (strcmp(settings[i].name, name) == 0 ||
		    strcmp(settings[i].name, with_unit) == 0)
			return &settings[i];
	return NULL;
}

/* Settings that were not given fit those that were, so that one who shortens
 * the election timeout need not know what else depends on it. */
static void
fit_defaults(struct core_settings *s)
{
	struct core_settings usual;
	uint64_t fixed_ms = s->election_timeout_fixed_ms;

	core_settings_init(&usual);
	if (s->election_timeout_min_ms == NOT_GIVEN) {
		s->election_timeout_min_ms = usual.election_timeout_min_ms;
		if (fixed_ms > 0)
			s->election_timeout_min_ms = fixed_ms;
		else if (s->election_timeout_max_ms != NOT_GIVEN)
			s->election_timeout_min_ms =
				(s->election_timeout_max_ms + 1) / 2;
	}
	if (s->election_timeout_max_ms == NOT_GIVEN)
		s->election_timeout_max_ms = 2 * s->election_timeout_min_ms;
	if (s->heartbeat_interval_ms == NOT_GIVEN) {
		s->heartbeat_interval_ms = s->election_timeout_min_ms / 3;
		if (s->heartbeat_interval_ms > usual.heartbeat_interval_ms)
			s->heartbeat_interval_ms = usual.heartbeat_interval_ms;
	}
}

/* An unknown setting is refused: a test that thinks it has set one that it
 * has not would prove nothing. */
static enum rk_code
read_settings(const json_t *object, struct core_settings *s,
	      struct rk_error *err)
{
	json_t *given = NULL;
	const char *why;
	enum rk_code rc;
	void *at;

	s->election_timeout_min_ms = NOT_GIVEN;
	s->election_timeout_max_ms = NOT_GIVEN;
	s->heartbeat_interval_ms = NOT_GIVEN;
	rc = jfield_object(object, "settings", &given, err);
	for (at = json_object_iter(given); !rc && at;
	     at = json_object_iter_next(given, at)) {
		const char *name = json_object_iter_key(at);
		const struct setting *found = find_setting(name);

		if (!found)
			return error_set(err, RK_USAGE, "no setting \"%s\"",
					 name);
		rc = jfield_read(given, name, found->kind,
				 (char *)s + found->offset, err);
	}
	if (rc)
		return rc;
	fit_defaults(s);
	why = core_settings_error(s);
	return why ? error_set(err, RK_USAGE, "settings: %s", why) : RK_OK;
}

/* A place in the log: {"index":..,"term":..}, or the index alone where the
 * term is known. */
static enum rk_code
read_compacted(const json_t *object, struct log_end snapshot,
	       struct log_end *compacted, struct rk_error *err)
{
	const json_t *value = json_object_get(object, "compacted");
	enum rk_code rc;

	*compacted = snapshot;
	if (!value || json_is_null(value))
		return RK_OK;
	compacted->term = 0;
	if (json_is_object(value))
		rc = jfield_log_end(value, "index", "term", compacted, err);
	else
		rc = jfield_u64(object, "compacted", &compacted->index, err);
	if (!rc && compacted->term == 0 && compacted->index == snapshot.index)
		compacted->term = snapshot.term;
	return rc;
}

static enum rk_code
read_snapshot(const json_t *object, struct core_start *start,
	      struct rk_error *err)
{
	json_t *meta = NULL;
	enum rk_code rc;

	rc = jfield_object(object, "snapshot", &meta, err);
	if (rc || !meta)
		return rc;
	start->snapshot.configuration.configuration = start->initial;
	rc = jfield_meta(meta, &start->snapshot, err);
	if (start->snapshot.last.index == 0 && start->snapshot.last.term == 0)
		start->snapshot = (struct snapshot_meta){0};
	return rc;
}

static rk_term
last_term(const struct jstart *s)
{
	if (s->log.run_count > 0)
		return s->log.runs[s->log.run_count - 1].term;
	return s->start.compacted.term;
}

static enum rk_code
read_positions(const json_t *object, struct jstart *s, struct rk_error *err)
{
	struct core_start *start = &s->start;
	rk_term seen = last_term(s);
	enum rk_code rc;

	if (start->snapshot.last.term > seen)
		seen = start->snapshot.last.term;
	start->hard_state.term = seen;
	rc = jfield_u64(object, "term", &start->hard_state.term, err);
	if (!rc)
		rc = jfield_u64(object, "vote", &start->hard_state.vote, err);
	if (!rc)
		rc = jfield_u64(object, "applied", &start->applied, err);
	/* The machine starts from the snapshot. */
	if (start->applied < start->snapshot.last.index)
		start->applied = start->snapshot.last.index;
	start->commit = start->applied;
	if (!rc)
		rc = jfield_u64(object, "commit", &start->commit, err);
	if (!rc && start->hard_state.term < seen)
		rc = error_set(err, RK_USAGE,
			       "\"term\" is below the last entry's");
	return rc;
}

/* Nobody yet, or such as may stand in a log. */
static bool
is_base(const struct configuration *c)
{
	return c->voters.count + c->old.count + c->learners.count == 0 ||
	       configuration_is_valid(c);
}

static const char *
configurations_error(const struct jstart *s)
{
	const struct snapshot_meta *snapshot = &s->start.snapshot;
	size_t i;

	if (!is_base(&s->start.initial))
		return "there are members, but no voters";
	if (snapshot->configuration.index > snapshot->last.index)
		return "the snapshot's configuration is behind it";
	if (!is_base(&snapshot->configuration.configuration))
		return "the snapshot's configuration has no voters";
	for (i = 0; i < s->log.configuration_count; i++)
		if (!configuration_is_valid(
			    &s->log.configurations[i].configuration))
			return "a configuration in the log has no voters";
	return NULL;
}

/* What of the parts contradicts the others; NULL: nothing. */
static const char *
contradiction(const struct jstart *s)
{
	const struct core_start *start = &s->start;
	struct log_end compacted = start->compacted;
	struct log_end snapshot = start->snapshot.last;
	rk_term before = compacted.term;
	size_t i;

	if ((snapshot.index == 0) != (snapshot.term == 0))
		return "a snapshot has an index and a term, or neither";
	if ((compacted.index == 0) != (compacted.term == 0))
		return "\"compacted\" needs its term";
	if (compacted.index > snapshot.index)
		return "what is compacted must be in the snapshot";
	if (compacted.term > snapshot.term)
		return "the snapshot's term is below what is compacted";
	if (compacted.index == snapshot.index &&
	    compacted.term != snapshot.term)
		return "the snapshot's term is not that of what is compacted";
	for (i = 0; i < s->log.run_count; i++) {
		if (s->log.runs[i].term == 0)
			return "terms start at 1";
		if (s->log.runs[i].term < before)
			return "the terms of the log fall";
		before = s->log.runs[i].term;
	}
	if (compacted.index + s->log.count < snapshot.index)
		return "the log ends below the snapshot";
	if (start->applied > start->commit)
		return "\"applied\" is above \"commit\"";
	if (start->commit > compacted.index + s->log.count)
		return "\"commit\" is behind the end of the log";
	if (start->hard_state.vote && !start->hard_state.term)
		return "a vote in term 0";
	return configurations_error(s);
}

/* The term that the log has at the snapshot's last index must be its own. */
static bool
log_agrees(const struct jstart *s)
{
	rk_index at = s->start.compacted.index;
	struct log_end snapshot = s->start.snapshot.last;
	size_t i;

	for (i = 0; i < s->log.run_count; i++) {
		if (snapshot.index > at &&
		    snapshot.index <= at + s->log.runs[i].count)
			return s->log.runs[i].term == snapshot.term;
		at += s->log.runs[i].count;
	}
	return true;
}

static enum rk_code
read_start(const json_t *object, struct jstart *s, struct rk_error *err)
{
	struct core_start *start = &s->start;
	const char *why;
	enum rk_code rc;

	rc = jfield_configuration(object, &start->initial, err);
	if (!rc)
		rc = read_snapshot(object, start, err);
	if (!rc)
		rc = read_compacted(object, start->snapshot.last,
				    &start->compacted, err);
	if (!rc)
		rc = jlog_read(object, "log", start->compacted.index, &s->log,
			       err);
	if (!rc)
		rc = read_positions(object, s, err);
	if (rc)
		return rc;
	why = contradiction(s);
	if (!why && !log_agrees(s))
		why = "the log's term at the snapshot is not the snapshot's";
	if (why)
		return error_set(err, RK_USAGE, "%s", why);
	start->runs = s->log.runs;
	start->run_count = s->log.run_count;
	start->sizes = s->log.sizes;
	start->configurations = s->log.configurations;
	start->configuration_count = s->log.configuration_count;
	return RK_OK;
}

enum rk_code
jstart_read(rk_id id, uint64_t now_ms, const json_t *object, struct jstart *s,
	    struct rk_error *err)
{
	enum rk_code rc;

	*s = (struct jstart){.start.now_ms = now_ms};
	core_settings_init(&s->settings);
	s->settings.id = id;
	s->settings.seed = id;
	if (jfield_is_missing(object, "voters")) {
		s->start.initial.voters.count = 1;
		s->start.initial.voters.ids[0] = id;
	}
	rc = jfield_u64(object, "seed", &s->settings.seed, err);
	if (!rc)
		rc = read_settings(object, &s->settings, err);
	if (!rc)
		rc = read_start(object, s, err);
	if (rc)
		jstart_close(s);
	return rc;
}

void
jstart_close(struct jstart *s)
{
	jlog_close(&s->log);
	*s = (struct jstart){0};
}
