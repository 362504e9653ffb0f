#!/bin/bash
# Seconds of pisvm-train and pisvm-predict, and of other SVM programs, on the sets of bench/pisvm-sets.txt: whole processes, files included.
# usage: pisvm-peers.sh [--self]   (--self: pisvm alone)
# A peer is named by SVM_PEER_<NAME>=path of a program `PEER train DATA MODEL C GAMMA MEGABYTES`, `PEER predict DATA MODEL OUT`,
# `PEER validate DATA C GAMMA FOLDS MEGABYTES` (2 threads or 2 ranks; status 3: it has no such task).
# BENCH_DATA  folder for data and results (bench-out)   BENCH_SETS    names of sets, or all
# BENCH_RUNS  timed runs (3)                            BENCH_LIMIT   seconds after which a run is given up (300)
# BENCH_LONG  seconds of a run after which one is enough (30)   BENCH_MEMORY  -m of all programs (4096; piSVM stands 1024 at most)
# BENCH_TASKS train predict validate grid, or some of them
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN_DIR:-$PWD/bin} TOOLS=${BUILD_DIR:-$PWD/build}/tools
OUT=${BENCH_DATA:-bench-out}/pisvm
RUNS=${BENCH_RUNS:-3} LIMIT=${BENCH_LIMIT:-300} LONG=${BENCH_LONG:-30} MEMORY=${BENCH_MEMORY:-4096} DATA=${DATA:-../shared/data}
TASKS=${BENCH_TASKS:-train predict validate grid}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS OMP_WAIT_POLICY
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
trap 'rm -f "$OUT"/wall "$OUT"/log' EXIT
RESULTS=$OUT/results.tsv
wall=("$TOOLS/wall" -o "$OUT/wall" -t "$LIMIT" -w 1024) # MB touched beforehand, so that nobody waits for them
: >"$RESULTS"

# --- data: makes a file of LIBSVM text and prints its name ------------------------------------------------
data() { # set, part, source
    local file=$OUT/$1.$2.libsvm words
    read -ra words <<<"$3"
    case ${words[0]} in
    spectra) ;;
    mnist) [ -e "$DATA/mnist" ] || return 1 ;;
    *) [ -e "$DATA/svm/${words[-1]}" ] || return 1 ;;
    esac
    if [ ! -e "$file" ]; then
        case ${words[0]} in
        spectra) # a fifth of the scene is for testing
            "$BIN/psml-data" generate spectra "$OUT/scene.libsvm" --classes "${words[1]}" -n "$((words[2] * 5 / 4))" --bands "${words[3]}" --seed "${words[4]}" >/dev/null
            "$BIN/psml-data" split "$OUT/scene.libsvm" "$OUT/$1.train.libsvm" "$OUT/$1.test.libsvm" --fraction 0.8 >/dev/null
            rm "$OUT/scene.libsvm"
            ;;
        mnist)
            "$BIN/psml-data" convert "$DATA/mnist/${words[1]}-images-idx3-ubyte.gz" "$OUT/mnist.libsvm" --labels "$DATA/mnist/${words[1]}-labels-idx1-ubyte.gz" --rows ":${words[2]}" >/dev/null
            mv "$OUT/mnist.libsvm" "$file"
            ;;
        scaled)
            gzip -dc "$DATA/svm/${words[1]}" >"$file.raw"
            if [ "$2" = train ]; then
                "$BIN/pisvm-scale" -l 0 -u 1 -s "$OUT/$1.range" "$file.raw" >"$file"
            else
                "$BIN/pisvm-scale" -r "$OUT/$1.range" "$file.raw" >"$file"
            fi
            rm "$file.raw"
            ;;
        *) gzip -dc "$DATA/svm/${words[0]}" >"$file" ;;
        esac
    fi
    echo "$file"
}

# --- one run: prints "seconds kilobytes status" -----------------------------------------------------------
run() { # program, task...
    local program=$1 launch=() task=$2 command
    shift 2
    rm -f "$OUT/wall"
    case $program in
    pisvm-*x*)
        [ "${program:6:1}${program:9}" = 1 ] || launch=("${MPIRUN:-mpirun}" -np "${program:6:1}")
        case $task in
        train) command=("$BIN/pisvm-train" -s 0 -t 2 -c "$3" -g "$4" -m "$5" --threads "${program:8:1}" "$1" "$2") ;;
        predict) command=("$BIN/pisvm-predict" --threads "${program:8:1}" "$1" "$2" "$3") ;;
        validate) command=("$BIN/pisvm-train" -s 0 -t 2 -c "$2" -g "$3" -v "$4" -m "$5" --threads "${program:8:1}" "$1") ;;
        grid) command=("$BIN/pisvm-train" -s 0 -t 2 --grid-c "$2" --grid-g "$3" -v "$4" -m "$5" --threads "${program:8:1}" "$1") ;;
        esac
        # shellcheck disable=SC2016 # another shell's
        case $program in *-twice) launch=(bash -c '"$@" & "${@:1:$#-1}" "${*: -1}.twin" && wait $!' twice "${launch[@]}") ;; esac
        # shellcheck source=bench/env.sh
        (. bench/env.sh && "${wall[@]}" "${launch[@]}" "${command[@]}" >"$OUT/log" 2>&1 </dev/null) || true
        ;;
    *) OMP_NUM_THREADS=2 "${wall[@]}" "${path[$program]}" "$task" "$@" >"$OUT/log" 2>&1 </dev/null || true ;;
    esac
    cat "$OUT/wall"
}
percent() { sed -n -e 's/^Accuracy = \([0-9.]*\)%.*/\1/p' -e 's/^Cross Validation Accuracy = \([0-9.]*\)%.*/\1/p' "$OUT/log" | head -n 1; }
bench() { # set, task, arguments... (MODEL: the program's own file): RUNS rounds over the programs of `list`, so that all see the same machine
    local set=$1 task=$2 round seconds kb status p
    local -A gone=()
    shift 2
    for round in $(seq "$RUNS"); do
        for p in "${list[@]}"; do
            [ -z "${gone[$p]:-}" ] || continue
            read -r seconds kb status < <(run "$p" "$task" "${@//MODEL/$OUT/$set.$p.model}")
            # what was not used while others ran may have been paged out: of short runs the second counts
            if [ "$status" = 0 ] && awk "BEGIN { exit !($seconds < 2) }"; then
                read -r seconds kb status < <(run "$p" "$task" "${@//MODEL/$OUT/$set.$p.model}")
            fi
            if [ "$status" = 3 ]; then gone[$p]=1 && continue; fi
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$set" "$task" "$p" "$round" "$seconds" "$kb" "$status" "$(percent)" >>"$RESULTS"
            if [ "$status" != 0 ] || awk "BEGIN { exit !($seconds > $LONG) }"; then gone[$p]=1; fi
        done
    done
}
worth() { # set, program, model, test set: accuracy of a trained model, by pisvm-predict
    [ -e "$3" ] || return 0
    run pisvm-1x2 predict "$4" "$3" "$OUT/predicted" >/dev/null
    printf '%s\ttrain\t%s\taccuracy\t-\t-\t0\t%s\n' "$1" "$2" "$(percent)" >>"$RESULTS"
}

# --- all of them ------------------------------------------------------------------------------------------
declare -A path=()
# the one under mpirun is what two ranks are compared with; two such jobs at once show what the machine's second core is worth
programs=(pisvm-1x2 pisvm-1x1 pisvm-1x1-mpirun pisvm-1x1-twice pisvm-2x1) peers=()
if [ "${1:-}" != --self ]; then
    for v in $(compgen -e | grep '^SVM_PEER_' || true); do
        name=$(printf '%s' "${v#SVM_PEER_}" | tr 'A-Z_' 'a-z-')
        if [ -x "${!v}" ]; then path[$name]=${!v} && peers+=("$name"); else echo "$v=${!v}: there is no such program; left out" >&2; fi
    done
    [ ${#path[@]} -gt 0 ] || echo 'no peer is named by SVM_PEER_<NAME>=path: pisvm runs alone' >&2
fi
while IFS='|' read -r name train test values; do
    name=${name// /}
    case $name in '#'* | '') continue ;; esac
    case " ${BENCH_SETS:-$name} " in *" $name "*) ;; *) continue ;; esac
    if ! train=$(data "$name" train "$train") || ! test=$(data "$name" test "$test"); then
        echo "$name: no data; left out" >&2
        continue
    fi
    read -r c gamma <<<"$values"
    for task in $TASKS; do
        echo "$name, $task ..." >&2
        case $task in
        train)
            list=("${programs[@]}" "${peers[@]}")
            for p in "${list[@]}"; do rm -f "$OUT/$name.$p.model"; done
            bench "$name" train "$train" MODEL "$c" "$gamma" "$MEMORY"
            for p in "${list[@]}"; do worth "$name" "$p" "$OUT/$name.$p.model" "$test"; done
            ;;
        predict)
            [ -e "$OUT/$name.pisvm-1x2.model" ] || run pisvm-1x2 train "$train" "$OUT/$name.pisvm-1x2.model" "$c" "$gamma" "$MEMORY" >/dev/null
            list=(pisvm-1x2 "${peers[@]}")
            bench "$name" predict "$train" "$OUT/$name.pisvm-1x2.model" "$OUT/predicted"
            ;;
        validate)
            case $name in scene16 | satimage | letter) ;; *) continue ;; esac
            list=(pisvm-1x2 "${peers[@]}")
            bench "$name" validate "$train" "$c" "$gamma" 10 "$MEMORY"
            ;;
        grid)
            [ "$name" = scene16 ] || continue
            list=(pisvm-1x2)
            bench "$name" grid "$train" 1,10,100,1000,10000 2,4,8,16,32 10 "$MEMORY"
            ;;
        esac
    done
done <bench/pisvm-sets.txt
awk -v limit="$LIMIT" -f bench/pisvm-table.awk "$RESULTS" | tee "$OUT/table.md"
