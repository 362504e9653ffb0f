#!/bin/bash
# Nets on a GPU: they train as with ref, in fp32, TF32 and bf16, twice to the same bytes; stop and go on; two ranks on one GPU.
# timeout: 200
set -u
. tests/lib.sh
. tests/nets.sh
top=$PWD
cd "$TMP" || exit 1
unset PSML_PLUGINS
if [ ! -e "$BIN/../lib/libps_cuda_nn.so" ]; then
    skip 'nets on a GPU' 'the back end of nets is not built: make says at its beginning what was not found'
    exit 0
fi
nets_data
on() { # ranks, program, arguments...: into out and err
    local n=$1 program=$2
    shift 2
    if [ "$n" = 1 ]; then "$BIN/$program" "$@" >out 2>err; else timeout 60 "$MPIRUN" -np "$n" "$BIN/$program" "$@" >out 2>err; fi
}

# Operands of products are rounded to 24, 11 and 8 bits: a sum of two operands' products is off by 2^-23, 2^-10 and 2^-7 of it at most, in another order
# by 10^-4. As many of the units of a ReLU turn over, and the gradient is off by the root of their share, 0.03 and 0.09. Three times that is allowed for
# weights, a wrong gradient would be off by 1; for the loss, whose terms do not jump, a few times the rounding. Batch norms over few values let errors
# grow so much that of residual nets only the loss is compared, and weights in fp32.
weights_bound() { # net, precision
    case $1-$2 in resnet-fp32) echo 0.02 ;; *-fp32) echo 0.001 ;; *-tf32) echo 0.1 ;; *) echo 0.3 ;; esac
}
loss_bound() {
    case $1-$2 in resnet-fp32) echo 0.01 ;; resnet-*) echo 0.1 ;; *-fp32) echo 0.001 ;; *-tf32) echo 0.01 ;; *) echo 0.05 ;; esac
}
for name in ann cnn autoencoder lstm resnet; do
    net $name
    rm -f ./*.jsonl
    on 1 "${words[@]}" --threads 2 --backend ref --save want.st --record want.jsonl
    on 1 "${words[@]}" --threads 1 --backend ref --epochs 1 --rate 1e-30 --save start.st
    for precision in fp32 tf32 bf16; do
        rm -f got.st again.st got.jsonl
        status=0
        on 1 "${words[@]}" --threads 4 --backend cuda --precision $precision --save got.st --record got.jsonl || status=$?
        expect "$name, $precision: trains on the GPU: $(grep '^back end\|^[a-z0-9]*-train: ' err | head -n 1)" test $status = 0 -a "$(grep -c '^back end: cuda' err)" = 1
        [ $status = 0 ] || continue
        expect "$name, $precision: losses as with ref: $(losses want.jsonl | xargs), $(losses got.jsonl | xargs)" near_losses "$(loss_bound $name $precision)" want.jsonl got.jsonl
        if [ "$name-$precision" = resnet-fp32 ] || [ $name != resnet ]; then
            share=$(near_weights "$(weights_bound $name $precision)" start.st want.st got.st) || status=$?
            expect "$name, $precision: weights as with ref, $share of their change off" test $status = 0
        fi
        on 1 "${words[@]}" --threads 1 --backend cuda --precision $precision --save again.st
        expect "$name, $precision: a second run gives the same bytes" cmp got.st again.st
    done
done

# --- ResNet-50 itself, beside the host ----------------------------------------------------------------------
# weights stay as they are: the loss is then that of the forward passes, whose error is of the rounding of operands; after a step that changed them ReLUs
# have turned over, and even those of cpu and ref may be off by a hundredth
large=(resnet50-train --model resnet50 --synthetic 64 --classes 100 --height 96 --batch 16 --grains 1 --epochs 1 --rate 1e-30)
rm -f want.jsonl
on 1 "${large[@]}" --threads 1 --backend cpu --record want.jsonl
for precision in fp32 tf32 bf16; do
    rm -f got.jsonl
    on 1 "${large[@]}" --threads 4 --backend cuda --precision $precision --record got.jsonl
    expect "ResNet-50, $precision: the loss as with cpu: $(losses want.jsonl), $(losses got.jsonl)" near_losses "$(loss_bound resnet50 $precision)" want.jsonl got.jsonl
done

# --- stop and resume ----------------------------------------------------------------------------------------
steps=(mnist-train digits --model cnn --batch 32 --optimizer adam --rate 0.001 --backend cuda --grains 1 --threads 1)
on 1 "${steps[@]}" --epochs 2 --save want.st
on 1 "${steps[@]}" --epochs 2 --checkpoint pause.ck --pause-epoch 1
rm -f got.st
on 1 "${steps[@]}" --epochs 2 --checkpoint pause.ck --resume --save got.st
expect "a checkpoint: it goes on to the same weights: $(grep 'going on' err)" cmp want.st got.st
"$BIN/${steps[0]}" "${steps[@]:1}" --epochs 1000000 --checkpoint stop.ck --record stop.jsonl >out 2>err &
pid=$!
for _ in $(seq 400); do
    ! grep -q '"event":"epoch"' stop.jsonl 2>/dev/null || break
    sleep 0.05
done
kill -USR1 $pid
status=0
wait $pid || status=$?
expect "USR1: status 85 ($status): $(grep '^mnist-train: ' err)" test $status = 85 -a -s stop.ck
last=$(($(grep -c '"event":"epoch"' stop.jsonl) + 1))
rm -f got.st
on 1 "${steps[@]}" --epochs $last --checkpoint stop.ck --resume --save got.st
on 1 "${steps[@]}" --epochs $last --save want.st
expect "stopped in epoch $last, it goes on to the same weights" cmp want.st got.st

# --- several ranks ------------------------------------------------------------------------------------------
gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU ')
net ann
status=0
on 2 "${words[@]}" --threads 1 --backend cuda --save two.st || status=$?
if [ "$gpus" -ge 2 ]; then
    on 1 "${words[@]}" --threads 1 --backend cuda --save one.st
    expect 'two ranks with a GPU each: the weights of one' cmp one.st two.st
else
    expect "two ranks on one GPU are refused in a sentence ($status): $(grep '^mnist-train: ' err)" test $status != 0 -a $status != 124 -a "$(grep -c '^mnist-train: ' err)" = 1
fi
