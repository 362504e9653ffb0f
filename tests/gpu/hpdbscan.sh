#!/bin/bash
# hpdbscan on a GPU: labels are the processor's to the byte, on odd inputs, on 10 million points, and on ranks that share a GPU.
# timeout: 150
set -u
. tests/lib.sh
cd "$TMP" || exit 1
unset PSML_PLUGINS
mkdir odd
"$TOOLS/odd-inputs" odd >list || not_ok 'the odd inputs are written'
both() { # name, file, epsilon, minPoints: both back ends, and whether they agree
    local name=$1 wrong='' backend
    for backend in cpu cuda; do
        timeout 60 "$BIN/hpdbscan" -i "$2" -e "$3" -m "$4" --backend $backend -o "$name.$backend.npy" >"$name.$backend.out" 2>"$name.err" </dev/null ||
            wrong="$wrong, $backend: $(grep '^hpdbscan: ' "$name.err")"
    done
    cmp -s "$name.cpu.npy" "$name.cuda.npy" || wrong="$wrong, other labels"
    expect "${2##*/}, eps $3, minPts $4: $(head -n 1 "$name.cuda.out"), labels as by cpu$wrong" test -z "$wrong"
    rm -f "$name".*
}
# a process spends most of its time opening the GPU: four at a time
n=0
while read -r file eps min _; do
    both "set$n" "odd/$file" "$eps" "$min" &
    n=$((n + 1))
    [ $((n % 4)) != 0 ] || wait
done <list
wait
large() { # name, epsilon, minPoints, what to generate...
    "$BIN/psml-data" generate "${@:4}" "$1.npy" --n 10000000 >/dev/null
    both "labels-$1" "$1.npy" "$2" "$3"
}
large towns 0.01 40 geo
large laser 20 100 scan
rm -f laser.npy
"$BIN/hpdbscan" towns.npy -e 0.01 -m 40 --backend cpu -o want.npy >/dev/null 2>&1
status=0
timeout 60 "$MPIRUN" -np 2 "$BIN/hpdbscan" -t 2 towns.npy -e 0.01 -m 40 --backend cuda -o got.npy >out 2>err </dev/null || status=$?
expect "two ranks: labels as by cpu ($status): $(grep '^hpdbscan: ' err)" cmp want.npy got.npy
