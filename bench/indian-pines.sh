#!/bin/bash
# The gamma x C tables of docs/indian-pines.md: 10-fold cross-validation of a training set at the 25 points of inputs/pisvm/sweep-indian-pines.grid, once
# as a sweep, where each point is a run of its own, and once as pisvm-train's own grid search, in one run; and whether both find the same accuracies.
# usage: indian-pines.sh [TRAINING_SET]   (LIBSVM text; default: 20,000 generated pixels of 200 bands in 16 classes)
# RANKS "1 2"   HOW "sweep grid"   MEMORY 1024, MB of a rank for kernel values   BENCH_DATA folder of data and results (bench-out/indian-pines)
# Folder NAME-RANKS there is the sweep's journal, NAME-RANKS.svg its table in colour, NAME-RANKS.csv the table of the grid search. What was done already is not done again.
set -eu
cd "$(dirname "$0")/.."
OUT=${BENCH_DATA:-bench-out/indian-pines} RANKS=${RANKS:-1 2} HOW=${HOW:-sweep grid} MEMORY=${MEMORY:-1024}
# shellcheck source=tests/env.sh disable=SC1091
. tests/env.sh
jobs=$PWD/jobscripts inputs=$PWD/inputs/pisvm
PATH=$PATH:${BIN_DIR:-$PWD/bin}
mkdir -p "$OUT"
data=$(realpath "${1:-$OUT/scene.libsvm}") name=$(basename "${1:-scene}")
name=${name%%.*}
cd "$OUT"
[ -e "$data" ] || psml-data generate spectra "$data" -n 20000

sweep() { # ranks
    "$jobs/submit" -r local sweep.sh --ntasks-per-node="$1" -- "$inputs/sweep-indian-pines.grid" --journal "$name-$1" --metric result.accuracy -- \
        pisvm-train "$data" --folds 10 --dense --memory "$MEMORY" --threads 1 >&2
    echo "$name, a run for each point, $1 ranks:"
    "$jobs/submit" -r local sweep-collect.sh -- "$name-$1" --rows gamma --columns cost --figure "$name-$1"
    psml-results sweep table "$name-$1" --form csv | awk -F, 'NR > 1 { sum += $5 } END { printf "all 25 points: %.2f minutes\n\n", sum }'
}

grid() { # ranks
    if [ ! -e "$name-$1.csv" ]; then
        "$jobs/submit" -r local pisvm-train.sh --ntasks-per-node="$1" -- --params "$inputs/indian-pines.grid" --memory "$MEMORY" --threads 1 \
            --grid-csv "$name-$1.csv" --checkpoint "$name-$1.ck" "$data" >"$name-$1.txt"
    fi
    echo "$name, all points in one run, $1 ranks:"
    cat "$name-$1.txt"
    echo
}

same() { # ranks: accuracies of the sweep's table beside those of the grid search
    psml-results sweep table "$name-$1" --form csv | awk -F, -v set="$name, $1 ranks" '
        NR == FNR { if (FNR > 1) at[$3 + 0, $2 + 0] = $4; next }
        FNR > 1 { n++; d = at[$1 + 0, $2 + 0] - $3; if (d < 0) d = -d; if (d > most) most = d }
        END { printf "%s: largest difference between the accuracies of sweep and grid search at %d points: %.4f\n", set, n, most }' - "$name-$1.csv"
}

for ranks in $RANKS; do
    for how in $HOW; do "$how" "$ranks"; done
    [ ! -e "$name-$ranks" ] || [ ! -e "$name-$ranks.csv" ] || same "$ranks"
done
