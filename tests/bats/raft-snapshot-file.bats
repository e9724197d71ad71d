#!/usr/bin/env bats
#
# Saved snapshots: what is done with them away from any cluster. One is saved
# for all tests; the last one starts the cluster that it is restored to.

load helpers

setup_file() {
	export RAFT_CLUSTER_DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start 1
	seq 1000 | raft-append --print=none
	head -c 5000 /dev/urandom >"$BATS_FILE_TMPDIR/binary"
	raft-append -1 --session=s1 <"$BATS_FILE_TMPDIR/binary"
	raft-snapshot take
	raft-snapshot save -o "$BATS_FILE_TMPDIR/x.snap"
	raft-dump -J >"$BATS_FILE_TMPDIR/log"
	raft-cluster kill all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	x=$BATS_FILE_TMPDIR/x.snap
	size=$(stat -c %s "$x")
}

# Copy the snapshot with the byte at OFFSET flipped.
flipped() { # OFFSET
	local byte
	cp "$x" bad
	byte=$(od -An -tx1 -j "$1" -N 1 "$x" | tr -d ' ')
	printf '%b' "\\x$(printf %02x $((0x$byte ^ 1)))" |
		dd of=bad bs=1 seek="$1" conv=notrunc status=none
}

@test "raft-snapshot: inspect says what a file covers" {
	run -0 --separate-stderr raft-snapshot inspect "$x"
	[[ $output == *'machine   log'* ]]
	[[ $output == *'index     1002'* ]]
	[[ $output == *'members   1 voters, 0 learners'* ]]
	[[ $output != *verified* ]]
	run -0 raft-snapshot inspect --verify "$x"
	[[ $output == *'verified  whole'* ]]
	run -0 raft-snapshot inspect -J --verify - <"$x"
	[ "$output" = "$(head -n 1 "$x")" ]
	[ "$(jq .index <<<"$output")" -eq 1002 ]
}

@test "raft-snapshot: extract gives the entries and nothing else" {
	raft-snapshot extract "$x" >payload
	grep '"type":"data"' payload | cmp - "$BATS_FILE_TMPDIR/log"
	raft-snapshot extract - <"$x" | cmp - payload
	run -0 bash -c "raft-snapshot extract '$x' | jq -c .data | sed -n '3,5p'"
	[ "${lines[*]}" = '"2" "3" "4"' ]
}

@test "raft-snapshot: a file is a source for raft-dump" {
	raft-dump -J "$x" | cmp - "$BATS_FILE_TMPDIR/log"
	raft-dump --raw -n 1 "$x" | cmp - "$BATS_FILE_TMPDIR/binary"
	raft-dump --raw -i 500:501 "$x" | cmp - <(seq 499 500)
}

@test "raft-snapshot: a flipped byte anywhere exits 9" {
	for at in 0 100 300 "$((size / 2))" "$((size - 30))" "$((size - 3))"; do
		flipped "$at"
		run -9 --separate-stderr raft-snapshot inspect --verify bad
		[ -z "$output" ]
		[[ $stderr == 'raft-snapshot: bad: '* ]]
		run -9 --separate-stderr raft-snapshot restore bad -D new \
			--id=1 --cluster=1=127.0.0.1:7401
		[ ! -e new ]
		[ ! -e new.part ]
	done
}

@test "raft-snapshot: a file cut short exits 9" {
	for bytes in 0 10 2000 "$((size - 1))"; do
		head -c "$bytes" "$x" >bad
		run -9 --separate-stderr raft-snapshot inspect --verify bad
		run -9 --separate-stderr bash -c 'raft-snapshot extract bad >out'
	done
}

@test "raft-snapshot: wrong usage exits 2" {
	run -2 raft-snapshot
	run -2 raft-snapshot inspct "$x"
	run -2 raft-snapshot inspect
	run -2 raft-snapshot inspect "$x" more
	run -2 raft-snapshot restore "$x"
	run -2 raft-snapshot restore "$x" -D new --id=4 \
		--cluster=1=127.0.0.1:7401
	run -2 raft-snapshot restore "$x" -D new --id=1 --cluster=1
	[ ! -e new ]
	run -3 raft-snapshot inspect nothing
}

@test "raft-snapshot: restore refuses a directory that holds something" {
	mkdir new
	echo precious >new/file
	run -7 --separate-stderr raft-snapshot restore "$x" -D new --id=1 \
		--cluster=1=127.0.0.1:7401
	[ -z "$output" ]
	[ "$(cat new/file)" = precious ]
}

@test "raft-snapshot: a restored cluster begins with the snapshot" {
	raft-cluster up -n 3 >/dev/null
	raft-cluster kill all
	list=$(tr ' ' = <"$RAFT_CLUSTER_DIR/members" | paste -sd ,)
	for id in 1 2 3; do
		rm -r "${RAFT_CLUSTER_DIR:?}/$id"
		run -0 --separate-stderr raft-snapshot restore "$x" \
			-D "$RAFT_CLUSTER_DIR/$id" --id=$id --cluster="$list"
		[ "${#lines[@]}" -eq 3 ]
		[[ ${lines[id - 1]} == "raft-node serve -D $RAFT_CLUSTER_DIR/$id \
--id=$id -l 127.0.0.1:"*" --cluster=$list" ]]
		run -0 raft-dump --check "$RAFT_CLUSTER_DIR/$id"
	done
	cluster_start 3
	raft-dump -J -i :1002 | cmp - "$BATS_FILE_TMPDIR/log"
	raft-append 'after it' >index
	[ "$(raft-dump --raw -n 1)" = 'after it' ]
	# Its sessions go on, too.
	raft-append -1 --session=s1 <"$BATS_FILE_TMPDIR/binary" >again
	[ "$(cat again)" -eq 1002 ]
	[ "$(raft-dump --raw -n 1)" = 'after it' ]
}
