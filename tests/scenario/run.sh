#!/bin/sh
# run.sh - run scenarios: what the driver prints must be what is written there
#
# usage: [UPDATE=1] run.sh FILE...
#
# A file holds commands for core-drive -s, each followed by its exact trace;
# the file's name is the claim. Prints TAP, two tests a file: that the trace is
# the same, and that every expectation in it is met. With UPDATE=1 the file
# takes the new trace, to be reviewed; what is not met stays an error.
set -eu

[ $# -gt 0 ] || {
	printf 'usage: [UPDATE=1] run.sh FILE...\n' >&2
	exit 2
}
drive=${RAFTKIT_TESTS:-build/plain/tests}/core-drive
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
number=0

# report STATUS TEXT - print one test, and what $dir/why says of a failure
report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$number" "$2"
	else
		printf 'not ok %d - %s\n' "$number" "$2"
		sed 's/^/# /' "$dir/why"
		failed=1
	fi
}

printf '1..%d\n' $((2 * $#))
for file; do
	claim=$(basename "$file" .txt | tr _ ' ')
	met=0
	"$drive" -s <"$file" >"$dir/trace" || met=$?
	[ -z "${UPDATE:-}" ] || cp "$dir/trace" "$file"
	same=0
	diff -u "$file" "$dir/trace" >"$dir/why" || same=$?
	report "$same" "$claim: the trace is as written"

	# What the driver itself refuses is a mistake in the scenario.
	! grep -E '"expect":"not met"|"rc":-1,"code":"input"' "$dir/trace" \
		>"$dir/why" || met=1
	grep -q '"expect":"met"' "$dir/trace" || {
		printf 'it expects nothing\n' >>"$dir/why"
		met=1
	}
	report "$met" "$claim: what it expects is met"
done
exit "$failed"
