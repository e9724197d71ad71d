#!/usr/bin/env bats
#
# One cluster of one member serves all tests that only append and read; those
# that break something make their own.

load helpers

setup_file() {
	export RAFT_CLUSTER_DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start 1
	printf '%s\n' "$RAFT_ENDPOINTS" >"$BATS_FILE_TMPDIR/endpoints"
}

teardown_file() {
	RAFT_CLUSTER_DIR=$BATS_FILE_TMPDIR/cluster raft-cluster kill all
}

setup() {
	RAFT_ENDPOINTS=$(cat "$BATS_FILE_TMPDIR/endpoints")
	export RAFT_ENDPOINTS
	dir=$BATS_FILE_TMPDIR/cluster/1
	cd "$BATS_TEST_TMPDIR" || return
}

# Append the file as one entry; it must come back byte for byte, in every form.
comes_back() { # FILE
	local index
	index=$(raft-append -1 <"$1")
	raft-dump --raw -n 1 | cmp - "$1"
	raft-dump --raw -i "$index" "$dir" | cmp - "$1"
	raft-dump -0 -n 1 | head -c -1 | cmp - "$1"
	raft-dump --raw -n 1 -i ":$index" | cmp - "$1"
	raft-dump --format=%d -i "$index" | cmp - "$1"
	raft-dump --format=%b -i "$index" | base64 -d | cmp - "$1"
	raft-dump --format=%x -i "$index" | cmp - <(in_hex <"$1")
	raft-dump -J -i "$index" | from_json | cmp - "$1"
	curl -sS "$RAFT_ENDPOINTS/v1/log/$index" | cmp - "$1"
}

in_hex() {
	od -An -v -tx1 | tr -d ' \n'
}

from_json() {
	jq -j 'if .data then .data|@base64 else .data_base64 end' | base64 -d
}

# Where the line of INDEX begins in FILE.
offset_of() { # INDEX FILE
	grep -abo "{\"index\":$1," "$2" | head -n 1 | cut -d : -f 1
}

flip() { # BYTE FILE
	local byte
	byte=$(od -An -tx1 -j "$1" -N 1 "$2" | tr -d ' ')
	printf '%b' "\\x$(printf %02x $((0x$byte ^ 16)))" |
		dd of="$2" bs=1 seek="$1" conv=notrunc status=none
}

@test "raft-dump: without a form prints columns, data escaped" {
	printf 'tab\there \\ \x01' | raft-append -1
	run -0 --separate-stderr raft-dump -n 1
	[ "${#lines[@]}" -eq 2 ]
	[ "$(awk '{ print $1, $6 }' <<<"${lines[0]}")" = 'INDEX DATA' ]
	[[ ${lines[1]} =~ ' data 2'[-0-9]+T[0-9:.]+'Z ' ]]
	[[ ${lines[1]} == *' 12 tab\there \\ \x01' ]]
	[ -z "$stderr" ]
}

@test "raft-dump: text comes back exactly" {
	printf 'global\n  maxconn 100\n\n' >text
	comes_back text
	printf '%s' '{"a":"\u00e4\"b"}' >text
	comes_back text
}

@test "raft-dump: the empty entry comes back exactly" {
	: >empty
	comes_back empty
}

@test "raft-dump: random bytes come back exactly" {
	head -c 65536 /dev/urandom >random
	comes_back random
}

@test "raft-dump: invalid UTF-8 and NULs come back exactly" {
	printf '\xff\xfe\x00\xc3\x28\xed\xa0\x80\x00' >bytes
	comes_back bytes
	printf '\x00' >bytes
	comes_back bytes
}

@test "raft-dump: an entry of 1 MiB comes back exactly" {
	head -c 1048576 /dev/urandom >large
	comes_back large
	head -c 1048576 /dev/zero | tr '\0' x >large
	comes_back large
}

@test "raft-dump: -0 and -J go back into raft-append" {
	printf 'a\nb\0\0c' | raft-append -0 --print=none
	raft-dump -0 -n 3 | cmp - <(printf 'a\nb\0\0c\0')
	raft-dump -J -n 3 | raft-append -J --print=none
	raft-dump -0 -n 6 | cmp - <(printf 'a\nb\0\0c\0a\nb\0\0c\0')
}

@test "raft-dump: --format prints every field" {
	index=$(raft-append 'a b')
	run -0 raft-dump -n 1 --format='%i|%y|%s|%d|%x|%b|%%\t\x41\\.'
	[ "$output" = "$index|data|3|a b|612062|YSBi|%	A\\." ]
	run -0 raft-dump -n 1 --format='%t %T'
	[[ $output =~ ^[0-9]+\ 2[-0-9]+T[0-9:.]+Z$ ]]
}

@test "raft-dump: ranges are inclusive and may count from the end" {
	last=$(seq 10 | raft-append | tail -n 1)
	for source in "" "$dir"; do
		[ "$(raft-dump --raw -i "$((last - 2)):$((last - 1))" \
			${source:+"$source"} | paste -sd ,)" = 8,9 ]
		[ "$(raft-dump --raw -i "$((last - 1)):" \
			${source:+"$source"} | paste -sd ,)" = 9,10 ]
		[ "$(raft-dump --raw -i -3: ${source:+"$source"} |
			paste -sd ,)" = 8,9,10 ]
		[ "$(raft-dump --raw -n 2 -i ":$((last - 5))" \
			${source:+"$source"} | paste -sd ,)" = 4,5 ]
		raft-dump --raw -i "$last" ${source:+"$source"} |
			cmp - <(printf 10)
	done
}

@test "raft-dump: a range that is none exits 2" {
	run -2 raft-dump -i x
	run -2 raft-dump -i 7:3
	run -2 raft-dump -i -5
	run -2 raft-dump -i ''
	run -2 raft-dump -n 0
	run -2 raft-dump -y data,entries
	run -2 raft-dump --raw -J
	run -2 --separate-stderr raft-dump --jsn
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = \
		'raft-dump: unknown option --jsn; did you mean --json?' ]
	[ "${stderr_lines[1]}" = "Try 'raft-dump --help'." ]
}

@test "raft-dump: an index that is not there exits 3" {
	run -3 --separate-stderr raft-dump -i 9000000
	[ -z "$output" ]
	run -3 --separate-stderr raft-dump -i 9000000 "$dir"
	run -3 raft-dump "$BATS_TEST_TMPDIR/nothing"
	run -3 --separate-stderr raft-dump "$BATS_TEST_TMPDIR"
	[[ $stderr == *'not a data directory'* ]]
}

@test "raft-dump: no-ops show with -y and --all alone" {
	raft-append x
	for source in "" "$dir"; do
		run -0 raft-dump -y noop --format='%y\n' ${source:+"$source"}
		[ "${lines[0]}" = noop ]
		raft-dump --all --format='%y\n' ${source:+"$source"} |
			grep -qx noop
		run -1 grep -q noop <(raft-dump --format='%y\n' \
			${source:+"$source"})
		first=$(raft-dump -y noop --format='%i\n' | head -n 1)
		run -3 raft-dump -i "$first" ${source:+"$source"}
	done
}

@test "raft-dump: what a session sends twice shows once" {
	for _ in 1 2; do
		curl -sS --data-binary 'once only' -H 'Idempotency-Key: k/1' \
			"$RAFT_ENDPOINTS/v1/log"
	done
	[ "$(raft-dump --raw | grep -cx 'once only')" -eq 1 ]
	[ "$(raft-dump --raw "$dir" | grep -cx 'once only')" -eq 1 ]
}

@test "raft-dump: the last ten as tab-separated values" {
	seq 20 | raft-append --print=none
	run -0 bash -c "raft-dump -J -i -10: | jq -r '[.index,.data]|@tsv'"
	[ "${#lines[@]}" -eq 10 ]
	[ "$(cut -f 2 <<<"${lines[9]}")" = 20 ]
}

@test "raft-dump: -f hands on each job as it is committed" {
	first=$(raft-append start)
	raft-dump -f -i "$first:" --raw | while IFS= read -r job; do
		[ "$job" = start ] || sh -c "$job"
		[ "$job" != 'touch ended' ] || break
	done 3>&- &
	raft-append 'echo 1 >>out'
	raft-append 'echo 2 >>out' 'touch ended'
	wait_for 5 test -e ended
	[ "$(paste -sd , out)" = 1,2 ]
	wait # Nothing comes that would wake it, and yet it notices.
}

@test "raft-dump: -f ends when its reader does, with nothing to write" {
	raft-append x y
	run -0 --separate-stderr timeout 5 \
		bash -c 'raft-dump -f -i -2: --raw | head -n 2'
	[ "${lines[*]}" = 'x y' ]
	[ -z "$stderr" ]
	timeout 1 raft-dump -f -i -2: --raw >file || [ $? -eq 124 ]
	[ "$(paste -sd , file)" = x,y ]
}

@test "raft-dump: -f refuses files" {
	run -2 raft-dump -f "$dir"
}

@test "raft-dump: ends quietly when its reader does" {
	seq 20000 | raft-append --print=none
	run -0 --separate-stderr bash -c "raft-dump --raw '$dir' | head -n 1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c 'raft-dump | head -n 1'
	[ -z "$stderr" ]
}

@test "raft-dump: output that cannot be written exits 1" {
	raft-append x
	run -1 --separate-stderr bash -c "raft-dump --raw '$dir' >/dev/full"
	[[ $stderr == *'No space left'* ]]
}

@test "raft-dump: nobody listening exits 4" {
	run -4 --separate-stderr raft-dump -e "127.0.0.1:$(free_port)" -t 2s
	[ -z "$output" ]
	[[ $stderr == raft-dump:* ]]
}

@test "raft-dump: a URL is a source" {
	raft-append 'by url'
	url=$RAFT_ENDPOINTS
	RAFT_ENDPOINTS='' run -0 raft-dump --raw -n 1 "$url"
	[ "$output" = 'by url' ]
}

@test "raft-dump: a segment and its history are the same entries" {
	raft-append 'in both'
	segment=$(find "$dir/log" -name '*.seg' | sort | tail -n 1)
	raft-dump -q --raw "$segment" | tail -n 1 | cmp - <(echo 'in both')
	tail -n 1 "$dir/machine/history.ndjson" |
		cmp - <(raft-dump -J -n 1 "$dir")
	raft-dump --raw "$dir/machine/history.ndjson" |
		cmp - <(raft-dump --raw "$dir")
}

@test "raft-dump: --check finds a sound directory sound" {
	run -0 --separate-stderr raft-dump --check "$dir"
	[[ $output == "$dir: sound: member 1 of "* ]]
	[ -z "$stderr" ]
	run -0 raft-dump --check -J "$dir"
	jq -e '.first == 1 and .id == 1 and .committed >= 1' <<<"$output"
	run -2 raft-dump --check
	run -3 raft-dump --check "$BATS_TEST_TMPDIR"
}

@test "raft-dump: --check names file, byte and index of a flipped byte" {
	cp -r "$dir" copy
	index=$(raft-dump --format='%i\n' copy | head -n 5 | tail -n 1)
	segment=copy/log/$(basename "$(find copy/log -name '*.seg' | sort |
		head -n 1)")
	at=$(offset_of "$index" "$segment")
	flip "$((at + 30))" "$segment"
	run -9 --separate-stderr raft-dump --check copy
	[ -z "$output" ]
	[[ $stderr == "raft-dump: $segment: "*"byte "*"(index $index)"* ]]
	byte=$(sed -n 's/.* byte \([0-9]*\) .*/\1/p' <<<"$stderr")
	[ "$byte" -le "$((at + 30))" ]
	[ "$byte" -ge "$((at - 64))" ]
	# The hint's command works.
	run -0 raft-dump --raw -i ":$((index - 1))" copy
	run -9 --separate-stderr raft-dump --raw copy
	[ -n "$output" ]
	rm copy/machine/history.ndjson
	[ "$(raft-dump -q --raw -i ":$((index - 1))" copy)" = \
		"$(raft-dump --raw -i ":$((index - 1))" "$dir")" ]
	run -9 timeout 10 raft-node serve -D copy --id=1 -l 127.0.0.1:0 \
		--cluster="1=$RAFT_ENDPOINTS"
}

@test "raft-dump: a half-written end is left out, said, and no damage" {
	last=$(raft-append 'the last one')
	cp -r "$dir" copy
	rm copy/machine/history.ndjson
	segment=$(find copy/log -name '*.seg' | sort | tail -n 1)
	flip "$(($(offset_of "$last" "$segment") + 20))" "$segment"
	run -0 --separate-stderr raft-dump --raw copy
	[[ $output != *'the last one'* ]]
	[[ $stderr == *'bytes were only half written; left out'* ]]
	raft-dump -q --all --format='%i\n' copy | tail -n 1 |
		cmp - <(echo $((last - 1)))
	run -0 --separate-stderr raft-dump --check copy
	[[ $stderr == *half\ written* ]]
}

@test "raft-dump: what is not known to be committed is marked" {
	cluster_start 3
	seq 10 | raft-append --print=none
	leader=$(raft-status --leader)
	own=$(sed -n "s|^\([0-9]*\) $leader\$|$RAFT_CLUSTER_DIR/\1|p" \
		"$RAFT_CLUSTER_DIR/members")
	raft-cluster kill follower
	raft-cluster kill follower
	raft-append -t 1s --print=none -e "$leader" uncommitted || true
	raft-cluster kill all
	run -0 --separate-stderr raft-dump --raw "$own"
	[ "${lines[*]}" = '1 2 3 4 5 6 7 8 9 10 uncommitted' ]
	[[ $stderr == *'not known to be committed'* ]]
	run -0 raft-dump -q "$own"
	[[ ${lines[-2]} == *' data '*' 10' ]]
	[[ ${lines[-1]} == *' data(uncommitted) '*' uncommitted' ]]
	run -0 raft-dump -q -J "$own"
	jq -e '.committed == false' <<<"${lines[-1]}"
}

@test "raft-dump: a start that is not held exits 3 and names the first" {
	cluster_start 1 --trailing-entries=10
	head -c 400000 /dev/zero | tr '\0' x >entry
	for _ in {1..200}; do cat entry && printf '\0'; done |
		raft-append -0 -w 16 --print=none
	curl -sS --data '' "$RAFT_ENDPOINTS/v1/snapshots"
	segments() {
		find "$RAFT_CLUSTER_DIR/1/log" -name '*.seg' | sort
	}
	compacted() {
		[[ $(segments) != *00000000000000000001.seg* ]]
	}
	wait_for 10 compacted
	segment=$(segments | head -n 1)
	run -3 --separate-stderr raft-dump -i 1: "$segment"
	first=$(raft-dump -q --all --format='%i\n' "$segment" | head -n 1)
	[[ $stderr == *"the first held is $first"* ]]
	# History and log as one have everything.
	[ "$(raft-dump --format='%i\n' "$RAFT_CLUSTER_DIR/1" | wc -l)" -eq 200 ]
}
