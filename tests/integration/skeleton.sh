#!/bin/bash
# timeout: 200
# skeleton: known values, the same bits on any number of ranks and threads, stop and resume.
set -eu
. tests/lib.sh
top=$PWD
skeleton=$BIN/skeleton

# --- values -----------------------------------------------------------------------------------------------
"$skeleton" inputs/skeleton/tiny.par >"$TMP/tiny"
cat >"$TMP/want" <<'END'
rows 8
column 0: mean 4.5, variance 6
column 1: mean 5, variance 0
column 2: mean 1000000004.5, variance 6
END
expect 'skeleton: mean and variance of tiny.par' cmp "$TMP/want" "$TMP/tiny"
cd "$TMP"

# 14 columns of 900 rows whose sums depend on the order of additions
awk 'BEGIN { srand(3); for (i = 0; i < 900; i++) { for (k = 0; k < 14; k++) printf "%s%.15g", k ? "," : "", exp(20 * rand() - 10); print "" } }' >data.csv
"$skeleton" data.csv --grains 7 >want
for n in 1 2 3 5 9; do
    expect "skeleton: the same bits on $n ranks" cmp want <("$MPIRUN" -np $n "$skeleton" data.csv --grains 7 2>&1)
done
expect 'skeleton: the same bits with 4 threads' cmp want <("$skeleton" data.csv --grains 7 --threads 4)
expect 'skeleton: the same bits in steps of 3 columns' cmp want <("$skeleton" data.csv --grains 7 -c 3)
awk -F, '{ for (k = 1; k <= NF; k++) s[k] += $k } END { for (k = 1; k <= NF; k++) printf "%.9g\n", s[k] / NR }' data.csv >means
expect 'skeleton: means agree with awk' cmp means <(awk '/mean/ { printf "%.9g\n", $4 }' want)

# --- what it refuses --------------------------------------------------------------------------------------
refused() { # status, part of the message, arguments...
    local want=$1 part=$2 status=0
    shift 2
    "$MPIRUN" -np 2 "$skeleton" "$@" >out 2>err || status=$?
    expect "skeleton: $*: status $want ($status), $part" test "$status" = "$want" -a "$(grep -c "^skeleton: .*$part" err)" = 1
}
refused 2 'argument input is missing'
refused 1 'no such file' none.csv
echo 1,2 >one.csv
refused 1 '2 rows or more, not 1' one.csv
refused 2 'needs --checkpoint' data.csv --resume

# --- stop and resume --------------------------------------------------------------------------------------
stopped() { # ranks, checkpoint: start, stop by USR1, expect 85
    local status=0 job
    "$MPIRUN" -np "$1" "$skeleton" data.csv --grains 7 -c 1 --pause 0.2 --checkpoint "$2" --record "$2.jsonl" >out 2>err &
    job=$!
    for _ in $(seq 100); do
        [ ! -s "$2.jsonl" ] || break
        sleep 0.1
    done
    sleep 0.6
    kill -USR1 $job
    wait $job || status=$?
    expect "skeleton: USR1 on $1 ranks: status 85 ($status)" test "$status" = 85
    expect 'skeleton: it says so' grep -q '^skeleton: stopped after column' err
    expect 'skeleton: no result yet' test ! -s out
    expect 'skeleton: the record says so' grep -q '"status":"stopped","exit":85' "$2.jsonl"
}
stopped 3 three.ck
for n in 3 1 2; do
    expect "skeleton: resumed on $n ranks, the same bits" cmp want <("$MPIRUN" -np $n "$skeleton" data.csv --grains 7 --checkpoint three.ck --resume 2>said)
    expect 'skeleton: it did not begin anew' grep -q '^going on at column [1-9]' said
done
stopped 1 one.ck
expect 'skeleton: from 1 rank to 3, the same bits' cmp want <("$MPIRUN" -np 3 "$skeleton" data.csv --grains 7 --checkpoint one.ck --resume 2>/dev/null)
refused 2 'skeleton 900 x 14, grains 7' data.csv --grains 6 --checkpoint one.ck --resume
expect 'skeleton: --resume without a checkpoint begins anew' cmp want <("$skeleton" data.csv --grains 7 --checkpoint new.ck --resume)
"$skeleton" data.csv --grains 7 -c 1 --every 5 --checkpoint often.ck >out
expect 'skeleton: checkpoints every 5 steps' test -s often.ck
expect 'skeleton: one that ended well resumes too' cmp want <("$skeleton" data.csv --grains 7 --checkpoint often.ck --resume 2>/dev/null)
cd "$top"
