#!/bin/bash
# Run the tests of the CUDA back end that need no GPU (tests/gpu/host): each under sanitizers, with threads of blocks in both orders.
# T="test_x test_y" picks some.
set -eu
cd "$(dirname "$0")/.."
suite=gpu-on-host
. tests/run-common.sh

run_one() { # name, order
    local log=$TMP_TOP/log status=0 start=$SECONDS
    PS_HOST_ORDER=$2 limited 120 "$BUILD/host/$1" >"$log" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        echo "ok - $1, threads $2 ($((SECONDS - start)) s)"
        passed=$((passed + 1))
        return 0
    fi
    [ "$status" != 124 ] || echo "out of time"
    echo "not ok - $1, threads $2: status $status"
    sed 's/^/    /' "$log"
    failed=$((failed + 1))
}

for source in tests/gpu/host/test_*; do
    [ -e "$source" ] || continue
    name=$(basename "${source%.*}")
    case " ${T:-$name} " in *" $name "*) ;; *) continue ;; esac
    if [ ! -x "$BUILD/host/$name" ]; then
        echo "skip - $name: there is no C++ compiler"
        skipped=$((skipped + 1))
        continue
    fi
    run_one "$name" forward
    run_one "$name" reverse
done
report
