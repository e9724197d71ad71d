/* metrics.c - GET /metrics: all numbers of this member, for Prometheus.
 *
 * raft-http(5) lists them. Names and labels are API: add, never rename. */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "node/exposition.h"
#include "node/node.h"

/* Room for a peer's id, a kind and a state. */
#define LABEL_BYTES 128

static const char *const kind_name[] = {
	[METER_APPEND] = "append",
	[METER_HEARTBEAT] = "heartbeat",
	[METER_SNAPSHOT] = "snapshot",
};
_Static_assert(LEN(kind_name) == METER_KINDS, "name every kind");

/* What it is printed from. */
struct view {
	struct node *node;
	const struct meters *meters;
	struct core_status core;
	struct bytes *out;
};

static void
gauge(struct view *v, const char *name, uint64_t value, const char *help)
{
	exposition_single(v->out, name, FAMILY_GAUGE, help, value);
}

static void
counter(struct view *v, const char *name, uint64_t value, const char *help)
{
	exposition_single(v->out, name, FAMILY_COUNTER, help, value);
}

static void
histogram(struct view *v, const char *name, const struct histogram *h,
	  const char *help)
{
	exposition_family(v->out, name, FAMILY_HISTOGRAM, help);
	exposition_histogram(v->out, name, "", h);
}

/* ---- where Raft stands ---- */

static void
print_self(struct view *v)
{
	const struct node *n = v->node;
	char labels[LABEL_BYTES + 128];
	int role;

	snprintf(labels, sizeof labels,
		 "node=\"%" PRIu64 "\",cluster=\"%s\",version=\"%.100s\"",
		 n->self.id, n->self.cluster, rk_version());
	exposition_family(v->out, "raftkit_info", FAMILY_GAUGE,
			  "Always 1; who this is.");
	exposition_sample(v->out, "raftkit_info", labels, 1);
	exposition_family(v->out, "raftkit_uptime_seconds", FAMILY_GAUGE,
			  "Time since this member was started.");
	exposition_seconds(v->out, "raftkit_uptime_seconds", "",
			   (n->now_ms - n->started_ms) * 1000);
	exposition_family(v->out, "raftkit_role", FAMILY_GAUGE,
			  "1 for the role that this member has.");
	for (role = ROLE_LEARNER; role <= ROLE_SHUTDOWN; role++) {
		snprintf(labels, sizeof labels, "role=\"%s\"",
			 role_name((enum role)role));
		exposition_sample(v->out, "raftkit_role", labels,
				  v->core.role == (enum role)role);
	}
}

static void
print_raft(struct view *v)
{
	const struct core_status *s = &v->core;

	gauge(v, "raftkit_term", s->hard_state.term, "Current term.");
	gauge(v, "raftkit_leader_id", s->leader,
	      "Member that is known to lead; 0 if none is.");
	counter(v, "raftkit_leader_changes_total", v->meters->leader_changes,
		"Times that another leader became known.");
	gauge(v, "raftkit_commit_index", s->commit,
	      "Last entry known to be committed.");
	gauge(v, "raftkit_applied_index", machine_applied(v->node->machine),
	      "Last entry that the machine has applied.");
	gauge(v, "raftkit_last_index", s->last.index, "Last entry of the log.");
	gauge(v, "raftkit_first_index", s->first,
	      "First entry that the log still holds.");
	gauge(v, "raftkit_snapshot_index", s->snapshot.last.index,
	      "Last entry in the newest snapshot; 0 if there is none.");
	gauge(v, "raftkit_uncommitted_bytes", s->uncommitted_bytes,
	      "Proposed by this leader and not yet committed.");
}

/* ---- the streams of a leader ---- */

static void
peer_label(char label[LABEL_BYTES], rk_id peer)
{
	snprintf(label, LABEL_BYTES, "peer=\"%" PRIu64 "\"", peer);
}

static void
print_states(struct view *v)
{
	static const char name[] = "raftkit_stream_state";
	char label[LABEL_BYTES];
	size_t i;
	int state;

	exposition_family(v->out, name, FAMILY_GAUGE,
			  "1 for the state that the stream to a peer has.");
	for (i = 0; i < v->core.stream_count; i++) {
		const struct core_stream_status *s = &v->core.streams[i];

		for (state = STREAM_LAGGING; state <= STREAM_SHUTDOWN;
		     state++) {
			snprintf(label, sizeof label,
				 "peer=\"%" PRIu64 "\",state=\"%s\"", s->peer,
				 stream_state_name((enum stream_state)state));
			exposition_sample(v->out, name, label,
					  s->state == (enum stream_state)state);
		}
	}
}

/* A number of each stream. */
struct stream_row {
	const char *name;
	enum family_type type;
	size_t offset; /* In struct core_stream_status. */
	const char *help;
};

#define AT(member) offsetof(struct core_stream_status, member)

static const struct stream_row stream_rows[] = {
	{"raftkit_stream_match_index", FAMILY_GAUGE, AT(match),
	 "Last entry that the peer is proven to have on disk."},
	{"raftkit_stream_next_index", FAMILY_GAUGE, AT(next),
	 "Entry that is sent to the peer next."},
	{"raftkit_stream_inflight_requests", FAMILY_GAUGE,
	 AT(inflight_requests), "Appends that the peer has not answered yet."},
	{"raftkit_stream_inflight_bytes", FAMILY_GAUGE, AT(inflight_bytes),
	 "Bytes of entries in these."},
	{"raftkit_stream_errors_total", FAMILY_COUNTER, AT(errors),
	 "Requests of this leader's stream that failed."},
	{"raftkit_stream_retries_total", FAMILY_COUNTER, AT(retries),
	 "Times that this leader's stream began again after a failure."},
	{"raftkit_stream_rejections_total", FAMILY_COUNTER, AT(rejections),
	 "Appends that the peer could not add to its log as it was."},
	{"raftkit_stream_backwards_total", FAMILY_COUNTER, AT(backwards),
	 "Times that the peer lacked what it had proven to hold."},
};

static void
print_streams(struct view *v)
{
	char label[LABEL_BYTES];
	size_t row, i;

	print_states(v);
	for (row = 0; row < LEN(stream_rows); row++) {
		const struct stream_row *r = &stream_rows[row];

		exposition_family(v->out, r->name, r->type, r->help);
		for (i = 0; i < v->core.stream_count; i++) {
			const char *s = (const char *)&v->core.streams[i];

			peer_label(label, v->core.streams[i].peer);
			exposition_sample(
				v->out, r->name, label,
				*(const uint64_t *)(const void *)(s +
								  r->offset));
		}
	}
	exposition_family(v->out, "raftkit_stream_lag_entries", FAMILY_GAUGE,
			  "Entries that the peer is behind the leader's last.");
	for (i = 0; i < v->core.stream_count; i++) {
		peer_label(label, v->core.streams[i].peer);
		exposition_sample(v->out, "raftkit_stream_lag_entries", label,
				  v->core.last.index -
					  v->core.streams[i].match);
	}
}

static void
print_contact(struct view *v)
{
	static const char name[] = "raftkit_stream_contact_seconds";
	const struct core_stream_status *s;
	char label[LABEL_BYTES];
	size_t i;

	exposition_family(v->out, name, FAMILY_GAUGE,
			  "Time since the peer last answered, if it ever did.");
	for (i = 0; i < v->core.stream_count; i++) {
		s = &v->core.streams[i];
		if (!s->contact_ms)
			continue;
		peer_label(label, s->peer);
		exposition_seconds(v->out, name, label,
				   (v->node->now_ms - s->contact_ms) * 1000);
	}
}

static void
print_transfers(struct view *v)
{
	static const char *const names[] = {"raftkit_stream_snapshot_bytes",
					    "raftkit_stream_snapshot_offset_"
					    "bytes"};
	static const char *const help[] = {
		"Size of the snapshot that is being sent to the peer.",
		"How much of that snapshot it has."};
	char label[LABEL_BYTES];
	uint64_t offset, bytes;
	size_t row, i;

	for (row = 0; row < LEN(names); row++) {
		exposition_family(v->out, names[row], FAMILY_GAUGE, help[row]);
		for (i = 0; i < v->core.stream_count; i++) {
			if (!transfers_progress(v->node,
						v->core.streams[i].peer,
						&offset, &bytes))
				continue;
			peer_label(label, v->core.streams[i].peer);
			exposition_sample(v->out, names[row], label,
					  row == 0 ? bytes : offset);
		}
	}
}

/* ---- requests to peers ---- */

static void
kind_label(char label[LABEL_BYTES], const struct meter_peer *p, size_t kind)
{
	snprintf(label, LABEL_BYTES, "peer=\"%" PRIu64 "\",kind=\"%s\"", p->id,
		 kind_name[kind]);
}

/* One counter for each peer and kind, the array at `offset` in its meter. */
static void
print_kinds(struct view *v, const char *name, size_t offset, const char *help)
{
	char label[LABEL_BYTES];
	const uint64_t *values;
	size_t i, kind;

	exposition_family(v->out, name, FAMILY_COUNTER, help);
	for (i = 0; i < v->meters->peer_count; i++) {
		const struct meter_peer *p = v->meters->peers[i];

		values = (const void *)((const char *)p + offset);
		for (kind = 0; kind < METER_KINDS; kind++) {
			kind_label(label, p, kind);
			exposition_sample(v->out, name, label, values[kind]);
		}
	}
}

static void
print_peers(struct view *v)
{
	const struct meters *m = v->meters;
	char label[LABEL_BYTES];
	size_t i, kind;

	print_kinds(v, "raftkit_peer_requests_total",
		    offsetof(struct meter_peer, requests),
		    "Requests sent to a peer.");
	print_kinds(v, "raftkit_peer_sent_bytes_total",
		    offsetof(struct meter_peer, bytes),
		    "Bytes of their bodies.");
	print_kinds(v, "raftkit_peer_errors_total",
		    offsetof(struct meter_peer, failures),
		    "Those that failed, or had no answer of use.");
	exposition_family(v->out, "raftkit_peer_sent_entries_total",
			  FAMILY_COUNTER, "Entries sent to a peer.");
	for (i = 0; i < m->peer_count; i++) {
		peer_label(label, m->peers[i]->id);
		exposition_sample(v->out, "raftkit_peer_sent_entries_total",
				  label, m->peers[i]->entries);
	}
	exposition_family(v->out, "raftkit_peer_round_trip_seconds",
			  FAMILY_HISTOGRAM,
			  "From sending a request to a peer to its answer.");
	for (i = 0; i < m->peer_count; i++)
		for (kind = 0; kind < METER_KINDS; kind++) {
			kind_label(label, m->peers[i], kind);
			exposition_histogram(
				v->out, "raftkit_peer_round_trip_seconds",
				label, &m->peers[i]->round_trip[kind]);
		}
}

/* ---- the disk, the machine, the clients ---- */

static void
print_disk(struct view *v)
{
	static const char *const states[] = {"ok", "full", "failed"};
	const char *state = status_disk(v->node, &v->core);
	char label[LABEL_BYTES];
	size_t i;

	exposition_family(v->out, "raftkit_disk_state", FAMILY_GAUGE,
			  "1 for the state that the disk is in.");
	for (i = 0; i < LEN(states); i++) {
		snprintf(label, sizeof label, "state=\"%s\"", states[i]);
		exposition_sample(v->out, "raftkit_disk_state", label,
				  strcmp(state, states[i]) == 0);
	}
	histogram(v, "raftkit_log_write_seconds", &v->meters->write,
		  "One write of the log, with its fdatasync.");
	histogram(v, "raftkit_log_batch_entries", &v->meters->batch,
		  "Entries in one write of the log.");
	counter(v, "raftkit_log_written_bytes_total", v->meters->written_bytes,
		"Bytes of entries written to the log.");
}

static void
print_machine(struct view *v)
{
	const struct meters *m = v->meters;

	histogram(v, "raftkit_append_seconds", &m->append,
		  "From proposing a request's entries to having applied them.");
	counter(v, "raftkit_applied_entries_total", m->applied_entries,
		"Entries applied.");
	counter(v, "raftkit_applied_bytes_total", m->applied_bytes,
		"Bytes of these.");
	counter(v, "raftkit_repeated_entries_total", m->repeated_entries,
		"Those that repeated a number of their session.");
}

static void
print_http(struct view *v)
{
	static const char name[] = "raftkit_http_requests_total";
	struct inbound_counts counts = inbound_counts(v->node->in);
	char label[LABEL_BYTES];
	size_t i;

	exposition_family(v->out, name, FAMILY_COUNTER,
			  "Requests answered, by route and status.");
	for (i = 0; i < v->meters->replies_count; i++) {
		const struct meter_replies *r = &v->meters->replies[i];

		snprintf(label, sizeof label,
			 "method=\"%s\",path=\"%s\",status=\"%d\"", r->method,
			 r->path, r->status);
		exposition_sample(v->out, name, label, r->count);
	}
	gauge(v, "raftkit_http_connections", counts.open,
	      "Connections that are open.");
	counter(v, "raftkit_http_connections_total", counts.connections,
		"Connections accepted.");
	counter(v, "raftkit_http_refused_total", counts.refused,
		"Requests refused before they were looked at.");
	counter(v, "raftkit_http_reaped_total", counts.reaped,
		"Connections closed because they were too slow.");
}

void
metrics_handle(struct node *n, struct inbound_request *r)
{
	struct bytes body = {0};
	struct view v = {.node = n, .meters = n->meters, .out = &body};

	core_status(n->core, &v.core);
	print_self(&v);
	print_raft(&v);
	print_streams(&v);
	print_contact(&v);
	print_transfers(&v);
	print_peers(&v);
	print_disk(&v);
	print_machine(&v);
	print_http(&v);
	api_reply(n, r, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}
