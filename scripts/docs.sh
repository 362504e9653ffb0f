#!/bin/sh
# The parameter table of docs/apps/PROGRAM.md, between <!-- parameters --> and <!-- /parameters -->, comes from `PROGRAM --help-markdown`.
# usage: docs.sh [--check]   (--check compares and writes nothing)
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-$PWD/bin}
# shellcheck source=tests/env.sh
. tests/env.sh
new=$(mktemp)
trap 'rm -f "$new" "$new.table"' EXIT
status=0
for p in ${PROGRAMS_PRESENT:-}; do
    page=docs/apps/$p.md
    if ! grep -q '^<!-- parameters -->$' "$page" 2>/dev/null || ! grep -q '^<!-- /parameters -->$' "$page"; then
        echo "$page: missing, or without the lines <!-- parameters --> and <!-- /parameters -->"
        status=1
        continue
    fi
    "$BIN/$p" --help-markdown >"$new.table"
    awk -v table="$new.table" '
        $0 == "<!-- /parameters -->" { out = 0 }
        !out { print }
        $0 == "<!-- parameters -->" { out = 1; while ((getline line < table) > 0) print line }' "$page" >"$new"
    cmp -s "$new" "$page" && continue
    if [ "${1:-}" = --check ]; then
        echo "$page: its parameter table differs from $p --help-markdown; 'make docs' writes it anew"
        diff "$page" "$new" | head -n 12 || true
        status=1
    else
        cat "$new" >"$page"
        echo "$page: written"
    fi
done
exit $status
