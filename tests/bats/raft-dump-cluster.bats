#!/usr/bin/env bats

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

applied_everywhere() { # COUNT
	local id
	while read -r id _; do
		[ "$(raft-dump --raw "$RAFT_CLUSTER_DIR/$id" | wc -l)" -eq "$1" ] ||
			return
	done <"$RAFT_CLUSTER_DIR/members"
}

@test "raft-dump: a hundred thousand lines come back, each once" {
	run -0 --separate-stderr raft-cluster run -n 3 -- sh -c 'seq 100000 |
		raft-append --print=none && raft-dump --raw | sort -n |
		uniq | wc -l'
	[ "${lines[-1]}" -eq 100000 ]
}

# Whether directory DIR and the cluster hold the same entries of all kinds.
says_the_same() { # DIR
	diff <(raft-dump --all -J "$1") <(raft-dump --all -J)
}

@test "raft-dump: the replicas' logs do not differ" {
	cluster_start 3
	seq 5000 | raft-append --print=none
	wait_for 5 applied_everywhere 5000
	cd "$RAFT_CLUSTER_DIR"
	diff <(raft-dump --format='%i %t %x\n' 1) \
		<(raft-dump --format='%i %t %x\n' 2)
	# The leader may still be adding a configuration of its own accord.
	wait_for 10 says_the_same 3
}

@test "raft-dump: directories of killed members hold what was acknowledged" {
	cluster_start 3
	seq 3000 >input
	raft-append --print=none <input
	wait_for 5 applied_everywhere 3000
	raft-cluster kill all
	members_hold input
	for id in 1 2 3; do
		run -0 --separate-stderr raft-dump --check "$RAFT_CLUSTER_DIR/$id"
	done
}

@test "raft-dump: -f goes on when the leader dies" {
	cluster_start 3
	raft-dump -f --raw >out 2>err 3>&- &
	follower=$!
	seq 1 50 | raft-append --print=none
	wait_for 5 grep -qx 50 out
	raft-cluster kill leader
	seq 51 100 | raft-append --print=none
	wait_for 10 grep -qx 100 out
	kill "$follower"
	seq 100 | cmp - out
	[ ! -s err ]
}

@test "raft-dump: --stale reads one member when the others are down" {
	cluster_start 3
	seq 10 | raft-append --print=none
	wait_for 5 applied_everywhere 10
	raft-cluster kill 2
	raft-cluster kill 3
	run -5 --separate-stderr raft-dump --raw -t 2s
	[ -z "$output" ]
	[[ $stderr == 'raft-dump: no leader: '* ]]
	raft-dump --stale --raw -e "$(url_of 1)" | cmp - <(seq 10)
}

@test "raft-dump: one cluster's log is copied into another" {
	cluster_start 1
	old=$RAFT_ENDPOINTS
	printf '\xff\0binary' >binary
	raft-append -1 <binary
	seq 200 | raft-append --print=none
	RAFT_CLUSTER_DIR=$BATS_TEST_TMPDIR/new
	cluster_start 1
	for _ in 1 2; do # Again does nothing.
		raft-dump -J -e "$old" | raft-append -J -e "$RAFT_ENDPOINTS" \
			--session=copy --resume=copy.ck --print=none
	done
	cmp <(raft-dump --raw -e "$old") <(raft-dump --raw)
	cluster_stop
	RAFT_CLUSTER_DIR=$BATS_TEST_TMPDIR/cluster
}

@test "raft-dump: a directory is read while its member writes and compacts" {
	cluster_start 1 --trailing-entries=100 --snapshot-logs-since-last=2000
	own=$RAFT_CLUSTER_DIR/1
	seq -f '%01000.0f' 150000 >input
	raft-append --print=none -w 1000 <input 3>&- &
	appender=$!
	while kill -0 "$appender" 2>/dev/null; do
		raft-dump -q --raw "$own" >seen
		head -c "$(stat -c %s seen)" input | cmp - seen
		raft-dump --check "$own"
	done
	wait "$appender"
	members_hold input
	[ ! -e "$own/log/00000000000000000001.seg" ]
}
