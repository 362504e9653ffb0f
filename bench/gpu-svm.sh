#!/bin/bash
# Seconds of pisvm on one GPU, beside the processor in the same run: training, and prediction with the model that came of it. A table ends it.
# usage: gpu-svm.sh NVCC ("" = there is none)
# GPU_BENCH_THREADS  of the processor (all)   GPU_BENCH_SVM_LIMIT  seconds after which a run of the processor is given up (60)
# BENCH_DATA         folder for data and results (bench-out)    DATA  folder that has mnist/ (../shared/data): digits are drawn where it is not there
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/gpu-found.sh
. tests/gpu-found.sh
# shellcheck source=bench/env.sh
. bench/env.sh
# shellcheck source=tests/svm.sh
. tests/svm.sh
gpu_found "${1:-}" || { echo "skip - bench-gpu: $gpu_why" && exit 0; }
BIN=${BIN_DIR:-$PWD/bin} DATA=${DATA:-../shared/data}
OUT=${BENCH_DATA:-bench-out}/gpu-svm
THREADS=${GPU_BENCH_THREADS:-$(nproc)} LIMIT=${GPU_BENCH_SVM_LIMIT:-60}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
failed=0

text_of() { # folder, part, file: images with their labels as text
    local images labels
    images=$(find "$1" -name "$2-images-idx3-ubyte*" | head -n 1) labels=$(find "$1" -name "$2-labels-idx1-ubyte*" | head -n 1)
    "$BIN/psml-data" convert "$images" "$3" --labels "$labels" >/dev/null
}
digits() { # 60,000 x 784, ten classes
    local from=$DATA/mnist
    [ ! -e "$OUT/digits.test.libsvm" ] || return 0
    if [ ! -d "$from" ]; then
        from=$OUT/digits
        "$BIN/psml-data" generate digits "$from" >/dev/null || return 1
    fi
    text_of "$from" train "$OUT/digits.train.libsvm" && text_of "$from" t10k "$OUT/digits.test.libsvm"
}
scene() { # 60,000 x 100, classes
    [ ! -e "$OUT/$1.test.libsvm" ] || return 0
    "$BIN/psml-data" generate spectra "$OUT/scene.libsvm" --classes "$2" -n 75000 --bands 100 --seed 1 >/dev/null &&
        "$BIN/psml-data" split "$OUT/scene.libsvm" "$OUT/$1.train.libsvm" "$OUT/$1.test.libsvm" --fraction 0.8 >/dev/null
}
seconds_of() { sed -n 's/^Total opt. time = \([0-9.]*\).*/\1/p' "$1"; }
# of a record: the phase in which rows are predicted
predicted() { sed -n 's/.*"event": *"phase".*"name": *"predict".*"mean": *\([0-9.e+-]*\).*/\1/p' "$1" | awk '{ printf "%.2f", $1 }'; }
row() { # name, C, gamma: both train, and predict with the GPU's model
    local name=$1 c=$2 gamma=$3 b words off='-' same='-' t_cuda='-' t_cpu='-' p_cuda='-' p_cpu='-' ratio='-'
    for b in cuda cpu; do
        words=(timeout 300)
        [ $b = cuda ] || words=(timeout "$LIMIT")
        words+=("$BIN/pisvm-train" -c "$c" -g "$gamma" --backend "$b" --threads "$THREADS")
        [ $b = cuda ] || words+=(-m 16384)
        rm -f "$OUT/$name.$b.model"
        if "${words[@]}" "$OUT/$name.train.libsvm" "$OUT/$name.$b.model" >"$OUT/$name.$b.out" 2>"$OUT/$name.$b.err" </dev/null; then
            printf '%4d s  %-10s %-5s trained in %s s\n' $SECONDS "$name" $b "$(seconds_of "$OUT/$name.$b.out")"
        else
            printf '%4d s  %-10s %-5s no model (%s)\n' $SECONDS "$name" $b "$(tail -n 1 "$OUT/$name.$b.err")"
            [ $b = cpu ] || failed=1
        fi
    done
    [ -e "$OUT/$name.cuda.model" ] || return 0
    t_cuda=$(seconds_of "$OUT/$name.cuda.out") t_cpu=$(seconds_of "$OUT/$name.cpu.out")
    for b in cuda cpu; do
        rm -f "$OUT/record"
        "$BIN/pisvm-predict" --backend $b --threads "$THREADS" --record "$OUT/record" "$OUT/$name.test.libsvm" "$OUT/$name.cuda.model" "$OUT/$name.$b.pred" >"$OUT/$name.said" 2>&1 </dev/null || failed=1
        [ $b = cuda ] && p_cuda=$(predicted "$OUT/record") || p_cpu=$(predicted "$OUT/record")
    done
    same=$(cmp -s "$OUT/$name.cuda.pred" "$OUT/$name.cpu.pred" && echo equal || echo DIFFERENT)
    [ "$same" = equal ] || failed=1
    if [ -n "$t_cpu" ]; then
        off=$(objectives_off "$OUT/$name.cpu.out" "$OUT/$name.cuda.out")
        near_objectives "$OUT/$name.cpu.out" "$OUT/$name.cuda.out" || failed=1
        ratio=$(awk "BEGIN { printf \"%.1f\", $t_cpu / ($t_cuda > 0 ? $t_cuda : 0.01) }")
    fi
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" "$t_cuda" "${t_cpu:-> $LIMIT}" "$ratio" "$off" "$p_cuda" "$p_cpu" "$same" "$(sed -n 's/^Accuracy = \([0-9.]*%\).*/\1/p' "$OUT/$name.said")" >>"$OUT/rows"
}
: >"$OUT/rows"
if digits; then row digits 10 3.0757e-7; else echo 'digits: no data' && failed=1; fi
for classes in 2 16; do
    if scene "scene$classes" $classes; then row "scene$classes" 10 0.1; else echo "scene$classes: no data" && failed=1; fi
done
echo
echo "Seconds of pisvm on one GPU and on $THREADS threads; digits: 60,000 x 784, ten classes; scenes: 60,000 x 100, two and 16 classes"
{
    echo
    echo '| set | GPU trains | processor | ratio | objectives off | GPU predicts | processor | predictions | accuracy |'
    echo '|---|---|---|---|---|---|---|---|---|'
    cat "$OUT/rows"
} | tee "$OUT/table.md"
exit $failed
