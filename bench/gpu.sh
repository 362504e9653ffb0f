#!/bin/bash
# Rates of training on one GPU, beside what it can do, measured in the same run, and PyTorch. Most important rows come first, each is told as it
# comes, and a table ends it. usage: gpu.sh NVCC ("" = the back end of nets is not built)
# GPU_PEER_TORCH  python that has PyTorch (python3)      GPU_BENCH_SECONDS  after which nothing new is begun (240)
# BENCH_DATA      folder for data and results (bench-out)
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/gpu-found.sh
. tests/gpu-found.sh
# shellcheck source=bench/env.sh
. bench/env.sh
# shellcheck source=bench/nn-rows.sh
. bench/nn-rows.sh
gpu_found "${1:-}" || { echo "skip - bench-gpu: $gpu_why" && exit 0; }
BIN=${BIN_DIR:-$PWD/bin} TOOLS=${BUILD_DIR:-$PWD/build}/gpu
OUT=${BENCH_DATA:-bench-out}/gpu
PYTHON=${GPU_PEER_TORCH:-python3} LIMIT=${GPU_BENCH_SECONDS:-240}
IMAGES=256 # a batch, where nothing else is said
small='lstm-128,64 lstm-512,256 autoencoder,1024 ann,128 cnn,128' # and the samples of a batch
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
RESULTS=$OUT/results.tsv
: >"$RESULTS"
"$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null || PYTHON=''

late() { # what: is the time over?
    [ $SECONDS -ge "$LIMIT" ] || return 1
    echo "not run, $LIMIT s are over: $*"
}
tell() { # net, batch, precision, who, samples/s
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$RESULTS"
    printf '%4d s  %-12s batch %-5s %-5s %-9s %10s samples/s\n' $SECONDS "$@"
}
rate_of() { # record: median over epochs but the first, which chooses algorithms
    sed -n 's/.*"event": *"epoch".*"samples_per_second": *\([0-9.e+]*\).*/\1/p' "$1" | sed 1d | sort -g | awk '{ v[NR] = $1 } END { if (NR == 0) exit 1; printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
ours() { # net, batch, precision
    local words rate
    ! late "$1, batch $2, $3" || return 0
    case $1 in
    resnet50) words=("$BIN/resnet50-train" --synthetic $(($2 * 24)) --batch "$2" --rate 0.01 --momentum 0.9 --decay 5e-5 --loader-threads 0 --epochs 4) ;;
    lstm-512) nn_words "$1" "$OUT" 8 ;;
    *) nn_words "$1" "$OUT" 30 ;;
    esac
    rm -f "$OUT/record"
    if timeout 90 "${words[@]}" --precision "$3" --backend cuda --grains 1 --reduce fast --record "$OUT/record" >"$OUT/log" 2>&1 </dev/null && rate=$(rate_of "$OUT/record"); then
        tell "$1" "$2" "$3" psml "$rate"
        [ "$1" != resnet50 ] || sed -n 's/^model: \([0-9.]*\) GFLOP an image.*/\1/p' "$OUT/log" >"$OUT/gflop"
        grep '^time of steps' "$OUT/log" | sed 's/^/          /'
    else
        echo "$1, batch $2, $3: failed:" && tail -n 5 "$OUT/log"
        failed=1
    fi
}
torch() { # net, batch, precision, mode
    local rate
    [ -n "$PYTHON" ] || return 0
    ! late "PyTorch $4, $1, batch $2, $3" || return 0
    if rate=$(timeout 120 "$PYTHON" bench/gpu-torch.py "$@" 2>"$OUT/log" </dev/null); then
        tell "$1" "$2" "$3" "$4" "$rate"
    else
        echo "PyTorch $4, $1, batch $2, $3: failed:" && tail -n 3 "$OUT/log"
    fi
}
failed=0
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader 2>/dev/null || true
"$PYTHON" -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())' 2>/dev/null || echo "${GPU_PEER_TORCH:-python3} has no PyTorch with a GPU (GPU_PEER_TORCH=python): ours run alone"
"$TOOLS/gpu-ceiling" | tee "$OUT/ceiling" || exit 1
nn_data "$OUT"

ours resnet50 $IMAGES bf16
torch resnet50 $IMAGES bf16 compiled
for net in $small; do ours "${net%,*}" "${net#*,}" tf32; done
for net in $small; do torch "${net%,*}" "${net#*,}" tf32 eager; done
ours resnet50 $IMAGES tf32
late 'single kernels' || { timeout 60 "$TOOLS/gpu-kernels" $IMAGES >"$OUT/kernels.txt" 2>&1 && grep 'nothing else' "$OUT/kernels.txt"; } || { tail -n 3 "$OUT/kernels.txt" && failed=1; }
torch resnet50 $IMAGES bf16 eager
torch resnet50 $IMAGES tf32 eager
for net in lstm-128,64 lstm-512,256; do ours "${net%,*}" "${net#*,}" bf16 && torch "${net%,*}" "${net#*,}" bf16 eager; done
for net in $small; do torch "${net%,*}" "${net#*,}" tf32 graph; done
ours resnet50 128 bf16
ours resnet50 128 tf32
torch resnet50 128 bf16 compiled
torch resnet50 $IMAGES tf32 compiled
torch resnet50 128 tf32 eager
for net in $small; do torch "${net%,*}" "${net#*,}" tf32 compiled; done

echo
echo "Samples/s of training on one GPU; TFLOP/s of ResNet-50 at $(cat "$OUT/gflop" 2>/dev/null) GFLOP an image, and their share of a product of matrices"
echo
awk -v gflop="$(cat "$OUT/gflop" 2>/dev/null || echo 0)" '
    FNR == NR { ceiling[$1] = $2; next }
    { key = $1 "\t" $2 "\t" $3; if (!(key in seen)) { seen[key] = 1; order[++n] = key }; rate[key, $4] = $5 }
    function or_dash(key, who) { return (key, who) in rate ? sprintf("%.0f", rate[key, who]) : "-" }
    END {
        print "| net | batch | precision | PSML | PyTorch eager | compiled | CUDA graph | PSML / best of PyTorch | TFLOP/s | % of ceiling |"
        print "|---|---|---|---|---|---|---|---|---|---|"
        for (i = 1; i <= n; i++) {
            key = order[i]; split(key, k, "\t"); best = 0; flops = share = "-"; ratio = "-"
            for (m = split("eager compiled graph", mode, " "); m > 0; m--) if ((key, mode[m]) in rate && rate[key, mode[m]] + 0 > best) best = rate[key, mode[m]]
            if (best > 0 && (key, "psml") in rate) ratio = sprintf("%.2f", rate[key, "psml"] / best)
            if (k[1] == "resnet50" && (key, "psml") in rate) {
                flops = sprintf("%.0f", 1e-3 * gflop * rate[key, "psml"])
                if (ceiling[k[3]] + 0 > 0) share = sprintf("%.0f", 100e-3 * gflop * rate[key, "psml"] / ceiling[k[3]])
            }
            printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", k[1], k[2], k[3], or_dash(key, "psml"), or_dash(key, "eager"), or_dash(key, "compiled"), or_dash(key, "graph"), ratio, flops, share
        }
    }' "$OUT/ceiling" FS='\t' "$RESULTS" | tee "$OUT/table.md"
echo "single kernels: $OUT/kernels.txt"
exit $failed
