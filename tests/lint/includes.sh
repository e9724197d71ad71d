#!/bin/sh
# includes.sh - includes point inward, and each library has one door
set -eu

# layer <allowed includes as an extended regular expression>
rules='
base raftkit\.h|base/.*
core raftkit\.h|core/.*|base/(bytes|mem|prng|trace|limits)\.h
store raftkit\.h|store/.*|core/(types|message)\.h|base/.*
wire raftkit\.h|wire/.*|core/(types|message)\.h|base/.*
machine raftkit\.h|machine/.*|core/(types|message)\.h|base/.*
client raftkit\.h|client/.*|wire/.*|base/.*
node raftkit\.h|(node|core|store|wire|machine|base)/.*
'
bad() {
	# shellcheck disable=SC2086 # A list of files.
	grep -nE "$1" $2 /dev/null | grep -vE "$3" || true
}
{
	printf '%s\n' "$rules" | while read -r layer allowed; do
		[ -n "$layer" ] || continue
		files=$(git ls-files "lib/$layer/*.c" "lib/$layer/*.h")
		[ -z "$files" ] || bad '^#include "' "$files" \
			"#include \"($allowed)\""
	done
	files=$(git ls-files 'cmd/*.c' 'cmd/*.h')
	[ -z "$files" ] ||
		bad '^#include "' "$files" '#include "(raftkit|cmd|cmd_dump)\.h"'
	files=$(git ls-files 'lib/*.c' 'lib/*.h' 'cmd/*.c' 'cmd/*.h')
	[ -z "$files" ] || {
		bad '#include <jansson' "$files" '^lib/(base/json|wire/codec)'
		bad '#include <microhttpd' "$files" '^lib/wire/inbound'
		bad '#include <curl' "$files" '^lib/wire/outbound'
	}
} | sed 's/$/   <- may not be included here/' | awk '1; END { exit NR > 0 }'
