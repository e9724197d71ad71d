#!/bin/sh
# symbols.sh - the core is pure, and nobody calls a banned function
set -eu

b=${B:-build/plain}
[ -d "$b/lib" ] || {
	printf 'nothing is built in %s: run make first\n' "$b"
	exit 1
}
{
	# What the core may call besides itself: mem*, assert, and four
	# modules of base. The sanitizers' and the stack protector's
	# helpers are the compiler's, not ours.
	nm --defined-only "$b"/lib/core/*.o | awk 'NF == 3 { print $3 }' |
		sort -u >"$b/core.defined"
	nm -u "$b"/lib/core/*.o | awk '$1 == "U" { print $2 }' |
		sort -u | grep -vxFf "$b/core.defined" |
		grep -vE '^(mem|bytes_|prng_|trace_|limit_)' |
		grep -vE '^__(assert_fail|stack_chk_fail|asan|ubsan|tsan)' |
		sed 's/^/lib\/core calls /; s/$/: the core is pure/'
	banned='strcpy|strcat|sprintf|vsprintf|strtok|atoi|gets|rand|srand|time'
	banned="$banned|gettimeofday|stpcpy"
	nm -uA "$b"/lib/*/*.o "$b"/cmd/*.o 2>/dev/null |
		grep -E " U ($banned)(@.*)?\$" |
		sed 's/$/: banned; see the style/'
	nm -uA "$b"/lib/*/*.o | grep -vE '/base/mem\.o' |
		grep -E ' U (malloc|calloc|realloc|free|strdup)$' |
		grep -vE '/(wire|base/json)' |
		sed 's/$/: use mem_alloc and mem_free/'
	nm -uA "$b"/lib/*/*.o | grep -E ' U (printf|puts|putchar|perror)$' |
		sed 's/$/: a library does not print/'
} | awk '1; END { exit NR > 0 }'
