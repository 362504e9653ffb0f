#!/bin/bash
# Seconds of hpdbscan on one GPU, beside all cores of the same machine: whole runs, and from the index to the labels. Each runs twice, the faster counts.
# A table ends it. usage: gpu-dbscan.sh NVCC ("" = there is none)
# BENCH_DATA  folder for data and results (bench-out)      GPU_BENCH_THREADS  of the processor (all)
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/gpu-found.sh
. tests/gpu-found.sh
# shellcheck source=bench/env.sh
. bench/env.sh
gpu_found "${1:-}" || { echo "skip - bench-gpu: $gpu_why" && exit 0; }
BIN=${BIN_DIR:-$PWD/bin} THREADS=${GPU_BENCH_THREADS:-$(nproc)} POINTS=10000000
OUT=${BENCH_DATA:-bench-out}/gpu-dbscan
mkdir -p "$OUT"
failed=0
: >"$OUT/rows"

whole_of() { sed -n 's/.*"event":"end",.*"elapsed":\([0-9.e+-]*\),.*/\1/p' "$1"; } # record: seconds
clustering_of() {                                                                  # record: seconds, as its slowest rank has them
    sed -n 's/.*"event":"phase",.*"name":"\(index\|core\|connect\|merge\|label\)",.*"max":\([0-9.e+-]*\),.*/\2/p' "$1" | awk '{ s += $1 } END { print s + 0 }'
}
fastest() { # back end, options...: `whole clustering` into $best
    local backend=$1 again
    shift
    best=''
    for again in 1 2; do
        rm -f "$OUT/record"
        if ! timeout 90 "$BIN/hpdbscan" "$@" --backend "$backend" --threads "$THREADS" --record "$OUT/record" -o "$OUT/labels.$backend.npy" >"$OUT/log" 2>&1 </dev/null; then
            echo "$*, $backend, run $again: failed:" && tail -n 5 "$OUT/log"
            failed=1
            return 1
        fi
        best=$(printf '%s\n' "$best" "$(whole_of "$OUT/record") $(clustering_of "$OUT/record")" | grep . | sort -g | head -n 1)
    done
    printf '%4d s  %-40s %-5s %8.3f s, clustering %8.3f s\n' $SECONDS "$*" "$backend" "${best% *}" "${best#* }"
}
row() { # kind, epsilon, minPoints
    local cuda same
    local options=("$OUT/$1.npy" -e "$2" -m "$3")
    [ -e "$OUT/$1.npy" ] || "$BIN/psml-data" generate "$1" "$OUT/$1.npy" --n $POINTS >/dev/null
    fastest cuda "${options[@]}" || return 0
    cuda=$best
    fastest cpu "${options[@]}" || return 0
    same=$(cmp -s "$OUT/labels.cuda.npy" "$OUT/labels.cpu.npy" && echo equal || echo DIFFERENT)
    [ "$same" = equal ] || failed=1
    echo "$cuda $best" | awk -v set="$1, $2, $3" -v n=$POINTS -v same="$same" '{
        printf "| %s | %.3f | %.3f | %.1f | %.3f | %.3f | %.1f | %.3g | %s |\n", set, $1, $3, $3 / $1, $2, $4, $4 / $2, n / $2, same }' >>"$OUT/rows"
}
row geo 0.01 40
row scan 20 100
echo
echo "Seconds of hpdbscan on one GPU and on $THREADS threads; $POINTS generated points: towns in 2 dimensions, a laser scan in 3"
{
    echo
    echo '| set, epsilon, minPoints | GPU, whole run | processor | ratio | GPU, clustering alone | processor | ratio | points/s on the GPU | labels |'
    echo '|---|---|---|---|---|---|---|---|---|'
    cat "$OUT/rows"
} | tee "$OUT/table.md"
exit $failed
