#!/usr/bin/env bats

load helpers

alive() { # ID
	! dead "$1"
}

dead() { # ID
	flock -n "$RAFT_CLUSTER_DIR/$1.lock" true
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

@test "raft-cluster: up starts members that elect a leader" {
	cluster_start 3
	alive 1 && alive 2 && alive 3
	[ -d "$RAFT_CLUSTER_DIR/2" ]
	raft-status --wait=leader
	[ "$(raft-cluster env)" = "export RAFT_CLUSTER_DIR='$RAFT_CLUSTER_DIR'\
 RAFT_ENDPOINTS='$RAFT_ENDPOINTS'" ]
}

@test "raft-cluster: up of a cluster that is up changes nothing" {
	cluster_start 1
	cp "$RAFT_CLUSTER_DIR/1.pid" "$BATS_TEST_TMPDIR/before"
	raft-cluster up
	cmp "$RAFT_CLUSTER_DIR/1.pid" "$BATS_TEST_TMPDIR/before"
}

@test "raft-cluster: down, then up goes on with the same log" {
	cluster_start 3
	raft-append 'kept'
	raft-cluster down
	dead 1 && dead 2 && dead 3
	raft-cluster up
	[ "$(raft-dump --raw)" = kept ]
}

@test "raft-cluster: kill leader leaves a cluster that elects another" {
	cluster_start 3
	leader=$(raft-status --leader)
	raft-cluster kill leader
	raft-append 'after'
	[ "$(raft-status --leader)" != "$leader" ]
}

@test "raft-cluster: restart brings a killed member back" {
	cluster_start 3
	raft-cluster kill 2
	dead 2
	raft-cluster restart 2
	alive 2
	raft-status --wait=healthy
}

@test "raft-cluster: pause and resume a follower" {
	cluster_start 3
	raft-cluster pause follower
	cat "$RAFT_CLUSTER_DIR"/*.pid | sed 's|.*|/proc/&/status|' |
		xargs grep -l '^State:.*stopped'
	raft-append 'two of three are enough'
	raft-cluster resume follower
	raft-status --wait=healthy
}

@test "raft-cluster: down ends paused members, too" {
	cluster_start 3
	raft-cluster pause all
	raft-cluster down
	dead 1 && dead 2 && dead 3
}

@test "raft-cluster: kill of nobody's id exits 3 and kills nobody" {
	cluster_start 1
	run -3 --separate-stderr raft-cluster kill 4
	[ "$stderr" = 'raft-cluster: 4: no such member' ]
	alive 1
}

@test "raft-cluster: a member that does not start is named with its reason" {
	run -1 --separate-stderr raft-cluster up -o --no-such-option
	[[ $stderr == *no-such-option*'member 1 did not start'* ]]
}

@test "raft-cluster: run passes on input, output and status, leaves nothing" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	unset RAFT_CLUSTER_DIR
	run -7 --separate-stderr raft-cluster run -n 3 -- sh -c \
		'seq 3 | raft-append --print=none; raft-dump --raw; exit 7' <<<'in'
	[ "$output" = $'1\n2\n3' ]
	[ -z "$(ls -A "$TMPDIR")" ]
	[ "$(raft-cluster run -n 1 -- cat <<<'in')" = in ]
	RAFT_CLUSTER_DIR=$BATS_TEST_TMPDIR/cluster
}

@test "raft-cluster: clusters side by side do not meet" {
	cluster_start 3
	raft-append 'here'
	raft-cluster run -n 3 -- raft-append 'there'
	[ "$(raft-dump --raw)" = here ]
}
