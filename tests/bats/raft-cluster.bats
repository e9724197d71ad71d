#!/usr/bin/env bats

load helpers

alive() { # ID
	! flock -n "$RAFT_CLUSTER_DIR/$1.lock" true
}

@test "raft-cluster: without a command says how it is used and exits 2" {
	run -2 --separate-stderr raft-cluster
	[ -z "$output" ]
	[[ $stderr == usage:* ]]
}

@test "raft-cluster: --help goes to standard output" {
	run -0 --separate-stderr raft-cluster --help
	[[ $output == usage:* ]]
	[ -z "$stderr" ]
}

@test "raft-cluster: an unknown option or count exits 2" {
	run -2 raft-cluster up -x
	run -2 raft-cluster up -n 0
	run -2 raft-cluster up -n three
	[ ! -e "$RAFT_CLUSTER_DIR" ]
}

@test "raft-cluster: a directory without a cluster exits 3" {
	run -3 raft-cluster status
	run -3 raft-cluster down -d "$BATS_TEST_TMPDIR"
}

@test "raft-cluster: up refuses a directory that holds something else" {
	mkdir "$RAFT_CLUSTER_DIR"
	run ! raft-cluster up
	[ -z "$(ls -A "$RAFT_CLUSTER_DIR")" ]
}
