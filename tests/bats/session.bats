#!/usr/bin/env bats
# An entry with a number in a session is applied once, whatever happens.

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[ ! -e joined.pid ] || kill -9 "$(cat joined.pid)" || true
	cluster_stop
}

# POST BODY under KEY to member ID; the status to $status, the body to
# ./body, the headers to ./headers.
post() { # ID KEY BODY [QUERY]
	status=$(curl -sS -m 20 -o body -D headers -w '%{http_code}' \
		-H "Idempotency-Key: $2" --data-binary "$3" \
		"$(url_of "$1")/v1/log${4-}")
}

# The index in the reply, once more replayed or not.
index() {
	sed -n 's/^Raft-Index: \([0-9]*\).*/\1/p' headers
}

replayed() {
	grep -q '^Idempotency-Replayed: true' headers
}

# A problem of this kind, without an effect.
problem() { # STATUS KIND
	[ "$status" = "$1" ] || return
	jq -e ".type == \"/v1/problems/$2\" and .status == $1 and
		.outcome == \"none\" and .hint != null" body
}

# Some member that runs.
one_up() {
	local id url
	while read -r id url; do
		curl -sS -o livez "$url/livez" 2>err && break
	done <"$RAFT_CLUSTER_DIR/members"
	printf '%s\n' "$id"
}

again() { # INDEX: the same as ever, by any member
	local id
	raft-status -t 20s --wait=leader
	for id in 1 2 3; do
		curl -sS -o livez "$(url_of $id)/livez" 2>err || continue
		post $id s/1 one
		[ "$status" = 200 ]
		[ "$(index)" = "$1" ]
		replayed
		[ "$(cat body)" = "$1" ]
	done
}

member_is() { # ID KIND
	[ "$(raft-member list -J | jq -r "select(.id == $1).kind")" = "$2" ]
}

answers_again() { # URL INDEX
	curl -sS -D headers -H 'Idempotency-Key: s/1' --data-binary one \
		"$1/v1/log" >body
	replayed && [ "$(index)" = "$2" ]
}

# Begin COUNT sessions, each with one entry: requests queue on a few
# connections, or it would take minutes.
begin_sessions() { # COUNT
	local url job
	url=$(raft-status --leader)
	for job in 0 1 2 3 4 5 6 7; do
		seq "$job" 8 $(($1 - 1)) | awk '{
			printf "POST /v1/log HTTP/1.1\r\nHost: localhost\r\n" \
				"Idempotency-Key: many-%d/1\r\n" \
				"Content-Length: 1\r\n\r\nx", $1
		} END {
			printf "GET /livez HTTP/1.1\r\nHost: localhost\r\n" \
				"Connection: close\r\n\r\n"
		}' >"requests.$job"
		send_all "$url" "requests.$job" &
	done
	wait
}

send_all() { # URL FILE
	local address=${1#http://}
	exec 5<>"/dev/tcp/${address%:*}/${address#*:}"
	cat "$2" >&5 &
	cat <&5 >"$2.replies"
	wait $!
	exec 5>&-
}

@test "C1: a retry after a lost answer has the same answer, wherever" {
	local first
	cluster_start 3 --trailing-entries=0
	post 1 s/1 one
	[ "$status" = 200 ]
	run ! replayed
	first=$(index)
	again "$first"
	raft-cluster kill leader
	again "$first"
	raft-cluster up -n 3
	again "$first"
	raft-cluster kill all
	raft-cluster up -n 3
	again "$first"
	# From a snapshot, with the entry compacted.
	raft-append more
	for id in 1 2 3; do
		curl -sS -d '' "$(url_of $id)/v1/snapshots" | jq -e .index
	done
	raft-cluster kill all
	raft-cluster up -n 3
	[ "$(curl -sS "$(url_of 1)/v1/status" | jq .first)" -gt "$first" ]
	again "$first"
	[ "$(raft-dump --raw)" = "one
more" ]
}

@test "C1: nor do other members forget, the first ones gone" {
	local first id port
	cluster_start 3 --trailing-entries=0 --snapshot-logs-since-last=50
	post 1 s/1 one
	first=$(index)
	seq 200 | raft-append --print=none
	port=$(free_port)
	raft-node serve -D joined --id=4 -l "127.0.0.1:$port" \
		--join="$(url_of 1)" 2>trace 3>&- &
	echo $! >joined.pid
	export RAFT_ENDPOINTS=$RAFT_ENDPOINTS,http://127.0.0.1:$port
	wait_for 20 member_is 4 voter
	grep 'installed the snapshot' trace
	for id in 1 2 3; do
		wait_for 20 raft-member remove $id
	done
	raft-cluster kill all
	wait_for 20 answers_again "http://127.0.0.1:$port" "$first"
	[ "$(raft-dump --raw | grep -c one)" -eq 1 ]
}

@test "session: a number used for another entry is 422, and nothing is done" {
	cluster_start 3
	post 1 s/1 $'a\nb\nc' '?split=lines'
	[ "$status" = 200 ]
	post 2 s/2 other
	problem 422 key-reused
	jq -e '.detail | contains("number 2 of session s")' body
	post 3 s/1 $'a\nb\nother\nnew' '?split=lines'
	problem 422 key-reused
	post 1 s/0 $'new\na' '?split=lines'
	[ "$status" = 400 ]
	# A new one before a used one does not slip in.
	post 1 t/2 two
	post 1 t/1 $'one\nother' '?split=lines'
	problem 422 key-reused
	post 1 t/1 $'one\ntwo\nthree' '?split=lines'
	[ "$status" = 200 ]
	run ! replayed
	[ "$(raft-dump --raw)" = "a
b
c
two
one
three" ]
}

@test "session: a replay of what is under way waits for it" {
	local leader id
	cluster_start 3 --election-timeout-min=3s --election-timeout-max=4s
	leader=$(sed -n "s| $(raft-status --leader)\$||p" \
		"$RAFT_CLUSTER_DIR/members")
	for id in 1 2 3; do
		[ $id = "$leader" ] || raft-cluster pause $id
	done
	(post "$leader" s/1 one && printf '%s ' "$status" && index) >first &
	sleep 0.3
	for id in one other; do
		mkdir $id
		(cd $id && post "$leader" s/1 $id && echo "$status" >code) &
	done
	sleep 0.3
	for id in 1 2 3; do
		raft-cluster resume $id
	done
	wait
	cd one
	[ "$(cat code)" = 200 ]
	[ "200 $(index)" = "$(cat ../first)" ]
	replayed
	cd ../other
	status=$(cat code)
	problem 422 key-reused
	[ "$(raft-dump --raw)" = one ]
}

@test "C2: an expired session is 410, never a second apply" {
	local before
	cluster_start 3 --trailing-entries=0
	post 1 old/1 one
	[ "$status" = 200 ]
	raft-append --session=slow --resume=ck --print=none line
	begin_sessions 10000
	before=$(raft-dump --raw | wc -l)
	[ "$before" -eq 10002 ]
	post 1 old/1 one
	problem 410 session-expired
	post 1 old/2 two
	problem 410 session-expired
	raft-cluster kill leader
	post "$(one_up)" old/1 one
	problem 410 session-expired
	raft-cluster up -n 3
	for id in 1 2 3; do
		curl -sS -d '' "$(url_of $id)/v1/snapshots" | jq -e .index
	done
	raft-cluster kill all
	raft-cluster up -n 3
	post 2 old/1 one
	problem 410 session-expired
	post 2 many-9999/1 x
	[ "$status" = 200 ]
	replayed
	run -7 --separate-stderr raft-append --session=slow --resume=ck line two
	[ -z "$output" ]
	[[ $stderr == "raft-append: "*"session slow has expired"* ]]
	[[ ${stderr_lines[1]} == *"new session"* ]]
	[ "$(raft-dump --raw | wc -l)" -eq "$before" ]
}

@test "session: raft-append --resume outlives all there is to kill" {
	local i append
	cluster_start 3 --snapshot-logs-since-last=2000 --trailing-entries=0
	seq 100000 >input
	for i in 1 2 3 4 5 6; do
		raft-append --resume=ck -w 64 -t 60s --print=none <input 2>err &
		append=$!
		sleep 0.4
		case $i in
		1 | 4) kill -9 $append || true ;;
		2) raft-cluster kill leader ;;
		3) raft-cluster kill all && { kill -9 $append || true; } ;;
		5) raft-cluster kill all ;;
		esac
		raft-cluster up -n 3
		wait $append || [ $? -eq 137 ]
	done
	raft-append --resume=ck --print=none <input
	grep -q '^acknowledged 100000$' ck
	raft-dump --raw | cmp - input
	wait_for 20 compgen -G "$RAFT_CLUSTER_DIR/1/snapshot/*.json"
	raft-cluster down
	members_hold input
}

@test "session: raft-append refuses a torn resume file, not what is aside" {
	local bytes
	cluster_start 1
	seq 12345 | raft-append --session=torn --resume=whole --print=none
	seq 12350 >input
	for bytes in 0 10 25 60 $(($(stat -c %s whole) - 1)); do
		head -c "$bytes" whole >ck
		run -9 --separate-stderr raft-append --resume=ck <input
		[[ $stderr == *"not what --resume writes"* ]]
	done
	cp whole ck
	head -c 30 whole >ck.new
	raft-append --resume=ck --print=none <input
	raft-dump --raw | cmp - input
}

@test "session: other input under the same numbers exits 7, says where" {
	cluster_start 1
	seq 1000 | raft-append --session=s --print=none
	seq 1000 | sed 's/^700$/other/' >input
	run -7 --separate-stderr raft-append --session=s --print=none <input
	[[ $stderr == "raft-append: line 700: number 700 of session s"* ]]
	[ "$(raft-dump --raw | wc -l)" -eq 1000 ]
}
