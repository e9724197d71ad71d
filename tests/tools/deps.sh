#!/bin/sh
# deps.sh - install from Debian what is missing: deps.sh build|test|lint...
#
# Says what it installs, and installs nothing that is here already. Needs root
# or sudo; without either it prints the command that somebody else may run.
set -eu

missing=
need() {
	missing="$missing $1"
}
have() {
	command -v "$1" >/dev/null 2>&1
}
library() {
	have pkg-config && pkg-config --exists "$1"
}
compiles() {
	have "${CC:-cc}" && printf '#include <stdio.h>\n' |
		"${CC:-cc}" -E - >/dev/null 2>&1
}

[ $# -gt 0 ] || set -- build
for what; do
	case $what in
	build)
		compiles || need gcc
		compiles || need libc6-dev
		have pkg-config || need pkg-config
		library libcurl || need libcurl4-openssl-dev
		library jansson || need libjansson-dev
		library libmicrohttpd || need libmicrohttpd-dev
		;;
	test)
		library cmocka || need libcmocka-dev
		have prove || need perl
		have bats || need bats
		have curl || need curl
		have jq || need jq
		have strace || need strace
		;;
	lint)
		have clang-14 || need clang-14
		have clang-format-14 || need clang-format-14
		have shellcheck || need shellcheck
		have mandoc || need mandoc
		;;
	*)
		printf 'deps.sh: %s: not build, test or lint\n' "$what" >&2
		exit 2
		;;
	esac
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
command="apt-get install -y --no-install-recommends$missing"
printf 'These Debian packages are missing:%s\n' "$missing" >&2
if ! have apt-get || { [ -n "$as_root" ] && ! have sudo; }; then
	printf 'Have them installed, then try again:\n  %s\n' "$command" >&2
	exit 1
fi
printf 'Installing them: %s%s\n' "${as_root:+sudo }" "$command" >&2
# Old package lists may still do, so that the install decides.
$as_root apt-get update -qq >/dev/null || true
# shellcheck disable=SC2086 # Words of a command, all from above.
$as_root env DEBIAN_FRONTEND=noninteractive $command -qq >/dev/null || {
	printf 'That failed. Run by hand, then try again:\n  %s\n' \
		"${as_root:+sudo }$command" >&2
	exit 1
}
