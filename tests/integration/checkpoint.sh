#!/bin/bash
# timeout: 120
# A program that is killed while it writes checkpoints loses none that it has told of.
set -u
. tests/lib.sh
loop=$TOOLS/checkpoint-loop
cd "$TMP" || exit 1

told=0 lost=0 torn=0 kills=50
for i in $(seq $kills); do
    "$loop" --checkpoint killed.ck >out 2>err &
    job=$!
    sleep "0.$((RANDOM % 30 + 10))"
    kill -9 $job
    wait $job 2>/dev/null
    last=$(tail -n 1 out)
    [ "${last:-0}" -le "$told" ] || told=$last
    found=$("$loop" --checkpoint killed.ck --read 2>err) || found=-1
    [ "$found" -ge "$told" ] || { lost=$((lost + 1)) && cat err; }
    ! grep -q 'going on from' err || torn=$((torn + 1))
done
echo "# $kills kills, $told checkpoints told, the newest passed over $torn times"
expect 'checkpoint: killed at 50 moments, none is lost' test $lost = 0
expect 'checkpoint: the run went on between' test "$told" -gt 50
expect 'checkpoint: as many as are asked for, and one that was being written at most' \
    test "$(find . -name 'killed.ck*' ! -name '*.tmp' | wc -l)" -le 3
for n in 2 3; do
    expect "checkpoint: $n ranks read what one wrote" test "$("$MPIRUN" -np $n "$loop" --checkpoint killed.ck --read 2>/dev/null)" -ge "$told"
done
