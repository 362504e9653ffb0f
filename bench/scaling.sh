#!/bin/bash
# Strong scaling of every program on small inputs made here: records for psml-results scaling.
# usage: scaling.sh PROGRAM|data ...   (data: only make the inputs; no argument: all)
# RANKS "1 2"   REPS 5   BENCH_DATA folder of inputs and records (bench-out/scaling)   BIN_DIR programs (bin)
# Each program appends to BENCH_DATA/PROGRAM.jsonl. With more ranks than cores, times mean nothing, but the processor time of each rank does:
# psml-results calls such points simulated.
set -eu
cd "$(dirname "$0")/.."
BIN=$(realpath "${BIN_DIR:-bin}") OUT=${BENCH_DATA:-bench-out/scaling} RANKS=${RANKS:-1 2} REPS=${REPS:-5}
# shellcheck source=tests/env.sh disable=SC1091
. tests/env.sh
export OMP_NUM_THREADS=1
inputs=$PWD/inputs
mkdir -p "$OUT"
cd "$OUT"

data() {
    [ -e towns.npy ] || "$BIN/psml-data" generate geo towns.npy -n 2000000
    [ -e scene.libsvm ] || "$BIN/psml-data" generate spectra scene.libsvm -n 40000 --bands 60
    [ -e train.libsvm ] || "$BIN/psml-data" split scene.libsvm train.libsvm rest.libsvm --fraction 0.5
    [ -e spectra.npy ] || "$BIN/psml-data" generate spectra spectra.npy --height 150 --bands 60 --classes 8
    [ -d digits ] || "$BIN/psml-data" generate digits digits -n 12000 --test 1000
    [ -e scene.model ] || "$BIN/pisvm-train" --threads 1 -c 100 -g 8 -m 1024 rest.libsvm scene.model
}

one() { # program, arguments...
    local program=$1 ranks
    shift
    for ((rep = 0; rep < REPS; rep++)); do
        for ranks in $RANKS; do
            "${MPIRUN:-mpirun}" -np "$ranks" "$BIN/$program" --threads 1 --record "$program.jsonl" "$@" >/dev/null
        done
    done
}

study() {
    case $1 in
    data) ;;
    hpdbscan) one hpdbscan -i towns.npy -o labels.npy -e 0.01 -m 40 ;;
    pisvm-train) one pisvm-train -c 100 -g 8 -m 1024 train.libsvm trained.model ;;
    pisvm-predict) one pisvm-predict train.libsvm scene.model predicted.txt ;;
    pisvm-scale) one pisvm-scale -o scaled.libsvm scene.libsvm ;;
    mnist-train) one mnist-train "$inputs/mnist/cnn.par" digits --train-limit 1024 --epochs 1 --batch 128 --grains 64 ;;
    lstm-train) one lstm-train "$inputs/lstm/tiny.par" --input "$inputs/lstm/tiny.csv" --hidden 64 --epochs 12 --batch 64 --grains 64 ;;
    autoencoder-train) one autoencoder-train spectra.npy -l bands-64-4-64-bands --epochs 10 --batch 512 --rate 0.002 --grains 64 --no-pca ;;
    resnet50-train) one resnet50-train --model resnet20 --synthetic 512 --classes 10 --height 32 --epochs 1 --batch 128 --rate 0.01 --grains 64 ;;
    *)
        echo "scaling.sh: $1 is not one of the programs" >&2
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- hpdbscan pisvm-train pisvm-predict pisvm-scale mnist-train lstm-train autoencoder-train resnet50-train
data
for program; do study "$program"; done
