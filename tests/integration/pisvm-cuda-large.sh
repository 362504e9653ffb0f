#!/bin/bash
# Large problems of pisvm-train on a device: with the plugin that is built for the host, solutions are those of the processor within the tolerance,
# ranks and the memory for columns change nothing, and a stopped one goes on.
# timeout: 600
set -u
. tests/lib.sh
. tests/svm.sh
. tests/plugin.sh
use_plugin 'training with the plugin'
cd "$TMP" || exit 1
train() { # ranks, arguments...: into out and err
    local n=$1
    shift
    "$MPIRUN" -np "$n" "$BIN/pisvm-train" --threads 1 "$@" >out 2>err </dev/null
}
svm_data 320
while read -r name data options; do
    read -ra words <<<"$options"
    words+=(-m 0.02 -o 48 -q 24 -e 0.0001)
    train 1 "${words[@]}" --backend cpu "$data.libsvm" cpu.model
    cp out cpu.out
    status=0
    train 1 "${words[@]}" --backend cuda "$data.libsvm" cuda.model || status=$?
    expect "$name: large ones: $(grep ' large, ' err), $(grep '^pisvm-train: ' err | head -n 1)" test $status = 0 -a "$(grep -c ' large, ' err)" = 1
    expect "$name: objectives as with cpu: $(objectives cpu.out | head -n 3 | xargs), $(objectives out | head -n 3 | xargs)" near_objectives cpu.out out
    train 3 "${words[@]}" --backend cuda "$data.libsvm" three.model
    expect "$name: the same model on 3 ranks" cmp cuda.model three.model
    train 2 "${words[@]}" -m 0.0005 --backend cuda "$data.libsvm" none.model
    expect "$name: the same model where no column is kept" cmp cuda.model none.model
done < <(svm_sets | grep -v -e linear -e polynomial)

# --- stop and go on ---------------------------------------------------------------------------------------
long=(-m 0.02 -o 24 -q 8 -e 0.000001 -c 1000 -g 2 -b 1 --backend cuda)
"$MPIRUN" -np 2 "$BIN/pisvm-train" --threads 1 "${long[@]}" --checkpoint stop.ck two.libsvm stopped.model >out 2>err </dev/null &
pid=$!
for _ in $(seq 400); do
    ! grep -q ' large, ' err || break
    sleep 0.05
done
sleep 0.3
kill -USR1 $pid
status=0
wait $pid || status=$?
expect "USR1: status 85 ($status): $(grep '^pisvm-train: ' err)" test $status = 85
train 3 "${long[@]}" --checkpoint stop.ck --resume two.libsvm resumed.model
expect "it goes on: $(grep 'going on' err)" grep -q 'going on' err
train 1 "${long[@]}" two.libsvm whole.model
expect 'to the same model' cmp resumed.model whole.model

# --- what fails -------------------------------------------------------------------------------------------
status=0
PS_HOST_MEMORY=30000 train 3 -m 0.02 -o 48 --backend cuda two.libsvm failed.model || status=$?
expect "too small a device: $(grep '^pisvm-train: ' err)" test "$status" = 1 -a "$(grep -c '^pisvm-train: no memory on the device: ' err)" = 1
expect 'no file is left' test ! -e failed.model
