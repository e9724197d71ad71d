#!/bin/sh
# lint.sh - run every lint script; exit 1 if any complains
set -eu

here=$(dirname "$0")
rc=0
for script in format includes length symbols shell man words; do
	if out=$(sh "$here/$script.sh" 2>&1); then
		printf 'ok - lint %s\n' "$script"
	else
		printf 'not ok - lint %s\n%s\n' "$script" "$out"
		rc=1
	fi
done
exit $rc
