#!/bin/bash
# Milliseconds of a training step of mnist-train, autoencoder-train and lstm-train, from the first sample loaded to the weights updated, beside PyTorch.
# usage: nn-peers.sh [--self]   (--self: without PyTorch)
# NN_PEER_TORCH  python that has PyTorch (python3)      BENCH_DATA  folder for data and results (bench-out)
# BENCH_ROWS     names of rows, or all                  BENCH_RUNS  runs of ours in turn with runs of PyTorch (3)
# NN_PRELOAD     an allocator for PyTorch's memory (libjemalloc.so.2): it is much slower with the C library's
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=bench/nn-rows.sh
. bench/nn-rows.sh
BIN=${BIN_DIR:-$PWD/bin}
OUT=${BENCH_DATA:-bench-out}/nn
RUNS=${BENCH_RUNS:-3} PYTHON=${NN_PEER_TORCH:-python3}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS OMP_WAIT_POLICY
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
trap 'rm -f "$OUT"/log "$OUT"/record' EXIT
RESULTS=$OUT/results.tsv
: >"$RESULTS"
preload=${NN_PRELOAD:-$(ldconfig -p | awk '/libjemalloc\.so\.2/ { print $NF; exit }')}
torch=yes
[ "${1:-}" != --self ] || torch=no
if [ $torch = yes ] && ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    echo "$PYTHON has no PyTorch (NN_PEER_TORCH=python): ours run alone" >&2
    torch=no
fi

nn_data "$OUT"
epochs() { case $1 in ann) echo 12 ;; cnn) echo 3 ;; autoencoder) echo 30 ;; lstm-128) echo 5 ;; lstm-512) echo 2 ;; esac }
step() { # row, ranks, threads, precision: median over epochs but the first, in ms
    local words launch=()
    nn_words "$1" "$OUT" "$(epochs "$1")"
    [ "$1" != lstm-512 ] || words+=(--stride 3)
    [ "$2" = 1 ] || launch=("${MPIRUN:-mpirun}" -np "$2")
    rm -f "$OUT/record"
    # shellcheck source=bench/env.sh
    (. bench/env.sh && "${launch[@]}" "${words[@]}" --threads "$3" --precision "$4" --record "$OUT/record" >"$OUT/log" 2>&1 </dev/null) || { cat "$OUT/log" >&2 && return 1; }
    awk '/"event": *"epoch"/ {
        match($0, /"steps": *[0-9]+/); steps = substr($0, RSTART, RLENGTH); sub(/.*: */, "", steps)
        match($0, /"seconds": *[0-9.e+-]+/); s = substr($0, RSTART, RLENGTH); sub(/.*: */, "", s)
        if (n++) ms[n - 1] = 1000 * s / (steps - before)
        before = steps
    }
    END { # few: sorted by insertion
        for (i = 2; i < n; i++) for (k = i; k > 1 && ms[k] < ms[k - 1]; k--) { t = ms[k]; ms[k] = ms[k - 1]; ms[k - 1] = t }
        m = n - 1; printf "%.4f\n", m % 2 ? ms[(m + 1) / 2] : (ms[m / 2] + ms[m / 2 + 1]) / 2
    }' "$OUT/record"
}
peer() { # row, precision: ms
    LD_PRELOAD=$preload "$PYTHON" bench/nn-torch.py "$1" "$2" 2>/dev/null
}
tell() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$RESULTS"; } # row, program, precision, ms

for row in ${BENCH_ROWS:-ann cnn autoencoder lstm-128 lstm-512}; do
    for precision in fp32 bf16; do
        case $precision:$row in bf16:ann | bf16:cnn | bf16:lstm-128) continue ;; esac # too small to gain
        echo "$row, $precision ..." >&2
        for _ in $(seq "$RUNS"); do
            for place in 1x2 2x1; do
                ms=$(step "$row" "${place%x*}" "${place#*x}" $precision) && tell "$row" "psml-$place" $precision "$ms"
            done
            [ $torch = no ] || tell "$row" torch $precision "$(peer "$row" $precision)"
        done
    done
done
echo
echo 'Milliseconds of a training step, medians; two threads, two ranks, and PyTorch in its best setting of threads and layout'
echo
echo '| net | precision | 1 rank x 2 threads | 2 ranks x 1 thread | PyTorch | PyTorch / ours |'
echo '|---|---|---|---|---|---|'
sort -s -k1,1 -k3,3 -k2,2 -k4,4g "$RESULTS" | awk -F'\t' '
    { key = $1 "\t" $3; if (!(key in seen)) { seen[key] = 1; order[++n] = key }; v[key, $2, ++count[key, $2]] = $4 }
    function median(key, p,    m) { m = count[key, p]; return m ? v[key, p, int((m + 1) / 2)] : "" }
    END {
        for (i = 1; i <= n; i++) {
            split(order[i], k, "\t"); ours = median(order[i], "psml-1x2"); theirs = median(order[i], "torch")
            printf "| %s | %s | %.3f | %.3f | %s | %s |\n", k[1], k[2], ours, median(order[i], "psml-2x1"), theirs == "" ? "-" : sprintf("%.3f", theirs), theirs == "" ? "-" : sprintf("%.2f", theirs / ours)
        }
    }' | tee "$OUT/table.md"
