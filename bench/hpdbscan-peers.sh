#!/bin/bash
# Seconds and memory of hpdbscan, and of other DBSCAN programs, on the sets of bench/hpdbscan-sets.txt: whole processes, reading the file included.
# usage: hpdbscan-peers.sh [--self]   (--self: hpdbscan alone)
# A peer is named by PEER_<NAME>=path of a program `PEER input.h5 dataset eps minPts threads labels.bin` (raw 64-bit labels, 0 = noise, a negative
# number = a core point, where it knows; written where WRITE_LABELS=1). If it prints `time_total SECONDS`, that counts instead of our clock.
# BENCH_DATA  folder for data and results (bench-out)     BENCH_SETS   names of sets, or all
# BENCH_RUNS  timed runs after a warm-up (5)              BENCH_LIMIT  seconds after which a run is given up (120)
# BENCH_LONG  seconds of a warm-up after which one timed run is enough (30)
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-$PWD/bin} TOOLS=${BUILD_DIR:-$PWD/build}/tools
OUT=${BENCH_DATA:-bench-out}
RUNS=${BENCH_RUNS:-5} LIMIT=${BENCH_LIMIT:-120} LONG=${BENCH_LONG:-30} DATA=${DATA:-../shared/data}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS OMP_WAIT_POLICY
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
trap 'rm -f "$OUT"/labels.* "$OUT"/wall "$OUT"/log' EXIT
RESULTS=$OUT/results.tsv
wall=("$TOOLS/wall" -o "$OUT/wall" -t "$LIMIT" -w 1024) # MB touched beforehand, so that nobody waits for them
: >"$RESULTS"

# --- data: prints the file and the name of its data set ---------------------------------------------------
text() { # file: its rows as words
    case $1 in
    *.h5) "$BIN/psml-data" convert "$1" "$OUT/rows.csv" >/dev/null && tr , ' ' <"$OUT/rows.csv" && rm "$OUT/rows.csv" ;;
    *.gz) gzip -dc "$1" ;;
    esac
}
data() { # name, source
    local words file=${2%% *}
    read -ra words <<<"$2"
    [ "$file" = generate ] || [ -e "$DATA/points/$file" ] || return 1
    case $2 in
    *' : '*)
        [ -e "$OUT/$1.h5" ] || {
            text "$DATA/points/$file" | awk "${2#* : }" >"$OUT/$1.csv"
            "$BIN/psml-data" convert "$OUT/$1.csv" "$OUT/$1.h5" --output-dataset DATA --type float32 >/dev/null
            rm "$OUT/$1.csv"
        }
        ;;
    generate\ *) [ -e "$OUT/$1.h5" ] || "$BIN/psml-data" generate "${words[1]}" "$OUT/$1.h5" -n "${words[2]}" -d "${words[3]}" >/dev/null ;;
    *) echo "$DATA/points/$file DBSCAN" && return ;;
    esac
    echo "$OUT/$1.h5 DATA"
}

# --- one run: prints "seconds kilobytes status" -----------------------------------------------------------
ours() { # ranks, threads, how a lone rank is started
    local launch=()
    [ "$1$3" = 1 ] || launch=("${MPIRUN:-mpirun}" -np "$1")
    # shellcheck source=bench/env.sh
    (. bench/env.sh &&
        "${wall[@]}" $poll "${launch[@]}" "$BIN/hpdbscan" -t "$2" -e "$eps" -m "$min" -i "$file" --input-dataset "$dataset" \
            -o "$OUT/labels.npy" >"$OUT/log" 2>&1 </dev/null) || true
}
peer() { # path
    WRITE_LABELS=$warm OMP_NUM_THREADS=2 "${wall[@]}" $poll "$1" "$file" "$dataset" "$eps" "$min" 2 "$OUT/labels.bin" \
        >"$OUT/log" 2>&1 </dev/null || true
}
measure() { # program: seconds, kilobytes, status, and seconds by hpdbscan's own clock
    rm -f "$OUT"/labels.* "$OUT/wall"
    case $1 in
    hpdbscan-*x*) ours "${1:9:1}" "${1:11:1}" "${1:12}" ;;
    *) peer "${path[$1]}" ;;
    esac
    awk -v own="$(sed -n 's/^time_total \([0-9.]*\).*/\1/p' "$OUT/log")" -v inside="$(sed -n 's/^total time: \([0-9.]*\).*/\1/p' "$OUT/log")" \
        '{ print (own != "" && $3 == 0 ? own : $1), $2, $3, (inside != "" ? inside : "-") }' "$OUT/wall"
}
judge() { # program: is what it wrote a valid result?
    local labels=$OUT/labels.npy
    [ -e "$labels" ] || labels=$OUT/labels.bin
    if [ ! -s "$labels" ]; then
        echo 'no labels'
    elif [ "${BENCH_CHECK:-yes}" = no ]; then
        echo unchecked
    elif timeout 900 "$TOOLS/dbscan-check" "$file" "$dataset" "$eps" "$min" "$labels" >"$OUT/said" 2>&1; then
        echo valid
    else
        echo invalid
        sed "s/^/    $1: /" "$OUT/said" | head -n 3 >&2
    fi
}

# --- all of them ------------------------------------------------------------------------------------------
declare -A path=() gone=()
programs=(hpdbscan-1x2 hpdbscan-1x2-mpirun hpdbscan-2x1) # the one under mpirun is what two ranks are compared with
if [ "${1:-}" = --self ]; then
    programs=(hpdbscan-1x1 "${programs[@]}")
else
    for v in $(compgen -e | grep '^PEER_' || true); do
        name=$(printf '%s' "${v#PEER_}" | tr 'A-Z_' 'a-z-')
        if [ -x "${!v}" ]; then
            path[$name]=${!v} && programs+=("$name")
        else
            echo "$v=${!v}: there is no such program; left out" >&2
        fi
    done
    [ ${#path[@]} -gt 0 ] || echo 'no peer is named by PEER_<NAME>=path: hpdbscan runs alone' >&2
fi
bench() { # set, file, data set, eps, minPts
    local p round poll warm seconds kb status inside verdict
    local file=$2 dataset=$3 eps=$4 min=$5
    gone=()
    for round in $(seq 0 "$RUNS"); do
        warm=0 poll=''
        [ "$round" != 0 ] || warm=1 poll=-m
        for p in "${programs[@]}"; do
            [ -z "${gone[$p]:-}" ] || continue
            read -r seconds kb status inside < <(measure "$p")
            # what was not used while others ran may have been paged out: of short runs the second counts
            if [ "$round" != 0 ] && [ "$status" = 0 ] && awk "BEGIN { exit !($seconds < 1) }"; then
                read -r seconds kb status inside < <(measure "$p")
            fi
            verdict=-
            if [ "$round" = 0 ] && [ "$status" = 0 ]; then verdict=$(judge "$p"); fi
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$eps" "$min" "$p" "$round" "$seconds" "$kb" "$status" "$verdict" \
                "$inside" >>"$RESULTS"
            if [ "$status" != 0 ] || { [ "$round" = 1 ] && awk "BEGIN { exit !($seconds > $LONG) }"; }; then gone[$p]=1; fi
        done
    done
}
while IFS='|' read -r name source settings; do
    name=${name// /}
    read -r source <<<"$source"
    case $name in '#'* | '') continue ;; esac
    case " ${BENCH_SETS:-$name} " in *" $name "*) ;; *) continue ;; esac
    if ! read -r file dataset < <(data "$name" "$source") || [ -z "$dataset" ]; then
        echo "$name: no data ($source); left out" >&2
        continue
    fi
    IFS=, read -ra each <<<"$settings"
    for s in "${each[@]}"; do
        read -r eps min <<<"$s"
        echo "$name, eps $eps, minPts $min ..." >&2
        bench "$name" "$file" "$dataset" "$eps" "$min"
    done
done <bench/hpdbscan-sets.txt
awk -v programs="${programs[*]}" -v limit="$LIMIT" -f bench/hpdbscan-table.awk "$RESULTS" | tee "$OUT/table.md"
