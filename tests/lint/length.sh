#!/bin/sh
# length.sh - no function over 70 lines, no file over 600, commands about 200
set -eu

git ls-files '*.c' '*.h' '*.sh' | while read -r file; do
	[ -e "$file" ] || continue
	case $file in
	cmd/*.sh) most=140 ;; # Its help is in it.
	*.sh) most=100 ;;
	cmd/*) most=260 ;;
	tests/*) most=900 ;;
	*) most=600 ;;
	esac
	awk -v most="$most" -v file="$file" '
	# A function opens with a brace in column 0 and closes with one.
	/^{/ { start = NR }
	/^}/ && start {
		if (NR - start + 1 > 70)
			printf "%s:%d: function of %d lines; at most 70\n",
				file, start, NR - start + 1
		start = 0
	}
	END {
		if (NR > most)
			printf "%s: %d lines; at most %d\n", file, NR, most
	}' "$file"
done | awk '1; END { exit NR > 0 }'
