#!/usr/bin/env bats

# The programs among other programs: each pipeline that the manual shows, or
# something like it where a tool may be missing.

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "pipelines: a hundred thousand lines through a throwaway cluster" {
	unset RAFT_CLUSTER_DIR
	# shellcheck disable=SC2016 # For the inner shell.
	run -0 --separate-stderr raft-cluster run -n 3 -- sh -c 'seq 100000 |
		raft-append --print=none &&
		raft-dump --raw | sort -n | uniq | wc -l'
	[ "$output" -eq 100000 ]
	RAFT_CLUSTER_DIR=$BATS_TEST_TMPDIR/cluster
}

@test "pipelines: a resumed session takes in the same input once" {
	cluster_start 1
	seq -f '{"MESSAGE":"line %.0f"}' 1000 >journal
	raft-append --session=j1 --resume=j.ck --print=none <journal
	raft-append --session=j1 --resume=j.ck --print=none <journal
	raft-dump --raw | cmp - journal
}

@test "pipelines: a follower of the log works jobs off in order" {
	cluster_start 1
	(raft-dump -f --raw -t 1s | while IFS= read -r job; do
		sh -c "$job" >>finished
	done) 3>&- &
	follower=$!
	raft-append --print=none 'echo one' 'echo two'
	raft-append --print=none 'echo three'
	wait_for 10 grep -q three finished
	[ "$(cat finished)" = $'one\ntwo\nthree' ]
	raft-cluster kill all
	wait "$follower"
}

@test "pipelines: jq reads the last ten" {
	cluster_start 1
	seq 20 | raft-append --print=none
	raft-dump -J -i -10: | jq -r '[.index,.data]|@tsv' >table
	[ "$(cut -f 2 table | paste -sd ' ')" = '11 12 13 14 15 16 17 18 19 20' ]
}

@test "pipelines: a file is one entry and comes back byte for byte" {
	cluster_start 1
	raft-append -1 <"$BATS_TEST_FILENAME"
	raft-dump --raw -n 1 | cmp - "$BATS_TEST_FILENAME"
	head -c 65536 /dev/urandom >noise
	raft-append -1 <noise
	[ "$(raft-dump --raw -n 1 | sha256sum)" = "$(sha256sum <noise)" ]
}

@test "pipelines: diff finds two members' directories alike" {
	cluster_start 3
	seq 5000 | raft-append --print=none
	raft-status --wait=healthy -t 30s
	raft-cluster down
	raft-dump --format='%i %t %x\n' "$RAFT_CLUSTER_DIR/2" >two
	[ "$(wc -l <two)" -eq 5000 ]
	diff <(raft-dump --format='%i %t %x\n' "$RAFT_CLUSTER_DIR/1") two
}

@test "pipelines: one cluster's log is copied to another, exactly once" {
	cluster_start 1
	printf 'a\0b\n\0\377\0' | raft-append -0 --print=none
	raft-dump -0 >in
	raft-dump -J >in.ndjson
	# shellcheck disable=SC2016 # For the inner shell.
	raft-cluster run -n 1 -- sh -c '
		raft-append -J --session=copy --resume=copy.ck --print=none <"$1"
		raft-append -J --session=copy --resume=copy.ck --print=none <"$1"
		raft-dump -0' - in.ndjson >out
	cmp in out
}

@test "pipelines: a snapshot is saved through a filter, and taken apart" {
	cluster_start 1
	seq 50 | raft-append --print=none
	raft-snapshot take
	raft-snapshot save -o - | gzip >x.snap.gz
	gunzip x.snap.gz
	head -n 1 x.snap | jq .
	raft-snapshot inspect --verify x.snap
	[ "$(raft-snapshot extract x.snap | jq -r .data | tail -n 3)" = \
		$'48\n49\n50' ]
}

@test "pipelines: curl appends anywhere and follows anywhere" {
	cluster_start 3
	for id in 1 2 3; do
		curl -sSf --data-binary "via $id" "$(url_of "$id")/v1/log"
	done
	(curl -sN -m 2 "$(url_of 2)/v1/log?from=1&follow=1&type=data" |
		head -n 3 | jq -r .data >out) 3>&-
	[ "$(cat out)" = $'via 1\nvia 2\nvia 3' ]
}

@test "pipelines: a rolling restart waits for health, and nobody notices" {
	cluster_start 3
	seq 30000 >in
	raft-append --print=none <in 3>&- &
	append=$!
	for id in 1 2 3; do
		raft-status --wait=healthy -t 60s
		raft-cluster restart "$id"
	done
	wait "$append"
	raft-status --wait=healthy -t 60s
	raft-cluster down
	members_hold in
}
