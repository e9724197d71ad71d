#!/usr/bin/env bats
# What a member does that needs entries which the others no longer have.

load helpers

# Append the numbers FROM to TO, each an entry. A slow machine may have its
# elections meanwhile.
append_numbers() { # FROM TO
	seq "$1" "$2" | raft-append -t 60s --print=none
}

# A value of member ID's status.
status_of() { # ID FILTER
	curl -sS "$(url_of "$1")/v1/status" | jq -r "$2"
}

applied_by() { # ID INDEX
	[ "$(status_of "$1" .applied)" -ge "$2" ]
}

compacted_by() { # ID INDEX
	[ "$(status_of "$1" .first)" -gt "$2" ]
}

received_part() { # ID
	find "$RAFT_CLUSTER_DIR/$1/snapshot" -name '*.part' -size +200k |
		grep -q .
}

@test "snapshot: a member that missed compacted entries catches up by one" {
	local i
	cluster_start 3 --snapshot-logs-since-last=5000 --trailing-entries=100
	raft-cluster kill 3
	for i in 0 1 2 3; do
		append_numbers $((i * 20000 + 1)) $((i * 20000 + 20000))
	done
	wait_for 60 compacted_by 1 1000
	raft-cluster restart 3
	wait_for 60 applied_by 3 80000
	append_numbers 80001 80010
	wait_for 60 applied_by 3 80010
	grep -q 'installed the snapshot' "$RAFT_CLUSTER_DIR/3.trace"
	raft-cluster down
	seq 80010 >"$BATS_TEST_TMPDIR/numbers"
	members_hold "$BATS_TEST_TMPDIR/numbers"
}

@test "snapshot: one that was cut off by kill -9 goes on where it was" {
	local i
	cluster_start 3 --snapshot-logs-since-last=5000 --trailing-entries=100 \
		--snapshot-rate=1MiB --snapshot-max-chunk-size=64KiB
	raft-cluster kill 3
	for i in 0 1; do
		append_numbers $((i * 20000 + 1)) $((i * 20000 + 20000))
	done
	wait_for 60 compacted_by 1 1000
	raft-cluster restart 3
	wait_for 60 received_part 3
	raft-cluster kill 3
	raft-cluster restart 3
	wait_for 60 applied_by 3 40000
	grep -q 'bytes; [1-9][0-9]* are here' "$RAFT_CLUSTER_DIR/3.trace"
	raft-cluster down
	seq 40000 >"$BATS_TEST_TMPDIR/numbers"
	members_hold "$BATS_TEST_TMPDIR/numbers"
}

@test "snapshot: taken by POST it is listed, fetched, and resumed by range" {
	local url
	cluster_start 1
	url=$(url_of 1)/v1/snapshots
	append_numbers 1 100
	id=$(curl -sS -d '' "$url" | jq -r .id)
	[ "$(curl -sS "$url" | jq -r '.snapshots[0].id')" = "$id" ]
	cd "$BATS_TEST_TMPDIR"
	curl -sS -o whole "$url/latest"
	head -n 1 whole | jq -e ".size > 0"
	tail -n 1 whole | jq -e .trailer.crc32c
	[ "$(curl -sS -o rest -w '%{http_code}' -H 'Range: bytes=1000-' \
		"$url/$id")" = 206 ]
	tail -c +1001 whole | cmp - rest
	[ "$(curl -sS -o none -w '%{http_code}' -H 'Range: bytes=999999-' \
		"$url/$id")" = 416 ]
	[ "$(curl -sS -o none -w '%{http_code}' "$url/999-9")" = 404 ]
}

# Damage what is at OFFSET of a snapshot of member 1, which is down.
damage_snapshot() { # ID OFFSET
	printf '\377' | dd of="$RAFT_CLUSTER_DIR/1/snapshot/$1.data" bs=1 \
		conv=notrunc status=none seek="$2"
}

@test "F12: a damaged snapshot is passed over for the one before, or the log" {
	local id size
	cluster_start 1
	append_numbers 1 500
	raft-snapshot take
	append_numbers 501 1000
	id=$(raft-snapshot take)
	append_numbers 1001 1100
	raft-cluster kill 1
	size=$(jq .size "$RAFT_CLUSTER_DIR/1/snapshot/$id.json")
	damage_snapshot "$id" $((size - 20)) # The older one lacks this.
	raft-cluster restart 1
	grep -q 'damaged snapshots passed over' "$RAFT_CLUSTER_DIR/1.trace"
	append_numbers 1101 1200
	raft-cluster kill 1
	damage_snapshot "$id" 10 # They are one file: this is in both.
	raft-cluster restart 1
	grep -q 'bad checksum' "$RAFT_CLUSTER_DIR/1.trace"
	append_numbers 1201 1300
	raft-cluster down
	seq 1300 >"$BATS_TEST_TMPDIR/numbers"
	members_hold "$BATS_TEST_TMPDIR/numbers"
}

@test "F15: a snapshot of another cluster is refused" {
	cluster_start 1
	append_numbers 1 100
	raft-snapshot take
	raft-cluster kill 1
	mkdir "$BATS_TEST_TMPDIR/other"
	cp -r "$RAFT_CLUSTER_DIR/1/snapshot" "$BATS_TEST_TMPDIR/other"
	run -2 timeout 20 raft-node serve -D "$BATS_TEST_TMPDIR/other" --id=1 \
		-l 127.0.0.1:0
	[[ $output == *"belongs to cluster"* ]]
}
