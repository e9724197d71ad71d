#!/bin/sh
# raft-cluster - start, break and stop a cluster on this machine
# shellcheck disable=SC2046,SC2086 # Ids and options are words.
set -euf
usage="usage: raft-cluster up [-n N] [-d DIR] [-o OPTIONS]
       raft-cluster down|env|status [-d DIR]
       raft-cluster kill|pause|resume|restart [-d DIR] WHO
       raft-cluster run [-n N] [-d DIR] [-o OPTIONS] -- COMMAND [ARG...]
WHO is the id of a member, leader, follower (the first that runs) or all.
examples:
  eval \"\$(raft-cluster up)\" && seq 9 | raft-append && raft-cluster status
  raft-cluster kill leader && raft-append 'nobody noticed'
  raft-cluster run -n 5 -o --sync=off -- sh -c 'seq 9 | raft-append'"
die() { # STATUS MESSAGE
	printf 'raft-cluster: %s\n' "$2" >&2 && exit "$1"
}
members() { # 1: their ids, 2: their URLs
	cut -d ' ' -f "$1" "$dir/members"
}
# A member holds a lock as long as it lives: so no pid that has become another
# process' can deceive, and one can wait for a member's end.
gone() { # SECONDS ID
	flock -w "$1" "$dir/$2.lock" true
}
signal() { # SIGNAL ID...
	name=$1 && shift
	for id; do
		gone 0 "$id" || kill -s "$name" "$(cat "$dir/$id.pid")" ||
			gone 1 "$id"
	done
}
end() { # SIGNAL ID...
	signal "$@" && shift && signal CONT "$@"
	for id; do gone 20 "$id" || { signal KILL "$id" && gone 9 "$id"; }; done
}
start() { # ID...
	for id; do
		gone 0 "$id" || continue
		[ -p "$dir/$id.ready" ] || mkfifo "$dir/$id.ready"
		flock -F "$dir/$id.lock" raft-node serve -D "$dir/$id" \
			--id="$id" -l "$(sed -n "s|^$id http://||p" "$dir/members")" \
			--cluster="$(tr ' ' = <"$dir/members" | paste -sd ,)" \
			--ready-fd=3 $(cat "$dir/options") 3>"$dir/$id.ready" \
			</dev/null >"$dir/$id.trace" 2>&1 &
		printf '%s\n' "$!" >"$dir/$id.pid"
		read -r _ <"$dir/$id.ready" || return
	done
}
failed() {
	tail -n 3 "$dir/$id.trace" >&2
	die 1 "member $id did not start; see $dir/$id.trace"
}
choose() { # ports below those that the kernel gives out by itself
	seq "$count" | awk -v port="$(shuf -n 1 -i 20000-32000)" \
		'{ print $1, "http://127.0.0.1:" port + $1 }' >"$dir/members"
}
up() {
	tries=1 # A cluster that exists cannot move to other ports.
	if [ ! -e "$dir/members" ]; then
		mkdir "$dir" || die 2 "$dir: must be new, or a cluster's"
		printf '%s\n' "$options" >"$dir/options"
		tries=5 && choose
	fi
	until start $(members 1); do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || failed
		grep -q 'in use' "$dir/$id.trace" || failed
		end KILL $(members 1)
		for id in $(members 1); do rm -rf "${dir:?}/$id"; done
		choose
	done
	enter
	raft-status -t 30s --wait=leader >/dev/null
}
enter() {
	[ -e "$dir/members" ] || die 3 "$dir: no cluster there"
	RAFT_CLUSTER_DIR=$dir RAFT_ENDPOINTS=$(members 2 | paste -sd ,)
	export RAFT_CLUSTER_DIR RAFT_ENDPOINTS
}
pick() { # WHO
	case $1 in leader | follower) leader=$(raft-status --leader) ;; esac
	while read -r id url; do
		case $1 in
		all | "$id") ;;
		leader) [ "$url" = "$leader" ] || continue ;;
		follower)
			[ "$url" != "$leader" ] || continue
			! gone 0 "$id" || continue
			;;
		*) continue ;;
		esac
		printf '%s\n' "$id"
		[ "$1" = all ] || return 0
	done <"$dir/members"
	[ "$1" = all ] || die 3 "$1: no such member"
}
verb=${1-} count=3 options='' keep='' OPTIND=2
dir=${RAFT_CLUSTER_DIR:-$PWD/raft-cluster}
[ "$verb" != run ] || dir=$(mktemp -du)
while getopts n:d:o: option; do
	case $option in
	n) count=$OPTARG ;;
	d) dir=$(realpath -m "$OPTARG") keep=1 ;;
	o) options=$OPTARG ;;
	*) exit 2 ;;
	esac
done
case $count in [1-9] | 1[0-6]) ;; *) die 2 "-n $count: not 1 to 16" ;; esac
case $verb in
-h | --help) printf '%s\n' "$usage" && exit ;;
-V | --version) exec raft-node --version ;;
up) up ;;
run)
	trap 'if [ "$keep" ]; then end TERM $(members 1)
		else end KILL $(members 1) && rm -r "$dir"; fi' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	up
	;;
down | env | status | kill | pause | resume | restart) enter ;;
*) printf '%s\n' "$usage" >&2 && exit 2 ;;
esac
shift $((OPTIND - 1))
case $verb in kill | pause | resume | restart) who=$(pick "${1-}") ;; esac
case $verb in
up | env)
	printf "export RAFT_CLUSTER_DIR='%s' RAFT_ENDPOINTS='%s'\n" \
		"$dir" "$RAFT_ENDPOINTS"
	;;
down) end TERM $(members 1) ;;
status) raft-status ;;
kill) end KILL $who ;;
pause) signal STOP $who ;;
resume) signal CONT $who ;;
restart)
	end TERM $who
	start $who || failed
	;;
run) "$@" ;;
esac
