#!/usr/bin/env bats

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

leader_is_not() { # URL
	[ "$(raft-status --leader)" != "$1" ]
}

@test "raft-status: --help goes to standard output and shows examples" {
	run -0 --separate-stderr raft-status --help
	[[ $output == *Examples:* ]]
	[ -z "$stderr" ]
}

@test "raft-status: wrong usage exits 2" {
	run -2 --separate-stderr raft-status --is-leder
	[[ ${stderr_lines[0]} == *"did you mean --is-leader?" ]]
	run -2 raft-status --wait=sometime
	run -2 raft-status --wait=members=none
	run -2 raft-status extra
}

@test "raft-status: nobody listening exits 4" {
	url=127.0.0.1:$(free_port)
	run -4 --separate-stderr raft-status -e "$url"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = \
		"raft-status: cannot reach $url: connection refused" ]
	run -4 raft-status --is-leader -e "$url"
	run -3 raft-status --check -e "$url"
	run -4 raft-status --wait=leader -t 200ms -e "$url"
}

@test "raft-status: a healthy cluster exits 0, a row for each member" {
	cluster_start 3
	raft-append --print=none a b c
	raft-status --wait=healthy -t 20s
	run -0 --separate-stderr raft-status
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 5 ]
	[ "$(awk '{ $1 = $1; print; exit }' <<<"$output")" = "ID ROLE ADDR \
TERM LAST COMMIT APPLIED LAG STREAM SNAPSHOT CONTACT ERROR" ]
	[[ ${lines[4]} == "healthy: leader "*", 3 of 3 members up" ]]
	[ "$(grep -c ' leader  ' <<<"$output")" -eq 1 ]
	[ "$(grep -c ' line-rate ' <<<"$output")" -eq 2 ]
	run -0 raft-status --check
	[[ $output == "RAFT OK - "* ]]
}

@test "raft-status: one endpoint is enough to see all members" {
	cluster_start 3
	run -0 raft-status -J -t 10s --wait=members=3
	run raft-status -J -e "$(url_of 2)"
	[ "$(jq -r .id <<<"$output" | paste -sd ' ')" = '1 2 3' ]
	jq -es 'all(.reachable and .voter and .status.id == .id)' <<<"$output"
}

@test "raft-status: a member that is down makes it degraded, exits 1" {
	cluster_start 3
	raft-status --wait=healthy -t 20s
	raft-cluster kill follower
	run -1 --separate-stderr raft-status
	[ "${#lines[@]}" -eq 5 ]
	[ "$(grep -c 'connection refused$' <<<"$output")" -eq 1 ]
	[[ ${lines[4]} == "degraded: member "*": connection refused; "* ]]
	run -1 raft-status --check
	[[ $output == "RAFT WARNING - "* ]]
	run -5 --separate-stderr raft-status --wait=healthy -t 300ms
	[[ $stderr == *degraded* ]]
	raft-status --wait=leader -t 5s
	run -5 raft-status --wait=members=3 -t 300ms
}

@test "raft-status: no quorum exits 5, rows all the same" {
	cluster_start 3
	raft-cluster kill follower
	raft-cluster kill follower
	wait_for 10 sh -c 'raft-status | grep "^no-quorum: no leader"'
	run -5 raft-status
	[ "${#lines[@]}" -eq 5 ]
	[[ ${lines[4]} == *"1 of 3 members up" ]]
	run -2 raft-status --check
	[[ $output == "RAFT CRITICAL - "* ]]
	run -5 --separate-stderr raft-status --leader -t 300ms
	[ -z "$output" ]
}

@test "raft-status: --leader and --is-leader agree" {
	cluster_start 3
	leader=$(raft-status --leader)
	curl -fsS "$leader/leaderz"
	run -0 raft-status --is-leader -e "$leader"
	[ -z "$output" ]
	for id in 1 2 3; do
		[ "$(url_of "$id")" != "$leader" ] || continue
		run -1 raft-status --is-leader -e "$(url_of "$id")"
		[ -z "$output" ]
	done
}

@test "raft-status: --wait=leader waits for an election" {
	cluster_start 3
	old=$(raft-status --leader)
	raft-cluster kill leader
	wait_for 5 leader_is_not "$old"
	raft-append --print=none after
}

@test "raft-status: --wait=applied waits for an index" {
	cluster_start 1
	index=$(raft-append one)
	raft-status --wait=applied="$index" -t 1s
	run -5 raft-status --wait=applied=$((index + 1)) -t 300ms
	raft-status --wait=applied=$((index + 1)) -t 10s &
	raft-append --print=none two
	wait $!
}

@test "raft-status: a wrong cluster exits 8" {
	cluster_start 1
	run -8 --separate-stderr raft-status --cluster=0123456789abcdef
	[ -z "$output" ]
	run -8 raft-status --cluster=0123456789abcdef --wait=leader
}

@test "raft-status: -w goes on" {
	cluster_start 1
	run timeout 1 raft-status -w200ms
	[ "$status" -eq 124 ]
	[ "$(grep -c '^ID ' <<<"$output")" -ge 2 ]
	[[ $output == *" commits/s"* ]]
}

@test "raft-status: -v shows what is under way and what failed" {
	cluster_start 3
	raft-status --wait=healthy
	run -0 raft-status -v
	[ "$(awk '{ $1 = $1; print; exit }' <<<"$output")" = "ID ROLE ADDR \
TERM LAST COMMIT APPLIED LAG STREAM SNAPSHOT CONTACT INFLIGHT FAILED ERROR" ]
	[ "$(grep -cE ' line-rate .* [0-9]+/[0-9]+B +[0-9]+ +-$' \
		<<<"$output")" -eq 2 ]
	raft-cluster kill follower
	raft-append --print=none x
	has_failed() {
		raft-status -v |
			grep -E ' [0-9]+/[0-9]+B +[1-9][0-9]* +connection refused$'
	}
	wait_for 10 has_failed
}

@test "raft-status: a snapshot on its way is shown with its progress" {
	cluster_start 3 --trailing-entries=0 --snapshot-rate=64KiB \
		--snapshot-max-chunk-size=4KiB
	down=$(raft-status -J | jq -r 'select(.status.role == "follower").id' |
		head -n 1)
	raft-cluster kill "$down"
	seq 3000 | raft-append --print=none
	raft-snapshot take -e "$(raft-status --leader)"
	raft-cluster restart "$down"
	progress() {
		raft-status | grep -E ' snapshotting\([0-9]+%\) '
	}
	wait_for 10 progress
}
