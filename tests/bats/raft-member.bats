#!/usr/bin/env bats
# raft-member: what it prints, refuses and repeats.

load helpers

quorum() { # the last line of the list
	raft-member list | tail -n 1
}

kind_of() { # ID
	raft-member list -J | jq -r "select(.id == $1).kind"
}

is_kind() { # ID KIND
	[ "$(kind_of "$1")" = "$2" ]
}

@test "raft-member: list shows a row a member, and the quorum" {
	cluster_start 3
	[ "$(raft-member list | wc -l)" = 5 ]
	[ "$(quorum)" = "quorum 2 of 3, 3 up" ]
	[ "$(raft-member list -J | jq -s 'map(.kind) | unique | .[]')" = '"voter"' ]
}

@test "raft-member: a dry run says what would be and does nothing" {
	cluster_start 3
	[ "$(raft-member remove -n 3)" = \
		"quorum 2 of 3 -> 2 of 2 (nothing was done)" ]
	[ "$(raft-member add -n --voter 4 127.0.0.1:9)" = \
		"quorum 2 of 3 -> 3 of 4 (nothing was done)" ]
	[ "$(quorum)" = "quorum 2 of 3, 3 up" ]
}

# How often the voters have changed.
changes() {
	raft-dump -J -y configuration | jq -c '.data | fromjson | .voters' |
		uniq | wc -l
}

@test "raft-member: what is done already is not done again" {
	local before
	cluster_start 3
	[ "$(raft-member remove 3)" = "quorum 2 of 3 -> 2 of 2" ]
	before=$(changes)
	[ "$(raft-member remove 3)" = \
		"quorum 2 of 2 -> 2 of 2 (it is so already)" ]
	[ "$(raft-member remove -J 3 | jq .index)" -gt 0 ]
	raft-member promote 1
	raft-member add 1 "$(url_of 1)"
	[ "$(changes)" = "$before" ]
}

@test "raft-member: set moves from any set to any set of known members" {
	cluster_start 5
	run -0 raft-member set "1=$(url_of 1)" "2=$(url_of 2)"
	[ "$output" = "quorum 3 of 5 -> 2 of 2" ]
	run -7 --separate-stderr raft-member set "3=$(url_of 3)" \
		"4=$(url_of 4)" "5=$(url_of 5)"
	[[ "${stderr_lines[0]}" == *"the quorum would be lost"* ]]
	for id in 3 4 5; do
		raft-member add --learner "$id" "$(url_of "$id")"
	done
	raft-append one
	wait_for 5 raft-member set "3=$(url_of 3)" "4=$(url_of 4)" \
		"5=$(url_of 5)"
	raft-status -t 10s --wait=leader
	RAFT_ENDPOINTS=$(url_of 3) raft-append two
	[ "$(RAFT_ENDPOINTS=$(url_of 3) quorum)" = "quorum 2 of 3, 3 up" ]
}

@test "raft-member: what would lose the quorum is refused with 7" {
	cluster_start 3
	raft-cluster kill 3
	wait_for 5 sh -c '! raft-member remove -n 2'
	run -7 --separate-stderr raft-member remove 2
	[[ "${stderr_lines[0]}" == *"of the 2 voters 1 are known to be up"* ]]
	[[ "${stderr_lines[1]}" == *"first"* ]]
	raft-append 'works as before'
	raft-member remove 3
	[ "$(quorum)" = "quorum 2 of 2, 2 up" ]
}

@test "raft-member: the last voter cannot be removed" {
	cluster_start 1
	run -7 --separate-stderr raft-member remove 1
	[[ "${stderr_lines[0]}" == *"there must be a voter"* ]]
}

@test "raft-member: another address or id in use is a contradiction" {
	cluster_start 3
	run -7 raft-member add 3 127.0.0.1:9
	run -7 raft-member add 4 "$(url_of 3)"
	run -3 raft-member promote 9
	run -3 raft-member transfer 9
	run -2 raft-member add 4 nowhere
	run -2 raft-member add 4
	run -2 raft-member promote
	run -2 raft-member forget 4
}

@test "raft-member: a learner that is not up is not promoted" {
	cluster_start 1
	raft-member add --learner 2 "127.0.0.1:$(free_port)"
	[ "$(kind_of 2)" = learner ]
	run -7 --separate-stderr raft-member promote 2
	[[ "${stderr_lines[0]}" == *"has not caught up yet"* ]]
	raft-append 'and appends go on'
	raft-member remove 2
}

@test "raft-member: transfer makes another the leader" {
	local to
	cluster_start 3
	raft-append one
	for to in 2 3 1; do
		raft-member transfer "$to"
		[ "$(raft-status --leader)" = "$(url_of "$to")" ]
		raft-append "$to"
	done
	[ "$(raft-member transfer 1)" = "leader 1 -> 1" ]
	raft-member transfer
	[ "$(raft-status --leader)" != "$(url_of 1)" ]
}

@test "raft-member: transfer to a member that is down changes nothing" {
	cluster_start 3
	raft-member transfer 1
	raft-cluster kill 2
	wait_for 5 sh -c '! raft-member transfer -n 2'
	run -7 raft-member transfer 2
	[ "$(raft-status --leader)" = "$(url_of 1)" ]
	raft-append 'goes on'
}
