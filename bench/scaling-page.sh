#!/bin/bash
# Write the tables and figures of docs/scaling.md anew, from the records that bench/scaling.sh left: what stands there between `<!-- study PROGRAM -->`
# and `<!-- /study -->`, and docs/scaling/PROGRAM-speedup.svg.
# usage: scaling-page.sh      BENCH_DATA folder of the records (bench-out/scaling)   BIN_DIR programs (bin)
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-bin} OUT=${BENCH_DATA:-bench-out/scaling}

# What programs count of their work themselves, the same in each repetition, on more ranks than were measured.
counted() { # program
    local what
    case $1 in
    hpdbscan) what='work of a rank (points held + 0.04 x distances), mean over largest' ;;
    pisvm-train) what="load balance that the plan expects from the problems' costs" ;;
    *) return ;;
    esac
    awk -v what="$what" '
        function value(key) { return match($0, "\"" key "\":[0-9.e+-]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : 0 }
        function add(balance) { if (ranks > 2 && !seen[ranks]++) list = list (list ? ", " : "") sprintf("%.3f on %d", balance, ranks) }
        /"event":"start"/ { ranks = value("ranks") }
        /"name":"label"/ { add(value("work") / ranks / value("work_max")) }
        /"event":"plan"/ { add(value("balance")) }
        END { if (list) print "\nCounted: " what ": " list "." }' "$OUT/$1.jsonl"
}

study() { # program: its part of the page
    printf '\n![Speed-up of %s: measured and simulated](scaling/%s-speedup.svg)\n\n' "$1" "$1"
    # the page itself says what the title and the notes say
    "$BIN/psml-results" scaling "$OUT/$1.jsonl" -o "$OUT/study" --use fastest | sed -e 1,2d -e '/^Of repetitions/d' -e '/^Simulated: /d' | cat -s | sed '$ { /^$/d }'
    counted "$1"
    echo
    cp "$OUT/study-$1-speedup.svg" "docs/scaling/$1-speedup.svg"
}

trap 'rm -f docs/scaling.md.new' EXIT
while IFS= read -r line; do
    case $line in
    '<!-- study '*) program=${line#<!-- study } program=${program% -->} && echo "$line" && study "$program" ;;
    '<!-- /study -->') program='' && echo "$line" ;;
    *) [ -n "${program-}" ] || printf '%s\n' "$line" ;;
    esac
done <docs/scaling.md >docs/scaling.md.new
mv docs/scaling.md.new docs/scaling.md
