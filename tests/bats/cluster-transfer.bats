#!/usr/bin/env bats
# A snapshot on its way to a member, and what may happen meanwhile.

load helpers

# Eight megabytes, so that a transfer of 2 MiB/s can be cut off.
COUNT=8000

setup() {
	seq -f "%01000.0f" $COUNT >"$BATS_TEST_TMPDIR/lines"
}

# A cluster of three of which one, $last, has nothing of the lines, and can
# only get them by a snapshot.
start_without_one() {
	cluster_start 3 --snapshot-logs-since-last=1000 --trailing-entries=10 \
		--snapshot-rate="${RATE-2MiB}" --snapshot-max-chunk-size=64KiB
	last=3
	[ "$(leader)" != 3 ] || last=2
	raft-cluster kill $last
	raft-append --session=load --print=none <"$BATS_TEST_TMPDIR/lines"
	for id in 1 2 3; do
		[ $id = $last ] || wait_for 20 has_snapshot $id $COUNT
	done
	name=$(cd "$RAFT_CLUSTER_DIR/$(leader)/snapshot" && echo $COUNT-*.json)
	size=$(stat -c %s "$RAFT_CLUSTER_DIR/$(leader)/snapshot/$name")
	size=$((size + $(jq .size "$RAFT_CLUSTER_DIR/$(leader)/snapshot/$name")))
}

leader() {
	raft-status -t 20s --wait=leader >/dev/null
	sed -n "s| $(raft-status --leader)\$||p" "$RAFT_CLUSTER_DIR/members"
}

has_snapshot() { # ID INDEX
	compgen -G "$RAFT_CLUSTER_DIR/$1/snapshot/$2-*.json"
}

# Whether member $last has received KILOBYTES of it.
has_received() { # KILOBYTES
	find "$RAFT_CLUSTER_DIR/$last/snapshot" -name '*.part' -size +"$1"k |
		grep -q .
}

# The value of a metric of member ID, or the sum of several.
metric() { # ID PATTERN
	curl -sS "$(url_of "$1")/metrics" |
		awk -v pattern="^$2" '$0 ~ pattern { n += $2 } END { print n + 0 }'
}

sent_by() { # ID
	metric "$1" "raftkit_peer_sent_bytes_total.peer=\"$last\",kind=\"snapshot\""
}

applied_by() { # ID INDEX
	[ "$(curl -sS "$(url_of "$1")/v1/status" | jq .applied)" -ge "$2" ]
}

@test "snapshot: at one index it is the same bytes on every member" {
	local id name others
	cluster_start 3 --snapshot-logs-since-last=500
	head -n 700 "$BATS_TEST_TMPDIR/lines" |
		raft-append --session=a -w 37 --print=none
	raft-cluster kill 2
	head -n 900 "$BATS_TEST_TMPDIR/lines" |
		raft-append --session=a -w 64 --print=none
	seq 300 | raft-append --session=b -w 1 --print=none
	raft-cluster restart 2
	raft-cluster kill leader
	seq 100 | raft-append -w 7 --print=none
	seq 300 | raft-append --session=b --print=none
	raft-cluster down
	for id in 1 2 3; do
		raft-cluster restart $id
	done
	seq 400 | raft-append -w 9 --print=none
	for id in 1 2 3; do
		wait_for 20 has_snapshot $id 1500
	done
	name=$(cd "$RAFT_CLUSTER_DIR/1/snapshot" && echo 1500-*.json)
	others="$RAFT_CLUSTER_DIR/2/snapshot/$name"
	cmp "$RAFT_CLUSTER_DIR/1/snapshot/$name" "$others"
	cmp "$RAFT_CLUSTER_DIR/3/snapshot/$name" "$others"
	[ "$(jq -r .time "$others")" = \
		"$(raft-dump -J --all -i 1500 --stale | jq -r .time)" ]
}

@test "S7: a transfer goes on with the next leader where the last one died" {
	local sent old
	start_without_one
	old=$(leader)
	raft-cluster restart "$last"
	wait_for 20 has_received 3000
	sent=$(sent_by "$old")
	raft-cluster kill "$old"
	wait_for 30 applied_by "$last" $COUNT
	sent=$((sent + $(sent_by "$(leader)")))
	echo "size $size, sent $sent"
	[ "$sent" -ge "$size" ]
	[ $((sent * 10)) -le $((size * 12)) ]
	raft-cluster restart "$old"
	raft-append more
	(cat "$BATS_TEST_TMPDIR/lines"; echo more) >"$BATS_TEST_TMPDIR/all"
	wait_for 20 applied_by "$old" $((COUNT + 2))
	wait_for 20 applied_by "$last" $((COUNT + 2))
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/all"
}

@test "S7: a transfer goes on with the next leader's newer snapshot" {
	local sent old id
	start_without_one
	old=$(leader)
	raft-cluster restart "$last"
	wait_for 20 has_received 1000
	seq -f "%01000.0f" 1500 | tee -a "$BATS_TEST_TMPDIR/lines" |
		raft-append --print=none
	for id in 1 2 3; do
		[ $id = "$last" ] || wait_for 20 has_snapshot $id $((COUNT + 1000))
	done
	wait_for 20 has_received 3000
	sent=$(sent_by "$old")
	raft-cluster kill "$old"
	wait_for 30 applied_by "$last" $((COUNT + 1500))
	sent=$((sent + $(sent_by "$(leader)")))
	grep "sends the snapshot at $((COUNT + 1000))" \
		"$RAFT_CLUSTER_DIR/$last.trace"
	echo "size $size, sent $sent"
	[ $((sent * 10)) -le $((size * 12)) ]
	raft-cluster restart "$old"
	wait_for 20 applied_by "$old" $((COUNT + 1502))
	raft-append --print=none last
	echo last >>"$BATS_TEST_TMPDIR/lines"
	for id in 1 2 3; do
		wait_for 20 applied_by $id $((COUNT + 1503))
	done
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/lines"
}

@test "S3: a transfer goes on where the receiver was killed, five times" {
	local i sent start
	start_without_one
	start=$SECONDS
	for i in 1 2 3 4 5; do
		raft-cluster restart "$last"
		wait_for 20 has_received $((i * 1000))
		raft-cluster kill "$last"
	done
	raft-cluster restart "$last"
	wait_for 30 applied_by "$last" $COUNT
	[ $((SECONDS - start)) -ge 3 ] # Four seconds at 2 MiB/s.
	sent=$(sent_by "$(leader)")
	echo "size $size, sent $sent"
	[ $((sent * 10)) -le $((size * 12)) ]
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/lines"
}

# How many descriptors of it the leader has that read a snapshot; the payload
# is a link to the history, which is open for writing.
readers() {
	local pid fd count=0
	pid=$(cat "$RAFT_CLUSTER_DIR/$(leader).pid")
	for fd in "/proc/$pid/fd"/*; do
		case $(readlink "$fd") in
		*/snapshot/*.data) count=$((count + 1)) ;;
		esac
	done
	printf '%s\n' "$count"
}

nothing_is_read() {
	[ "$(readers)" -eq 0 ]
}

streams_are() { # COUNT STATE
	[ "$(curl -sS "$(url_of "$(leader)")/v1/status" | jq \
		"[.streams[] | select(.state == \"$2\")] | length")" -eq "$1" ]
}

@test "snapshot: two members that need it share one reader" {
	local id behind=0
	cluster_start 5 --snapshot-logs-since-last=1000 --trailing-entries=10 \
		--snapshot-rate=2MiB --snapshot-max-chunk-size=64KiB
	for id in 1 2 3 4 5; do
		if [ $id != "$(leader)" ] && [ $behind -lt 2 ]; then
			raft-cluster kill $id
			behind=$((behind + 1))
		fi
	done
	raft-append --print=none <"$BATS_TEST_TMPDIR/lines"
	wait_for 20 has_snapshot "$(leader)" $COUNT
	[ "$(readers)" -le 1 ]
	raft-cluster up -n 5
	wait_for 10 streams_are 2 snapshotting
	sleep 1
	[ "$(readers)" -eq 1 ]
	wait_for 30 streams_are 4 line-rate
	wait_for 5 nothing_is_read
	for id in 1 2 3 4 5; do
		wait_for 20 applied_by $id $((COUNT + 1))
	done
	raft-cluster down
	members_hold "$BATS_TEST_TMPDIR/lines"
}

# In place of raft-node: member $last is killed in its Nth call of CALL.
kill_in_call() { # CALL N
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/raft-node" <<-END
		#!/bin/sh
		node=$(PATH=${PATH#"$BATS_TEST_TMPDIR/bin:"} command -v raft-node)
		case " \$* " in
		*" --id=$last "*)
			exec strace -D -f -qq -o "$BATS_TEST_TMPDIR/strace" \
				-e trace=$1 -e inject=$1:signal=KILL:when=$2 \
				"\$node" "\$@"
			;;
		esac
		exec "\$node" "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/raft-node"
}

# Whether it is dead, or through.
is_over() {
	flock -n "$RAFT_CLUSTER_DIR/$last.lock" true ||
		applied_by "$last" $COUNT
}

@test "S7: killed at any point of an installation, it is there or not" {
	local path=$PATH point deaths=0
	strace -qq -o "$BATS_TEST_TMPDIR/strace" true ||
		skip "strace cannot be used here"
	COUNT=2000 RATE=0
	setup
	start_without_one
	cp -a "$RAFT_CLUSTER_DIR/$last" "$BATS_TEST_TMPDIR/behind"
	for point in ${POINTS:-pwritev:20 fsync:1 fsync:2 rename:1 fsync:3 \
		rename:2 fsync:4 link:1 ftruncate:2 fdatasync:2}; do
		# New leaders, so that nobody counts on what it had before.
		raft-cluster kill all
		rm -rf "${RAFT_CLUSTER_DIR:?}/$last"
		cp -a "$BATS_TEST_TMPDIR/behind" "$RAFT_CLUSTER_DIR/$last"
		kill_in_call "${point%:*}" "${point#*:}"
		PATH=$BATS_TEST_TMPDIR/bin:$path
		raft-cluster up -n 3 || true
		wait_for 20 is_over
		PATH=$path
		! flock -n "$RAFT_CLUSTER_DIR/$last.lock" true ||
			deaths=$((deaths + 1))
		echo "$point: $deaths deaths"
		raft-cluster restart "$last"
		wait_for 20 applied_by "$last" $((COUNT + 1))
		raft-dump --raw --stale -e "$(url_of "$last")" |
			cmp - "$BATS_TEST_TMPDIR/lines"
	done
	# Most of the calls come, whatever a start has made of their numbers.
	[ "$deaths" -ge 7 ]
}
