#!/bin/bash
# Strong scaling of every program on inputs made here: records for psml-results scaling, and for docs/scaling.md by scaling-page.sh.
# usage: scaling.sh PROGRAM|data ...   (data: only make the inputs; no argument: all)
# RANKS "1 2"   REPS 5   BENCH_DATA folder of inputs and records (bench-out/scaling)   BIN_DIR programs (bin)   BUILD_DIR folder of tools/wall (build)
# Each program appends to BENCH_DATA/PROGRAM.jsonl. With more ranks than cores, times mean nothing, but the processor time of each rank does:
# psml-results calls such points simulated.
set -eu
cd "$(dirname "$0")/.."
BIN=$(realpath "${BIN_DIR:-bin}") TOOLS=$(realpath -m "${BUILD_DIR:-build}/tools") OUT=${BENCH_DATA:-bench-out/scaling} RANKS=${RANKS:-1 2} REPS=${REPS:-5}
# shellcheck source=tests/env.sh disable=SC1091
. tests/env.sh
export OMP_NUM_THREADS=1
inputs=$PWD/inputs
[ -x "$TOOLS/wall" ] || { echo "scaling.sh: $TOOLS/wall is missing: make build/tools/wall" >&2 && exit 1; }
mkdir -p "$OUT"
cd "$OUT"
trap 'rm -f wall' EXIT

data() {
    [ -e towns.npy ] || "$BIN/psml-data" generate geo towns.npy -n 20000000
    [ -e scene.libsvm ] || "$BIN/psml-data" generate spectra scene.libsvm -n 40000 --bands 60
    [ -e train.libsvm ] || "$BIN/psml-data" split scene.libsvm train.libsvm rest.libsvm --fraction 0.5
    [ -e crops.libsvm ] || "$BIN/psml-data" generate spectra crops.libsvm -n 20000 --bands 200 --classes 52
    [ -e wide.libsvm ] || "$BIN/psml-data" generate spectra wide.libsvm -n 150000 --bands 60
    [ -e spectra.npy ] || "$BIN/psml-data" generate spectra spectra.npy --height 150 --bands 60 --classes 8
    [ -d digits ] || "$BIN/psml-data" generate digits digits -n 12000 --test 1000
    [ -e scene.model ] || "$BIN/pisvm-train" --threads 1 -c 100 -g 8 -m 1024 rest.libsvm scene.model
}

one() { # program, arguments...
    local program=$1 ranks
    shift
    for ((rep = 0; rep < REPS; rep++)); do
        for ranks in $RANKS; do
            # memory is touched beforehand, as a virtual machine may have given it back to its host: 0.5 s for 300 MB
            "$TOOLS/wall" -o wall -w 1536 "${MPIRUN:-mpirun}" -np "$ranks" "$BIN/$program" --threads 1 --record "$program.jsonl" "$@" >/dev/null
        done
    done
}

study() {
    case $1 in
    data) ;;
    hpdbscan) one hpdbscan -i towns.npy -o labels.npy -e 0.01 -m 40 ;;
    pisvm-train) one pisvm-train -c 100 -g 8 -m 1024 crops.libsvm trained.model ;;
    pisvm-predict) one pisvm-predict scene.libsvm scene.model predicted.txt ;;
    pisvm-scale) one pisvm-scale -o scaled.libsvm wide.libsvm ;;
    mnist-train) one mnist-train "$inputs/mnist/cnn.par" digits --train-limit 4096 --epochs 1 --batch 128 --grains 64 ;;
    lstm-train) one lstm-train "$inputs/lstm/tiny.par" --input "$inputs/lstm/tiny.csv" --hidden 64 --epochs 100 --batch 64 --grains 64 ;;
    autoencoder-train) one autoencoder-train spectra.npy -l bands-64-4-64-bands --epochs 100 --batch 512 --rate 0.002 --grains 64 --no-pca ;;
    resnet50-train) one resnet50-train --model resnet20 --synthetic 2048 --classes 10 --height 32 --epochs 1 --batch 128 --rate 0.01 --grains 64 ;;
    *)
        echo "scaling.sh: $1 is not one of the programs" >&2
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- hpdbscan pisvm-train pisvm-predict pisvm-scale mnist-train lstm-train autoencoder-train resnet50-train
data
for program; do study "$program"; done
