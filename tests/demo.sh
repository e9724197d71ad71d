#!/bin/sh
# demo.sh - show the main job: a file goes in, leaders die, nothing is lost
set -eu

PATH=${RAFTKIT_BIN:-build/plain/bin}:$PATH
work=$(mktemp -d)
export RAFT_CLUSTER_DIR="$work/cluster"
trap 'raft-cluster kill all 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

began=$(date +%s)
say() {
	printf '%3ds  %s\n' $(($(date +%s) - began)) "$*"
}
fail() {
	say "FAILED: $*"
	tail -n 5 "$work"/cluster/*.trace "$work/append.err" || :
	exit 1
}
acknowledged() {
	wc -l <"$work/replies"
}
# kill -9 to whoever leads once COUNT lines are in, then start it again.
strike() { # COUNT
	raft-status --wait=applied="$1" -t 30s >/dev/null ||
		fail "$1 lines do not get in"
	raft-cluster kill leader
	say "killed the leader with kill -9; $(acknowledged) lines were" \
		"acknowledged, raft-append is left to find the next leader"
	raft-cluster up >/dev/null || fail 'the killed member does not start'
	say "started it again on what its disk holds"
}

say 'The input: the names of the files of this machine.'
find / -xdev 2>/dev/null | head -n 200000 >"$work/names" || :
cp "$work/names" "$work/input"
again=1
while [ "$(wc -l <"$work/input")" -lt 100000 ]; do
	sed "s/^/again $again: /" "$work/names" >>"$work/input"
	again=$((again + 1))
done
lines=$(wc -l <"$work/input")

raft-cluster up -n 3 >/dev/null || fail 'no cluster'
RAFT_ENDPOINTS=$(cut -d ' ' -f 2 "$work/cluster/members" | paste -sd ,)
export RAFT_ENDPOINTS
say "Three members run, each with a directory of its own:"
sed 's/^/        member /' "$work/cluster/members"

say "raft-append puts $lines lines into the log. Each is acknowledged when" \
	"a majority has it on disk."
raft-append --print=index <"$work/input" >"$work/replies" \
	2>"$work/append.err" &
append=$!
strike $((lines / 5))
strike $((lines / 2))
wait "$append" || fail "raft-append exited $?"
[ "$(acknowledged)" -eq "$lines" ] || fail "$(acknowledged) acknowledgements"
say "raft-append is done: $lines lines, $lines acknowledgements, no error."

raft-snapshot take >/dev/null || fail 'no snapshot'
say 'A member took a snapshot; the log before it may go.'
raft-status --wait=healthy -t 30s || fail 'not healthy'
say 'All members are up and have caught up:'
raft-status | sed 's/^/        /'
raft-cluster down

for id in 1 2 3; do
	raft-dump --raw "$work/cluster/$id" >"$work/dump" ||
		fail "raft-dump of member $id's directory"
	cmp "$work/input" "$work/dump" || fail "member $id differs"
	say "Member $id's directory holds every line, in order, exactly once."
done
say "All of it survived two dead leaders. Nothing of this demo is left behind."
