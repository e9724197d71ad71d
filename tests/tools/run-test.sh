#!/bin/sh
# run-test.sh - run one test file, by its kind, so that it prints TAP
#
# prove hands over a unit test (a program), a bats file, a shell script or a
# scenario (a text file that the runner of scenarios compares). What a test
# says when it fails goes to standard error, too, as prove does not show it.
set -eu

run() {
	case $1 in
	*.bats) bats --tap --print-output-on-failure "$1" ;;
	*.sh) sh "$1" ;;
	*.txt) sh tests/scenario/run.sh "$1" ;;
	*) "$1" ;;
	esac
}

[ $# -eq 1 ] || {
	printf 'usage: run-test.sh FILE\n' >&2
	exit 2
}
# The status comes out through 3, as the pipe's is awk's.
exec 4>&1
status=$({
	{
		rc=0
		run "$1" 3>&- 4>&- || rc=$?
		printf '%d' "$rc" >&3
	} | awk -v name="${1##*/}" '
		/^(not )?ok/ { failed = /^not/ }
		failed { print name ": " $0 >"/dev/stderr" }
		{ print; fflush() }' >&4
} 3>&1)
exit "$status"
