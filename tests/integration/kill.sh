#!/bin/bash
# kill -9 of one rank ends the whole job within 10 s with a non-zero status, and no rank is left.
set -eu
. tests/lib.sh

leaves() { # processes below $1 that have no children: the ranks
    local child children
    children=$(cat /proc/"$1"/task/*/children 2>/dev/null) || true
    if [ -z "$children" ]; then
        echo "$1"
        return
    fi
    for child in $children; do leaves "$child"; done
}

# all pairs of 300,000 points keep three ranks busy for far longer than the test takes
awk 'BEGIN { srand(1); for (i = 0; i < 300000; i++) printf "%.6f,%.6f\n", rand(), rand() }' >"$TMP/points.csv"
"$MPIRUN" -np 3 "$BIN/hpdbscan" --backend ref -e 0.001 -m 100000 -i "$TMP/points.csv" -o "$TMP/labels.npy" --record "$TMP/record.jsonl" \
    </dev/null >"$TMP/out" 2>&1 &
job=$!
for _ in $(seq 100); do
    [ ! -s "$TMP/record.jsonl" ] || break
    sleep 0.2
done
sleep 1
mapfile -t ranks < <(leaves "$job")
if [ "${#ranks[@]}" -ne 3 ] || ! kill -0 "$job"; then
    not_ok "kill: the job has ${#ranks[@]} processes, not 3 busy ranks"
    cat "$TMP/out"
    kill "$job" || true
    exit 1
fi
start=$(date +%s%N)
kill -9 "${ranks[1]}"
status=0
wait "$job" || status=$?
seconds=$((($(date +%s%N) - start) / 1000000000))
expect "kill: the job ends within 10 s ($seconds s)" test "$seconds" -lt 10
expect "kill: its status is not zero ($status)" test "$status" -ne 0
# the launcher kills those that are left, and may be gone a moment before them
alive() { for p in "${ranks[@]}"; do [ ! -d "/proc/$p" ] || echo "$p"; done; }
for _ in $(seq 50); do
    [ -n "$(alive)" ] || break
    sleep 0.2
done
seconds=$((($(date +%s%N) - start) / 1000000000))
expect "kill: no rank is left within 10 s ($seconds s)" test -z "$(alive)" -a "$seconds" -lt 10
expect 'kill: no output file is left' test ! -e "$TMP/labels.npy"
