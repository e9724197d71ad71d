#!/usr/bin/env bats

# Reads through any member: how little they cost, how old they may be, and that
# a member which was away for a while gives no answer from the past.

load helpers

# The URL of a member that does not lead.
a_follower() {
	sed 's/^[0-9]* //' "$RAFT_CLUSTER_DIR/members" |
		grep -vxF "$(raft-status --leader)" | head -n 1
}

# How often the member at URL has answered GET /v1/log.
reads_answered() { # URL
	curl -sS "$1/metrics" |
		awk '/^raftkit_http_requests_total/ && /"GET"/ &&
			/"\/v1\/log"/ { n += $NF } END { print n + 0 }'
}

# The value of a header of GET URL.
header_of() { # NAME URL
	curl -sS -o /dev/null -D - "$2" | tr -d '\r' |
		sed -n "s/^$1: //p"
}

@test "reads: a hundred at once through a follower cost the leader a few" {
	cluster_start 3
	raft-append --print=none one
	leader=$(raft-status --leader)
	url="$(a_follower)/v1/log?raw"
	# So that the follower has a connection to the leader.
	curl -sS "$url"
	before=$(reads_answered "$leader")
	yes "url = $url" | head -n 100 >"$BATS_TEST_TMPDIR/urls"
	curl -sS -Z --parallel-max 100 --parallel-immediate \
		-K "$BATS_TEST_TMPDIR/urls" >"$BATS_TEST_TMPDIR/out"
	[ "$(grep -c one "$BATS_TEST_TMPDIR/out")" -eq 100 ]
	cost=$(($(reads_answered "$leader") - before))
	echo "100 reads asked the leader $cost times"
	[ "$cost" -le 20 ]
}

@test "reads: each level says what it is, and how old it may be" {
	cluster_start 3 --election-timeout-min 2s --election-timeout-max 3s
	raft-append --print=none one
	follower=$(a_follower)/v1/log
	leader=$(raft-status --leader)/v1/log
	[ "$(header_of Raft-Level "$follower")" = linearizable ]
	[ "$(header_of Raft-Stale-Ms "$follower")" -eq 0 ]
	[ "$(header_of Raft-Level "$leader?level=leader")" = leader ]
	[ "$(header_of Raft-Stale-Ms "$leader?level=leader")" -lt 2000 ]
	[ "$(header_of Raft-Level "$follower?level=leader")" = linearizable ]
	[ "$(header_of Raft-Level "$follower?level=stale")" = stale ]
	[ "$(header_of Raft-Level "$follower/2?level=stale")" = stale ]
	raft-cluster pause leader
	sleep 0.7
	[ "$(header_of Raft-Stale-Ms "$follower?level=stale")" -ge 500 ]
	run curl -sS "$follower?level=sometimes"
	[[ $output == *linearizable* ]]
}

@test "reads: a leader that was stopped answers nothing from the past" {
	cluster_start 3
	raft-append --print=none before
	old=$(raft-status --leader)
	raft-cluster pause leader
	raft-append --print=none after
	# They wait in its sockets for it to wake up.
	for i in $(seq 40); do
		printf 'url = %s/v1/log?raw\noutput = %s/%s\n' "$old" \
			"$BATS_TEST_TMPDIR" "$i.out"
	done >"$BATS_TEST_TMPDIR/urls"
	curl -sSf -Z --parallel-max 40 --parallel-immediate --max-time 20 \
		-K "$BATS_TEST_TMPDIR/urls" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	reads=$!
	sleep 0.5
	raft-cluster resume all
	wait "$reads" || true
	grep -q after "$BATS_TEST_TMPDIR"/*.out
	for out in "$BATS_TEST_TMPDIR"/*.out; do
		[ ! -s "$out" ] || [ "$(cat "$out")" = $'before\nafter' ]
	done
}

@test "reads: raft-dump sees each acknowledged line while leaders pause" {
	cluster_start 3
	for round in 1 2 3; do
		raft-append --print=none "line $round"
		raft-cluster pause leader
		raft-append --print=none "more $round"
		[ "$(raft-dump --raw -n 1)" = "more $round" ]
		raft-cluster resume all
		[ "$(raft-dump --raw -n 1)" = "more $round" ]
		raft-status --wait=healthy -t 30s
	done
}

@test "reads: what is rare in a long log is found, a piece at a time" {
	cluster_start 1
	seq 200000 | raft-append --print=none
	url=$(url_of 1)/v1/log
	[ "$(curl -sS "$url?type=configuration,noop" | wc -l)" -ge 1 ]
	[ "$(curl -sS "$url?raw&from=2" | tail -n 1)" = 200000 ]
	# The reader waits for what never comes, and is told where to go on.
	next=$(header_of Raft-Next "$url?type=configuration&from=2&wait=200ms")
	[ "$next" -gt 200000 ]
}

@test "reads: from=-1 is the last line, wherever it is asked for" {
	cluster_start 3
	follower=$(a_follower)/v1/log
	for i in $(seq 30); do
		raft-append --print=none "$i"
		last=$(curl -sS "$follower?raw&from=-1")
		# A configuration may stand there, too.
		[ -z "$last" ] || [ "$last" = "$i" ]
	done
}

# Stop a member for a moment, or hand leadership over, until told to end.
disturb() {
	while [ ! -e "$BATS_TEST_TMPDIR/enough" ]; do
		raft-cluster pause leader
		sleep 1.2
		raft-cluster resume all
		raft-member transfer || true
		sleep 0.3
		raft-cluster pause follower
		sleep 0.5
		raft-cluster resume all
		sleep 0.3
	done
}

@test "reads: none is stale while leaders are stopped and handed over" {
	cluster_start 3
	disturb >"$BATS_TEST_TMPDIR/disturb" 2>&1 3>&- &
	disturb=$!
	reads=0
	for i in $(seq 30); do
		raft-append --print=none -t 30s "$i"
		# One member may be the one that is stopped.
		while read -r _ url; do
			last=$(curl -sSf -m 1 "$url/v1/log?raw&from=-1" \
				2>"$BATS_TEST_TMPDIR/err") || continue
			reads=$((reads + 1))
			# A leader's no-op may stand there.
			[ -z "$last" ] || [ "$last" -eq "$i" ]
		done <"$RAFT_CLUSTER_DIR/members"
		[ "$(raft-dump --raw -n 1 -t 30s)" -eq "$i" ]
	done
	touch "$BATS_TEST_TMPDIR/enough"
	wait "$disturb"
	echo "$reads reads"
	[ "$reads" -ge 30 ]
}
