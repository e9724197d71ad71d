#!/usr/bin/env bats
# Every member of a cluster is replaced while it works, and members die.
#
# CHURN_ROUNDS, at most 5, says how many; by default all.

load helpers

ROUNDS=${CHURN_ROUNDS:-5}

member_url() { # ID
	cat "$BATS_TEST_TMPDIR/url-$1"
}

# Start member ID: one of the first, or one that joins.
serve() { # ID
	local how=--cluster=$CLUSTER
	[ "$1" -le 5 ] || how=--join=$(member_url "$(cat "$BATS_TEST_TMPDIR/via")")
	raft-node serve -D "$BATS_TEST_TMPDIR/d$1" --id="$1" \
		-l "$(member_url "$1")" "$how" --snapshot-logs-since-last=1000 \
		--trailing-entries=200 2>>"$BATS_TEST_TMPDIR/trace-$1" 3>&- &
	echo "$!" >"$BATS_TEST_TMPDIR/pid-$1"
}

# kill -9, and forget its pid.
crash() { # ID
	local pid
	pid=$(cat "$BATS_TEST_TMPDIR/pid-$1")
	rm "$BATS_TEST_TMPDIR/pid-$1"
	kill -9 "$pid"
	wait "$pid" || true
}

teardown() {
	local pid
	touch "$BATS_TEST_TMPDIR/stop"
	for pid in "$BATS_TEST_TMPDIR"/pid-*; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" || true
	done
	[ -n "$BATS_TEST_COMPLETED" ] ||
		tail -n 12 "$BATS_TEST_TMPDIR"/trace-* || true
}

# A line every few milliseconds until it is told to stop.
lines() {
	local i=0
	while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		i=$((i + 1))
		echo "line $i"
		sleep 0.004
	done
}

# Try until it succeeds: members die meanwhile.
until_done() { # COMMAND...
	wait_for 40 "$@"
}

is_voter() { # ID
	[ "$(raft-member list -J | jq -r "select(.id == $1).kind")" = voter ]
}

# kill -9 of a random member of those at work every two seconds.
reaper() {
	local id
	while sleep 2 && [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		id=$(shuf -n 1 "$BATS_TEST_TMPDIR/alive")
		crash "$id" 2>/dev/null || continue
		sleep 0.2
		grep -qx "$id" "$BATS_TEST_TMPDIR/alive" && serve "$id"
		echo "$id" >>"$BATS_TEST_TMPDIR/killed"
	done
}

@test "churn: members are replaced under load and kill -9, nothing is lost" {
	local base id new old appender reaper
	base=$(shuf -n 1 -i 20000-31900)
	for id in $(seq 10); do
		echo "http://127.0.0.1:$((base + id))" \
			>"$BATS_TEST_TMPDIR/url-$id"
	done
	CLUSTER=$(for id in 1 2 3 4 5; do
		echo "$id=$(member_url "$id")"
	done | paste -sd ,)
	seq 5 >"$BATS_TEST_TMPDIR/alive"
	for id in 1 2 3 4 5; do serve "$id"; done
	RAFT_ENDPOINTS=$(for id in 1 2 3 4 5; do member_url "$id"; done |
		paste -sd ,)
	export RAFT_ENDPOINTS
	raft-status -t 20s --wait=leader
	lines | tee "$BATS_TEST_TMPDIR/sent" |
		raft-append -t 60s --print=none 2>"$BATS_TEST_TMPDIR/errors" \
			3>&- &
	appender=$!
	reaper 3>&- &
	reaper=$!
	for old in $(seq "$ROUNDS"); do
		new=$((old + 5))
		echo "$((old + 1))" >"$BATS_TEST_TMPDIR/via"
		serve "$new"
		until_done is_voter "$new"
		echo "$new" >>"$BATS_TEST_TMPDIR/alive"
		RAFT_ENDPOINTS=$RAFT_ENDPOINTS,$(member_url "$new")
		until_done raft-member remove "$old"
		sed -i "/^$old\$/d" "$BATS_TEST_TMPDIR/alive"
		sleep 0.5
		crash "$old" || true
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$reaper" || true
	wait "$appender"
	cat "$BATS_TEST_TMPDIR/errors"
	[ ! -s "$BATS_TEST_TMPDIR/errors" ]
	echo "killed: $(xargs <"$BATS_TEST_TMPDIR/killed")"
	[ "$(raft-member list | tail -n 1)" = "quorum 3 of 5, 5 up" ]
	raft-dump --raw | cmp - "$BATS_TEST_TMPDIR/sent"
}
