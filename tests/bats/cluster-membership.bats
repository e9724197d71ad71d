#!/usr/bin/env bats
# Members come and go, and what was acknowledged stays.

load helpers

# Start member ID, which joins by way of the first one; more OPTIONS.
join() { # ID [OPTION...]
	local id=$1
	shift
	[ -e "$BATS_TEST_TMPDIR/port-$id" ] ||
		free_port >"$BATS_TEST_TMPDIR/port-$id"
	raft-node serve -D "$BATS_TEST_TMPDIR/d$id" --id="$id" \
		-l "127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port-$id")" \
		--join="$(url_of 1)" "$@" 2>>"$BATS_TEST_TMPDIR/trace-$id" \
		3>&- &
	echo "$!" >"$BATS_TEST_TMPDIR/pid-$id"
}

end() { # SIGNAL ID
	kill -s "$1" "$(cat "$BATS_TEST_TMPDIR/pid-$2")"
	wait "$(cat "$BATS_TEST_TMPDIR/pid-$2")" || true
	rm "$BATS_TEST_TMPDIR/pid-$2"
}

teardown() {
	local pid
	for pid in "$BATS_TEST_TMPDIR"/pid-*; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" || true
	done
	[ -n "$BATS_TEST_COMPLETED" ] || tail -n 15 "$BATS_TEST_TMPDIR"/trace-* ||
		true
	cluster_stop
}

kind_of() { # ID
	raft-member list -J | jq -r "select(.id == $1).kind"
}

is_kind() { # ID KIND
	[ "$(kind_of "$1")" = "$2" ]
}

role_of() { # URL
	curl -sS "$1/v1/status" | jq -r .role
}

has_role() { # URL ROLE
	[ "$(role_of "$1")" = "$2" ]
}

# Whether the configuration in force has everybody's incarnation.
all_recorded() { # COUNT
	[ "$(curl -sS "$(url_of 1)/v1/members" |
		jq '[.committed, (.incarnations | length)] | tostring')" = \
		"\"[true,$1]\"" ]
}

@test "membership: a member that joins catches up and gets its vote" {
	cluster_start 3
	seq 1000 | raft-append --print=none
	join 4
	wait_for 10 is_kind 4 voter
	raft-append more
	wait_for 5 sh -c "raft-dump --raw '$BATS_TEST_TMPDIR/d4' | grep -qx more"
	cmp <(raft-dump --raw "$BATS_TEST_TMPDIR/d4") <(raft-dump --raw)
	run ! grep -q 'candidate' "$BATS_TEST_TMPDIR/trace-4"
}

@test "membership: a member that joined starts again by the same command" {
	cluster_start 3
	join 4
	wait_for 10 is_kind 4 voter
	end KILL 4
	raft-append meanwhile
	join 4
	wait_for 10 sh -c "raft-dump --raw '$BATS_TEST_TMPDIR/d4' |
		grep -qx meanwhile"
	[ "$(raft-member list | tail -n 1)" = "quorum 3 of 4, 4 up" ]
}

@test "membership: one that joins waits for a cluster that starts later" {
	cluster_start 3
	raft-cluster kill all
	join 4
	sleep 0.3
	raft-cluster restart all
	wait_for 15 is_kind 4 voter
}

@test "membership: an id with another directory cannot be joined" {
	cluster_start 3
	wait_for 10 all_recorded 3
	run -7 raft-node serve -D "$BATS_TEST_TMPDIR/x" \
		--id=3 -l 127.0.0.1:0 --join="$(url_of 1)"
	[[ "$output" == *"another data directory"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/x/identity.json" ]
}

@test "membership: a learner stays one over leaders until it is promoted" {
	cluster_start 3
	raft-member add --learner 4 "127.0.0.1:$(free_port |
		tee "$BATS_TEST_TMPDIR/port-4")"
	[ "$(kind_of 4)" = learner ]
	raft-member transfer
	raft-member transfer
	[ "$(kind_of 4)" = learner ]
}

@test "membership: a removed member says so and disturbs nobody" {
	local term
	cluster_start 3
	raft-member transfer 1
	raft-member remove 3
	wait_for 5 has_role "$(url_of 3)" removed
	grep -q 'removed from the cluster' "$RAFT_CLUSTER_DIR/3.trace"
	term=$(curl -sS "$(url_of 1)/v1/status" | jq .term)
	raft-cluster restart 3
	sleep 2.5
	[ "$(curl -sS "$(url_of 1)/v1/status" | jq .term)" = "$term" ]
	has_role "$(url_of 3)" removed
	raft-append 'as if nothing were'
}

@test "membership: one removed while it was down is told by its peers" {
	local term
	cluster_start 3
	raft-member transfer 1
	raft-cluster kill 3
	raft-member remove 3
	sleep 4.5 # Until the leader no longer tells it.
	term=$(curl -sS "$(url_of 1)/v1/status" | jq .term)
	raft-cluster restart 3
	wait_for 10 has_role "$(url_of 3)" removed
	sleep 1
	[ "$(curl -sS "$(url_of 1)/v1/status" | jq .term)" = "$term" ]
	raft-append 'as if nothing were'
}

@test "membership: a removed member is added again while it runs" {
	cluster_start 3
	raft-append one
	raft-member remove 3
	wait_for 5 has_role "$(url_of 3)" removed
	raft-append two
	raft-member add 3 "$(url_of 3)"
	wait_for 10 is_kind 3 voter
	raft-append three
	printf '%s\n' one two three >"$BATS_TEST_TMPDIR/lines"
	wait_for 5 members_hold "$BATS_TEST_TMPDIR/lines"
}

@test "membership: a leader that is removed commits it, then steps down" {
	local leader
	cluster_start 3
	seq 100 | raft-append --print=none
	raft-member transfer 2
	raft-member remove 2
	raft-status -t 10s --wait=leader
	leader=$(raft-status --leader)
	[ "$leader" != "$(url_of 2)" ]
	wait_for 5 has_role "$(url_of 2)" removed
	raft-append 'goes on'
	[ "$(raft-member list | tail -n 1)" = "quorum 2 of 2, 2 up" ]
}

@test "membership: fault_s21: a wiped member has no vote and is not taken for itself" {
	cluster_start 3
	seq 100 | raft-append --print=none
	raft-member transfer 1
	wait_for 10 all_recorded 3
	raft-cluster kill 3
	rm -r "$RAFT_CLUSTER_DIR/3"
	raft-cluster restart 3
	wait_for 10 has_role "$(url_of 3)" replaced
	curl -sS "$(url_of 3)/v1/status" | jq -r .error |
		grep -q 'raft-member remove 3, then raft-member add 3'
	# Its acknowledgements count for nothing, nor does its vote.
	[ "$(curl -sS "$(url_of 3)/v1/status" | jq .last)" = 0 ]
	raft-cluster kill 1
	sleep 3
	run -5 raft-append -t 1s never
	raft-cluster restart 1
	raft-status -t 10s --wait=leader
	raft-append 'goes on'
}

@test "membership: a wiped member is replaced by remove and add" {
	cluster_start 3
	seq 100 | tee "$BATS_TEST_TMPDIR/lines" | raft-append --print=none
	wait_for 10 all_recorded 3
	raft-cluster kill 3
	rm -r "$RAFT_CLUSTER_DIR/3"
	raft-cluster restart 3
	wait_for 10 has_role "$(url_of 3)" replaced
	raft-member remove 3
	raft-member add 3 "$(url_of 3)"
	wait_for 10 is_kind 3 voter
	wait_for 10 all_recorded 3
	wait_for 5 members_hold "$BATS_TEST_TMPDIR/lines"
	raft-cluster kill 1
	wait_for 10 raft-append 'by 2 and 3'
}

@test "membership: addresses and members outlive a snapshot and a restart" {
	cluster_start 3 --snapshot-logs-since-last=200 --trailing-entries=10
	join 4 --snapshot-logs-since-last=200 --trailing-entries=10
	wait_for 10 is_kind 4 voter
	raft-member remove 3
	seq 2000 | raft-append -w 100 --print=none
	raft-cluster restart 1
	raft-cluster restart 2
	end TERM 4
	join 4
	raft-status -t 20s --wait=leader
	[ "$(raft-member list -J | jq -r '.id' | xargs)" = "1 2 4" ]
	raft-append 'goes on'
	wait_for 10 sh -c "raft-dump --raw '$BATS_TEST_TMPDIR/d4' |
		grep -qx 'goes on'"
}

@test "membership: a change that a new leader cut is undone everywhere" {
	cluster_start 3
	raft-append one
	raft-member transfer 1
	wait_for 10 all_recorded 3
	raft-cluster kill 2
	raft-cluster kill 3
	# On the leader's disk alone, without the quorum to commit it.
	curl -sS -m 1 -d '{"id":9,"url":"http://127.0.0.1:9"}' \
		"$(url_of 1)/v1/members" || true
	[ "$(curl -sS "$(url_of 1)/v1/members" | jq -c .learners)" = '[9]' ]
	raft-cluster kill 1
	raft-cluster restart 2
	raft-cluster restart 3
	raft-status -t 10s --wait=leader
	raft-append two
	raft-cluster restart 1
	wait_for 10 sh -c "curl -sS '$(url_of 1)/v1/members' |
		jq -e '.learners == [] and (.addresses | length) == 3'"
	printf '%s\n' one two >"$BATS_TEST_TMPDIR/lines"
	wait_for 5 members_hold "$BATS_TEST_TMPDIR/lines"
}
