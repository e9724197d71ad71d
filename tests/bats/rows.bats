#!/usr/bin/env bats

# The table of situations and the tests that hold them; and those situations
# that nothing but real members can be in.

load helpers

cd "$BATS_TEST_DIRNAME/../.." || exit

@test "rows: every row is held by a test" {
	run -0 sh tests/tools/rows.sh
	[ "${#lines[@]}" -ge 100 ]
}

@test "rows: one that no test holds exits 1" {
	{
		cat tests/rows.txt
		echo 'c99  nobody tests this'
	} >"$BATS_TEST_TMPDIR/rows"
	run -1 sh tests/tools/rows.sh "$BATS_TEST_TMPDIR/rows"
	[ "${lines[-1]}" = "c99 | nobody tests this | NONE" ]
}

@test "rows: a test of a row that is none exits 1" {
	sed '/^r2 /d' tests/rows.txt >"$BATS_TEST_TMPDIR/rows"
	run -1 --separate-stderr sh tests/tools/rows.sh "$BATS_TEST_TMPDIR/rows"
	[[ $stderr == "no such row: scenario: r2_"* ]]
}

# A member that does not lead.
a_follower() {
	raft-status -J | jq -rn \
		'first(inputs | select(.status.role == "follower") | .id)'
}

@test "rows: c2: a number that is too old is refused, and applied never" {
	cluster_start 1
	url=$(url_of 1)
	for seq in $(seq 2 2 40); do
		curl -sSf -H "Idempotency-Key: s/$seq" -d "n$seq" "$url/v1/log"
	done
	curl -sS -H "Idempotency-Key: s/2" -d n2 -w '%{http_code}' \
		"$url/v1/log" >"$BATS_TEST_TMPDIR/answer"
	grep -q 'session-expired.*410$' <(tr -d '\n' \
		<"$BATS_TEST_TMPDIR/answer")
	[ "$(raft-dump --raw | grep -cx n2)" -eq 1 ]
}

@test "rows: c3: what was forwarded once is not forwarded again" {
	cluster_start 3
	raft-append first
	id=$(a_follower)
	run -0 curl -sS -H 'Raft-Forwarded: 1' -d second -w '\n%{http_code}' \
		"$(url_of "$id")/v1/log"
	[ "${lines[-1]}" = 503 ]
	[[ $output == *too-many-hops* ]]
	[ "$(raft-dump --raw)" = first ]
	# The same, without: one hop is enough.
	[ "$(curl -sSf -d second "$(url_of "$id")/v1/log")" -gt 0 ]
	[ "$(raft-dump --raw)" = "first
second" ]
}
