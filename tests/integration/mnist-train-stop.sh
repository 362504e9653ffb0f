#!/bin/bash
# mnist-train: stopped by USR1 at some step, it goes on on other numbers of ranks to the same bytes; killed while it writes a checkpoint, it
# never loses the one before.
# timeout: 400
set -u
. tests/lib.sh
train=$BIN/mnist-train
cd "$TMP" || exit 1
"$BIN/psml-data" generate digits digits -n 600 --test 100 >/dev/null
run() { # ranks, arguments...
    local ranks=$1
    shift
    "$MPIRUN" -np "$ranks" "$train" --threads 1 "$@"
}

# --- stop and resume ----------------------------------------------------------------------------------------
job=(--model ann digits --epochs 400 --batch 32 --grains 4 --momentum 0.9 --init glorot)
run 2 "${job[@]}" --save want.st >whole 2>&1
stop() { # ranks, seconds in training, checkpoint, arguments...
    local ranks=$1 seconds=$2 check=$3 status=0 pid
    shift 3
    rm -f "$check.jsonl"
    run "$ranks" "${job[@]}" --checkpoint "$check" --record "$check.jsonl" "$@" >out 2>err &
    pid=$!
    for _ in $(seq 200); do
        ! grep -q '"event":"epoch"' "$check.jsonl" 2>/dev/null || break
        sleep 0.05
    done
    sleep "$seconds"
    # the shell that waits passes nothing on
    read -ra children <"/proc/$pid/task/$pid/children" || true
    kill -USR1 "${children[@]}" || true
    wait $pid || status=$?
    expect "USR1 on $ranks ranks: status 85 ($status): $(grep '^mnist-train: ' err)" test "$status" = 85
    expect 'a checkpoint, no weights' test -s "$check" -a ! -e got.st
    expect 'the record says so' grep -q '"status":"stopped","exit":85' "$check.jsonl"
}
resume() { # ranks, checkpoint
    rm -f again*
    for file in "$2"*; do case $file in *.jsonl) ;; *) cp "$file" "again${file#"$2"}" ;; esac done
    run "$1" "${job[@]}" --checkpoint again --resume --save got.st >out 2>err
    expect "resumed on $1 ranks, the same weights: $(grep -h 'going on' out err)" cmp -s want.st got.st
    rm -f got.st
}
stop 2 0.2 two.ck
for ranks in 1 2 3 4; do resume $ranks two.ck; done
stop 3 0.1 three.ck
stop 1 0.1 three.ck --resume
resume 2 three.ck
run 2 "${job[@]}" --rate 0.02 --checkpoint two.ck --resume >out 2>err
expect "another rate is another run: $(grep '^mnist-train: ' err)" grep -q '^mnist-train: .*two.ck' err

# --- killed while a checkpoint is written -------------------------------------------------------------------
# every step writes one, so that most of the time goes there; moments are spread over some ten of them
job=(--model ann digits --epochs 600 --batch 100 --grains 4)
"$train" --threads 1 "${job[@]}" --save want.st >whole 2>&1
kills=0 lost=0
for k in $(seq 50); do
    rm -f kill.jsonl
    "$train" --threads 1 "${job[@]}" --checkpoint kill.ck --every 1 --resume --record kill.jsonl >out 2>err &
    pid=$!
    while [ ! -s kill.jsonl ]; do sleep 0.01; done
    while kill -0 $pid 2>/dev/null; do # to where it goes on, or has its first checkpoint
        if [ "$k" = 1 ]; then [ ! -e kill.ck ] || break; else ! grep -q 'going on' out err || break; fi
        sleep 0.005
    done
    sleep "0.0$((k * 37 % 90 + 10))"
    kill -9 $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
    [ "$k" = 1 ] || grep -q 'going on' out err || lost=$((lost + 1))
done
expect "killed $kills times, $lost times there was no checkpoint to go on from" test "$kills" -ge 45 -a "$lost" = 0
"$train" --threads 1 "${job[@]}" --checkpoint kill.ck --resume --save got.st >out 2>err
expect "after that it goes on to the same weights: $(grep -h 'going on' out err)" cmp -s want.st got.st
