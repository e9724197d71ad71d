/* settings.c - defaults and ranges of the settings of a core. */

#include "core/core.h"
#include "core/window.h"

/* An hour: more is surely a mistaken unit. */
#define TIMEOUT_MAX_MS (UINT64_C(3600) * 1000)

void
core_settings_init(struct core_settings *s)
{
	*s = (struct core_settings){
		.election_timeout_min_ms = 500,
		.election_timeout_max_ms = 1000,
		.heartbeat_interval_ms = 100,
		.max_payload_entries = 4096,
		.max_payload_bytes = UINT64_C(1) << 20,
		.max_inflight_requests = 8,
		.max_inflight_bytes = UINT64_C(8) << 20,
		.replication_lag_threshold = 10000,
		.request_timeout_ms = 2000,
		.snapshot_logs_since_last = 100000,
		.trailing_entries = 20000,
		.max_uncommitted_bytes = UINT64_C(64) << 20,
		.pre_vote = true,
		.check_quorum = true,
	};
}

static const char *
times_error(const struct core_settings *s)
{
	if (s->heartbeat_interval_ms < 1)
		return "the heartbeat interval must be at least 1 ms";
	if (s->election_timeout_max_ms > TIMEOUT_MAX_MS ||
	    s->election_timeout_fixed_ms > TIMEOUT_MAX_MS)
		return "the election timeout must be at most an hour";
	if (s->election_timeout_min_ms >= s->election_timeout_max_ms)
		return "the election timeout's minimum must be below its "
		       "maximum";
	if (s->heartbeat_interval_ms > s->election_timeout_min_ms / 3)
		return "the heartbeat interval must be at most a third of "
		       "the least election timeout";
	if (s->request_timeout_ms < 1 || s->request_timeout_ms > TIMEOUT_MAX_MS)
		return "the request timeout must be from 1 ms to an hour";
	return NULL;
}

const char *
core_settings_error(const struct core_settings *s)
{
	if (s->id < 1 || s->id > LIMIT_NUMBER)
		return "the member's id must be from 1 to 2^53 - 1";
	if (s->max_payload_entries < 1 || s->max_payload_entries > (1U << 20))
		return "the entries of a payload must be from 1 to 1048576";
	if (s->max_payload_bytes < 1 ||
	    s->max_payload_bytes > LIMIT_PEER_BODY_BYTES / 4)
		return "the bytes of a payload must be from 1 to 16 MiB";
	if (s->max_inflight_requests < 1 ||
	    s->max_inflight_requests > WINDOW_MAX)
		return "the requests in flight must be from 1 to 64";
	if (s->max_inflight_bytes < s->max_payload_bytes)
		return "the bytes in flight must be at least those of one "
		       "payload";
	if (s->replication_lag_threshold < 1)
		return "the lag threshold must be at least 1 entry";
	if (s->max_uncommitted_bytes < 1)
		return "the uncommitted bytes must be at least 1";
	return times_error(s);
}
