#!/bin/bash
# pisvm on a device: with the plugin that is built for the host, models, cross-validations and grids are those of the processor within the tolerance,
# predictions of a model are the same to the byte, ranks and memory change nothing, stops go on, and refusals are one sentence.
# timeout: 600
set -u
. tests/lib.sh
. tests/svm.sh
. tests/plugin.sh
cd "$TMP" || exit 1
unset PSML_PLUGINS PS_HOST_MEMORY
svm() { # ranks, program, arguments...: by one thread each
    local n=$1 program=$2
    shift 2
    on "$n" "$program" --threads 1 "$@"
}
svm_data 320

# --- without a plugin, without a GPU ----------------------------------------------------------------------
mkdir alone wrong
cp "$BIN/pisvm-train" "$BIN/pisvm-predict" alone/
here=$BIN BIN=$TMP/alone
refused 1 'back end cuda of support vector machines: no plugin libps_cuda.so (.*); take cpu or auto' pisvm-train --backend cuda two.libsvm none
refused 1 'back end cuda of support vector machines: no plugin libps_cuda.so (.*); take cpu or auto' pisvm-predict --backend cuda two.libsvm none none
BIN=$here
expect 'nothing was written' test ! -e none
use_plugin 'training with the plugin'

# --- training and prediction ------------------------------------------------------------------------------
while read -r name data options; do
    read -ra words <<<"$options"
    words+=(-e 0.0001)
    rm -f ./*.model ./*.pred
    svm 1 pisvm-train "${words[@]}" --backend cpu "$data.libsvm" cpu.model
    cp out cpu.out
    status=0
    svm 1 pisvm-train "${words[@]}" --backend cuda "$data.libsvm" cuda.model || status=$?
    expect "$name: trains on the device: $(grep '^pisvm-train: ' err | head -n 1)" test $status = 0 -a "$(grep -c '^back end: cuda, rank 0: ' err)" = 1
    expect "$name: objectives as with cpu: $(objectives cpu.out | head -n 3 | xargs), $(objectives out | head -n 3 | xargs)" near_objectives cpu.out out
    svm 3 pisvm-train "${words[@]}" --backend cuda "$data.libsvm" three.model
    expect "$name: the same model on 3 ranks" cmp cuda.model three.model
    probability=0
    case $name in *probabilities) probability=1 ;; esac
    svm 1 pisvm-predict -b $probability --backend cpu "$data.libsvm" cuda.model cpu.pred
    said=$(worth out)
    svm 1 pisvm-predict -b $probability --backend cuda "$data.libsvm" cuda.model cuda.pred
    expect "$name: predictions as with cpu: $said" cmp cpu.pred cuda.pred
    expect "$name: and what is said of them" test "$said" = "$(worth out)"
    [ "$name" = C-SVC ] || continue
    svm 3 pisvm-predict --backend cuda "$data.libsvm" cuda.model three.pred
    expect "$name: and on 3 ranks" cmp cuda.pred three.pred
done < <(svm_sets)

# --- cross-validation and grids ---------------------------------------------------------------------------
while read -r name data options; do
    read -ra words <<<"$options"
    svm 1 pisvm-train "${words[@]}" --backend cpu "$data.libsvm"
    cp out cpu.out
    status=0
    svm 1 pisvm-train "${words[@]}" --backend cuda --log debug "$data.libsvm" || status=$?
    expect "$name: on the device: $(grep '^pisvm-train: ' err | head -n 1)" test $status = 0
    expect "$name: worth as with cpu: $(worth cpu.out), $(worth out)" near_scores cpu.out out
    said=$(worth out)
    svm 3 pisvm-train "${words[@]}" --backend cuda "$data.libsvm"
    expect "$name: the same on 3 ranks" test "$said" = "$(worth out)"
    # a kernel matrix of 160 rows takes 0.1 MB, so that a batch has two of six, and blocks of rows to predict are short
    svm 1 pisvm-train "${words[@]}" --backend cuda -m 0.25 "$data.libsvm"
    expect "$name: the same in small batches: $(grep -c small err)" test "$said" = "$(worth out)"
done < <(svm_validations)
svm 1 pisvm-train -c 10 -g 8 -b 1 --backend cuda four.libsvm want.model
PS_HOST_MEMORY=20000000 svm 1 pisvm-train -c 10 -g 8 -b 1 --backend cuda four.libsvm got.model
expect "a device of 20 MB: the same model: $(grep '^plan' err)" cmp want.model got.model
expect 'kernel values take half of the device by default' grep -q ' 8 MB each for kernel values' err

# --- stop and go on ---------------------------------------------------------------------------------------
grid='--grid-c 1,10,100 --grid-g 0.5,1,2,4'
read -ra words <<<"$grid"
long=(pisvm-train -v 5 "${words[@]}" --backend cuda --checkpoint stop.ck --threads 1)
"$BIN/${long[0]}" "${long[@]:1}" four.libsvm >out 2>err &
pid=$!
for _ in $(seq 400); do
    [ ! -s stop.ck.grid ] || break
    sleep 0.05
done
kill -USR1 $pid
status=0
wait $pid || status=$?
expect "USR1: status 85 ($status): $(grep '^pisvm-train: ' err)" test $status = 85
svm 3 "${long[@]:0:${#long[@]}-2}" --resume four.libsvm
got=$(worth out)
expect "it goes on: $(grep 'going on' err)" grep -q 'going on' err
svm 1 "${long[@]/stop.ck/whole.ck}" four.libsvm
expect "to the same grid: $got" test "$got" = "$(worth out)"

# --- what fails -------------------------------------------------------------------------------------------
export PS_HOST_MEMORY=1350000 # a part of 2^20 bytes goes to copies
refused 1 'the device has 0 MiB left, and a kernel matrix needs 1: take a smaller -m' pisvm-train -s 2 -m 3 --backend cuda four.libsvm none
export PS_HOST_MEMORY=30000
refused 1 'the device: memory for copies: out of memory' pisvm-train -m 3 --backend cuda four.libsvm none
refused 1 'the device: memory for copies: out of memory' pisvm-predict --backend cuda four.libsvm want.model none
expect 'no file is left' test ! -e none
