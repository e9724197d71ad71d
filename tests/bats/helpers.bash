# helpers.bash - what every bats file needs: programs, clusters, patience
#
# `load helpers` first. Everything is below $BATS_TEST_TMPDIR, so that tests
# run beside each other; what a test starts, teardown ends by its own pid.

bats_require_minimum_version 1.5.0

PATH=${RAFTKIT_BIN:-$BATS_TEST_DIRNAME/../../build/plain/bin}:$PATH
export RAFT_CLUSTER_DIR=$BATS_TEST_TMPDIR/cluster

# Start a cluster of COUNT members, raft-node's OPTIONS added, and set
# RAFT_ENDPOINTS. Member 2 has its data in $RAFT_CLUSTER_DIR/2.
cluster_start() { # COUNT [OPTION...]
	local exports
	exports=$(raft-cluster up -n "$1" -o "${*:2}") || return
	eval "$exports"
}

# End it at once; if the test fails, show what its members said.
cluster_stop() {
	local trace
	[ -e "$RAFT_CLUSTER_DIR/members" ] || return 0
	raft-cluster kill all
	[ -z "$BATS_TEST_COMPLETED" ] || return 0
	for trace in "$RAFT_CLUSTER_DIR"/*.trace; do
		printf '%s:\n' "${trace##*/}"
		tail -n 15 "$trace"
	done
}

teardown() {
	cluster_stop
}

# Try COMMAND until it succeeds; fail once SECONDS have passed.
wait_for() { # SECONDS COMMAND [ARG...]
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || {
			printf 'still not: %s\n' "$*"
			return 1
		}
		sleep 0.05
	done
}

# The URL of member ID.
url_of() { # ID
	sed -n "s/^$1 //p" "$RAFT_CLUSTER_DIR/members"
}

# A port of 127.0.0.1 on which nobody listens.
free_port() {
	local port
	while port=$(shuf -n 1 -i 20000-32000); do
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	printf '%s\n' "$port"
}

# Whether every member has applied exactly the lines of FILE, in its order.
members_hold() { # FILE
	local id
	while read -r id _; do
		raft-dump --raw "$RAFT_CLUSTER_DIR/$id" | cmp - "$1" || return
	done <"$RAFT_CLUSTER_DIR/members"
}
