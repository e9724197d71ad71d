/* recover.c - from a data directory to a core that is ready to run.
 *
 * In this order: whose directory it is, the newest snapshot that is whole, the
 * log behind it, the machine from the snapshot; then the core, which has the
 * committed entries applied. Nothing is answered before. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/line.h"
#include "base/mem.h"
#include "base/prng.h"
#include "node/cluster_id.h"
#include "node/node.h"

/* What the parts of a recovery hand to one another. */
struct recovery {
	const struct rk_member *member;
	struct configuration initial;
	struct snapshot_header snapshot; /* meta.last.index 0: none. */
	struct log_recovered log;
	struct configuration_at *configurations;
	struct log *writer_log;
};

/* The first members: those of --cluster, or this one alone. */
static enum rk_code
read_members(struct node *n, struct recovery *r, struct rk_error *err)
{
	const struct rk_member *m = r->member;
	struct identity wanted = {.format = STORE_FORMAT, .node = m->id};
	struct addresses addresses = {.count = 0};
	bool created;
	enum rk_code rc;

	if (m->cluster) {
		rc = members_parse(m->cluster, &r->initial, &addresses, err);
		if (rc)
			return error_wrap(err, "--cluster");
		if (!addresses_find(&addresses, m->id))
			return error_set(err, RK_USAGE,
					 "--cluster does not name member "
					 "%" PRIu64 ", which this is",
					 m->id);
	} else if (m->join) {
		rc = join_begin(n, m, &r->initial, &addresses, wanted.cluster,
				err);
		if (rc)
			return rc;
	} else {
		r->initial.voters = (struct id_set){.count = 1, .ids = {m->id}};
		/* The same at each start, whatever port it gets. */
		addresses_set(&addresses, m->id, "http://localhost:1");
	}
	members_push(n, 0, &addresses);
	if (!m->join)
		cluster_id_derive(n->settings.cluster_name, &r->initial,
				  &addresses, wanted.cluster);
	rc = identity_open(m->dir, &wanted, &n->identity, &created, &n->lock_fd,
			   err);
	if (rc)
		return rc;
	n->self.cluster = n->identity.cluster;
	n->self.incarnation = n->identity.incarnation;
	n->self.id = n->identity.node;
	return RK_OK;
}

/* It may have been copied from anywhere. */
static enum rk_code
check_snapshot_owner(const struct node *n, const struct snapshot_header *h,
		     struct rk_error *err)
{
	if (strcmp(h->cluster, n->identity.cluster) == 0)
		return RK_OK;
	error_set(err, RK_USAGE,
		  "%s/snapshot: the snapshot at %" PRIu64
		  " belongs to cluster %s, not to cluster %s",
		  n->dir, h->meta.last.index, h->cluster, n->identity.cluster);
	return error_hint(err, "raft-snapshot restore makes a directory from "
			       "another cluster's snapshot");
}

static enum rk_code
open_snapshot(struct node *n, struct recovery *r, struct rk_error *err)
{
	struct addresses addresses = n->addresses;
	struct configuration c;
	size_t skipped = 0;
	enum rk_code rc;

	/* The machine cuts the payload that it takes over, which may be a
	 * newer snapshot's as well: so it must be the newest that is whole. */
	rc = snapshot_sync_names(n->dir, err);
	if (!rc)
		rc = snapshot_newest(n->dir, true, &r->snapshot, &skipped, err);
	/* Without any, the log must have it all, which log_open() checks. */
	if (rc == RK_CORRUPT)
		trace_line(n->trace, TRACE_WARNING, "%s", err->text);
	if (rc == RK_ABSENT || rc == RK_CORRUPT) {
		memset(&r->snapshot, 0, sizeof r->snapshot);
		return RK_OK;
	}
	if (rc)
		return rc;
	if (skipped)
		trace_line(n->trace, TRACE_WARNING,
			   "%zu damaged snapshots passed over", skipped);
	rc = check_snapshot_owner(n, &r->snapshot, err);
	if (rc)
		return rc;
	if (r->snapshot.addresses.len)
		rc = members_decode((struct slice){r->snapshot.addresses.data,
						   r->snapshot.addresses.len},
				    &c, &addresses, err);
	if (rc)
		return error_wrap(err, "snapshot's members");
	if (r->snapshot.meta.configuration.index)
		members_push(n, r->snapshot.meta.configuration.index,
			     &addresses);
	return RK_OK;
}

/* The configurations in the log; those before the snapshot's are past. */
static enum rk_code
read_configurations(struct node *n, struct recovery *r, struct rk_error *err)
{
	rk_index known = r->snapshot.meta.configuration.index;
	struct bytes text = {0}, data = {0};
	struct addresses addresses;
	enum rk_code rc = RK_OK;
	struct line line;
	rk_index end;
	size_t i;

	r->configurations = mem_alloc(r->log.configuration_count,
				      sizeof *r->configurations);
	for (i = 0; i < r->log.configuration_count && !rc; i++) {
		rk_index index = r->log.configurations[i];

		text.len = data.len = 0;
		rc = log_map_read(n->map, index, index + 1, 1, &text, &end,
				  err);
		if (rc)
			break;
		if (!line_scan(text.data, text.len, false, &line)) {
			rc = error_set(err, RK_CORRUPT,
				       "entry %" PRIu64 " is no entry", index);
			break;
		}
		line_decode_data(&line, &data);
		r->configurations[i].index = index;
		rc = members_decode((struct slice){data.data, data.len},
				    &r->configurations[i].configuration,
				    &addresses, err);
		if (!rc && index > known)
			members_push(n, index, &addresses);
	}
	bytes_close(&text);
	bytes_close(&data);
	return rc;
}

static enum rk_code
open_log(struct node *n, struct recovery *r, struct rk_error *err)
{
	struct log_options options = {.segment_bytes = n->segment_bytes,
				      .sync = n->settings.sync};
	enum rk_code rc;

	rc = log_open(n->dir, &n->identity, &options, r->snapshot.meta.last,
		      &r->writer_log, &n->map, &r->log, err);
	if (rc)
		return rc;
	if (r->log.torn_bytes)
		trace_line(n->trace, TRACE_WARNING,
			   "cut a torn batch of %" PRIu64
			   " bytes off the log; a copy is in %s",
			   r->log.torn_bytes, r->log.torn_copy);
	return read_configurations(n, r, err);
}

static enum rk_code
open_machine(struct node *n, struct recovery *r, struct rk_error *err)
{
	struct log_end last = r->snapshot.meta.last;
	struct machine_start start = {.dir = n->dir};
	enum rk_code rc;

	if (last.index) {
		start.payload = snapshot_data_path(n->dir, last);
		start.bytes = r->snapshot.bytes;
		start.crc32c = r->snapshot.crc32c;
		start.last = last.index;
		start.sessions = (struct slice){r->snapshot.sessions.data,
						r->snapshot.sessions.len};
	}
	rc = machine_open(&start, &n->machine, err);
	mem_free((void *)(uintptr_t)start.payload);
	return rc;
}

static void
start_core(struct node *n, struct recovery *r)
{
	rk_index last = r->log.compacted.index + r->log.count;
	struct core_start start = {
		.hard_state = r->log.hard_state,
		.snapshot = r->snapshot.meta,
		.compacted = r->log.compacted,
		.runs = r->log.runs,
		.run_count = r->log.run_count,
		.sizes = r->log.sizes,
		.configurations = r->configurations,
		.configuration_count = r->log.configuration_count,
		.initial = r->initial,
		.commit = r->log.commit_hint,
		.applied = r->snapshot.meta.last.index,
		.now_ms = n->now_ms,
	};

	if (start.commit > last)
		start.commit = last;
	if (start.commit < start.snapshot.last.index)
		start.commit = start.snapshot.last.index;
	n->settings.core.id = n->identity.node;
	/* Short enough to be recorded as a number. */
	n->settings.core.seed = prng_entropy() & LIMIT_NUMBER;
	record_start(n->record, &n->settings.core, &start);
	n->core = core_new(&n->settings.core, &start);
	n->deadline_ms = n->now_ms;
	trace_line(n->trace, TRACE_INFO,
		   "log has entries %" PRIu64 " to %" PRIu64
		   "; committed up to %" PRIu64 "; term %" PRIu64,
		   r->log.compacted.index + 1, last, start.commit,
		   start.hard_state.term);
	trace_line(n->trace, TRACE_INFO,
		   "snapshot at %" PRIu64 ", %" PRIu64 " bytes; machine: log",
		   start.snapshot.last.index, r->snapshot.bytes);
}

enum rk_code
node_recover(struct node *n, const struct rk_member *member, int event_fd,
	     struct rk_error *err)
{
	struct recovery r = {.member = member};
	enum rk_code rc;

	n->dir = mem_strdup(member->dir);
	rc = node_settings_read(member->settings, &n->settings, err);
	if (rc)
		return rc;
	rc = read_members(n, &r, err);
	if (rc)
		return rc;
	if (member->record) {
		rc = record_open(member->record, n->trace, &n->record, err);
		if (rc)
			return rc;
	}
	trace_line(n->trace, TRACE_INFO, "%s", rk_version());
	trace_line(n->trace, TRACE_INFO,
		   "member %" PRIu64 " of cluster %s in %s", n->self.id,
		   n->self.cluster, n->dir);
	rc = open_snapshot(n, &r, err);
	if (!rc)
		rc = open_log(n, &r, err);
	if (!rc)
		rc = open_machine(n, &r, err);
	if (!rc)
		rc = writer_open(r.writer_log, event_fd, &n->writer, err);
	if (!rc) {
		r.writer_log = NULL; /* The writer's now. */
		rc = janitor_open(event_fd, &n->janitor, err);
	}
	if (!rc) {
		start_core(n, &r);
		members_set_joining(n, member->join && !members_was_one(n));
	}
	log_close(r.writer_log);
	log_recovered_close(&r.log);
	snapshot_header_close(&r.snapshot);
	mem_free(r.configurations);
	return rc;
}
