#!/bin/bash
# Run tests/integration/*.sh (or those named). Each is a program that prints `ok - name`, `not ok - name`, `skip - name: reason`; a line
# `# timeout: N` in it sets its seconds (default 300). It finds $BIN $TOOLS $MPIRUN $DATA ("" = no real data here) and $TMP, an empty folder.
set -eu
cd "$(dirname "$0")/.."
suite=integration
. tests/run-common.sh

run_one() { # script
    local name log=$TMP_TOP/log status=0 seconds ok bad left start=$SECONDS
    name=$(basename "$1" .sh)
    seconds=$(sed -n 's/^# timeout: *\([0-9]*\).*/\1/p' "$1" | head -n 1)
    mkdir "$TMP_TOP/work"
    echo "# $name"
    TMPDIR=$TMP_TOP/work TMP=$TMP_TOP/work limited "${seconds:-300}" bash "$1" >"$log" 2>&1 || status=$?
    chmod -R u+rwX "$TMP_TOP/work"
    rm -rf "$TMP_TOP/work"
    ok=$(grep -c '^ok - ' "$log" || true) bad=$(grep -c '^not ok - ' "$log" || true) left=$(grep -c '^skip - ' "$log" || true)
    if [ "$bad" = 0 ] && [ "$status" != 0 ]; then
        bad=1
        echo "not ok - $name: status $status$([ "$status" != 124 ] || echo ' (out of time)')"
    elif [ $((ok + bad + left)) = 0 ]; then
        bad=1
        echo "not ok - $name: it reported nothing"
    fi
    if [ "$bad" = 0 ]; then grep -E '^(ok|skip) - ' "$log"; else sed -E '/^(ok|not ok|skip) - /!s/^/    /' "$log"; fi
    echo "# $name: $((SECONDS - start)) s"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
}

[ $# -gt 0 ] || set -- tests/integration/*.sh
for script in "$@"; do
    [ -e "$script" ] || script=tests/integration/$script.sh
    if [ ! -e "$script" ]; then
        echo "integration: there are no tests"
        continue
    fi
    run_one "$script"
done
report
