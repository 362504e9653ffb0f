#!/bin/bash
# Images/s and peak memory of training ResNet-50 at 224 x 224 on two cores, beside PyTorch: one process of two threads, and two of one.
# usage: resnet-peers.sh [--self]   (--self: without PyTorch)
# NN_PEER_TORCH  python that has PyTorch (python3)      BENCH_DATA  folder for results (bench-out)
# BENCH_ROWS     of 8-fp32 8-bf16 16-fp32 ...           BENCH_RUNS  runs of ours in turn with runs of PyTorch (3)
# NN_PRELOAD     an allocator for PyTorch's memory (libjemalloc.so.2): it is much slower with the C library's
# BENCH_SECONDS  of a run (8)
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-$PWD/bin}
OUT=${BENCH_DATA:-bench-out}/resnet
RUNS=${BENCH_RUNS:-3} PYTHON=${NN_PEER_TORCH:-python3}
export BENCH_SECONDS=${BENCH_SECONDS:-8}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS OMP_WAIT_POLICY
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
trap 'rm -f "$OUT"/log' EXIT
RESULTS=$OUT/results.tsv
: >"$RESULTS"
preload=${NN_PRELOAD:-$(ldconfig -p | awk '/libjemalloc\.so\.2/ { print $NF; exit }')}
# freed memory is kept, in huge pages: else each step begins with faults of all its pages
heap=oversize_threshold:1,background_thread:true,metadata_thp:auto,thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1
torch=yes
[ "${1:-}" != --self ] || torch=no
if [ $torch = yes ] && ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    echo "$PYTHON has no PyTorch (NN_PEER_TORCH=python): ours run alone" >&2
    torch=no
fi

ours() { # batch, precision, ranks, threads: images/s, MB of all ranks
    local launch=() steps=$((BENCH_SECONDS * 20 / $1))
    [ $steps -ge 4 ] || steps=4
    [ "$3" = 1 ] || launch=("${MPIRUN:-mpirun}" -np "$3")
    # shellcheck source=bench/env.sh
    (. bench/env.sh && "${launch[@]}" "$BIN/resnet50-train" --synthetic $(($1 * steps)) --batch "$1" --precision "$2" --threads "$4" --epochs 1 --rate 0.01 --momentum 0.9 --decay 5e-5 --reduce fast --loader-threads 0 >"$OUT/log" 2>&1 </dev/null) || { cat "$OUT/log" >&2 && return 1; }
    awk '/^images\/s over/ { sub(/.*median /, ""); rate = $1 + 0 } /^memory:/ { print rate, $(NF - 2) }' "$OUT/log"
}
peer() { # batch, precision, "" or ddp: images/s, MB of all processes
    # shellcheck disable=SC2086
    MALLOC_CONF=$heap LD_PRELOAD=$preload "$PYTHON" bench/resnet-torch.py "$1" "$2" $3 2>/dev/null
}
tell() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "${3% *}" "${3#* }" >>"$RESULTS"; } # row, program, "images/s MB"

for row in ${BENCH_ROWS:-8-fp32 8-bf16 16-fp32 16-bf16 32-fp32 32-bf16}; do
    batch=${row%-*} precision=${row#*-}
    echo "batch $batch, $precision ..." >&2
    for _ in $(seq "$RUNS"); do
        tell "$row" psml-1x2 "$(ours "$batch" "$precision" 1 2)"
        [ $torch = no ] || tell "$row" torch-1x2 "$(peer "$batch" "$precision" '')"
        tell "$row" psml-2x1 "$(ours "$batch" "$precision" 2 1)"
        [ $torch = no ] || tell "$row" torch-2x1 "$(peer "$batch" "$precision" ddp)"
    done
done
echo
echo 'Images/s, medians, and peak memory of all processes: one process of two threads, and two of one (PyTorch: DistributedDataParallel, gloo)'
echo
echo '| batch, precision | processes x threads | images/s | PyTorch | ours / PyTorch | MB | PyTorch |'
echo '|---|---|---|---|---|---|---|'
sort -s -t$'\t' -k1,1n -k1,1r -k2,2 -k3,3g "$RESULTS" | awk -F'\t' '
    { if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }; v[$1, $2, ++count[$1, $2]] = $3; if ($4 > most[$1, $2]) most[$1, $2] = $4 }
    function median(row, p,    m) { m = count[row, p]; return m ? v[row, p, int((m + 1) / 2)] : "" }
    END {
        for (i = 1; i <= n; i++) for (k = 1; k <= 2; k++) {
            place = k == 1 ? "1x2" : "2x1"; row = order[i]; name = row; sub(/-/, ", ", name)
            ours = median(row, "psml-" place); theirs = median(row, "torch-" place)
            printf "| %s | %s | %.2f | %s | %s | %d | %s |\n", name, place, ours, theirs == "" ? "-" : theirs, theirs == "" ? "-" : sprintf("%.2f", ours / theirs), most[row, "psml-" place], theirs == "" ? "-" : most[row, "torch-" place]
        }
    }' | tee "$OUT/table.md"
