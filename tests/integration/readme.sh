#!/bin/bash
# What README.md tells a newcomer to type is there.
set -eu
. tests/lib.sh
targets=$(make help | sed -n 's/^  \([a-z-]*\) .*/\1/p')
# shellcheck disable=SC2013 # words are wanted
for t in $(grep -ohE '(^|[`(])make [a-z-]+' README.md docs/*.md | sed 's/.*make //' | sort -u); do
    expect "readme: make $t" grep -qx "$t" <<<"$targets"
done
# shellcheck disable=SC2013
for p in $(grep -ohE '(^|[ `])bin/[a-z0-9-]+' README.md | sort -u); do
    expect "readme: $p" test -x "$BIN/${p#*bin/}"
done
# shellcheck disable=SC2013
for f in $(grep -oE '\]\([^)#:]+' README.md | sed 's/.*(//' | sort -u); do
    expect "readme: $f" test -e "$f"
done
