#!/bin/bash
# hpdbscan --suggest-epsilon: exact distances, the same words on any number of ranks and threads, values that find the clusters.
# timeout: 200
set -eu
. tests/lib.sh
inputs=$PWD/inputs/hpdbscan
cd "$TMP"
dbscan=$BIN/hpdbscan data=$BIN/psml-data
suggested() { sed -n 's/^suggested epsilon: \([^ ]*\) .*/\1/p'; }
between() { awk -v lo="$1" -v x="$2" -v hi="$3" 'BEGIN { exit !(x != "" && lo < x + 0 && x + 0 < hi) }'; }

# --- two densities: points every 0.01 on ten lines of 200, which are 50 apart, and 200 points every 5 far away --------------------------
# The 5th point (itself first) is 0.02 away on a line (0.04 at its ends) and 10 to 20 away in the sparse part.
awk 'BEGIN {
    for (c = 0; c < 10; c++) for (i = 0; i < 200; i++) printf "%.2f,%d\n", i * 0.01, 50 * c
    for (i = 0; i < 200; i++) printf "%d,%d\n", 1000 + 5 * i, 5000
}' >two.csv
"$dbscan" two.csv -m 5 --suggest-epsilon >want
eps=$(suggested <want)
expect "two densities: epsilon $eps is between them" between 0.0199 "$eps" 10
expect 'two densities: half of the points have their 5th within 0.02' grep -Eq '^ +50 % +0\.02 ' want
expect 'two densities: the sparse points stand out' grep -Eq '^ +98 % +10 ' want
for n in 1 2 3 7; do
    expect "two densities: the same on $n ranks" cmp want <("$MPIRUN" -np $n "$dbscan" two.csv -m 5 --suggest-epsilon 2>&1)
done
expect 'two densities: the same with 3 threads' cmp want <("$dbscan" two.csv -m 5 --suggest-epsilon --threads 3)
expect 'two densities: no labels are written' fails ls data.h5
"$dbscan" two.csv -m 5 -e "$eps" -o labels.npy >out
expect 'two densities: the suggestion finds the ten lines' grep -q '^clusters: 10$' out
expect 'two densities: and leaves the rest as noise' grep -q '^noise points: 200$' out

# --- what it says is what clustering finds: with every point sampled the share of core points is exact ----------------------------------
"$data" generate blobs all.npy --n 1900 --parts 3 --d 3 --type float64 >/dev/null
"$dbscan" all.npy -m 7 --suggest-epsilon >want
eps=$(suggested <want)
share=$(sed -n 's/.*; \([0-9.]*\) % would be core points.*/\1/p' want)
"$dbscan" all.npy -m 7 -e "$eps" -o labels.npy >out
expect "all sampled: $share % core points at $eps, as clustered" \
    test "$share" = "$(awk '/^core points/ { printf "%.1f", 100 * $3 / 1900 }' out)"

# --- generated blobs among little and much noise, more points than the sample; other ranks have other rows -------------------------------
for noise in 0.02 0.3; do
    "$data" generate blobs blobs.npy --n 60000 --parts 8 --noise $noise --seed 2 >/dev/null
    "$dbscan" blobs.npy -m 40 --suggest-epsilon --record run.jsonl >want
    eps=$(suggested <want)
    for n in 2 3; do
        expect "blobs, noise $noise: the same on $n ranks" cmp want <("$MPIRUN" -np $n "$dbscan" blobs.npy -m 40 --suggest-epsilon 2>&1)
    done
    "$dbscan" blobs.npy -m 40 -e "$eps" -o labels.npy >out
    expect "blobs, noise $noise: epsilon $eps finds the eight" grep -q '^clusters: 8$' out
done
expect 'the record holds the curve and the suggestion' grep -q '"sampled":2000,.*"distance":\[.*"suggested_epsilon":0.*"core_share":0' run.jsonl
expect 'another seed takes another sample' fails cmp -s want <("$dbscan" blobs.npy -m 40 --suggest-epsilon --seed 2)

# --- odd input ---------------------------------------------------------------------------------------------------------------------------
for _ in $(seq 50); do echo 1,2; done >equal.csv
"$MPIRUN" -np 3 "$dbscan" equal.csv -m 5 --suggest-epsilon >out
expect 'equal points: no suggestion, and why' grep -q '^no suggestion: ' out
printf '3,4\n' >one.csv
expect 'one point' "$MPIRUN" -np 2 "$dbscan" one.csv -m 1 --suggest-epsilon
refused() { # part of the message, arguments...
    local part=$1 status=0
    shift
    "$MPIRUN" -np 2 "$dbscan" "$@" --suggest-epsilon >out 2>err || status=$?
    expect "$*: $part" test "$status" = 1 -a "$(grep -c "^hpdbscan: .*$part" err)" = 1
}
refused 'fewer than minPoints = 51' equal.csv -m 51
printf '1,2\n3,nan\n' >nan.csv
refused 'row 1, column 1' nan.csv -m 2
"$data" convert all.npy whole.npy --rows 0:9 --type float32 >/dev/null
expect 'minPoints as many as points' "$MPIRUN" -np 4 "$dbscan" whole.npy -m 9 --suggest-epsilon

# --- the parameter file that ships -------------------------------------------------------------------------------------------------------
"$data" generate blobs blobs.npy --n 100000 >/dev/null
"$dbscan" "$inputs/tiny.par" >out
expect 'tiny.par: the ten blobs' grep -q '^clusters: 10$' out
"$MPIRUN" -np 2 "$dbscan" "$inputs/tiny.par" -o again.npy >/dev/null
expect 'tiny.par: the same labels on two ranks' cmp labels.npy again.npy
for p in "$inputs"/*.par; do
    expect "$(basename "$p") is understood" "$dbscan" "$p" --write-params
done
