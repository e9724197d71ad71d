#!/usr/bin/env bats

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "raft-snapshot: --help goes to standard output" {
	run -0 --separate-stderr raft-snapshot --help
	[[ $output == Usage:* ]]
	[ -z "$stderr" ]
}

@test "raft-snapshot: wrong usage exits 2" {
	run -2 raft-snapshot
	run -2 raft-snapshot mend
	run -2 raft-snapshot take more
	run -2 raft-snapshot --outputt=x save
}

@test "raft-snapshot: nobody listening exits 4 and leaves no file" {
	for verb in take list save; do
		run -4 --separate-stderr raft-snapshot \
			-e "127.0.0.1:$(free_port)" "$verb"
		[ -z "$output" ]
		[[ $stderr == *"connection refused"* ]]
	done
	run ! ls ./*.snap* ./*.part
}

@test "raft-snapshot: none there exits 3" {
	cluster_start 1
	run -0 raft-snapshot list
	[ -z "$output" ]
	run -3 --separate-stderr raft-snapshot save
	run ! ls ./*.snap* ./*.part
}

@test "raft-snapshot: take, list and save agree" {
	cluster_start 1
	index=$(seq 1000 | raft-append | tail -n 1)
	id=$(raft-snapshot take)
	[[ $id == "$index"-* ]]
	run -0 raft-snapshot list
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == "$id "* ]]
	raft-snapshot -J list | jq -e ".id == \"$id\" and .index == $index"
	run -0 --separate-stderr raft-snapshot save
	[ "$output" = "$id.snap" ]
	raft-snapshot inspect --verify "$id.snap"
	raft-snapshot extract "$id.snap" |
		jq -r 'select(.type == "data") | .data' | cmp - <(seq 1000)
}

@test "raft-snapshot: save to a file, and to standard output, is the same" {
	cluster_start 1
	seq 1000 | raft-append --print=none
	raft-snapshot take
	run -0 raft-snapshot -q save -o a.snap
	[ "$output" = a.snap ]
	raft-snapshot save -o - | cmp - a.snap
	head -n 1 a.snap | jq -e .index
	run ! ls ./*.part
}

@test "raft-snapshot: a save goes on where a killed member broke it off" {
	cluster_start 1
	head -c 6000000 /dev/urandom | base64 | raft-append --print=none
	raft-snapshot take
	mkfifo pipe
	raft-snapshot -t 20s save -o - >pipe &
	save=$!
	exec 4<pipe
	head -c 100000 <&4 >a.snap # The rest is not all in the pipe.
	raft-cluster kill 1
	raft-cluster restart 1
	cat <&4 >>a.snap
	wait "$save"
	raft-snapshot inspect --verify a.snap
}

@test "raft-snapshot: what cannot be written exits 1" {
	cluster_start 1
	raft-append --print=none x
	raft-snapshot take
	run -1 --separate-stderr raft-snapshot save -o nowhere/a.snap
	[[ $stderr == *"No such file or directory" ]]
	run -1 --separate-stderr sh -c 'raft-snapshot save -o - >/dev/full'
	[[ $stderr == *"No space left on device" ]]
}

@test "raft-snapshot: a wrong cluster exits 8" {
	cluster_start 1
	run -8 raft-snapshot --cluster=0123456789abcdef take
	run -0 raft-snapshot list
	[ -z "$output" ]
}
