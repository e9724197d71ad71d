# metrics.bats - /metrics is what Prometheus reads, and tells the truth.

bats_require_minimum_version 1.5.0
load helpers

metrics() { # ID
	curl -sS "$(url_of "$1")/metrics"
}

# The value of SERIES (with its labels, if any) in the text on stdin.
value() { # SERIES
	awk -v series="$1" '{ at = match($0, / [^ ]*$/) }
		substr($0, 1, at - 1) == series { print substr($0, at + 1) }'
}

leader_id() {
	grep -F " $(raft-status --leader)" "$RAFT_CLUSTER_DIR/members" |
		cut -d ' ' -f 1
}

# The text format, version 0.0.4: help, type, then all samples of a family;
# counters end in _total, buckets rise up to the count.
check_format() {
	awk '
	function bad(why) { print NR ": " why ": " $0; failed = 1 }
	function family_of(name) {
		if (type[name]) return name
		sub(/_(bucket|sum|count)$/, "", name)
		return name
	}
	/^# HELP / {
		if ($3 in helped) bad("a second HELP")
		if (NF < 4) bad("no help")
		helped[$3] = 1; current = ""; wanted = $3; next
	}
	/^# TYPE / {
		if ($3 != wanted) bad("TYPE does not follow its HELP")
		if ($4 !~ /^(counter|gauge|histogram)$/) bad("no such type")
		if (($4 == "counter") != ($3 ~ /_total$/)) bad("_total")
		type[$3] = $4; current = $3; next
	}
	!/^raftkit_[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9]+(\.[0-9]+)?$/ {
		bad("no sample"); next
	}
	{
		series = substr($0, 1, match($0, / [^ ]*$/) - 1)
		if (series in seen) bad("twice")
		seen[series] = 1
		name = series; sub(/\{.*/, "", name)
		family = family_of(name)
		if (family != current) bad("outside of its family")
		if (type[family] != "histogram") next
		key = series
		gsub(/,?le="[^"]*"/, "", key); gsub(/\{\}/, "", key)
		sub(/_(bucket|sum|count)/, "", key)
		if (name ~ /_bucket$/) {
			if ($NF < last[key] + 0) bad("buckets fall")
			last[key] = $NF
			if (series ~ /le="\+Inf"/) infinite[key] = $NF
		} else if (name ~ /_count$/ && $NF != infinite[key]) {
			bad("the count is not the last bucket")
		}
	}
	END { exit failed || NR == 0 }'
}

@test "metrics: the format is right, on leader and follower" {
	cluster_start 3
	seq 100 | raft-append --print=none
	raft-cluster kill follower
	sleep 0.3
	raft-status -J | jq -r 'select(.reachable).id' >"$BATS_TEST_TMPDIR/up"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/up")" -eq 2 ]
	while read -r id; do
		metrics "$id" >"$BATS_TEST_TMPDIR/text"
		check_format <"$BATS_TEST_TMPDIR/text"
	done <"$BATS_TEST_TMPDIR/up"
	run -0 curl -sSI "$(raft-status --leader)/metrics"
	[[ ${output,,} == *'content-type: text/plain; version=0.0.4'* ]]
}

@test "metrics: the check of the format sees what is wrong" {
	run ! check_format <<<'raftkit_no_family 1'
	run ! check_format <<<$'# HELP raftkit_a A.\n# TYPE raftkit_a counter\nraftkit_a 1'
	run ! check_format <<<$'# HELP raftkit_a A.\n# TYPE raftkit_a gauge\nraftkit_a{b="} 1'
	run ! check_format <<<$'# HELP raftkit_a A.\n# TYPE raftkit_a gauge\nraftkit_a 1\nraftkit_a 1'
	run ! check_format </dev/null
}

@test "metrics: numbers are those of the log" {
	local text
	cluster_start 1
	seq 500 | raft-append --print=none
	raft-append --print=none one two three
	raft-status --wait=applied=504
	text=$(metrics 1)
	[ "$(value raftkit_last_index <<<"$text")" -ge 504 ]
	for name in commit_index applied_index applied_entries_total \
		log_batch_entries_sum; do
		[ "$(value "raftkit_$name" <<<"$text")" -eq \
			"$(value raftkit_last_index <<<"$text")" ]
	done
	[ "$(value 'raftkit_role{role="leader"}' <<<"$text")" -eq 1 ]
	[ "$(value raftkit_leader_id <<<"$text")" -eq 1 ]
	[ "$(value raftkit_append_seconds_count <<<"$text")" -ge 2 ]
	[ "$(value raftkit_log_write_seconds_count <<<"$text")" -ge 3 ]
	[ "$(value 'raftkit_disk_state{state="ok"}' <<<"$text")" -eq 1 ]
}

# Whether the leader has sent its followers lines, has had answers, and they
# have everything.
peers_are_told_of() {
	local id peer text
	id=$(leader_id)
	text=$(metrics "$id")
	for peer in 1 2 3; do
		[ "$peer" -ne "$id" ] || continue
		[ "$(value "raftkit_peer_sent_entries_total{peer=\"$peer\"}" \
			<<<"$text")" -gt 0 ] &&
			[ "$(value "raftkit_stream_lag_entries{peer=\"$peer\"}" \
				<<<"$text")" -eq 0 ] &&
			[ "$(value "raftkit_stream_match_index{peer=\"$peer\"}" \
				<<<"$text")" -ge 101 ] &&
			[ "$(value "raftkit_peer_round_trip_seconds_count{peer=\"$peer\",kind=\"append\"}" \
				<<<"$text")" -gt 0 ] || return
	done
}

@test "metrics: a leader tells of each of its followers" {
	cluster_start 3
	seq 100 | raft-append --print=none
	wait_for 10 peers_are_told_of
}

@test "metrics: requests are counted by route and status, once answered" {
	local url
	cluster_start 1
	url=$(url_of 1)
	curl -sS "$url/v1/log/12345" "$url/nowhere" >/dev/null
	curl -sS "$url/v1/log/54321" >/dev/null
	curl -sS -d '' "$url/v1/status" >/dev/null
	curl -sS --data-binary x "$url/v1/log" >/dev/null
	text=$(metrics 1)
	[ "$(value 'raftkit_http_requests_total{method="GET",path="/v1/log/{index}",status="404"}' <<<"$text")" -eq 2 ]
	[ "$(value 'raftkit_http_requests_total{method="GET",path="other",status="404"}' <<<"$text")" -eq 1 ]
	[ "$(value 'raftkit_http_requests_total{method="POST",path="/v1/status",status="405"}' <<<"$text")" -eq 1 ]
	[ "$(value 'raftkit_http_requests_total{method="POST",path="/v1/log",status="200"}' <<<"$text")" -eq 1 ]
	[ "$(value raftkit_http_connections <<<"$text")" -ge 1 ]
}

@test "metrics: a member that is down costs errors, and its stream lags" {
	local id down
	cluster_start 3
	id=$(leader_id)
	down=$((id % 3 + 1))
	raft-cluster kill "$down"
	seq 50 | raft-append --print=none
	failing() {
		id=$(leader_id)
		[ "$(metrics "$id" | value "raftkit_peer_errors_total{peer=\"$down\",kind=\"append\"}")" -gt 0 ] &&
			[ "$(metrics "$id" | value "raftkit_stream_errors_total{peer=\"$down\"}")" -gt 0 ] &&
			[ "$(metrics "$id" | value "raftkit_stream_lag_entries{peer=\"$down\"}")" -ge 50 ]
	}
	wait_for 10 failing
}

@test "metrics: each one is in the manual, and no other" {
	cluster_start 1
	metrics 1 | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort \
		>"$BATS_TEST_TMPDIR/there"
	sed -n 's/^\.It Va \(raftkit_[a-z_]*\).*/\1/p' \
		"$BATS_TEST_DIRNAME/../../man/raft-http.5" | sort |
		diff "$BATS_TEST_TMPDIR/there" -
}
