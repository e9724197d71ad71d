#!/bin/sh
# run-test.sh - run one test file, by its kind, so that it prints TAP
#
# prove hands over a unit test (a program), a bats file, a shell script or a
# scenario (a text file that the runner of scenarios compares).
set -eu

[ $# -eq 1 ] || {
	printf 'usage: run-test.sh FILE\n' >&2
	exit 2
}
case $1 in
*.bats) exec bats --tap "$1" ;;
*.sh) exec sh "$1" ;;
*.txt) exec sh tests/scenario/run.sh "$1" ;;
*) exec "$1" ;;
esac
