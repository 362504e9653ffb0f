#!/bin/bash
# --backend auto where there is a device file: it takes GPUs where every rank has one and the run can be done there, else the processor, and says why.
# timeout: 240
set -u
. tests/lib.sh
. tests/nets.sh
. tests/svm.sh
. tests/plugin.sh
top=$PWD
cd "$TMP" || exit 1
use_plugin 'auto with a device file'
if [ -n "${SANITIZED:-}" ]; then
    skip 'auto with a device file' 'a library that is preloaded does not go with sanitizers'
    exit 0
fi
nets_data
svm_data 320
"$BIN/psml-data" generate blobs blobs.npy --n 3000 >/dev/null
export LD_PRELOAD=${BUILD_DIR:-$top/build}/tests/fake_driver.so
export PS_HOST_DEVICES=2
gpu='cuda, rank 0: host in place of a GPU at 0000:00:00 (sm_90, .*'
chosen() { # ranks, what it says of the back end, name of that in the record, program, arguments...
    local ranks=$1 says=$2 name=$3 program=$4 status=0
    shift 4
    rm -f run.jsonl
    on "$ranks" "$program" --threads 1 --record run.jsonl "$@" || status=$?
    expect "$program, $ranks ranks: $(grep '^back end' err)" test $status = 0 -a "$(grep -c "^back end: $says$" err)" = 1 -a "$(grep -c '^back end' err)" = 1
    expect "$program, $ranks ranks: $name in the record" grep -q "\"event\":\"backend\",.*\"name\":\"$name\"" run.jsonl
}

# --- nets want a GPU for each rank --------------------------------------------------------------------------
digits=(digits --model ann --epochs 1 --batch 32 --grains 4 --momentum 0.9)
for backend in cpu cuda; do on 2 mnist-train "${digits[@]}" --threads 1 --backend $backend --save $backend.st; done
chosen 2 "$gpu" cuda mnist-train "${digits[@]}" --save auto.st
expect 'a GPU for each rank: the weights of cuda' cmp cuda.st auto.st
chosen 4 'cpu (2 ranks have the same GPU, host in place of a GPU at .*, and each wants its own: start one for each GPU)' cpu mnist-train "${digits[@]}" --save auto.st
expect 'fewer GPUs than ranks: the weights of cpu' cmp cpu.st auto.st
chosen 2 'cpu (there is no --compress on GPUs)' cpu mnist-train "${digits[@]}" --reduce fast --compress bf16
on 2 mnist-train "${digits[@]}" --threads 1 --backend cpu --save none.st
expect 'cpu: nothing is said' test ! -s err

# --- the others share GPUs --------------------------------------------------------------------------------
cluster=(-i blobs.npy -e 0.3 -m 20)
on 3 hpdbscan "${cluster[@]}" -t 1 --backend cpu -o want.npy
chosen 3 "$gpu" cuda hpdbscan "${cluster[@]}" -o got.npy
expect 'hpdbscan: the labels of cpu' cmp want.npy got.npy
chosen 1 'cpu (there is no --suggest-epsilon on GPUs)' cpu hpdbscan "${cluster[@]}" --suggest-epsilon
on 3 pisvm-train -c 10 -g 8 --threads 1 --backend cuda two.libsvm want.model
chosen 3 "$gpu" cuda pisvm-train -c 10 -g 8 two.libsvm got.model
expect 'pisvm-train: the model of cuda' cmp want.model got.model
chosen 3 "$gpu" cuda pisvm-predict two.libsvm got.model got.pred

# --- no GPU that CUDA shows, and no plugin ----------------------------------------------------------------
PS_HOST_DEVICES=0 chosen 2 'cpu (no GPU: .*)' cpu mnist-train "${digits[@]}"
mkdir alone
cp "$BIN/mnist-train" "$BIN/hpdbscan" alone/
unset PSML_PLUGINS
BIN=$TMP/alone
chosen 2 'cpu (no plugin libps_cuda_nn.so (.*))' cpu mnist-train "${digits[@]}"
chosen 2 'cpu (no plugin libps_cuda.so (.*))' cpu hpdbscan "${cluster[@]}" -o got.npy
