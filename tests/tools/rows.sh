#!/bin/sh
# rows.sh - which tests hold each row of tests/rows.txt
#
# usage: rows.sh [FILE]
#
# A test holds a row if its name begins with the row's id; a name may begin
# with several. Names are those of the tests in tests/unit and tests/bats (there
# perhaps behind a "word: ") and of the files in tests/scenario. Prints a line a row:
#
#	id | what it is about | tests
#
# Exits 1 if a row is held by no test, or if a name begins as if with a row's
# id, and there is no such row.
set -eu

rows=${1:-tests/rows.txt}

# Each test as "place name", in lower case with _ between words.
{
	for file in tests/scenario/*.txt; do
		file=${file##*/}
		printf 'scenario %s\n' "${file%.txt}"
	done
	for file in tests/unit/test_*.c; do
		place=${file##*/}
		sed -n "s/^\([a-z0-9_]*\)(void \*\*state)\$/${place%.c} \1/p" \
			"$file"
	done
	for file in tests/bats/*.bats; do
		place=${file##*/}
		sed -n 's/^@test "\(.*\)" {$/\1/p' "$file" |
			sed 's/^[a-z-]*: //; s/[^A-Za-z0-9]\{1,\}/_/g' |
			tr '[:upper:]' '[:lower:]' | sed "s/^/${place%.bats} /"
	done
} | awk '
	# The id that the name begins with, or nothing.
	function id_of(name) {
		if (!match(name, /^(([a-z]+_)?[a-z][0-9]+|figure_[0-9]+)_/))
			return ""
		return substr(name, 1, RLENGTH - 1)
	}
	function family_of(id) {
		sub(/[0-9]+$/, "", id)
		return id
	}
	FNR == NR {
		if ($0 !~ /^[a-z]/)
			next
		ids[++count] = $1
		family[family_of($1)] = 1
		phrase[$1] = $0
		sub(/^[^ ]+ +/, "", phrase[$1])
		next
	}
	{
		name = $2
		while ((id = id_of(name)) != "" && family_of(id) in family) {
			if (!(id in phrase)) {
				print "no such row: " $1 ": " $2 | "cat >&2"
				failed = 1
			}
			tests[id] = tests[id] ", " $1 ": " $2
			name = substr(name, length(id) + 2)
		}
	}
	END {
		for (i = 1; i <= count; i++) {
			id = ids[i]
			if (!(id in tests)) {
				tests[id] = ", NONE"
				failed = 1
			}
			print id " | " phrase[id] " | " substr(tests[id], 3)
		}
		exit failed
	}
' "$rows" -
