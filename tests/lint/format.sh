#!/bin/sh
# format.sh - every C file is as clang-format 14 would write it
set -eu

clang_format=${CLANG_FORMAT:-clang-format-14}
git ls-files '*.c' '*.h' | while read -r file; do
	[ -e "$file" ] || continue
	"$clang_format" "$file" | cmp -s - "$file" || printf '%s\n' "$file"
done | sed 's/$/: not as clang-format writes it; run make format/' |
	awk '1; END { exit NR > 0 }'
