#!/bin/bash
# The main jobs of every program that is there, on data made here, into demo/. Each command is shown before it runs.
# DEMO_POINTS: points of each data set (1000000)
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-$PWD/bin} points=${DEMO_POINTS:-1000000}
# shellcheck source=tests/env.sh
. tests/env.sh
unset OMP_NUM_THREADS OMP_WAIT_POLICY
bin=$(realpath --relative-to=. "$BIN")
rm -rf demo
mkdir demo
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT

e=npy picture=()
case $("$BIN/psml-data" --version 2>/dev/null) in *HDF5*) e=h5 ;; esac
has() { [ -x "$BIN/$1" ]; }
title() { printf '\n== %s\n' "$*"; }
job() { # what it is, command...: show it, run it, keep its seconds for the table at the end
    local what=$1 start end
    shift
    printf '\n$ %s\n' "$*"
    start=$(date +%s%N)
    "$@" </dev/null
    end=$(date +%s%N)
    [ -z "$what" ] || printf '%s|%d.%02d\n' "$what" $(((end - start) / 1000000000)) $(((end - start) / 10000000 % 100)) >>"$summary"
}

if has psml-data; then
    title "psml-data: $points points in towns of very different size, and a 3-D laser scan"
    job 'make towns' "$bin/psml-data" generate geo "demo/towns.$e" -n "$points"
    job 'make a laser scan' "$bin/psml-data" generate scan "demo/laser.$e" -n "$points"
    job '' "$bin/psml-data" info "demo/towns.$e"
fi
if has hpdbscan; then
    case $("$BIN/hpdbscan" --version) in *PNG*) picture=(--plot=demo/) ;; esac
    title 'hpdbscan: the towns, on two ranks of one thread, with a table of clusters and a picture'
    job 'cluster towns, 2 ranks x 1 thread' "$MPIRUN" -np 2 "$bin/hpdbscan" -t 1 -e 0.02 -m 40 -i "demo/towns.$e" -o "demo/towns-labels.$e" \
        --clusters demo/towns-clusters.csv "${picture[@]/%/towns.png}" --record demo/record.jsonl
    job '' head -n 6 demo/towns-clusters.csv

    title 'hpdbscan: the same on one rank of two threads: the labels are the same'
    job 'cluster towns, 1 rank x 2 threads' "$bin/hpdbscan" -t 2 -e 0.02 -m 40 -i "demo/towns.$e" -o "demo/towns-labels-1.$e"
    job 'compare the labels' "$bin/psml-data" diff "demo/towns-labels.$e" "demo/towns-labels-1.$e"

    title 'hpdbscan: the laser scan'
    job 'cluster laser scan, 2 ranks x 1 thread' "$MPIRUN" -np 2 "$bin/hpdbscan" -t 1 -e 80 -m 20 -i "demo/laser.$e" -o "demo/laser-labels.$e" \
        "${picture[@]/%/laser.png}" --record demo/record.jsonl
    title 'hpdbscan: which epsilon?'
    job 'suggest an epsilon' "$bin/hpdbscan" --suggest-epsilon -m 40 -i "demo/towns.$e"
fi
if has pisvm-train && has psml-data; then
    title 'psml-data: a hyperspectral scene of 16 classes; a tenth of its labelled pixels for training, at random, and by regions'
    job 'make a scene' "$bin/psml-data" generate spectra demo/scene.libsvm -n 20000 --bands 60
    job '' "$bin/psml-data" split demo/scene.libsvm demo/train.libsvm demo/test.libsvm --fraction 0.1

    title 'pisvm-train: which C and gamma? 5-fold cross-validation of a grid, on two ranks'
    job 'grid of 12 points x 5 folds, 2 ranks' "$MPIRUN" -np 2 "$bin/pisvm-train" --threads 1 -m 1024 -v 5 --grid-c 1,10,100,1000 --grid-g 2,8,32 \
        --grid-csv demo/grid.csv --train-best demo/train.libsvm demo/scene.model
    title 'pisvm-predict: the other nine tenths'
    job 'predict, 2 ranks' "$MPIRUN" -np 2 "$bin/pisvm-predict" --threads 1 --report demo/test.libsvm demo/scene.model demo/predicted.txt
fi
if has autoencoder-train && has psml-data; then
    case $("$BIN/autoencoder-train" --version) in *PNG*) picture=(--plot=demo/) ;; *) picture=() ;; esac
    title 'autoencoder-train: spectra of a scene in a code of 4, beside 4 principal components; codes for the other programs'
    job '' "$bin/psml-data" generate spectra "demo/spectra.$e" --height 100 --bands 60 --classes 8
    job 'train an autoencoder, 2 ranks' "$MPIRUN" -np 2 "$bin/autoencoder-train" --threads 1 "demo/spectra.$e" --scene 100x100 -l bands-64-4-64-bands \
        -e 30 -r 0.002 --schedule cosine --validate-every 10 --codes "demo/codes.$e" "${picture[@]/%/spectra.png}" --record demo/record.jsonl
    job '' "$bin/psml-data" info "demo/codes.$e"
fi
if has mnist-train && has psml-data; then
    case $("$BIN/mnist-train" --version) in *PNG*) picture=(--wrong=demo/) ;; *) picture=() ;; esac
    title 'mnist-train: a dense net on drawn digits, in the files that MNIST has; the test digits that it got wrong as a picture'
    job 'make digits' "$bin/psml-data" generate digits demo/digits -n 12000 --test 2000
    job 'train a dense net on digits, 2 ranks' "$MPIRUN" -np 2 "$bin/mnist-train" --threads 1 inputs/mnist/ann.par demo/digits --epochs 10 \
        "${picture[@]/%/mistakes.png}" --record demo/record.jsonl
fi
if has resnet50-train; then
    title 'resnet50-train: how fast is ResNet-50 at 224 x 224 here? Four steps on images of noise'
    job 'ResNet-50, 4 steps of 16 images, 2 ranks' "$MPIRUN" -np 2 "$bin/resnet50-train" --threads 1 --synthetic 64 --batch 16 --epochs 1 --rate 0.01 \
        --momentum 0.9 --reduce fast --record demo/record.jsonl
fi
if has lstm-train; then
    case $("$BIN/lstm-train" --version) in *PNG*) picture=(--plot=demo/) ;; *) picture=() ;; esac
    title 'lstm-train: five weeks of an hourly load, six hours ahead, beside persistence and the seasonal naive forecast'
    job 'train an LSTM, 2 ranks' "$MPIRUN" -np 2 "$bin/lstm-train" --threads 1 inputs/lstm/tiny.par --forecast demo/load.csv \
        "${picture[@]/%/load.png}" --record demo/record.jsonl
fi
if has skeleton; then
    title 'skeleton: the smallest whole program: means of the columns, the same bits on any number of ranks'
    job 'means, 2 ranks' "$MPIRUN" -np 2 "$bin/skeleton" --grains 8 "demo/laser.$e"
    job 'means, 1 rank' "$bin/skeleton" --grains 8 "demo/laser.$e"
fi

title 'Seconds'
awk -F'|' '{ printf "  %-42s %8s\n", $1, $2 }' "$summary"
title 'Files'
du -h demo/* | awk '{ printf "  %-42s %8s\n", $2, $1 }'
pictures=$(ls demo/*.png 2>/dev/null || true)
[ -z "$pictures" ] || printf '\nPictures to look at: %s\n' "$(echo "$pictures" | paste -sd' ')"
