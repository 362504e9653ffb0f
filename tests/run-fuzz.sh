#!/bin/bash
# Run each fuzzer for FUZZ_SECONDS (60) from the seeds in tests/fuzz/seeds/NAME, if there are any. A finding is kept in $BUILD/fuzz.
set -eu
cd "$(dirname "$0")/.."
suite=fuzz
. tests/run-common.sh
seconds=${FUZZ_SECONDS:-60}
for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || { echo 'fuzz: there are no fuzzers' && break; }
    name=$(basename "$source" .c)
    corpus=$TMP_TOP/$name
    mkdir "$corpus"
    [ ! -d "tests/fuzz/seeds/$name" ] || cp -r "tests/fuzz/seeds/$name/." "$corpus"
    if TMPDIR=$TMP_TOP limited $((seconds + 60)) "$BUILD/fuzz/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
        -artifact_prefix="$BUILD/fuzz/$name-" -print_final_stats=1 "$corpus" >"$TMP_TOP/log" 2>&1; then
        echo "ok - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$TMP_TOP/log") inputs in $seconds s"
        passed=$((passed + 1))
    else
        echo "not ok - $name"
        tail -n 40 "$TMP_TOP/log" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
done
report
