# core-replay.bats - what a member recorded happens again, step by step.

bats_require_minimum_version 1.5.0
load helpers

program=${RAFTKIT_TESTS:-build/plain/tests}/core-drive
record=$BATS_TEST_TMPDIR/events

# core-drive by another compiler, or else the same again.
other_drive() {
	local root=$BATS_TEST_DIRNAME/../.. clang
	clang=$(compgen -c clang | grep -xE 'clang(-[0-9]+)?' | sort | tail -n 1)
	[ -n "$clang" ] || {
		printf '%s\n' "$program"
		return
	}
	# shellcheck disable=SC2046 # Words.
	"$clang" -std=c11 -O1 -D_GNU_SOURCE -DRK_VERSION_TEXT='""' \
		-DRK_COMMIT_TEXT='""' -I"$root/lib" -o "$BATS_TEST_TMPDIR/drive" \
		"$root"/lib/core/*.c "$root"/lib/base/*.c \
		"$root"/lib/node/event_text.c \
		"$root"/tests/tools/core-drive.c "$root"/tests/tools/drive/*.c \
		$(pkg-config --cflags --libs jansson) >&2
	printf '%s\n' "$BATS_TEST_TMPDIR/drive"
}

# What member ID says of itself, and what its replayed core does.
told() { # ID
	curl -sS "$(url_of "$1")/v1/status" | jq -cS '[.role,.term,.vote,.leader,
		.commit,.applied,.first,.last,.last_term,.snapshot.index // 0,
		[.streams[] | [.id,.state,.match]]]'
}

replayed() { # ID
	printf '{"core":%s,"status":true}\n' "$1" | cat "$record" - |
		"$program" | tail -n 1 | jq -cS '[.role,.term,.vote,.leader,
		.commit,.applied,.first_index,.last_index,.last_term,
		.snapshot.index,[.streams[] | [.peer,.state,.match]]]'
}

agrees() { # ID
	[ "$(told "$1")" = "$(replayed "$1")" ]
}

# Elections, appends, a snapshot that compacts, a kill and a return.
live() {
	local dead
	cluster_start 3 --trailing-entries=5 "--record=$record"
	seq 300 | raft-append --print=none
	raft-snapshot take -e "$(url_of 1)"
	dead=$(raft-status --leader)
	raft-cluster kill leader
	seq 200 | raft-append --print=none
	raft-snapshot take -e "$RAFT_ENDPOINTS"
	raft-cluster restart "$(grep -F " $dead" "$RAFT_CLUSTER_DIR/members" |
		cut -d ' ' -f 1)"
	seq 9 | raft-append --print=none
	raft-status --wait=healthy
}

@test "core-replay: a recorded cluster ends as its members did" {
	live
	wait_for 10 agrees 1
	wait_for 10 agrees 2
	wait_for 10 agrees 3
	"$program" <"$record" >"$BATS_TEST_TMPDIR/trace"
	[ "$(jq -c 'select(.code == "input")' "$BATS_TEST_TMPDIR/trace")" = '' ]
	for event in receive propose persisted applied snapshot_taken compacted; do
		grep -q "\"event\":\"$event\"" "$record"
	done
}

@test "core-replay: members that change are replayed, too" {
	local leaves
	cluster_start 3 "--record=$record"
	raft-append --print=none x
	leaves=$(raft-status -J | jq -r 'select(.status.role == "follower").id' |
		head -n 1)
	raft-member transfer "$((leaves % 3 + 1))"
	raft-member remove "$leaves"
	raft-append --print=none y
	for id in 1 2 3; do
		[ "$id" -ne "$leaves" ] || continue
		wait_for 10 agrees "$id"
		[ "$(printf '{"core":%s,"status":true}\n' "$id" |
			cat "$record" - | "$program" | tail -n 1 |
			jq -c .configuration.voters)" = \
			"$(curl -sS "$(url_of "$id")/v1/status" |
				jq -c .voters)" ]
	done
}

# Whether the directory of member ID ends with the log that is replayed.
same_log() { # ID
	local log=$BATS_TEST_TMPDIR/log
	printf '{"core":%s,"status":true}\n' "$1" | cat "$record" - |
		"$program" | tail -n 1 | jq -r '.first_index as $f | .log |
			to_entries[] | "\(.key + $f) \(.value)"' >"$log"
	[ -s "$log" ] && raft-dump --all --format='%i %t\n' \
		-i "-$(wc -l <"$log"):" "$RAFT_CLUSTER_DIR/$1" | cmp - "$log"
}

@test "core-replay: the replayed log has the terms of the real one" {
	live
	wait_for 10 same_log 1
	wait_for 10 same_log 2
	wait_for 10 same_log 3
}

@test "core-replay: two compilers trace the same record alike" {
	local other
	live
	raft-cluster down
	other=$(other_drive)
	"$program" <"$record" >"$BATS_TEST_TMPDIR/trace"
	"$other" <"$record" | cmp - "$BATS_TEST_TMPDIR/trace"
	"$program" <"$record" | cmp - "$BATS_TEST_TMPDIR/trace"
	[ "$(wc -l <"$record")" -eq "$(wc -l <"$BATS_TEST_TMPDIR/trace")" ]
}

@test "core-replay: a record that cannot be opened stops the start" {
	run -2 --separate-stderr raft-node serve --dev -l 127.0.0.1:0 \
		--record="$BATS_TEST_TMPDIR/no/such"
	[[ $stderr == *--record:*/no/such:*No\ such\ file* ]]
}
