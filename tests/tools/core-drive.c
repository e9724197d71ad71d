/* core-drive.c - put cores of Raft into any situation, one JSON line a step.
 *
 *	core-drive <lines
 *	core-drive -s <scenario
 *	core-drive <FILE	(of raft-node --record=FILE)
 *
 * Each line of standard input is one JSON object; each step prints one JSON
 * line on standard output, flushed at once. Empty lines and lines that begin
 * with # are passed over. A line has at most 16 MiB. Nothing that is read ends
 * the program: what cannot be done changes nothing and prints
 *
 *	{"core":1,"rc":-1,"code":"not-leader","error":"..."}
 *
 * with "core":0 if the line named none. `code` is "input" where the driver
 * refused the line (no JSON, a wrong type, a contradiction, no such core), and
 * else why the core refused the event: not-leader, busy, full, shutdown,
 * invalid, not-ready. A line that was done has "rc":0.
 *
 * Numbers are integers from 0 to 2^53 - 1; ids and terms of entries start at
 * 1. Times are milliseconds. Ranges are half-open: "from" is in, "to" is out.
 * Fields that are null are as if missing, those of no meaning are ignored
 * (but not in "settings"). "core" is an id, or a list of ids: then the line is
 * done for each in turn.
 *
 *
 * A CORE IS MADE, or made anew after a crash, by
 *
 *	{"core":1,"now":0,"new":{"voters":[1,2,3],"term":2,"log":[1,1,2]}}
 *
 * where all may be left out of "new", "now" too:
 *
 *	voters    ids of those who decide; default: this core alone. [] is a
 *	          member that knows of no cluster yet.
 *	learners  ids of those who merely receive; default []
 *	old       the voters of before, in a joint configuration; default []
 *	term      the current term; default: the last entry's
 *	vote      whom it voted for in that term; default 0, nobody
 *	log       the terms of its entries, never falling; default []
 *	sizes     their sizes in bytes; default all 0
 *	configurations
 *	          those that stand in the log: [{"index":4,"voters":[..],
 *	          "old":[..],"learners":[..]},..]. Before the first of them
 *	          the voters and learners above are in force.
 *	snapshot  {"index":5,"term":2} of its last entry and, if it is not
 *	          the above, "configuration":{"index":..,"voters":[..],
 *	          "old":[..],"learners":[..]}; default: none, index 0
 *	compacted the entry that the log begins behind: {"index","term"}, or
 *	          a bare index, 0 or the snapshot's. Default: the snapshot's
 *	          last. Never above the snapshot; and the log reaches at
 *	          least to the snapshot.
 *	commit    known to be committed; default: what is applied
 *	applied   by the machine; at least the snapshot's index (which is the
 *	          default), at most commit
 *	seed      of the random election timeouts; default: the core's id
 *	settings  {"election_timeout_min_ms", "election_timeout_max_ms",
 *	          "election_timeout_fixed_ms" (not 0: exactly this, no draw;
 *	          "election_timeout" says the same), "heartbeat_interval_ms",
 *	          "max_payload_entries", "max_payload_bytes",
 *	          "max_inflight_requests", "max_inflight_bytes",
 *	          "replication_lag_threshold", "request_timeout_ms",
 *	          "snapshot_logs_since_last", "trailing_entries",
 *	          "max_uncommitted_bytes", "pre_vote" (true or false),
 *	          "check_quorum" (same)}. The unit may be left off a name.
 *	          Defaults: as core_settings_init() says, but the least
 *	          election timeout is the fixed one or half the most, the
 *	          most is twice the least, and the heartbeat interval at
 *	          most a third of the least, where only others are given.
 *	          (Three heartbeats must fit into the least timeout.)
 *
 * It prints {"core":1,"rc":0,"deadline":557}. What is committed and not yet
 * applied goes to the machine with the core's first event.
 *
 *
 * A CORE IS STEPPED by {"core":1,"now":150,"event":"time"}. "now" is the time,
 * which never falls; default: that of the core's last event. The events and
 * their fields:
 *
 *	time               none: what is due is done
 *	campaign           none: stand for election now
 *	receive            message: an object exactly as a send effect
 *	                   printed it, see below
 *	propose            sizes: [3,9], bytes of each entry (or count: of
 *	                   entries of 1 byte; default: one such); token
 *	configure          voters, learners (default []), token
 *	read               token
 *	transfer           to: an id; default 0, whoever is furthest
 *	persisted          seq: up to it all is on disk; default: everything
 *	persist_failed     none: the disk failed, for ever
 *	applied            index: up to it the machine has applied; default:
 *	                   all that it was told to
 *	snapshot_taken     index (default: what is applied), term (default:
 *	                   that entry's), configuration as above (default:
 *	                   the committed one)
 *	snapshot_sent      peer; outcome: "installed" (default) or "failed";
 *	                   match: {"index","term"} that the peer has now;
 *	                   stream; request. What is missing is taken from
 *	                   the last snapshot_send to that peer.
 *	snapshot_received  index, term, configuration: of a snapshot that
 *	                   has arrived whole; "snapshot":{..} may hold them.
 *	                   Default: that of which a chunk was wanted last.
 *	peer_unreachable   peer; stream (default: that of the last append to
 *	                   it); request (default 0: all of them)
 *	compacted          index, term (default: that entry's): the log up to
 *	                   there is gone; default: what compact asked for
 *
 * "token" is any number, given back in the result; default 0.
 *
 *
 * EFFECTS are printed in this order; what a step does not do is left out:
 *
 *	{"core":1,"rc":0,
 *	 "persist":{"seq":3,"term":4,"vote":1,"truncate_from":7,
 *	     "append":{"from":7,"to":9,"terms":[4,4],"sizes":[3,9],
 *	         "type":"noop","configurations":[..]}},
 *	 "send":[{"gate":3,"deadline":0,"message":{..}},..],
 *	 "apply":{"from":5,"to":7},
 *	 "results":[{"token":1,"status":"committed","index":5,"count":2,
 *	     "term":4},..],
 *	 "reads":[{"token":1,"granted":true,"index":6},..],
 *	 "snapshot_take":true,
 *	 "snapshot_send":[{"peer":3,"stream":2,"request":9,
 *	     "snapshot":{..}},..],
 *	 "chunk_wanted":true,
 *	 "snapshot_install":{"seq":4,"keep_tail":false,"snapshot":{..}},
 *	 "compact":{"index":6,"term":4},
 *	 "role":"leader","leader":1,
 *	 "deadline":300}
 *
 *	persist    as one write, in this order: term and vote (both or
 *	           neither); truncate_from (this entry and all behind it
 *	           go); append. "type" is there if its entry is no data but
 *	           a noop or a configuration. Answered by persisted.
 *	send       a message may leave once its gate is persisted, gate 0
 *	           at once; deadline: that of the answer, 0 of a reply
 *	apply      hand these entries to the machine. Answered by applied.
 *	results    status: committed, lost (leadership went, but it may yet
 *	           be committed), refused
 *	reads      granted: to be served once index is applied
 *	snapshot_take
 *	           of what is applied. Answered by snapshot_taken.
 *	snapshot_send
 *	           answered by snapshot_sent
 *	chunk_wanted
 *	           store this chunk of a snapshot, answer it by a
 *	           snapshot_reply; when whole, step snapshot_received
 *	snapshot_install
 *	           put it in the place of the machine's state and (unless
 *	           keep_tail) of the whole log, durable under seq
 *	compact    the log up to there may go. Answered by compacted.
 *	role, leader
 *	           when role, leader (0: unknown) or term has changed; roles:
 *	           learner, follower, pre-candidate, candidate, leader,
 *	           shutdown
 *	deadline   step time at the latest then; left out: never
 *
 *
 * MESSAGES have type, from, to, term, stream and request and, by type:
 *
 *	vote             pre, transfer, last_index, last_term
 *	vote_reply       pre, granted
 *	append           prev_index, prev_term, commit, terms (of the entries
 *	                 behind prev, [2,2]), sizes, configurations (those
 *	                 among them)
 *	append_reply     success, match, conflict_index, conflict_term,
 *	                 last_index
 *	heartbeat        commit, round
 *	heartbeat_reply  round, last_index
 *	snapshot         snapshot: {"index","term","configuration":{..}},
 *	                 transfer, offset, chunk_bytes, total_bytes,
 *	                 total_crc32c, done
 *	snapshot_reply   installed, match_index, match_term, transfer, offset
 *	timeout_now      nothing more; nor has timeout_now_reply
 *
 * To receive one, type, from and term must be there, and granted, success,
 * installed and snapshot where they belong. The rest may be missing: "to" is
 * then the core itself, sizes are 0, a snapshot is one chunk, done, of 1 byte,
 * flags are false and numbers 0. Cores never print a snapshot, nor (unless
 * they refuse one) a snapshot_reply: it is the node's, here the script's, to
 * move the chunks.
 *
 *
 * A SNAPSHOT TRAVELS in four lines. Core 1, leader of term 4, has printed
 * "snapshot_send":[{"peer":3,"stream":2,"request":9,"snapshot":{..}}]:
 *
 *	{"core":3,"event":"receive","message":{"type":"snapshot","from":1,
 *	    "term":4,"stream":2,"request":9,"snapshot":{..}}}
 *	{"core":3,"event":"snapshot_received"}
 *	{"core":3,"event":"persisted"}
 *	{"core":1,"event":"snapshot_sent","peer":3}
 *
 * Core 3 says chunk_wanted, then snapshot_install; core 1 goes on behind it.
 *
 *
 * A CORE IS LOOKED AT by {"core":1,"status":true}, which prints
 *
 *	{"core":1,"rc":0,"now","role","term","vote","leader" (0: unknown),
 *	 "commit","applied","last_index","last_term",
 *	 "first_index" (of the log; last_index + 1 if it is empty),
 *	 "log":[the terms, from first_index on],"snapshot":{..},
 *	 "configuration":{"index","voters","old","learners"} (in force),
 *	 "committed_configuration","leader_contact" (when it was heard),
 *	 "uncommitted_bytes","failed","transferring",
 *	 "streams":[{"peer","state" (lagging, line-rate, snapshotting,
 *	     shutdown),"match","next","in_flight" (requests),
 *	     "in_flight_bytes","voter","contact","errors","retries"},..]}
 *
 * and {"core":1,"disk":true} prints {"core":1,"rc":0,"disk":{..}}: as a "new"
 * object, what is persisted by now and a restart would start from.
 *
 *
 * A CLUSTER IS DRIVEN by commands that name no core. Every message sent is
 * kept (the last 32768) until it is delivered or dropped; every core has a
 * disk and a machine; all have one clock, which "now" beside a command, or an
 * event's, sets forward. The steps that a command takes are printed one by
 * one, each beginning with the line that would do the same. WHO is true for
 * all cores, an id, or a list of ids.
 *
 *	{"deliver":{"from":1,"to":[2,3],"type":"append","count":1}}
 *	        messages that have left, oldest first, with these fields
 *	        (any of a message; a list: one of these; "deliver":true:
 *	        all), but none sent meanwhile. "count": at most so many;
 *	        "keep":true leaves copies to be delivered again. A snapshot
 *	        is received whole.
 *	{"drop":{..}}
 *	        they are lost; with "tell":true, who asked is told so by
 *	        peer_unreachable (or snapshot_sent, failed)
 *	{"persist":WHO}   their disks do all that they have to
 *	{"apply":WHO}     their machines do
 *	{"tick":WHO}      time, at the deadline that each asked for
 *	{"settle":{"among":[1,2],"cut":[[1,3]],"quiet":true}}
 *	        persist, apply and deliver until there is nothing left to.
 *	        What goes elsewhere than among these, or along a way cut
 *	        (from, to), is lost, and who asked is told. "quiet": print
 *	        only steps that change a role. "settle":true: all of all.
 *	{"run":{..,"for":1000,"until":5000,"until_leader":true}}
 *	        the same, and time passes: for so long (default 10000),
 *	        until then, or until one of them is leader
 *	{"crash":WHO}     they are gone, and what was not persisted
 *	{"restart":WHO}   made anew from what was; their settings stay
 *	{"show":WHO}      a brief status of each
 *	{"expect":{"1":{"role":"leader","streams":{"2":{"match":3}}},
 *	           "last":{"persist":null}}}
 *	        prints {"expect":"met"} if the status of core 1 has these
 *	        fields and the last step had these effects, or this "code"
 *	        if it was refused (null: has not; of streams, one by its
 *	        peer; lists are compared whole); else what is not so, and
 *	        the program will exit 1
 *	{"brief":true}    from now on print for people: short texts in the
 *	        place of objects, and no deadlines
 *
 * With -s the input is a scenario: lines, and what they print, in one file.
 * Lines that begin with "> " are read, and are printed too; comments and
 * empty lines are printed as they are; all others are dropped. So what comes
 * out is the file as it should be. A scenario begins brief.
 *
 * Exits 0 at the end of input; 1 if an expectation was not met; 2 if used
 * wrongly. */

#include <stdio.h>
#include <string.h>

#include "drive/drive.h"

static bool
is_passed_over(struct slice line)
{
	size_t i;

	for (i = 0; i < line.len; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' &&
		    line.data[i] != '\r')
			return line.data[i] == '#';
	return true;
}

static void
scenario_line(struct drive *d, struct slice line)
{
	struct slice command = line;

	if (is_passed_over(line)) {
		fprintf(d->out, "%.*s\n", (int)line.len,
			(const char *)line.data);
	} else if (line.len > 2 && memcmp(line.data, "> ", 2) == 0) {
		fprintf(d->out, "%.*s\n", (int)line.len,
			(const char *)line.data);
		command.data += 2;
		command.len -= 2;
		drive_line(d, command);
	}
}

/* One line without its newline, and what is over the limit cut off (so that it
 * is refused as too long). False at the end of input. */
static bool
read_line(struct bytes *line)
{
	int c = getchar_unlocked();

	line->len = 0;
	if (c == EOF)
		return false;
	for (; c != '\n' && c != EOF; c = getchar_unlocked())
		if (line->len <= DRIVE_LINE_MAX)
			bytes_append_char(line, (char)c);
	return true;
}

static void
drive_input(struct drive *d, bool is_scenario)
{
	struct bytes text = {0};

	while (read_line(&text)) {
		struct slice line = {text.data, text.len};

		if (is_scenario)
			scenario_line(d, line);
		else if (!is_passed_over(line))
			drive_line(d, line);
	}
	bytes_close(&text);
}

int
main(int argc, char **argv)
{
	bool is_scenario = argc == 2 && strcmp(argv[1], "-s") == 0;
	struct drive d;
	int status;

	if (argc > 1 && !is_scenario) {
		fprintf(stderr, "usage: core-drive [-s] <lines\n");
		return 2;
	}
	drive_init(&d, stdout);
	d.brief = is_scenario;
	drive_input(&d, is_scenario);
	status = d.failed ? 1 : 0;
	drive_close(&d);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "core-drive: cannot write standard output\n");
		return 1;
	}
	return status;
}
