#!/bin/sh
# man.sh - mandoc finds nothing in any page, and no page is over 150 lines
set -eu

pages=$(git ls-files 'man/*')
[ -n "$pages" ] || exit 0
# shellcheck disable=SC2086 # A list of files.
mandoc -T lint -W warning $pages
for page in $pages; do
	# Pages of formats and protocols (5, 7) describe more than a program.
	case $page in *.1) ;; *) continue ;; esac
	lines=$(wc -l <"$page")
	[ "$lines" -le 150 ] || {
		printf '%s: %d lines; at most 150\n' "$page" "$lines"
		exit 1
	}
done
