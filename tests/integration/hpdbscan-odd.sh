#!/bin/bash
# hpdbscan on odd inputs: the same label file on 1 to 4 ranks, 1 and 2 threads, by grid and by tree, equal to the plain back end's where that is
# quick, and a DBSCAN result by the independent checker, whose own judgement is tried first.
# timeout: 900
set -u
. tests/lib.sh
cd "$TMP" || exit 1

# --- the checker: two clusters on a line, a border point at each end of them, noise ---------------------------
printf '%s\n' 0 1 2 3 10 11 12 20 | awk '{ print $1 ",0" }' >line.csv
checks() { # name, status, words of the answer, options, labels...
    local name=$1 want=$2 words=$3 options=$4 status=0
    shift 4
    { echo label && printf '%s\n' "$@"; } >line-labels.csv
    "$BIN/psml-data" convert line-labels.csv line-labels.npy --type int64 >/dev/null
    # shellcheck disable=SC2086 # options
    "$TOOLS/dbscan-check" $options line.csv - 1 3 line-labels.npy >said 2>&1 || status=$?
    if [ "$status" = "$want" ] && grep -q -e "$words" said; then ok "checker: $name"; else not_ok "checker: $name ($status)" && cat said; fi
}
checks 'a result' 0 'valid and canonical: 8 points, 2 clusters, 3 core, 4 border, 1 noise' --canonical 1 -1 -1 1 2 -2 2 0
checks 'another numbering' 0 '^valid' '' 7 -7 -7 7 3 -3 3 0
checks 'that is not the canonical one' 1 'row 1 is the first core point of cluster 1' --canonical 7 -7 -7 7 3 -3 3 0
checks 'no core flags' 0 'core flags not judged' --no-core-flags 1 1 1 1 2 2 2 0
checks 'a core point without a flag' 1 'row 1 is a core point, its label is 1' '' 1 1 -1 1 2 -2 2 0
checks 'a flag without a core point' 1 'row 0 is not a core point' '' -1 -1 -1 1 2 -2 2 0
checks 'a cluster in two' 1 'core rows 1 and 2 are connected' '' 1 -1 -3 3 2 -2 2 0
checks 'two clusters in one' 1 'core rows 1 and 5 are not connected' '' 1 -1 -1 1 1 -1 1 0
checks 'a border point as noise' 1 'row 3 is within eps of a core point of cluster 1' '' 1 -1 -1 0 2 -2 2 0
checks 'a border point elsewhere' 1 'row 3 is in cluster 2, it is not' '' 1 -1 -1 2 2 -2 2 0
checks 'noise as a border point' 1 'row 7 is in cluster 2' '' 1 -1 -1 1 2 -2 2 2
checks 'a core point as noise' 1 'row 1 is a core point, its label says noise' --no-core-flags 1 0 1 1 2 2 2 0
checks 'too few labels' 2 'not one 64-bit signed integer per point' '' 1 -1 -1

# --- hpdbscan ------------------------------------------------------------------------------------------------
mkdir odd
"$TOOLS/odd-inputs" odd >list || not_ok 'the odd inputs are written'
cluster() { # ranks, threads, options...: standard error goes to err
    local ranks=$1 threads=$2 launch=()
    shift 2
    [ "$ranks" = 1 ] || launch=("$MPIRUN" -np "$ranks")
    timeout 60 "${launch[@]}" "$BIN/hpdbscan" -t "$threads" -i "odd/$file" -e "$eps" -m "$min" "$@" >out 2>err </dev/null
}
same() { # ranks, threads, options...: the labels must be those of the reference
    rm -f labels.npy
    cluster "$@" -o labels.npy && cmp -s reference.npy labels.npy && return
    wrong="$wrong; $1 ranks x $2 threads ${*:3}: $(if [ -s err ]; then head -n 1 err; else echo 'other labels'; fi)"
}
while read -r file eps min rows; do
    wrong='' backend=cpu
    [ "$rows" -gt 4000 ] || backend=ref
    rm -f reference.npy
    cluster 1 1 --backend $backend -o reference.npy || wrong="; reference: $(cat err)"
    said=$("$TOOLS/dbscan-check" --canonical "odd/$file" DATA "$eps" "$min" reference.npy 2>&1) || wrong="$wrong; $said"
    for ranks in 1 2 3 4; do
        for threads in 1 2; do same $ranks $threads; done
    done
    for index in grid tree; do same 2 1 --index $index; done
    if [ -z "$wrong" ]; then ok "$file, eps $eps, minPts $min, $backend: $said"; else not_ok "$file, eps $eps, minPts $min$wrong"; fi
done <list
expect 'at least 35 odd inputs' test "$(wc -l <list)" -ge 35
