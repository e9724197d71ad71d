#!/bin/sh
# shell.sh - shellcheck finds nothing in any shell script
set -eu

# shellcheck disable=SC2046 # File names here hold no spaces.
shellcheck $(git ls-files '*.sh' '.ci/run')
bats=$(git ls-files 'tests/bats/*.bats' 'tests/bats/*.bash')
# shellcheck disable=SC2086 # A list of files.
# SC2030, SC2031: each bats test is a subshell on purpose.
[ -z "$bats" ] || shellcheck -e SC2030,SC2031,SC2154,SC1091 $bats
