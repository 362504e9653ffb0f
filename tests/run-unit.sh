#!/bin/bash
# Run the unit tests: each on the numbers of ranks that its first line names (`/* ranks: 1 2 4 */`). T="test_x test_y" picks some.
set -eu
cd "$(dirname "$0")/.."
suite=unit
. tests/run-common.sh

run_one() { # name, ranks
    local log=$TMP_TOP/log status=0 start=$SECONDS line checks bad
    mkdir "$TMP_TOP/work"
    TMPDIR=$TMP_TOP/work TMP=$TMP_TOP/work limited 120 "$MPIRUN" -np "$2" "$BUILD/tests/$1" >"$log" 2>&1 || status=$?
    rm -rf "$TMP_TOP/work"
    # Check's own line: `100%: Checks: 7, Failures: 0, Errors: 0`
    line=$(grep -E '^[0-9]+%: Checks: ' "$log" | tail -n 1 || true)
    checks=$(printf '%s' "$line" | sed 's/.*Checks: \([0-9]*\),.*/\1/')
    bad=$(printf '%s' "$line" | awk -F'[:,]' '{ print $5 + $7 }')
    if [ "$status" = 0 ] && [ "${checks:-0}" -gt 0 ] && [ "$bad" = 0 ]; then
        echo "ok - $1, $2 ranks ($checks checks, $((SECONDS - start)) s)"
        passed=$((passed + checks))
        return 0
    fi
    [ "$status" != 124 ] || echo "out of time"
    echo "not ok - $1, $2 ranks: status $status"
    sed 's/^/    /' "$log"
    failed=$((failed + (${bad:-0} > 0 ? ${bad:-0} : 1)))
    [ -z "$line" ] || passed=$((passed + checks - ${bad:-0}))
}

found=''
for source in tests/unit/test_*.c; do
    [ -e "$source" ] || continue
    name=$(basename "$source" .c)
    case " ${T:-$name} " in *" $name "*) ;; *) continue ;; esac
    found=1
    if [ ! -x "$BUILD/tests/$name" ]; then
        echo "skip - $name: the library Check is not there"
        skipped=$((skipped + 1))
        continue
    fi
    ranks=$(sed -n '1s/.*ranks:\([0-9 ]*\).*/\1/p' "$source")
    for n in ${ranks:-1}; do run_one "$name" "$n"; done
done
[ -n "$found" ] || echo "unit: there are no tests"
report
