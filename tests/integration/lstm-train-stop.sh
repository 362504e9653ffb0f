#!/bin/bash
# timeout: 300
# lstm-train: stopped by USR1 within an epoch, it goes on on other numbers of ranks and threads to the same bytes, with state that begins at zero
# in each window and with state that is carried.
set -u
. tests/lib.sh
train=$BIN/lstm-train
tiny=$PWD/inputs/lstm/tiny.csv
both=("$PWD/inputs/lstm/tiny.par" --input "$tiny" --grains 4 --layers 2 --hidden 48 --dropout 0.1)
cd "$TMP" || exit 1

whole() { # the run that is not stopped
    local start
    start=$(date +%s%N)
    "$train" "${job[@]}" --save want.st --forecast want.csv --threads 1 >want 2>&1
    expect "lstm-train, $state state: the run that is not stopped" test $? = 0
    took=$((($(date +%s%N) - start) / 1000000))
}
stop() { # ranks, threads, share of the time, checkpoint
    local status=0 children pid
    rm -f "$4" "$4.jsonl" none.st
    "$MPIRUN" -np "$1" "$train" "${job[@]}" --save none.st --threads "$2" --checkpoint "$4" --record "$4.jsonl" >out 2>err &
    pid=$!
    for _ in $(seq 200); do
        ! grep -q '"event":"epoch"' "$4.jsonl" 2>/dev/null || break
        sleep 0.05
    done
    sleep "$(awk "BEGIN { print $took * $3 / 1000 }")"
    read -ra children <"/proc/$pid/task/$pid/children" || true
    kill -USR1 "${children[@]}" || true
    wait $pid || status=$?
    expect "lstm-train, $state state: USR1 on $1 ranks x $2 threads: status 85 ($status, $(grep '^lstm-train: ' err))" test "$status" = 85
    expect "lstm-train, $state state: a checkpoint, no weights" test -s "$4" -a ! -e none.st
}
resumed() { # checkpoint, then "ranks threads" ...
    local n t run from=$1
    shift
    for run in "$@"; do
        read -r n t <<<"$run"
        cp "$from" b.ck
        rm -f more.st more.csv
        "$MPIRUN" -np "$n" "$train" "${job[@]}" --save more.st --forecast more.csv --threads "$t" --checkpoint b.ck --resume >more 2>&1
        expect "lstm-train, $state state: resumed on $n ranks x $t threads: the same bytes" eval 'cmp want.st more.st && cmp want.csv more.csv'
    done
}

state=reset job=("${both[@]}" --epochs 40)
whole
stop 3 1 0.2 a.ck
resumed a.ck '1 2' '2 1' '4 1'
status=0
"$train" "${job[@]}" --checkpoint a.ck --resume --window 25 >more 2>&1 || status=$?
expect "lstm-train: a checkpoint of another window: status 2 ($status)" test "$status" = 2

state=carried job=("${both[@]}" --state carried --window 6 --batch 10 --epochs 1000 --validate-every 50)
whole
stop 2 1 0.3 a.ck
resumed a.ck '1 2' '3 1'
status=0
"$train" "${job[@]}" --checkpoint a.ck --resume --state reset >more 2>&1 || status=$?
expect "lstm-train: a checkpoint with carried state where state is reset: status 2 ($status)" test "$status" = 2
