#!/bin/bash
# Nets on a GPU: they train as with ref, in fp32, TF32 and bf16, twice to the same bytes; stop and go on; two ranks on one GPU.
# timeout: 200
set -u
. tests/lib.sh
. tests/nets.sh
top=$PWD
cd "$TMP" || exit 1
nets_data
on() { # ranks, program, arguments...: into out and err
    local n=$1 program=$2
    shift 2
    if [ "$n" = 1 ]; then "$BIN/$program" "$@" >out 2>err; else timeout 60 "$MPIRUN" -np "$n" "$BIN/$program" "$@" >out 2>err; fi
}

# Operands of products are rounded to 24, 11 and 8 bits: by 2^-24, 2^-11 and 2^-8 at most, sums of fewer than 10^4 products in fp32 in another order by
# 10^-4, a gradient of two such operands by twice that. It grows by a factor below 10 in the few steps that are made here; images in bf16 are rounded
# between layers, too. A wrong gradient would change weights by as much as they change at all.
bound() {
    case $1 in fp32) echo 0.001 ;; tf32) echo 0.02 ;; bf16) echo 0.2 ;; esac
}
for name in ann cnn autoencoder lstm resnet; do
    net $name
    on 1 "${words[@]}" --threads 2 --backend ref --save want.st --record want.jsonl
    on 1 "${words[@]}" --threads 1 --backend ref --epochs 1 --rate 1e-30 --save start.st
    for precision in fp32 tf32 bf16; do
        rm -f got.st again.st ./*.got.jsonl
        status=0
        on 1 "${words[@]}" --threads 4 --backend cuda --precision $precision --save got.st --record $precision.got.jsonl || status=$?
        expect "$name, $precision: trains on the GPU: $(grep '^back end\|^[a-z0-9]*-train: ' err | head -n 1)" test $status = 0 -a "$(grep -c '^back end: cuda' err)" = 1
        [ $status = 0 ] || continue
        share=$(near_weights "$(bound $precision)" start.st want.st got.st) || status=$?
        expect "$name, $precision: weights as with ref, $share of the largest change off" test $status = 0
        expect "$name, $precision: losses as with ref: $(losses want.jsonl | xargs), $(losses $precision.got.jsonl | xargs)" near_losses "$(bound $precision)" want.jsonl $precision.got.jsonl
        on 1 "${words[@]}" --threads 1 --backend cuda --precision $precision --save again.st
        expect "$name, $precision: a second run gives the same bytes" cmp got.st again.st
    done
done

# --- ResNet-50 itself, beside the host ----------------------------------------------------------------------
large=(resnet50-train --model resnet50 --synthetic 64 --classes 100 --height 96 --batch 16 --grains 1 --epochs 1 --rate 0.01 --momentum 0.9)
on 1 "${large[@]}" --threads 1 --backend cpu --record want.jsonl
for precision in fp32 tf32 bf16; do
    rm -f got.jsonl
    on 1 "${large[@]}" --threads 4 --backend cuda --precision $precision --record got.jsonl
    expect "ResNet-50, $precision: the loss as with cpu: $(losses want.jsonl), $(losses got.jsonl)" near_losses 0.02 want.jsonl got.jsonl
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
