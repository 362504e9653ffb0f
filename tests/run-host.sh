#!/bin/bash
# Run the tests of the CUDA back end that need no GPU (tests/gpu/host): each under sanitizers, with threads of blocks in both orders, and those of
# kernels under the one that finds races between threads.
# T="test_x test_y" picks some.
set -eu
cd "$(dirname "$0")/.."
suite=gpu-on-host
. tests/run-common.sh

run_one() { # name, how, seconds, variables and command...
    local log=$TMP_TOP/log status=0 start=$SECONDS
    limited "$3" env "${@:4}" >"$log" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        echo "ok - $1, $2 ($((SECONDS - start)) s)"
        passed=$((passed + 1))
        return 0
    fi
    [ "$status" != 124 ] || echo "out of time"
    echo "not ok - $1, $2: status $status"
    head -n 400 "$log" | sed 's/^/    /'
    failed=$((failed + 1))
}

for source in tests/gpu/host/test_*; do
    [ -e "$source" ] || continue
    name=$(basename "${source%.*}")
    [ "$name" != test_races ] || continue
    case " ${T:-$name} " in *" $name "*) ;; *) continue ;; esac
    if [ ! -x "$BUILD/host/$name" ]; then
        echo "skip - $name: there is no C++ compiler"
        skipped=$((skipped + 1))
        continue
    fi
    for order in forward reverse; do run_one "$name" "threads $order" 120 PS_HOST_ORDER=$order "$BUILD/host/$name"; done
done
# libraries' threads, which the sanitizer does not know, stay out of it
[ -x "$BUILD/host/races/test_races" ] || { echo 'skip - races: the compiler has no ThreadSanitizer with fibers, or it does not go with the build' && skipped=$((skipped + 1)); }
for program in "$BUILD"/host/races/test_*; do
    name=${program##*/}
    case " ${T:-$name} " in *" $name "*) [ ! -x "$program" ] || run_one "$name" races 600 OMP_THREAD_LIMIT=1 "$program" ;; esac
done
report
