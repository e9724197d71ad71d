#!/usr/bin/env bats

# Streams and members under stress: a follower that is stuck or gone, a disk
# that hangs or is full, more than a quorum can take.

load helpers

teardown() {
	cluster_stop
	[ -z "${TRACER:-}" ] || mend_disk
	if mountpoint -q "$BATS_TEST_TMPDIR/small"; then
		umount -l "$BATS_TEST_TMPDIR/small"
	fi
}

# The id of the member that leads.
leader_id() {
	local url
	url=$(raft-status --leader) || return
	sed -n "s|^\([0-9]*\) $url\$|\1|p" "$RAFT_CLUSTER_DIR/members"
}

# A member that does not lead.
follower_id() {
	sed 's/ .*//' "$RAFT_CLUSTER_DIR/members" | grep -vx "$(leader_id)" |
		head -n 1
}

leads_no_more() { # ID
	local now
	now=$(leader_id) && [ -n "$now" ] && [ "$now" != "$1" ]
}

# COUNT lines of 1000 bytes.
lines() { # COUNT
	yes "$(printf '%0999d' 0)" | head -n "$1"
}

resident_kib() { # ID
	awk '$1 == "VmRSS:" { print $2 }' \
		"/proc/$(cat "$RAFT_CLUSTER_DIR/$1.pid")/status"
}

# A number of ID's metrics, added up over its labels.
metric() { # ID NAME
	curl -sS "$(url_of "$1")/metrics" |
		awk -v name="$2" 'index($1, name) == 1 { n += $2 }
			END { print n + 0 }'
}

# Append 100 MB while a member does not take part; the leader stays small.
grows_little() { # HOW
	local leader before after
	# A sanitizer would keep what is freed.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=8
	cluster_start 3
	leader=$(leader_id)
	# What is kept of the newest lines, whoever is up, comes first.
	lines 20000 | raft-append --print=none
	before=$(resident_kib "$leader")
	raft-cluster "$1" "$(follower_id)"
	lines 100000 | raft-append --print=none -t 60s
	after=$(resident_kib "$leader")
	echo "leader: $before KiB before, $after KiB after"
	[ "$(leader_id)" -eq "$leader" ]
	[ $((after - before)) -lt 32768 ]
	raft-cluster resume all
	raft-cluster up
	raft-status --wait=healthy -t 60s
}

@test "stress: a leader stays small while a follower is stopped" {
	grows_little pause
}

@test "stress: a leader stays small while a follower is down" {
	grows_little kill
}

@test "stress: appends that overtake one another are not refused" {
	cluster_start 3 --max-payload-bytes 64KiB
	leader=$(leader_id)
	raft-append --print=none first
	before=$(metric "$leader" raftkit_stream_rejections_total)
	lines 20000 | raft-append --print=none
	after=$(metric "$leader" raftkit_stream_rejections_total)
	sent=$(metric "$leader" raftkit_stream_match_index)
	echo "rejected: $((after - before))"
	[ "$sent" -ge 40000 ]
	# Each one has the stream begin again behind what is proven.
	[ $((after - before)) -le 5 ]
}

uncommitted_above() { # ID BYTES
	curl -sS "$(url_of "$1")/v1/status" |
		jq -e ".uncommitted_bytes > $2"
}

@test "stress: more than may wait for a quorum is told to come later" {
	cluster_start 3 --max-uncommitted-bytes 64KiB \
		--election-timeout-min 10s --election-timeout-max 11s
	leader=$(leader_id)
	for id in 1 2 3; do
		[ "$id" -eq "$leader" ] || raft-cluster pause "$id"
	done
	# Nobody confirms these two, so their senders wait.
	for i in 1 2; do
		lines 50 | curl -sS -o "$BATS_TEST_TMPDIR/waits$i" \
			--data-binary @- "$(url_of "$leader")/v1/log" 3>&- &
	done
	wait_for 5 uncommitted_above "$leader" 50000
	lines 50 | curl -sS -D "$BATS_TEST_TMPDIR/head" --data-binary @- \
		"$(url_of "$leader")/v1/log" >"$BATS_TEST_TMPDIR/body"
	grep -q '^HTTP/1.1 429' "$BATS_TEST_TMPDIR/head"
	grep -qi '^Retry-After: [1-9]' "$BATS_TEST_TMPDIR/head"
	[ "$(jq -r .outcome "$BATS_TEST_TMPDIR/body")" = none ]
	# raft-append waits it out.
	lines 50 | raft-append -1 --print=index -t 30s \
		>"$BATS_TEST_TMPDIR/out" 3>&- &
	append=$!
	sleep 1
	raft-cluster resume all
	wait "$append"
	[ -s "$BATS_TEST_TMPDIR/out" ]
}

@test "stress: what was forwarded to a leader that hangs is given up soon" {
	cluster_start 3
	raft-append --print=none one
	url=$(url_of "$(follower_id)")/v1/log
	raft-cluster pause leader
	# It still takes the old one for the leader.
	curl -sS -m 8 -H 'Idempotency-Key: s/1' -d two -D - "$url" \
		>"$BATS_TEST_TMPDIR/reply"
	cat "$BATS_TEST_TMPDIR/reply"
	grep -q '^HTTP/1.1 504' "$BATS_TEST_TMPDIR/reply"
	grep -q '"outcome": *"unknown"' "$BATS_TEST_TMPDIR/reply"
	curl -sSf -m 8 -H 'Idempotency-Key: s/1' -d two "$url"
	raft-cluster resume all
	raft-status --wait=healthy -t 30s
	[ "$(raft-dump --raw)" = $'one\ntwo' ]
}

@test "stress: only so many bytes wait for a leader" {
	cluster_start 3
	raft-append --print=none one
	id=$(follower_id)
	for other in 1 2 3; do
		[ "$other" -eq "$id" ] || raft-cluster kill "$other"
	done
	lines 15000 >"$BATS_TEST_TMPDIR/body"
	for i in 1 2 3 4 5 6 7 8; do
		[ "$i" -eq 1 ] || echo next
		printf 'url = %s/v1/log?split=lines\n' "$(url_of "$id")"
		printf 'data-binary = @%s/body\noutput = /dev/null\n' \
			"$BATS_TEST_TMPDIR"
		printf 'write-out = "%%{http_code}\\n"\n'
	done >"$BATS_TEST_TMPDIR/requests"
	curl -sS -Z --parallel-immediate -K "$BATS_TEST_TMPDIR/requests" \
		>"$BATS_TEST_TMPDIR/codes"
	sort "$BATS_TEST_TMPDIR/codes" | uniq -c
	grep -q 429 "$BATS_TEST_TMPDIR/codes"
	grep -q 503 "$BATS_TEST_TMPDIR/codes"
	[ "$(resident_kib "$id")" -lt 300000 ]
}

# Have the disk of member ID do as FAULT says, by strace's words.
break_disk() { # ID FAULT
	strace -f -qq -o "$BATS_TEST_TMPDIR/strace" -e trace=fdatasync \
		-e inject=fdatasync:"$2" \
		-p "$(cat "$RAFT_CLUSTER_DIR/$1.pid")" \
		2>"$BATS_TEST_TMPDIR/refused" 3>&- &
	TRACER=$!
	sleep 0.5
	if grep -q 'ptrace.*not permitted' "$BATS_TEST_TMPDIR/refused"; then
		skip 'ptrace is not permitted here'
	fi
}

mend_disk() {
	kill "$TRACER" || true
	TRACER=
}

@test "stress: a leader whose disk hangs gives way to another" {
	cluster_start 3
	raft-append --print=none one
	leader=$(leader_id)
	break_disk "$leader" delay_enter=60000000
	# This gives the disk something to do.
	raft-append --print=none two
	wait_for 5 leads_no_more "$leader"
	raft-append --print=none three
	[ "$(raft-dump --raw)" = $'one\ntwo\nthree' ]
	mend_disk
	raft-status --wait=healthy -t 30s
	raft-cluster down
	printf '%s\n' one two three >"$BATS_TEST_TMPDIR/in"
	members_hold "$BATS_TEST_TMPDIR/in"
}

@test "stress: a member whose disk hangs ends at the second signal" {
	cluster_start 3
	raft-append --print=none one
	id=$(follower_id)
	pid=$(cat "$RAFT_CLUSTER_DIR/$id.pid")
	break_disk "$id" delay_enter=60000000
	raft-append --print=none two
	kill -TERM "$pid"
	wait_for 10 grep -q stopped "$RAFT_CLUSTER_DIR/$id.trace"
	run ! grep zombie "/proc/$pid/status"
	kill -TERM "$pid"
	# But for the thread that the tracer holds.
	wait_for 5 grep zombie "/proc/$pid/status"
	kill -KILL "$TRACER"
	TRACER=
}

@test "stress: a follower whose disk hangs delays nobody" {
	cluster_start 3
	raft-append --print=none one
	leader=$(leader_id)
	break_disk "$(follower_id)" delay_enter=60000000
	lines 10000 | raft-append --print=none -t 20s
	sleep 1.5
	[ "$(leader_id)" -eq "$leader" ]
	raft-append --print=none -t 2s two
	mend_disk
	raft-status --wait=healthy -t 30s
	[ "$(leader_id)" -eq "$leader" ]
}

@test "stress: a leader whose disk fails once ends, and another leads" {
	cluster_start 3
	raft-append --print=none one
	leader=$(leader_id)
	break_disk "$leader" error=EIO:when=1
	raft-append --print=none two
	wait_for 5 flock -n "$RAFT_CLUSTER_DIR/$leader.lock" true
	grep -q 'Input/output error' "$RAFT_CLUSTER_DIR/$leader.trace"
	raft-append --print=none three
	TRACER=
	# What it took for written is not believed, but read again.
	raft-cluster up
	raft-status --wait=healthy -t 30s
	raft-cluster down
	printf '%s\n' one two three >"$BATS_TEST_TMPDIR/in"
	members_hold "$BATS_TEST_TMPDIR/in"
}

# Give member ID's data, or just PART of it, a small disk; start it anew. All
# that a test writes fits, with segments made ahead: only fill_up() fills it.
move_to_small_disk() { # ID [PART]
	local dir=$RAFT_CLUSTER_DIR/$1${2:+/$2}
	raft-cluster kill "$1"
	mkdir "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o size=400m small "$BATS_TEST_TMPDIR/small" ||
		skip 'no file system can be mounted here'
	cp -a "$dir" "$BATS_TEST_TMPDIR/small/data"
	mv "$dir" "$BATS_TEST_TMPDIR/before"
	ln -s "$BATS_TEST_TMPDIR/small/data" "$dir"
	raft-cluster up
	raft-status --wait=healthy -t 30s
}

# Use up what the small disk has left.
fill_up() {
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/small/filler" bs=64k \
		2>"$BATS_TEST_TMPDIR/dd" || true
}

disk_is() { # ID STATE
	[ "$(curl -sS "$(url_of "$1")/v1/status" | jq -r .disk)" = "$2" ]
}

@test "stress: a follower whose disk is full stalls nobody, and recovers" {
	cluster_start 3
	raft-append --print=none one
	id=$(follower_id)
	move_to_small_disk "$id"
	fill_up
	lines 20000 | raft-append --print=none -t 60s
	wait_for 5 disk_is "$id" full
	# It still tells what it has.
	[ "$(curl -sS "$(url_of "$id")/v1/log?level=stale&raw&limit=1")" = one ]
	rm "$BATS_TEST_TMPDIR/small/filler"
	raft-status --wait=healthy -t 60s
	disk_is "$id" ok
}

# What comes before another leads may be refused, but nothing after that.
full_leader_gives_way() { # [PART]
	local leader rc=0
	cluster_start 3
	raft-append --print=none one
	leader=$(leader_id)
	move_to_small_disk "$leader" "$@"
	wait_for 20 make_leader "$leader"
	fill_up
	lines 20000 | raft-append --print=none -t 30s \
		2>"$BATS_TEST_TMPDIR/err" || rc=$?
	echo "raft-append: $rc $(head -n 1 "$BATS_TEST_TMPDIR/err")"
	[ "$rc" -eq 0 ] ||
		{ [ "$rc" -eq 7 ] && grep -q full "$BATS_TEST_TMPDIR/err"; }
	wait_for 10 leads_no_more "$leader"
	disk_is "$leader" full
	lines 10000 | raft-append --print=none -t 30s
	rm "$BATS_TEST_TMPDIR/small/filler"
	raft-status --wait=healthy -t 60s
	disk_is "$leader" ok
	raft-append --print=none last
	[ "$(raft-dump --raw -n 1)" = last ]
}

@test "stress: a leader without space for its log gives way, and recovers" {
	full_leader_gives_way
}

@test "stress: a leader without space to apply gives way, and recovers" {
	full_leader_gives_way machine
}

make_leader() { # ID
	[ "$(leader_id)" = "$1" ] || raft-member transfer "$1"
	[ "$(leader_id)" = "$1" ]
}
