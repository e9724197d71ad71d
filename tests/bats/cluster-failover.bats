#!/usr/bin/env bats

# Real members, real kills. Every test ends by comparing what each member has
# on its disk with what went in.

load helpers

# The number of entries that are applied, no-ops included.
applied_at_least() { # INDEX
	raft-status --wait=applied="$1" -t 30s
}

@test "failover: the next append after kill -9 of the leader succeeds" {
	cluster_start 3
	seq 10 >"$BATS_TEST_TMPDIR/in"
	head -n 5 "$BATS_TEST_TMPDIR/in" | raft-append --print=none
	raft-cluster kill leader
	tail -n 5 "$BATS_TEST_TMPDIR/in" | raft-append --print=none
	raft-cluster up
	raft-status --wait=healthy -t 30s
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/in"
}

@test "failover: one raft-append outlives two leaders, and loses nothing" {
	cluster_start 3
	seq 150000 >"$BATS_TEST_TMPDIR/in"
	raft-append --print=index <"$BATS_TEST_TMPDIR/in" \
		>"$BATS_TEST_TMPDIR/out" 3>&- &
	append=$!
	applied_at_least 20000
	raft-cluster kill leader
	raft-cluster up
	applied_at_least 70000
	raft-cluster kill leader
	raft-cluster up
	wait "$append"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 150000 ]
	sort -nuc "$BATS_TEST_TMPDIR/out"
	raft-status --wait=healthy -t 30s
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/in"
}

@test "failover: five members lose two and go on" {
	cluster_start 5
	echo one | raft-append --print=none
	raft-cluster kill leader
	raft-cluster kill leader
	echo two | raft-append --print=none
	raft-cluster up
	raft-status --wait=healthy -t 30s
	raft-cluster down
	printf '%s\n' one two >"$BATS_TEST_TMPDIR/in"
	members_hold "$BATS_TEST_TMPDIR/in"
}

@test "failover: without a majority an append exits 5, and nothing is in" {
	cluster_start 3
	raft-append --print=none before
	# One that comes back alone leads nobody, and takes nothing in.
	raft-cluster kill all
	raft-cluster restart 2
	run -5 --separate-stderr raft-append -t 3s lost
	[ -z "$output" ]
	raft-cluster up
	raft-append --print=none after
	[ "$(raft-dump --raw)" = $'before\nafter' ]
}

@test "failover: all killed at once while appending, acknowledged lines stay" {
	cluster_start 3
	for round in 1 2 3; do
		seq -f "$round-%.0f" 200000 | raft-append --print=index \
			>"$BATS_TEST_TMPDIR/out$round" 2>&1 3>&- &
		append=$!
		wait_for 30 test -s "$BATS_TEST_TMPDIR/out$round"
		raft-cluster kill all
		kill "$append" || true
		wait "$append" || true
		raft-cluster up
	done
	raft-status --wait=healthy -t 30s
	raft-cluster down
	raft-dump --raw "$RAFT_CLUSTER_DIR/1" >"$BATS_TEST_TMPDIR/all"
	members_hold "$BATS_TEST_TMPDIR/all"
	for round in 1 2 3; do
		acknowledged=$(grep -c '^[0-9]*$' "$BATS_TEST_TMPDIR/out$round")
		grep "^$round-" "$BATS_TEST_TMPDIR/all" >"$BATS_TEST_TMPDIR/got"
		got=$(wc -l <"$BATS_TEST_TMPDIR/got")
		echo "round $round: $acknowledged acknowledged, $got in the log"
		[ "$got" -ge "$acknowledged" ]
		seq -f "$round-%.0f" "$got" | cmp - "$BATS_TEST_TMPDIR/got"
	done
}

@test "failover: a paused leader is replaced, and follows when it wakes" {
	cluster_start 3
	old=$(raft-status --leader)
	raft-cluster pause leader
	raft-append --print=none during
	raft-cluster resume all
	raft-status --wait=healthy -t 30s
	[ "$(raft-status --leader)" != "$old" ]
	raft-cluster down
	echo during >"$BATS_TEST_TMPDIR/in"
	members_hold "$BATS_TEST_TMPDIR/in"
}
