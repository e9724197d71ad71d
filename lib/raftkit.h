/* raftkit.h - consensus for the command line, as a library.
 *
 * The one installed header. A program is a client of a cluster
 * (rk_client_...), a reader of a data directory or a saved snapshot
 * (rk_reader_...), or one member of a cluster (rk_serve). Nothing here prints
 * or exits, except that running out of memory aborts; see raftkit(3).
 *
 * Functions that can fail return an enum rk_code and fill `err`, which is
 * never NULL and is untouched on success. One object is used by one thread at
 * a time; different objects are independent. */

#ifndef RAFTKIT_H
#define RAFTKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RK_API     __attribute__((visibility("default")))
#define RK_CHECKED __attribute__((warn_unused_result))

/* At most 2^53 - 1, so that every reader of JSON keeps them exact. 0 is
 * "none". */
typedef uint64_t rk_id;
typedef uint64_t rk_term;
typedef uint64_t rk_index;

/* What a failure lets the caller do. The values are the programs' exit
 * statuses. */
enum rk_code {
	RK_OK = 0,
	RK_FAILED = 1,      /* Definite; nothing changed. I/O and the like. */
	RK_USAGE = 2,       /* The caller asked for what cannot be. */
	RK_ABSENT = 3,      /* No such index, member or snapshot. */
	RK_UNREACHABLE = 4, /* No endpoint could be reached. */
	RK_NO_LEADER = 5,   /* Reached, but no quorum; nothing was proposed. */
	RK_UNKNOWN = 6,     /* Cut off after proposing; it may be committed. */
	RK_REJECTED = 7,    /* A limit or a precondition said no. */
	RK_DENIED = 8,      /* Wrong cluster, or not allowed. */
	RK_CORRUPT = 9,     /* Damage that is not a torn end. Get help. */
};

struct rk_error {
	enum rk_code code;
	char text[512]; /* `what failed: why`, without a newline. */
	char hint[512]; /* What to do about it; empty if there is no advice. */
};

/* "0.1.0 (commit), data format 1, wire protocol 1". Static. */
RK_API const char *rk_version(void);

/* The name of a code: "ok", "failed", "unknown", ... Static. */
RK_API const char *rk_code_name(enum rk_code code);

enum rk_entry_type {
	RK_ENTRY_DATA,
	RK_ENTRY_NOOP,
	RK_ENTRY_CONFIGURATION,
};

RK_API const char *rk_entry_type_name(enum rk_entry_type type);

/* One entry of the log. All pointers are borrowed: from the caller when the
 * entry goes in, from the reader or client until its next call when it comes
 * out. */
struct rk_entry {
	rk_index index;
	rk_term term;
	enum rk_entry_type type;
	uint64_t time_ms;    /* Unix time at which the leader took it in. */
	const char *session; /* NUL-terminated; NULL if it is in no session. */
	uint64_t seq;        /* The session's number of it; 0 without one. */
	const void *data;
	size_t len;
	rk_index repeat;  /* Not 0: repeats the entry at this index. */
	bool committed;   /* False only for the tail of an offline log. */
	const char *line; /* Its canonical JSON line, newline included. */
	size_t line_len;
};

/* ---- A client of a cluster ----
 *
 * Each call tries the endpoints in order, repeats what is safe to repeat until
 * the timeout has passed, and remembers what it has learned of the cluster:
 * its id, its leader, its members' addresses. So an election or a member that
 * dies is not seen by the caller.
 *
 * Codes that every call may return: RK_UNREACHABLE, no endpoint answered;
 * RK_NO_LEADER, one did, but there was no leader before the timeout;
 * RK_DENIED, wrong cluster; RK_REJECTED, a limit or a precondition;
 * RK_USAGE, the cluster cannot make sense of the request; RK_FAILED.
 * Where nothing else is said, nothing was changed then. */

struct rk_client;

struct rk_client_options {
	/* `host:port` or `http://host:port`, separated by commas; NULL or
	 * empty: http://127.0.0.1:7400. Copied. */
	const char *endpoints;
	/* For each call, or for each pause of one that goes on getting data;
	 * 0: for ever. If no endpoint has answered this client yet and all
	 * refuse, it gives up after a second. */
	uint64_t timeout_ms;
	/* The only cluster to talk to; NULL or empty: the first that answers.
	 * Copied. */
	const char *cluster;
};

/* RK_USAGE says what is wrong with the options. */
RK_API RK_CHECKED enum rk_code
rk_client_open(const struct rk_client_options *options, struct rk_client **c,
	       struct rk_error *err);
RK_API void rk_client_close(struct rk_client *c); /* NULL is fine. */

/* The id of the cluster; empty until one has answered. Of the client. */
RK_API const char *rk_client_cluster(const struct rk_client *c);

enum rk_watch {
	RK_WATCH_ON,     /* Call me again. */
	RK_WATCH_OFF,    /* Enough; until rk_client_watch() asks anew. */
	RK_WATCH_CANCEL, /* Give the call up that is waiting. */
};

/* While a call waits for the cluster, call `ready` when `fd` can be read: to
 * read input ahead, or to be interrupted by a signalfd. At most two
 * descriptors; the same one again replaces what was said of it. A call given
 * up returns RK_FAILED, or RK_UNKNOWN if it may have been committed. */
RK_API void rk_client_watch(struct rk_client *c, int fd,
			    enum rk_watch (*ready)(void *user), void *user);

struct rk_data {
	const void *data;
	size_t len;
};

/* Entries to append, in order. */
struct rk_batch {
	const struct rk_data *entries;
	size_t count;
	/* `[A-Za-z0-9._-]{1,64}`; NULL: none, and then what was cut off after
	 * sending is not sent again. */
	const char *session;
	/* The session's number of the first entry; the others count up. The
	 * same number is applied once, however often it is sent. */
	uint64_t first_seq;
	/* Each entry's bytes are a JSON object with `data` or `data_base64`,
	 * on one line without a newline, as raft-dump -J prints it. */
	bool is_json;
};

/* `count` indexes from `first` on. */
struct rk_run {
	rk_index first;
	uint64_t count;
};

struct rk_appended {
	uint64_t count; /* So many of the batch, from its start, are in. */
	rk_term term;   /* Of the last of them. */
	bool replayed;  /* All of them had been applied before. */
	/* Where they are, in order; until the client's next call. */
	const struct rk_run *runs;
	size_t run_count;
};

/* Append; returns when all are committed and applied. When it fails, `*done`
 * says what is in nevertheless, and the error is that of the entry that
 * follows: RK_UNKNOWN if it (and what is behind it in the batch) may yet be
 * committed, otherwise it and they are not. */
RK_API RK_CHECKED enum rk_code rk_client_append(struct rk_client *c,
						const struct rk_batch *batch,
						struct rk_appended *done,
						struct rk_error *err);

/* A session id that nobody else has. */
RK_API void rk_session_new(char id[17]);

enum rk_level {
	RK_LINEARIZABLE, /* Everything that was committed before the call. */
	RK_LEADER,       /* What the leader knows, without asking a quorum. */
	RK_STALE,        /* What the first endpoint that answers knows. */
};

/* Which entries to read. Zero is all the data that is there. */
struct rk_read {
	/* First index; 0: the first that is kept; negative: so many from the
	 * end. */
	int64_t from;
	rk_index to;    /* Last index, inclusive; 0: the end. */
	uint64_t last;  /* Of these only the last so many; 0: all. */
	unsigned types; /* Bits 1 << enum rk_entry_type; 0: data. */
	bool repeats;   /* Also what repeats a number of its session. */
	bool follow;    /* Go on with what is committed later. */
	/* Unix time; those that the leader took in from then on, up to and
	 * including then. 0: of any time. */
	uint64_t since_ms;
	uint64_t until_ms;
	enum rk_level level;
};

/* Read committed entries in order, each once, going on at another endpoint if
 * one fails. `entry` returns false to stop, which is RK_OK. RK_ABSENT: the
 * first index has been compacted. */
RK_API RK_CHECKED enum rk_code
rk_client_read(struct rk_client *c, const struct rk_read *what,
	       bool (*entry)(void *user, const struct rk_entry *entry),
	       void *user, struct rk_error *err);

/* What the leader knows of one member. */
struct rk_stream_status {
	rk_id id;
	char state[16]; /* line-rate, lagging, snapshotting, shutdown. */
	rk_index match;
	rk_index next;
	uint64_t lag;               /* Entries behind the leader's last. */
	uint64_t inflight_requests; /* Sent and not answered yet. */
	uint64_t inflight_bytes;
	uint64_t errors;          /* Requests that failed, in this term. */
	uint64_t snapshot_offset; /* So much of the snapshot has been sent; */
	uint64_t snapshot_bytes;  /* its size, 0: none is being sent. */
	uint64_t contact_ms_ago;  /* UINT64_MAX: never. */
};

struct rk_member_status {
	rk_id id;          /* 0: not known, an endpoint that is down. */
	char address[256]; /* http://host:port */
	bool voter;
	bool reachable;  /* What follows is valid only if it is. */
	char error[128]; /* Why it is not, or what ails it; or empty. */
	char role[16];
	rk_term term;
	rk_id leader; /* 0: it knows none. */
	rk_index first;
	rk_index last;
	rk_index commit;
	rk_index applied;
	rk_index snapshot_index; /* 0: none. */
	rk_term snapshot_term;
	uint64_t uptime_ms;
	char disk[8];    /* ok, full, failed. */
	char *json;      /* Its whole reply; NULL if not reachable. */
	bool has_stream; /* The leader's view of it follows. */
	struct rk_stream_status stream;
	bool joining; /* A learner that waits for its vote. */
};

enum rk_verdict {
	RK_HEALTHY,   /* A leader, and every member follows it closely. */
	RK_DEGRADED,  /* A leader with a quorum, but not every member. */
	RK_NO_QUORUM, /* No leader that a quorum follows. */
};

struct rk_cluster_status {
	char cluster[33];
	rk_id leader; /* 0: none. */
	char leader_url[256];
	rk_term term; /* The highest that a member has. */
	enum rk_verdict verdict;
	char reason[256];                 /* Why it is not healthy; or empty. */
	struct rk_member_status *members; /* By id. */
	size_t count;
};

RK_API const char *rk_verdict_name(enum rk_verdict verdict);

/* Ask each member once; needs no leader. `*status` is the caller's, for
 * rk_cluster_status_free(). RK_UNREACHABLE if none answers. */
RK_API RK_CHECKED enum rk_code
rk_client_status(struct rk_client *c, struct rk_cluster_status **status,
		 struct rk_error *err);
RK_API void rk_cluster_status_free(struct rk_cluster_status *status);

/* Whether the first endpoint is the leader and can serve. */
RK_API RK_CHECKED enum rk_code
rk_client_first_leads(struct rk_client *c, bool *leads, struct rk_error *err);

/* What a member is to be. */
enum rk_member_kind {
	RK_MEMBER_LEARNER, /* Receives the log, has no vote. */
	RK_MEMBER_JOINING, /* Gets its vote once it has caught up. */
	RK_MEMBER_VOTER,
};

/* What a change of the members has done; or would do, of a dry run. */
struct rk_member_change {
	bool changed;   /* False: it was so already. */
	rk_index index; /* Of the configuration in force. */
	size_t voters_before;
	size_t voters_after;
	size_t learners_before;
	size_t learners_after;
	size_t quorum_before; /* Voters needed. */
	size_t quorum_after;
};

/* Change the members, and wait until that is committed; with `dry_run` only
 * say what would be done. All may be repeated: what is done is not done again.
 * RK_REJECTED: the quorum would be lost, the member has not caught up, another
 * change is under way, or it contradicts what is there; RK_ABSENT: there is no
 * such member; RK_UNKNOWN: leadership was lost meanwhile, and so it went until
 * the timeout. */
RK_API RK_CHECKED enum rk_code
rk_client_member_add(struct rk_client *c, rk_id id, const char *url,
		     enum rk_member_kind kind, bool dry_run,
		     struct rk_member_change *change, struct rk_error *err);
RK_API RK_CHECKED enum rk_code
rk_client_member_promote(struct rk_client *c, rk_id id, bool dry_run,
			 struct rk_member_change *change, struct rk_error *err);
RK_API RK_CHECKED enum rk_code
rk_client_member_remove(struct rk_client *c, rk_id id, bool dry_run,
			struct rk_member_change *change, struct rk_error *err);

/* Exactly these, `ID=HOST:PORT,...`, are members, and voters. */
RK_API RK_CHECKED enum rk_code
rk_client_member_set(struct rk_client *c, const char *list, bool dry_run,
		     struct rk_member_change *change, struct rk_error *err);

/* Hand leadership to member `to`; 0: to whoever is furthest. `*from` and
 * `*leader` are who led and who leads. RK_REJECTED: the other one did not take
 * it, and nothing has changed. */
RK_API RK_CHECKED enum rk_code rk_client_transfer(struct rk_client *c, rk_id to,
						  bool dry_run, rk_id *from,
						  rk_id *leader,
						  struct rk_error *err);

struct rk_snapshot {
	char id[48]; /* `INDEX-TERM` */
	rk_index index;
	rk_term term;
	uint64_t bytes;
	char time[32]; /* As in an entry's line. */
	char machine[32];
};

/* Have the first member that answers take a snapshot now. */
RK_API RK_CHECKED enum rk_code
rk_client_snapshot_take(struct rk_client *c, struct rk_snapshot *snapshot,
			struct rk_error *err);

/* That member's snapshots, newest first. */
RK_API RK_CHECKED enum rk_code rk_client_snapshot_list(
	struct rk_client *c,
	void (*each)(void *user, const struct rk_snapshot *snapshot),
	void *user, struct rk_error *err);

/* Fetch a snapshot (`id` NULL: the newest) as a stream of bytes, going on
 * where it was cut off. `piece` returns false to stop, which is RK_FAILED.
 * RK_ABSENT if there is none. The bytes are not verified. */
RK_API RK_CHECKED enum rk_code
rk_client_snapshot_save(struct rk_client *c, const char *id,
			bool (*piece)(void *user, const void *data, size_t len),
			void *user, struct rk_error *err);
/* What a member is told when it starts: each setting has a name as on
 * raft-node's command line, a default and a range that is checked. */
struct rk_settings;

struct rk_setting {
	const char *name;    /* "election-timeout-min" */
	const char *value;   /* As it was given. */
	const char *initial; /* The default. */
	const char *origin;  /* "default", or what was told when it was set. */
	const char *help;    /* A phrase. */
};

RK_API struct rk_settings *rk_settings_new(void);
RK_API void rk_settings_free(struct rk_settings *settings);

/* RK_ABSENT: no such name; RK_USAGE: not such a value, or out of range. */
RK_API RK_CHECKED enum rk_code
rk_settings_set(struct rk_settings *settings, const char *name,
		const char *text, const char *origin, struct rk_error *err);

/* Read `key = value` lines; `#` begins a comment line. What has been set before
 * stays. `other` is asked first and returns true for names of its own; it
 * copies what it keeps. RK_USAGE names file and line. */
RK_API RK_CHECKED enum rk_code
rk_settings_load(struct rk_settings *settings, const char *path,
		 bool (*other)(void *user, const char *name, const char *value),
		 void *user, struct rk_error *err);

/* The i-th setting, borrowed; false past the last. */
RK_API bool rk_settings_get(const struct rk_settings *settings, size_t i,
			    struct rk_setting *setting);

/* One member. Strings are borrowed for the call. */
struct rk_member {
	const char *dir; /* The data directory; made if it is not there. */
	rk_id id;
	const char *listen;  /* `HOST:PORT`; port 0 picks one. */
	const char *cluster; /* `1=URL,2=URL,...`: the first members. NULL:
			      * this member alone. */
	const char *join;    /* URL of a member of the cluster to be added to,
			      * instead of `cluster`; NULL: none. */
	bool insecure;       /* Allow an address that is not loopback. */
	bool verbose;        /* Trace more. */
	int ready_fd;        /* Gets `ready URL\n`; -1: none. */
	const char *program; /* Named in the trace; "raft-node". */
	const struct rk_settings *settings; /* NULL: the defaults. */
	const char *record; /* Gets each event, to be replayed; NULL: none. */
};

/* Run a member until SIGTERM or SIGINT (a second one ends it at once); both
 * are handled here, and SIGPIPE is ignored. The trace goes to standard error.
 * RK_OK after an orderly end; RK_REJECTED if another process has the
 * directory; RK_USAGE, RK_DENIED, RK_CORRUPT, RK_FAILED say why it cannot
 * run (any more). */
RK_API RK_CHECKED enum rk_code rk_serve(const struct rk_member *member,
					struct rk_error *err);

/* ---- A data directory, a segment or a snapshot, read offline ----
 *
 * Read-only and without a lock, so it may be done beside a running member. */

struct rk_reader;

/* Open what is at `path`: a member's data directory (its history and what the
 * log holds beyond, as one), one segment file of a log, a saved snapshot, a
 * snapshot's .data or .json, or a history. RK_ABSENT: there is none of these;
 * RK_CORRUPT: it is damaged from the start, or of a newer format. */
RK_API RK_CHECKED enum rk_code
rk_reader_open(const char *path, struct rk_reader **r, struct rk_error *err);
RK_API void rk_reader_close(struct rk_reader *r); /* NULL is fine. */

struct rk_reader_info {
	rk_index first; /* What it holds; first > last: nothing. */
	rk_index last;
	rk_index committed;  /* Those behind it may yet be replaced. */
	uint64_t torn_bytes; /* At the log's end, half written; not shown. */
};
RK_API void rk_reader_info(const struct rk_reader *r,
			   struct rk_reader_info *info);

/* Read entries in order; `follow` and `level` mean nothing here. `entry`
 * returns false to stop, which is RK_OK. Behind the committed ones follow
 * those of the log that are not, as far as anybody can tell from these files.
 * A log that is damaged is shown as far as it is good, and RK_CORRUPT then
 * names file, byte and index, if what was asked for lies beyond. RK_ABSENT:
 * the first index has been compacted. */
RK_API RK_CHECKED enum rk_code
rk_reader_read(struct rk_reader *r, const struct rk_read *what,
	       bool (*entry)(void *user, const struct rk_entry *entry),
	       void *user, struct rk_error *err);

/* What can be said of a source besides its entries. Strings are the reader's.
 */
struct rk_meta {
	const char *kind;        /* directory, segment, snapshot, history. */
	const char *cluster;     /* Empty: it does not say. */
	const char *incarnation; /* Of the directory; else empty. */
	rk_id node;              /* 0: it does not say. */
	uint64_t format;         /* Of the directory; 0: it does not say. */
	rk_term term;            /* The current one; 0: not known. */
	rk_id vote;              /* In that term; 0: none, or not known. */
	rk_term last_term;       /* Of the last entry; 0: none. */
	/* The newest, or the snapshot itself; index 0: none. */
	struct rk_snapshot snapshot;
	/* Of the newest configuration that it holds, as JSON: voters,
	 * learners, addresses; NULL: it holds none, and the members are those
	 * that the first start was told. */
	const char *members;
};

/* RK_CORRUPT, RK_FAILED as of rk_reader_read(). */
RK_API RK_CHECKED enum rk_code
rk_reader_meta(struct rk_reader *r, struct rk_meta *meta, struct rk_error *err);

/* How two replicas of one log compare. */
struct rk_difference {
	rk_index first; /* Compared: what is committed in both. */
	rk_index last;  /* first - 1: nothing is. */
	rk_index index; /* The first entry that differs; 0: none does. */
};

/* Compare the committed entries that both sources hold. RK_ABSENT: neither is
 * empty, but they have none in common; RK_DENIED: directories of different
 * clusters; RK_CORRUPT: one is damaged, and does not differ before that. A
 * difference is RK_OK, with its index. */
RK_API RK_CHECKED enum rk_code rk_diff(const char *a, const char *b,
				       struct rk_difference *difference,
				       struct rk_error *err);

/* What rk_check() has seen. */
struct rk_checked {
	char cluster[33];
	rk_id node;
	rk_index first; /* As of a reader. */
	rk_index last;
	rk_index committed;
	rk_term term; /* Of the last entry. */
	uint64_t snapshots;
	uint64_t torn_bytes;
};

/* Verify all of a data directory: checksums, that indexes follow one another
 * and terms never fall, snapshots, the history against both, the identity.
 * RK_CORRUPT names the first bad file, byte and index. */
RK_API RK_CHECKED enum rk_code
rk_check(const char *dir, struct rk_checked *checked, struct rk_error *err);

/* ---- A saved snapshot ----
 *
 * One line of JSON, the payload, and one more line of JSON with a checksum of
 * both: as a member sends it. */

struct rk_saved;

struct rk_saved_info {
	struct rk_snapshot snapshot;
	char cluster[33]; /* That it was taken in. */
	uint32_t crc32c;  /* Of the payload. */
	size_t voters;
	size_t learners;
	const char *header; /* The header line, with its newline. */
	size_t header_len;
};

/* Begin to read from `fd`, a file or a pipe, which stays the caller's; `name`
 * is for messages. RK_CORRUPT: it does not begin with a whole header. */
RK_API RK_CHECKED enum rk_code rk_saved_open(int fd, const char *name,
					     struct rk_saved **s,
					     struct rk_error *err);
RK_API void rk_saved_close(struct rk_saved *s); /* NULL is fine. */

/* Of the object. */
RK_API const struct rk_saved_info *rk_saved_info(const struct rk_saved *s);

/* Read all the rest, once. `piece` (may be NULL) gets the payload; it returns
 * false to stop, which is RK_FAILED with no text. RK_CORRUPT if a checksum is
 * wrong or bytes are missing or too many: what was handed over is no good
 * then. */
RK_API RK_CHECKED enum rk_code
rk_saved_read(struct rk_saved *s,
	      bool (*piece)(void *user, const void *data, size_t len),
	      void *user, struct rk_error *err);

struct rk_restore {
	const char *dir;          /* Made; must not be there, or be empty. */
	rk_id id;                 /* Of the member that will run on it. */
	const char *cluster;      /* `1=URL,2=URL,...`, all members. */
	const char *cluster_name; /* As raft-node will be told; may be NULL. */
};

/* Make the data directory of a member of a new cluster that begins with what
 * the snapshot holds. To be done for each member, with the same `cluster`.
 * `dir` is whole or not made at all. RK_REJECTED: it holds something; RK_USAGE:
 * a bad `cluster`, or `id` is not in it; RK_CORRUPT as for rk_saved_read(). */
RK_API RK_CHECKED enum rk_code rk_restore(struct rk_saved *s,
					  const struct rk_restore *restore,
					  struct rk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* RAFTKIT_H */
