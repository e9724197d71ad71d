#!/usr/bin/env bats

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

count() { # DATA: how many entries hold it
	raft-dump --raw | grep -cxF -- "$1"
}

leads_not() { # ID
	run ! curl -fsS "$(url_of "$1")/leaderz"
}

printed() { # COUNT: lines of the file indexes
	[ "$(wc -l <indexes)" -eq "$1" ]
}

@test "raft-append: --help goes to standard output and shows examples" {
	run -0 --separate-stderr raft-append --help
	[[ $output == *Examples:* ]]
	[ -z "$stderr" ]
}

@test "raft-append: an unknown option exits 2 and names the nearest" {
	run -2 --separate-stderr raft-append --sesion=a x
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *"did you mean --session?" ]]
	[ "${stderr_lines[1]}" = "Try 'raft-append --help'." ]
}

@test "raft-append: options that contradict each other exit 2" {
	run -2 raft-append -1 x
	run -2 raft-append -1 -J
	run -2 raft-append --print=all x
	run -2 raft-append -t soon x
	run -2 raft-append --session='a b' x
}

@test "raft-append: nobody listening exits 4 and prints no index" {
	url=127.0.0.1:$(free_port)
	run -4 --separate-stderr raft-append -e "$url" x
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = \
		"raft-append: cannot reach $url: connection refused" ]
	[[ ${stderr_lines[1]} == "  nothing was appended. "* ]]
}

@test "raft-append: nobody listening is a problem object with -J" {
	run -4 --separate-stderr raft-append -J -e "127.0.0.1:$(free_port)" x
	[ -z "$output" ]
	jq -e '.exit == 4 and .outcome == "none" and .retryable' <<<"$stderr"
}

@test "raft-append: one of three members alive exits 5, nothing appended" {
	cluster_start 3
	raft-append first
	raft-cluster kill 2
	raft-cluster kill 3
	wait_for 10 leads_not 1
	run -5 --separate-stderr raft-append -t 2s lost
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "raft-append: no leader: 1 of 3 members \
reachable (1 up; 2, 3: connection refused)" ]
	[[ ${stderr_lines[1]} == "  nothing was appended. Waited "* ]]
	[[ ${stderr_lines[1]} == *"see: raft-status -e $(url_of 1)" ]]
	run -5 --separate-stderr raft-append -J -t 1s lost
	jq -e '.outcome == "none"' <<<"$stderr"
	raft-cluster restart 2
	raft-append -t 10s second
	[ "$(raft-dump --raw)" = "first
second" ]
}

@test "raft-append: a member cut off after sending exits 6, once in the end" {
	cluster_start 1
	raft-append first
	raft-cluster pause 1
	run -6 --separate-stderr raft-append -t 1s --session=s1 second
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "raft-append: outcome unknown: "* ]]
	[[ ${stderr_lines[1]} == *"repeat safely: raft-append --session=s1"* ]]
	raft-cluster resume 1
	raft-append -t 10s --session=s1 second
	raft-append --session=s1 second
	[ "$(count second)" -eq 1 ]
}

@test "raft-append: c1: a leader killed after sending is not noticed" {
	cluster_start 3
	raft-append first
	leader=$(raft-status -J | jq -r \
		'select(.status.role == "leader") | .id')
	followers=$(printf '%s\n' 1 2 3 | grep -v "$leader")
	for id in $followers; do raft-cluster pause "$id"; done
	raft-append -t 20s second >index &
	append=$!
	sleep 0.3 # It is on its way to the leader, which cannot commit it.
	raft-cluster kill "$leader"
	for id in $followers; do raft-cluster resume "$id"; done
	wait "$append"
	[ "$(count second)" -eq 1 ]
	[ "$(raft-dump --format='%i' -n 1)" = "$(cat index)" ]
}

@test "raft-append: an oversize entry exits 7, what is before it is in" {
	cluster_start 1
	{
		seq 5
		head -c 1048577 /dev/zero | tr '\0' x
		printf '\nseven\n'
	} >input
	run -7 --separate-stderr raft-append <input
	[ "${#lines[@]}" -eq 5 ]
	[[ ${stderr_lines[0]} == "raft-append: line 6: "*"1048577 bytes; at \
most 1048576" ]]
	[ "$(raft-dump --raw)" = "$(seq 5)" ]
	run -7 --separate-stderr raft-append -1 <input
	[[ ${stderr_lines[0]} == "raft-append: entry 1 "* ]]
}

@test "raft-append: a wrong cluster exits 8" {
	cluster_start 1
	run -8 --separate-stderr raft-append --cluster=0123456789abcdef x
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *"not 0123456789abcdef"* ]]
	[[ ${stderr_lines[1]} == "  "* ]]
	[ -z "$(raft-dump --raw)" ]
}

@test "raft-append: arguments, lines, NULs and JSON come back exactly" {
	cluster_start 1
	raft-append a '' "$(printf 'new\nline')" é
	printf 'x\n\nlast' | raft-append
	printf 'b\nc\0\0\n\0' | raft-append -0
	printf '\0\n' | raft-append -1
	printf '\377\r' | raft-append -1
	printf '%s\n' '{"data":"j\u0001k"}' '{"data_base64":"/w=="}' |
		raft-append -J
	raft-dump --format='%x\n' >got
	printf '%s\n' 61 '' 6e65770a6c696e65 c3a9 78 '' 6c617374 \
		620a63 '' 0a 000a ff0d 6a016b ff | cmp - got
}

@test "raft-append: entries of 1 MiB come back exactly" {
	cluster_start 3
	head -c 1048576 /dev/urandom >big
	raft-append -1 <big
	raft-dump --raw -n 1 | cmp - big
	base64 -w 0 big | fold -w 1048575 >lines
	raft-append --print=none <lines
	raft-dump --raw -n 2 | cmp - <(cat lines && echo)
}

@test "raft-append: -J takes what raft-dump -J prints" {
	cluster_start 1
	printf 'a\0\n\377\0' | raft-append -0
	raft-dump -J >first
	raft-append -J --print=none <first
	diff <(raft-dump --format='%x\n' -n 2) \
		<(raft-dump --format='%x\n' -n 4 | head -n 2)
}

@test "raft-append: --print says what to print for each" {
	cluster_start 1
	index=$(raft-append a)
	[ "$(raft-append --print=index b)" -eq $((index + 1)) ]
	[ -z "$(raft-append --print=none c)" ]
	raft-append -J d | jq -e ".index == $((index + 3)) and .term > 0"
	[ "$(raft-append --format='%i=%d;' e f)" = \
		"$((index + 4))=e;$((index + 5))=f;" ]
	run -0 raft-append </dev/null
	[ -z "$output" ]
}

@test "raft-append: a line that is typed is appended at once" {
	cluster_start 1
	mkfifo typed
	raft-append <typed >indexes &
	exec 4>typed
	echo one >&4
	wait_for 5 test -s indexes
	[ "$(raft-dump --raw)" = one ]
	echo two >&4
	wait_for 5 printed 2
	exec 4>&-
	wait $!
}

@test "raft-append: c1: --session makes the same command safe to repeat" {
	cluster_start 1
	first=$(raft-append --session=s1 a b c)
	[ "$(raft-append --session=s1 a b c)" = "$first" ]
	run -7 --separate-stderr raft-append --session=s1 a b other
	[ "$output" = "$(head -n 2 <<<"$first")" ]
	[[ ${stderr_lines[0]} == "raft-append: argument 3: "* ]]
	raft-append --session=s2 --print=none a
	[ "$(raft-dump --raw)" = "a
b
c
a" ]
}

@test "raft-append: --resume goes on exactly once" {
	cluster_start 1
	seq 10 >input
	head -n 4 input | raft-append --session=r1 --resume=ck --print=none
	run -0 raft-append --resume=ck <input
	[ "${#lines[@]}" -eq 6 ]
	run -0 raft-append --resume=ck <input
	[ -z "$output" ]
	# As if the last acknowledgement had not been kept.
	sed -i 's/acknowledged 10/acknowledged 8/' ck
	run -0 raft-append --resume=ck <input
	[ "${#lines[@]}" -eq 2 ]
	raft-dump --raw | cmp - input
	run -2 raft-append --session=other --resume=ck <input
	echo nonsense >ck
	run -9 raft-append --resume=ck <input
}

@test "raft-append: --resume keeps to its cluster" {
	cluster_start 1
	raft-append --resume=ck a
	cluster=$(sed -n 's/^cluster //p' ck)
	sed -i "s/^cluster .*/cluster 0123456789abcdef/" ck
	run -8 --separate-stderr raft-append --resume=ck a b
	[[ $stderr == *"$cluster"* ]]
}

@test "raft-append: kill -9 of the leader, and of raft-append, lose nothing" {
	cluster_start 3
	seq 200000 >input
	raft-append --resume=ck --print=none <input &
	append=$!
	wait_for 10 test -s ck
	kill -9 "$append"
	wait "$append" || true
	raft-append --resume=ck --print=none <input &
	append=$!
	sleep 0.1
	raft-cluster kill leader
	wait "$append"
	raft-dump --raw | cmp - input
}

@test "raft-append: SIGINT says what is in" {
	cluster_start 1
	mkfifo typed
	raft-append <typed >indexes 2>err &
	append=$!
	exec 4>typed
	seq 3 >&4
	wait_for 5 printed 3
	kill -TERM "$append"
	wait "$append" || [ $? -eq 143 ]
	exec 4>&-
	grep -q 'interrupted: 3 entries are in' err
}

@test "raft-append: a reader that goes away ends it quietly" {
	cluster_start 1
	seq 100000 | raft-append -w 100 2>err | head -n 1
	[ ! -s err ]
}

@test "raft-append: what cannot be printed exits 1" {
	cluster_start 1
	run -1 --separate-stderr sh -c 'raft-append x >/dev/full'
	[[ $stderr == "raft-append: write to standard output: No space"* ]]
	run -1 --separate-stderr sh -c 'raft-append y >&-'
	[[ $stderr == "raft-append: write to standard output: Bad file"* ]]
}

@test "raft-append: what cannot be read exits 1" {
	cluster_start 1
	run -1 --separate-stderr raft-append </
	[[ $stderr == *"read standard input: Is a directory" ]]
	run -1 --separate-stderr sh -c 'raft-append <&-'
	[[ $stderr == *"read standard input: Bad file descriptor" ]]
}
