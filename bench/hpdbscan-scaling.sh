#!/bin/bash
# How hpdbscan's work and messages spread over 1 to 64 ranks on skewed points: counted, so that a small machine can show it.
# usage: hpdbscan-scaling.sh [data.h5]   (default: 2 million generated towns)
# BENCH_DATA folder for data and records (bench-out)   RANKS "1 2 4 ..."   EPSILON, MINPOINTS of the clustering   BIN_DIR programs (bin)
# Columns: largest share of points, of the cost that was estimated before the cut, and of the work that was counted (points held + 0.04 x
# distances), each with its load balance = mean / largest; halo points of all ranks, as a share of the points; bytes sent by all ranks.
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-bin} OUT=${BENCH_DATA:-bench-out}
RANKS=${RANKS:-1 2 4 8 16 32 64} EPSILON=${EPSILON:-0.01} MINPOINTS=${MINPOINTS:-40}
mkdir -p "$OUT"
DATA=${1:-$OUT/geo-2m.h5}
[ -e "$DATA" ] || "$BIN/psml-data" generate geo "$DATA" -n 2000000 >/dev/null
# shellcheck source=tests/env.sh
. tests/env.sh
trap 'rm -f "$OUT/scaling.npy"' EXIT
echo "$DATA, epsilon $EPSILON, minPoints $MINPOINTS"
printf '%6s | %8s %7s | %8s %7s | %8s %7s | %10s %7s | %9s %6s\n' ranks points balance cost balance work balance halo share MB rounds
for ranks in $RANKS; do
    record=$OUT/scaling-$ranks.jsonl
    rm -f "$record"
    mpirun -np "$ranks" "$BIN/hpdbscan" -i "$DATA" -o "$OUT/scaling.npy" -e "$EPSILON" -m "$MINPOINTS" -t 1 --record "$record" >/dev/null
    awk -v ranks="$ranks" '
        function value(key) { return match($0, "\"" key "\":[0-9.e+-]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : 0 }
        function largest(sum, max) { return sprintf("%7.2f%% %7.3f", sum ? 100 * max / sum : 100, max ? sum / ranks / max : 1) }
        /"event":"phase"/ {
            bytes += value("bytes")
            if (/"name":"balance"/) { cost = value("cost"); cost_max = value("cost_max") }
            if (/"name":"move"/) { points = value("points"); points_max = value("points_max") }
            if (/"name":"halo"/) halo = value("points")
            if (/"name":"merge"/) rounds = value("rounds")
            if (/"name":"label"/) { work = value("work"); work_max = value("work_max") }
        }
        END {
            printf "%6d | %s | %s | %s | %10d %6.2f%% | %9.1f %6d\n", ranks, largest(points, points_max), largest(cost, cost_max),
                largest(work, work_max), halo, points ? 100 * halo / points : 0, bytes / 1e6, rounds
        }' "$record"
done
