#!/bin/bash
# resnet50-train: its nets, the same bits on any number of ranks and threads, stop and resume, transfer of weights, what it says of its
# speed, and what it refuses.
# timeout: 400
set -u
. tests/lib.sh
train=$BIN/resnet50-train
top=$PWD
cd "$TMP" || exit 1
on() { # ranks, arguments...
    local n=$1
    shift
    if [ "$n" = 1 ]; then "$train" "$@"; else "$MPIRUN" -np "$n" "$train" "$@"; fi
}
value() { sed -n "s/.*\"$1\":\([-0-9.e+]*\)[,}].*/\1/p"; }

# --- nets -------------------------------------------------------------------------------------------------
for net in resnet18:11,689,512 resnet50:25,557,032; do
    on 1 --model "${net%%:*}" --synthetic 2 --height 32 --epochs 1 --batch 2 >said
    expect "${net%%:*}: ${net#*:} weights for 1000 classes" grep -q "Trainable params: ${net#*:}$" said
done

# --- tiny.par ---------------------------------------------------------------------------------------------
on 2 --threads 1 "$top/inputs/resnet50/tiny.par" --record tiny.jsonl >said
expect "tiny.par: $(tail -n 1 said)" eval 'tail -n 1 said | grep -q "^total images/sec: [0-9.]*$"'
expect 'tiny.par: the record has that rate' awk -v a="$(value images_per_second <tiny.jsonl)" -v b="$(sed -n 's|^total images/sec: ||p' said)" 'BEGIN { exit !(a - b < 0.006 && b - a < 0.006 && a > 0) }'
steps=$(grep -o '"step_seconds":\[[^]]*\]' tiny.jsonl | tr ',' '\n' | wc -l)
expect "tiny.par: seconds of each of its $steps steps" [ "$steps" = "$(grep '"event":"trained"' tiny.jsonl | value steps)" ]
expect 'tiny.par: parts of a step are all of it' awk -F'[ ,%]+' '/^time of steps:/ { for (k = 1; k <= NF; k++) if ($k ~ /^[0-9.]+$/) s += $k; exit !(s > 99.6 && s < 100.4) }' said
first=$(grep '"event":"epoch"' tiny.jsonl | head -n 1 | value loss) last=$(grep '"event":"epoch"' tiny.jsonl | tail -n 1 | value loss)
expect "tiny.par: the loss falls from $first to $last" awk "BEGIN { exit !($last < 0.5 * $first) }"

# --- rates in epochs --------------------------------------------------------------------------------------
# 0.1 for 8 images and steps of 16: 0.2 from the end of the first epoch on, a tenth of it in the third, a hundredth in the fourth
on 2 --threads 1 --model resnet20 --synthetic 40 --classes 6 --height 16 --batch 16 --epochs 4 --grains 2 --rate 0.1 --rate-batch 8 --warm-up-epochs 1 \
    --schedule step --milestones 2,3 --record rates.jsonl >said
expect "rates: $(grep '^rate ' said)" grep -qx 'rate 0.2 (0.1 for 8 images, and a step has 16), step, after a warm-up of 3 steps; 3 steps an epoch, 12 in all' said
rates=$(grep '"event":"epoch"' rates.jsonl | value rate | tr '\n' ' ')
expect "rates at the ends of epochs: $rates" awk -v r="$rates" 'BEGIN { split(r, a, " "); exit !(a[1] == 0.2 && a[2] == 0.2 && (a[3] - 0.02)^2 < 1e-30 && (a[4] - 0.002)^2 < 1e-30) }'

# --- the same bits ----------------------------------------------------------------------------------------
job=(--model resnet20 --synthetic 40 --classes 6 --height 16 --batch 16 --epochs 2 --grains 4 --rate 0.05 --momentum 0.9 --decay 0.001 --spare-norms
    --smoothing 0.1 --mixup 0.2 --zero-norm)
on 1 "${job[@]}" --threads 1 --save want.st >/dev/null
for ranks in 1 2 3 4; do
    for threads in 1 2; do
        on $ranks "${job[@]}" --threads $threads --save got.st >/dev/null
        expect "the same weights on $ranks ranks x $threads threads" cmp -s want.st got.st
    done
done
on 2 "${job[@]}" --threads 1 --precision bf16 --save half.st >/dev/null
on 3 "${job[@]}" --threads 1 --precision bf16 --save got.st >/dev/null
expect 'bf16: the same weights on 2 and 3 ranks' cmp -s half.st got.st
expect 'bf16: not those of single precision' fails cmp -s want.st half.st

# --- statistics of several grains -------------------------------------------------------------------------
on 1 "${job[@]}" --norm-group 4 --threads 4 --save want.group.st >/dev/null
on 2 "${job[@]}" --norm-group 4 --threads 2 --save got.st >/dev/null
expect 'norm_group: the same weights on 2 ranks' cmp -s want.group.st got.st
on 4 "${job[@]}" --norm-group 4 --threads 1 --node-ranks 2 --save got.st >/dev/null
expect 'norm_group: the same weights on 2 nodes' cmp -s want.group.st got.st
# grains with statistics in common are one batch but for roundings: those of bf16, of 8 bits, through 20 layers are the larger ones
one=(--model resnet20 --synthetic 40 --classes 6 --height 16 --batch 16 --epochs 1 --rate 0.05 --threads 2 --record group.jsonl)
for precision in fp32 bf16; do
    rm -f group.jsonl
    on 2 "${one[@]}" --precision $precision --grains 1 >/dev/null
    on 2 "${one[@]}" --precision $precision --grains 4 --norm-group 4 >/dev/null
    on 2 "${one[@]}" --precision $precision --grains 4 >/dev/null
    losses=$(grep '"event":"epoch"' group.jsonl | value loss | tr '\n' ' ')
    expect "norm_group, $precision: the loss of one grain, nearly that of a group, not of grains alone: $losses" awk -v l="$losses" \
        'BEGIN { split(l, v, " "); d = v[2] - v[1]; o = v[3] - v[1]; exit !(100 * d * d < o * o) }'
done

# --- stop and resume --------------------------------------------------------------------------------------
# 3 steps an epoch: a checkpoint after steps 5, in the second epoch, and 6
on 2 "${job[@]}" --threads 1 --checkpoint a.ck --every 5 >/dev/null
mv a.ck.1 a.ck
for ranks in 1 3; do
    cp a.ck b.ck
    on $ranks "${job[@]}" --threads 1 --checkpoint b.ck --resume --save got.st >out 2>err
    expect "resumed on $ranks ranks in mid-epoch, the same weights: $(grep -h 'going on' out err)" cmp -s want.st got.st
done

# --- transfer ---------------------------------------------------------------------------------------------
other=(--model resnet20 --synthetic 40 --classes 9 --height 16 --batch 20 --epochs 1 --grains 2 --rate 0.05)
on 2 "${other[@]}" --threads 1 --weights want.st --new-head --freeze 4 --save head.st >said
expect "a new head: $(grep '^fc' said)" grep -q '^fc begins as random' said
# all but fc, the last in the file, are the bytes of before; headers of safetensors have other lengths
data() { tail -c +$((9 + $(od -An -t u8 -N 8 "$1"))) "$1"; }
same=$((4 * 272084 - 4 * 65 * 6 - 4)) # fewer than the weights of the stem and the stages
expect 'frozen stages stay as they were' cmp -s <(data want.st | head -c $same) <(data head.st | head -c $same)
on 1 "${other[@]}" --weights want.st --new-head --freeze 2 --save half.st >said
expect 'frozen stages stay, others do not' eval 'cmp -s <(data want.st | head -c 50000) <(data half.st | head -c 50000) && ! cmp -s <(data want.st | head -c $same) <(data half.st | head -c $same)'

# --- what it refuses --------------------------------------------------------------------------------------
refused() { # part of the message, arguments...: on 1 and 3 ranks, one message, a status that is not 0
    local part=$1 ranks status
    shift
    for ranks in 1 3; do
        status=0
        on $ranks --threads 1 "$@" >out 2>err || status=$?
        expect "refused on $ranks ranks: $(grep '^resnet50-train: ' err | cut -c 1-150)" test "$status" -ne 0 -a "$(grep -c "^resnet50-train: .*$part" err)" = 1
    done
}
small=(--model resnet20 --synthetic 16 --classes 6 --height 16 --batch 8 --epochs 1)
refused 'none: ' none
refused 'fc.weight' "${other[@]}" --weights want.st
refused 'resnet20 has a stem and 3 stages' "${small[@]}" --freeze 5
refused 'new-head needs --weights' "${small[@]}" --new-head
refused 'warm-up-epochs say the same' "${small[@]}" --warm-up 3 --warm-up-epochs 1
refused 'milestones needs --schedule step' "${small[@]}" --milestones 1
refused 'epochs are to ascend' "${small[@]}" --schedule step --milestones 2,1
refused 'name some with --test' "${small[@]}" --weights want.st --eval-only
refused 'as wide as high' "${small[@]}" --width 32
refused 'conv1.weight' --model resnet18 --synthetic 16 --classes 6 --height 32 --batch 8 --epochs 1 --weights want.st
refused 'the loss is not a number in epoch 1' "${small[@]}" --rate 1e30 --momentum 0.9
refused '--norm-group 3: 8 grains are not a multiple' "${small[@]}" --grains 8 --norm-group 3
refused '8 grains have [13] threads' "${small[@]}" --grains 8 --norm-group 2
refused 'back end cuda' "${small[@]}" --backend cuda
refused 'no/such' "${small[@]}" --save no/such/place.st

# --- real images ------------------------------------------------------------------------------------------
if [ -d "${DATA:-/nowhere}/images" ]; then
    on 2 --threads 1 --model resnet20 --data "$DATA/images/eurosat_rgb_train_3500.tar" --test "$DATA/images/eurosat_rgb_test_1000.tar" --height 64 \
        --train-limit 256 --test-limit 100 --validation 0.25 --augment shift --batch 32 --epochs 3 --rate 0.05 --momentum 0.9 --record real.jsonl >said 2>err
    grep -q libjpeg err && skip EuroSAT 'built without libjpeg' && exit 0
    expect "images held back: $(grep '^best epoch: ' said)" eval 'grep -q "^best epoch: " said && ! grep -q "are of the test images" err'
    expect "EuroSAT: $(grep '^test: ' said)" awk "BEGIN { exit !($(value test_top5 <real.jsonl) > 0.5) }"
    expect 'EuroSAT: recall of each class' [ "$(grep -cE '^(AnnualCrop|Forest|HerbaceousVegetation|Highway|Industrial|Pasture|PermanentCrop|Residential|River|SeaLake) ' said)" = 10 ]
    # the images of the test are those of training: the same file and seed
    part=(--data "$DATA/images/eurosat_rgb_train_3500.tar" --test "$DATA/images/eurosat_rgb_train_3500.tar" --train-limit 32 --test-limit 32)
    on 2 --threads 1 "$top/inputs/resnet50/overfit.par" "${part[@]}" --batch 16 --epochs 25 --validate-every 25 --rate 0.01 --record known.jsonl >said
    expect "ResNet-50 knows 32 images by heart: $(grep '^test: ' said)" awk "BEGIN { exit !($(value test_top1 <known.jsonl) == 1 && $(value test_loss <known.jsonl) < 0.5) }"
    printf 'file,label\n' >several.csv
    tar xf "$DATA/images/eurosat_rgb_train_3500.tar" && find . -name '*.jpg' | sort | awk -F/ 'NR % 40 == 0 { c = $(NF - 1); print $0 "," (c == "River" || c == "SeaLake" ? c "|water" : c) }' >>several.csv
    on 2 --threads 1 --model resnet20 --data several.csv --test several.csv --height 32 --batch 20 --epochs 2 --rate 0.1 --momentum 0.9 --record several.jsonl >said 2>err
    expect "images of several classes: $(grep '^test: ' said)" grep -q 'F1 0.[0-9]* micro, 0.[0-9]* macro' said
    expect "none held back: $(grep 'test images' err)" eval 'grep -q "are of the test images" err && ! grep -q "^best epoch" said'
    expect 'ten images a norm are no reason to warn' fails grep -q 'batch norms take' err
    on 2 --threads 2 --model resnet20 --data several.csv --height 32 --batch 12 --epochs 1 --train-limit 12 >said 2>err
    expect "few images a norm: $(grep 'batch norms' err)" grep -q 'means over 3 images' err
    on 2 --threads 2 --model resnet20 --data several.csv --height 32 --batch 12 --epochs 1 --train-limit 12 --norm-group 4 >said 2>err
    expect 'norms of four threads in common see twelve' fails grep -q 'batch norms take' err
    # answers of one half each lose log 2 = 0.69 an image and class
    expect 'images of several classes: something is learnt' awk "BEGIN { exit !($(grep '"event":"result"' several.jsonl | value test_loss) < 0.5) }"
else
    skip EuroSAT 'no real data here'
fi
