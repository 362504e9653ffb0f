#!/bin/bash
# Nets on a device. Without a plugin or a GPU one sentence says so; with the plugin that is built for the host nets train as on the host,
# with the same bits on any number of ranks, stop, go on, and refuse what only the host does.
# timeout: 300
set -u
. tests/lib.sh
. tests/nets.sh
. tests/plugin.sh
top=$PWD
cd "$TMP" || exit 1
unset PSML_PLUGINS
ascending() { # numbers above 0
    printf '%s\n' 0 "$@" | awk 'NF != 1 || (NR > 1 && $1 + 0 <= last) { bad = 1 } { last = $1 + 0 } END { exit bad }'
}
nets_data
digits=(digits --model ann --epochs 2 --batch 32 --init glorot --momentum 0.9)

# --- without a plugin, without a GPU ----------------------------------------------------------------------
mkdir alone wrong
cp "$BIN/mnist-train" alone/
here=$BIN BIN=$TMP/alone
refused 1 'back end cuda of nets: no plugin libps_cuda_nn.so (.*); take cpu or auto' mnist-train "${digits[@]}" --backend cuda
echo nothing >wrong/libps_cuda_nn.so
export PSML_PLUGINS=$TMP/wrong
refused 1 'back end cuda of nets: no plugin libps_cuda_nn.so (.*wrong/libps_cuda_nn.so' mnist-train "${digits[@]}" --backend cuda
unset PSML_PLUGINS
BIN=$here
if [ -e /dev/nvidiactl ] || [ -e /dev/nvidia0 ]; then
    skip 'auto without a device file' 'there is one'
    on 1 mnist-train "${digits[@]}" --threads 1 --optimizer lbfgs
    expect "auto: what only the host does, it does, and says so: $(grep '^back end' err)" [ "$(grep -c '^back end: cpu (there is no --optimizer lbfgs on GPUs)$' err)" = 1 ]
else
    on 3 mnist-train "${digits[@]}" --threads 1 --grains 4 --save auto.st
    expect "auto: where there are no GPUs, nobody is told: $(cat err)" test ! -s err
    on 3 mnist-train "${digits[@]}" --threads 1 --grains 4 --record auto.jsonl --save auto.st --log debug
    expect "auto: $(grep '^back end' err)" [ "$(grep -c '^back end: cpu (no GPU: no device file)$' err)" = 1 ]
    expect 'auto: the record says so' grep -q '"event":"backend",.*"name":"cpu","why":"no GPU: no device file"' auto.jsonl
    on 1 mnist-train "${digits[@]}" --threads 1 --grains 4 --backend cpu --precision tf32 --save cpu.st
    expect 'auto: weights are those of cpu, where tf32 is fp32' cmp auto.st cpu.st
fi

# --- with the plugin for the host -------------------------------------------------------------------------
use_plugin 'training with the plugin'
status=0
on 3 mnist-train "${digits[@]}" --threads 1 --backend cuda --save none.st || status=$?
expect "ranks that share a GPU: $(grep '^mnist-train: ' err)" test "$status" = 1 -a "$(grep -c '^mnist-train: back end cuda of nets: 3 ranks have the same GPU, .* at 0000:00:00 .*: start one for each GPU; take cpu or auto' err)" = 1 -a ! -e none.st
export PS_HOST_DEVICES=4
mkdir other
cp "$plugins/libps_cuda.so" other/libps_cuda_nn.so
PSML_PLUGINS=$TMP/other refused 1 'other/libps_cuda_nn.so has no kernels for nets: another plugin lies under its name; take cpu or auto' mnist-train "${digits[@]}" --backend cuda
# Sums of fewer than 10^4 products in another order differ by less than 10^-4 of them in fp32, and so do gradients; a step's error is one of the
# gradient, and grows by a factor below 10 in the few steps that are made here. A wrong gradient would change as much as weights change at all.
share=0.001
for name in ann cnn autoencoder lstm carried resnet; do
    net $name
    [ $name != resnet ] || words+=(--epochs 1) # in later steps ReLUs turn over by rounding
    on 1 "${words[@]}" --threads 2 --backend ref --save want.st --record $name.want.jsonl
    on 1 "${words[@]}" --threads 1 --backend ref --epochs 1 --rate 1e-30 --save start.st
    status=0
    on 1 "${words[@]}" --threads 2 --backend cuda --save $name.st --record $name.jsonl || status=$?
    expect "$name: trains on the device: $(tail -n 1 err)" test $status = 0 -a "$(grep -c '^back end: cuda, rank 0: ' err)" = 1
    mv out $name.out
    expect "$name: losses as with ref: $(losses $name.want.jsonl | xargs), $(losses $name.jsonl | xargs)" near_losses $share $name.want.jsonl $name.jsonl
    status=0
    far=$(near_weights $share start.st want.st $name.st) || status=$?
    expect "$name: weights as with ref, but for $far of their change" test $status = 0
    on 2 "${words[@]}" --threads 1 --backend cuda --save got.st --record two.jsonl
    expect "$name: the same weights on 2 ranks" cmp $name.st got.st
    expect "$name: the same losses on 2 ranks" test "$(losses $name.jsonl | xargs)" = "$(losses two.jsonl | xargs)"
    rm -f two.jsonl got.st
done
# batch norms of grains on several ranks: the first epoch ends with a batch of which some ranks have no sample
net resnet
words+=(--epochs 1)
groups() { # name, ranks, arguments...
    local name=$1 ranks=$2 status=0
    shift 2
    local group=("${words[@]}" --norm-group 2 --grains "$ranks" "$@")
    on 1 "${group[@]}" --threads "$ranks" --backend ref --save want.st --record want.jsonl
    on 1 "${group[@]}" --threads "$ranks" --backend ref --rate 1e-30 --save start.st
    on "$ranks" "${group[@]}" --threads 1 --backend cuda --save group.st --record group.jsonl
    expect "$name: losses as with ref" near_losses $share want.jsonl group.jsonl
    far=$(near_weights $share start.st want.st group.st) || status=$?
    expect "$name: weights as with ref, but for $far of their change" test $status = 0
    rm -f want.jsonl group.jsonl
}
groups 'two groups, some without samples, sums of batches' 4 --synthetic 9 --batch 4 --accumulate 2
groups 'a group of two' 2
on 2 "${words[@]}" --norm-group 2 --threads 1 --backend cuda --epochs 2 --checkpoint group.ck --pause-epoch 1
on 2 "${words[@]}" --norm-group 2 --threads 1 --backend cuda --epochs 2 --checkpoint group.ck --resume --save got.st
on 2 "${words[@]}" --norm-group 2 --threads 1 --backend cuda --epochs 2 --save want.st
expect 'a group of two: goes on to the same weights' cmp want.st got.st
# what the state of samples begins with in evaluation: the same as on the host, and not nothing
net carried
for run in "want ref 4" "got cuda 4" "none cuda 0"; do
    read -r name backend run_up <<<"$run"
    on 1 "${words[@]}" --threads 1 --backend "$backend" --eval-only --weights carried.st --run-up "$run_up" --forecast "$name.csv"
done
expect 'carried: forecasts as with ref' near_tables 0.0001 want.csv got.csv
expect 'carried: without a run-up others' eval '! near_tables 0.0001 want.csv none.csv'
expect 'the record has the device' grep -q '"event":"backend",.*"name":"cuda","device":"' ann.jsonl
# program < GPU open < first step done < training done; the thread that feeds the device loads or waits a part of the time, and the device is in
# phases of steps a part of it
seconds() { # event, field, of ann.jsonl
    sed -n 's/.*"event":"'"$1"'",.*"'"$2"'":\([^,}]*\)[,}].*/\1/p' ann.jsonl
}
times=("$(seconds backend opening_seconds)" "$(seconds backend time_to_cuda)" "$(seconds trained time_to_first_step)" "$(seconds trained time)")
expect "the record has the time to CUDA and to the first step: ${times[*]}" ascending "${times[@]}"
spent=("$(seconds trained load_seconds)" "$(seconds trained wait_seconds)" "$(seconds trained seconds)")
expect "the record has seconds of loading and waiting: ${spent[*]}" awk -v a="${spent[0]}" -v b="${spent[1]}" -v all="${spent[2]}" 'BEGIN { exit !(a > 0 && b > 0 && a + b <= all) }'
phases() { # record: seconds of the device in each phase, and of training
    sed -n 's/.*"event":"trained",.*"seconds":\([^,]*\),.*"forward_seconds":\([^,]*\),"backward_seconds":\([^,]*\),"sum_seconds":\([^,]*\),"update_seconds":\([^,]*\),.*/\2 \3 \4 \5 \1/p' "$1"
}
for name in ann lstm carried resnet; do
    expect "$name: the record has the device's seconds: $(phases $name.jsonl)" awk -v all="$(phases $name.jsonl)" 'BEGIN { n = split(all, s, " "); for (i = 1; i <= n; i++) if (!(s[i] > 0)) exit 1; exit !(n == 5 && s[1] + s[2] + s[3] + s[4] <= s[5]) }'
done
expect "resnet: parts of a step are all of it: $(grep '^time of steps' resnet.out)" awk -F'[ ,%]+' '/^time of steps:/ { for (k = 1; k <= NF; k++) if ($k ~ /^[0-9.]+$/) { s += $k; n += $k > 0 } } END { exit !(n > 2 && s > 99.6 && s < 100.4) }' resnet.out
# as many of each phase as there were micro-batches and steps, one after the other on a line of the device's own: 2 epochs of 3 steps of 2 grains
net ann
on 1 "${words[@]}" --threads 1 --backend cuda --trace ann.trace --record traced.jsonl
expect 'the timeline has what the device did, in order' awk -F'[:,}]+' '
    /"ph":"X".*"tid":1,/ { name = $2; begin = end = 0
        for (i = 1; i < NF; i++) { if ($i ~ /"ts"/) begin = $(i + 1); if ($i ~ /"dur"/) end = begin + $(i + 1) }
        count[name]++; if (begin < last - 1) bad = 1; last = end }
    END { exit !(!bad && count["\"forward\""] == 12 && count["\"backward\""] == 12 && count["\"sum\""] == 6 && count["\"update\""] == 6) }' ann.trace
on 2 "${words[@]}" --threads 1 --backend cuda --reduce fast --save got.st
on 1 "${words[@]}" --threads 1 --backend ref --epochs 1 --rate 1e-30 --save start.st
status=0
far=$(near_weights $share start.st ann.st got.st) || status=$?
expect "fast: the same weights, but for $far of their change" test $status = 0
on 2 "${words[@]}" --threads 1 --backend cuda --eval-only --weights ann.st --record eval.jsonl
expect 'eval-only: the figure of the last epoch' test "$(sed -n 's/.*"test_loss":\([^,]*\),.*/\1/p' ann.jsonl)" = "$(sed -n 's/.*"test_loss":\([^,]*\),.*/\1/p' eval.jsonl)"

# --- figures of several chunks, one loaded while the device goes through another ---------------------------
"$BIN/psml-data" generate digits many -n 200 --test 700 >/dev/null
judge() { # ranks, back end: loss and accuracy of the test
    on "$1" mnist-train many --model ann --eval-only --weights ann.st --threads 1 --backend "$2" --record judge.jsonl
    sed -n 's/.*"test_loss":\([^,]*\),.*"test_accuracy":\([^,}]*\).*/\1 \2/p' judge.jsonl
    rm -f judge.jsonl
}
want=$(judge 2 ref) one=$(judge 1 cuda) two=$(judge 2 cuda)
# sums of 784 products and logarithms, as above
expect "figures of 700 samples: as with ref: $want, $one" awk -v want="$want" -v one="$one" 'BEGIN { n = split(want, a, " "); split(one, b, " "); d = (a[1] - b[1]) / a[1]; exit !(n == 2 && d < 1e-4 && d > -1e-4 && a[2] == b[2]) }'
expect "figures of 700 samples: the same on 2 ranks: $two" test "$one" = "$two"

# --- stop and resume --------------------------------------------------------------------------------------
# 7 batches of 200 samples, the last one of 8: with 4 grains and 3 a sum, some steps lack samples for some grains
steps=(mnist-train digits --model ann --epochs 2 --batch 32 --grains 4 --accumulate 3 --optimizer adam --rate 0.001 --threads 1 --backend cuda)
on 1 "${steps[@]}" --save want.st
on 2 "${steps[@]}" --save got.st
expect 'accumulated batches of several grains: the same weights on 2 ranks' cmp want.st got.st
few=(mnist-train digits --model ann --epochs 2 --batch 4 --train-limit 10 --classes 10 --grains 6 --threads 1 --backend cuda)
on 1 "${few[@]}" --save few.st
on 3 "${few[@]}" --save got.st
expect 'ranks without samples: the same weights on 3 ranks' cmp few.st got.st
on 1 "${steps[@]}" --checkpoint pause.ck --pause-epoch 1 --save first.st
on 2 "${steps[@]}" --checkpoint pause.ck --resume --save got.st
expect "a checkpoint: on 2 ranks it goes on to the same weights: $(grep 'going on' err)" cmp want.st got.st
net carried
on 1 "${words[@]}" --threads 1 --backend cuda --checkpoint c.ck --every 3
mv c.ck.1 c.ck # that of the end is in the way: this one is within the last epoch
on 2 "${words[@]}" --threads 1 --backend cuda --checkpoint c.ck --resume --save got.st
expect "carried state: on 2 ranks it goes on to the same weights: $(grep 'going on' err)" cmp carried.st got.st
expect 'carried state: from within an epoch' grep -q 'going on in epoch 2, after step [1-9]' err
stopping=(mnist-train digits --model perceptron --epochs 100000 --batch 8 --grains 2 --threads 1 --backend cuda --checkpoint stop.ck)
"$MPIRUN" -np 2 "$BIN/${stopping[0]}" "${stopping[@]:1}" --record stop.jsonl >out 2>err &
pid=$!
for _ in $(seq 200); do
    ! grep -q '"event":"epoch"' stop.jsonl 2>/dev/null || break
    sleep 0.05
done
read -ra children <"/proc/$pid/task/$pid/children" || true
kill -USR1 "${children[@]}" || true
status=0
wait $pid || status=$?
expect "USR1: status 85 ($status): $(grep '^mnist-train: ' err)" test "$status" = 85 -a -s stop.ck
done_steps=$(sed -n 's/^mnist-train: stopped after step \([0-9]*\),.*/\1/p' err)
last=$((done_steps / 25 + 1)) # 25 steps an epoch
on 1 "${stopping[@]}" --resume --epochs $last --save got.st
on 1 "${stopping[@]/stop.ck/whole.ck}" --epochs $last --save want.st
expect "stopped after step $done_steps, it goes on to the same weights" cmp want.st got.st

# --- what fails -------------------------------------------------------------------------------------------
net ann
bad=("${words[@]:0:${#words[@]}-2}" --backend cuda)
refused 1 'the loss is not a number in epoch 1, step ' "${bad[@]}" --rate 1e30
refused 2 'there is no --optimizer lbfgs on GPUs' "${bad[@]}" --optimizer lbfgs
refused 2 'there is no --compress on GPUs' "${bad[@]}" --reduce fast --compress bf16
refused 2 'there is no --slow-nodes on GPUs' "${bad[@]}" --network 2,12 --slow-nodes 4
net resnet
refused 2 'for --norm-group each grain wants a GPU of its own, and 2 grains have [13];' "${words[@]}" --norm-group 2 --backend cuda
if "$BIN/psml-data" generate images tree -n 12 --classes 2 --height 16 --width 16 >/dev/null 2>&1; then
    rm -f 'tree/class_000/image_000000000.jpg' && echo no picture >tree/class_000/image_000000000.jpg
    status=0
    on 2 resnet50-train tree --model resnet20 --height 16 --batch 4 --accumulate 3 --epochs 1 --threads 1 --norm-group 2 --backend cuda || status=$?
    expect "what one of a group cannot read ends all of it: $(grep '^resnet50-train: ' err | cut -c 1-120)" test $status = 1 -a "$(grep -c '^resnet50-train: .*image_000000000.jpg' err)" = 1
fi
status=0
on 2 "${bad[@]}" --grains 3 || status=$?
expect "exact sums want whole parts of the tree: $(cat err)" test $status = 2 -a "$(grep -c 'for --reduce exact 2 GPUs want 1, 2, 4, ... grains each, not 3 in all' err)" = 1
