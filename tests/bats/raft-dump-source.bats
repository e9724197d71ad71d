#!/usr/bin/env bats
#
# raft-dump-source.bats - what raft-dump says of a source as a whole: how two
# differ, what it is, how much came when; and entries by their time.

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	dir=$RAFT_CLUSTER_DIR
}

now() {
	date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

@test "raft-dump: --since and --until select by time, from anywhere" {
	cluster_start 1
	raft-append --print=none a b
	sleep 0.05
	between=$(now)
	sleep 0.05
	raft-append --print=none c d
	for source in "" "$dir/1" "$dir/1/machine/history.ndjson"; do
		dump() {
			raft-dump --raw "$@" ${source:+"$source"} | paste -sd ,
		}
		[ "$(dump --since="$between")" = c,d ]
		[ "$(dump --until="$between")" = a,b ]
		[ "$(dump --since="$between" --until="$between")" = '' ]
		[ "$(dump --since=1h)" = a,b,c,d ]
		[ "$(dump --until=1h)" = '' ]
		[ "$(dump --until="$between" -n 1)" = b ]
		[ "$(dump --since="$between" -n 9)" = c,d ]
	done
}

@test "raft-dump: times are exact, inclusive and may have a zone" {
	cluster_start 1
	raft-append --print=none a
	at=$(raft-dump --format=%T)
	[ "$(raft-dump --raw -n 9 --since="$at" --until="$at")" = a ]
	ahead=$(TZ=UTC-5:30 date -d "$at" +%Y-%m-%dT%H:%M:%S.%3N+05:30)
	[ "$(raft-dump --raw -n 9 --since="$ahead" --until="$ahead")" = a ]
	behind=$(TZ=UTC+3 date -d "$at" +%Y-%m-%dT%H:%M:%S.%3N-03:00)
	[ "$(raft-dump --raw -n 9 --since="$behind" --until="$behind")" = a ]
	[ -z "$(raft-dump --since=2999-12-31T23:59:59Z)" ]
}

@test "raft-dump: what is no time exits 2" {
	for time in '' yesterday 2026-11-23 2026-11-23T07:12Z \
		2026-02-30T00:00:00Z 2026-11-23T07:12:13 2026-11-23T07:12:13+1 \
		2026-11-23T07:12:13Zulu 10 parsecs 10x; do
		[ "$time" = 10 ] || run -2 raft-dump --since="$time"
	done
	run -2 --separate-stderr raft-dump -f --until=1h
	[[ ${stderr_lines[0]} == "raft-dump: -f "* ]]
}

@test "raft-dump: --diff of members that agree exits 0, stdout empty" {
	cluster_start 3
	seq 1000 | raft-append --print=none
	raft-snapshot take
	raft-append --print=none more
	raft-status --wait=healthy
	run -0 --separate-stderr raft-dump --diff "$dir/1" "$dir/2"
	[ -z "$output" ]
	[[ $stderr =~ agree.*:\ index\ 1\ to\ [0-9]+$ ]]
	raft-cluster down
	run -0 --separate-stderr raft-dump -q --diff "$dir/2" "$dir/3"
	[ -z "$stderr" ]
	raft-dump -q --diff "$dir/1" "$(echo "$dir"/3/log/*0001.seg)"
}

@test "raft-dump: --diff finds the first entry that differs, exits 9" {
	cluster_start 3
	seq 500 | raft-append --print=none
	raft-status --wait=healthy
	raft-cluster down
	index=$(raft-dump --format='%i %d\n' "$dir/1" | sed -n 's/ 123$//p')
	sed -i "s/\"data\":\"\(123\|321\)\"/\"data\":\"666\"/" \
		"$dir/2/machine/history.ndjson"
	run -9 --separate-stderr raft-dump --diff "$dir/1" "$dir/2"
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^\ *$index\ .*\ 123$ ]]
	[[ ${lines[1]} =~ ^\ *$index\ .*\ 666$ ]]
	[[ ${stderr_lines[0]} == "raft-dump: "*" differ from index $index on" ]]
	run -9 --separate-stderr raft-dump -J --diff "$dir/2" "$dir/3"
	[ "$(jq -sc 'map([.index, .data])' <<<"$output")" = \
		"[[$index,\"666\"],[$index,\"123\"]]" ]
	run -0 raft-dump --diff "$dir/1" "$dir/3"
}

@test "raft-dump: --diff of what has nothing in common says so" {
	cluster_start 1
	seq 100 | raft-append --print=none
	head -n 40 "$dir/1/machine/history.ndjson" >start
	tail -n +60 "$dir/1/machine/history.ndjson" >end
	run -3 --separate-stderr raft-dump --diff start end
	[[ $stderr == *'start ends at index 40, end begins at 60'* ]]
	run -0 raft-dump --diff start "$dir/1"
	run -3 raft-dump --diff start nowhere
	run -2 raft-dump --diff start
	run -2 raft-dump --diff start end "$dir/1"
	run -2 raft-dump --diff --meta start end
}

@test "raft-dump: --diff of two clusters exits 8" {
	cluster_start 1
	mkdir other
	raft-cluster run -n 1 -d "$BATS_TEST_TMPDIR/another" -- true
	run -8 --separate-stderr raft-dump --diff "$dir/1" another/1
	[[ $stderr == *' belongs to cluster '*' to cluster '* ]]
}

# A value of --meta.
meta() { # NAME SOURCE
	raft-dump --meta "$2" | sed -n "s/^$1  *//p"
}

# Whether --meta says of member ID what it says itself.
meta_is_status() { # ID
	local status pair
	status=$(curl -sS "$(url_of "$1")/v1/status")
	for pair in id cluster incarnation term vote last last_term; do
		[ "$(meta "$pair" "$dir/$1")" = \
			"$(jq -r ".$pair" <<<"$status")" ] || return
	done
}

@test "raft-dump: --meta says what a member is and where it stands" {
	cluster_start 3
	seq 100 | raft-append --print=none
	raft-status --wait=healthy
	raft-snapshot take -e "$(url_of 2)"
	for id in 1 2 3; do
		# There may be an election meanwhile, on a slow machine.
		wait_for 10 meta_is_status "$id"
		[ "$(meta format "$dir/$id")" = 1 ]
		[ "$(meta first "$dir/$id")" = 1 ]
		[ "$(meta committed "$dir/$id")" -ge 100 ]
	done
	[[ $(meta snapshot "$dir/2") == 10[0-9]-*' bytes 20'*' machine log' ]]
	[ "$(meta members "$dir/2" | jq -c .voters)" = '[1,2,3]' ]
	[ -z "$(meta snapshot "$dir/1")" ]
	raft-dump --meta -J "$dir/2" | jq -e '.snapshot.bytes > 0 and
		.id == 2 and .kind == "directory" and
		.members.addresses["3"] == "'"$(url_of 3)"'"'
}

@test "raft-dump: --meta of a segment, a history, a saved snapshot" {
	cluster_start 1
	seq 100 | raft-append --print=none
	raft-snapshot take
	raft-snapshot save -o x.snap
	[ "$(meta kind x.snap)" = snapshot ]
	[ "$(meta cluster x.snap)" = "$(meta cluster "$dir/1")" ]
	[ "$(meta snapshot x.snap)" = "$(meta snapshot "$dir/1")" ]
	[ "$(meta last x.snap)" = "$(meta last "$dir/1")" ]
	[ "$(meta kind "$dir/1/machine/history.ndjson")" = history ]
	segment=$(echo "$dir"/1/log/*0001.seg)
	[ "$(meta kind "$segment")" = segment ]
	[ "$(meta term "$segment")" = "$(meta term "$dir/1")" ]
	raft-dump --meta -J "$segment" | jq -e '.cluster == null and
		.snapshot == null and .members == null'
	run -3 raft-dump --meta nowhere
	run -2 raft-dump --meta
	run -2 --separate-stderr raft-dump --meta "$(url_of 1)"
	[[ $stderr == *'raft-status asks members'* ]]
}

@test "raft-dump: --stats counts entries and bytes, all spans together" {
	cluster_start 1
	seq 300 | raft-append --print=none
	sleep 0.3
	printf '%s\n' ab cd | raft-append --print=none
	for source in "" "$dir/1"; do
		stats() {
			raft-dump --stats "$@" ${source:+"$source"}
		}
		[ "$(stats | head -n 2)" = "entries 303: 302 data, 1 noop, \
0 configuration
bytes 796" ]
		stats -J >counted
		jq -e '.data == 302 and .bytes == 796 and .first == 1 and
			.last == 303 and (.spans | length) <= 24 and
			.span_ms * (.spans | length) >= 300 and
			([.spans[].entries] | add) == 303 and
			([.spans[].bytes] | add) == 796' counted
		[ "$(stats -y data -n 2 -J | jq -c '[.entries,.bytes]')" = \
			'[2,4]' ]
		[ "$(stats --until=1h -J | jq -c '[.entries,.spans]')" = '[0,[]]' ]
	done
	[ "$(raft-dump --stats "$dir/1" | awk '/^TIME/ { rows = 1; next }
		rows { entries += $2; bytes += $3 }
		END { print entries, bytes }')" = '303 796' ]
}

@test "raft-dump: --stats plots on a terminal alone" {
	cluster_start 1
	seq 300 | raft-append --print=none
	run -0 raft-dump --stats "$dir/1"
	[[ $output != *█* ]]
	script -qec "raft-dump --stats '$dir/1'" /dev/null </dev/null | grep -q █
}
