#!/bin/sh
# run.sh - run the simulator: SEED if there is one, else the seeds that ever
# failed and then COUNT more. TAP.
set -eu

sim=${RAFTKIT_TESTS:-build/plain/tests}/sim-run
here=$(dirname "$0")

if [ -n "${SEED:-}" ]; then
	exec "$sim" --seed="$SEED" --steps="${STEPS:-20000}"
fi
{
	sed '/^#/d' "$here/seeds" | while read -r seed steps _; do
		"$sim" --seed="$seed" --steps="$steps" || exit
	done
	"$sim" --seed="${FROM:-1000}" --steps="${STEPS:-20000}" \
		--count="${COUNT:-250}" || exit
} | awk '
	/^1\.\./ { next }
	/^(not )?ok/ { n++ }
	{ print; fflush() }
	END { print "1.." n }'
