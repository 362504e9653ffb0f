#!/bin/bash
# Images that cannot be read while nets train on devices: one sentence on any number of ranks, and the checkpoint stays as it was.
# timeout: 240
set -u
. tests/lib.sh
. tests/plugin.sh
cd "$TMP" || exit 1
use_plugin 'failures on a device'
export PS_HOST_DEVICES=4
if ! "$BIN/psml-data" generate images tree -n 9 --classes 3 --height 8 --width 8 >/dev/null 2>err; then
    grep -q libjpeg err && skip 'images' 'built without libjpeg' && exit 0
fi
image=tree/class_000/image_000000003.jpg
job=(resnet50-train tree --model resnet20 --height 8 --batch 6 --augment flip --threads 1 --backend cuda)
ended() { # by the one message that has this part
    test "$status" = 1 -a "$(grep -c '^resnet50-train: [^w]' err)" = 1 && grep -q "^resnet50-train: tree: .*image_000000003.jpg: $1" err
}

# --- damaged ----------------------------------------------------------------------------------------------
# two steps an epoch, of 6 images and of 3, so that 3 ranks have some in each
for ranks in 1 3; do
    on $ranks "${job[@]}" --epochs 2 --save want.st
    on $ranks "${job[@]}" --epochs 2 --checkpoint run.ck --pause-epoch 1
    expect "$ranks ranks: a checkpoint after an epoch" test -s run.ck
    cp run.ck before.ck
    cp $image whole.jpg
    truncate -s 100 $image
    status=0
    on $ranks "${job[@]}" --epochs 2 --checkpoint run.ck --resume --save no.st || status=$?
    expect "$ranks ranks: a damaged image ends the run: $(grep '^resnet50-train: [^w]' err)" ended 'is a damaged JPEG'
    expect "$ranks ranks: the checkpoint is as it was, and nothing is saved" test "$(cmp run.ck before.ck 2>&1)" = '' -a ! -e no.st
    cp whole.jpg $image
    on $ranks "${job[@]}" --epochs 2 --checkpoint run.ck --resume --save got.st
    expect "$ranks ranks: with the image it goes on to the same weights" cmp want.st got.st
    rm -f ./*.ck ./*.st
done

# --- vanished ---------------------------------------------------------------------------------------------
# images are read when they are wanted, as there is no memory for them
for ranks in 1 2; do
    rm -f run.jsonl
    on $ranks "${job[@]}" --epochs 100000 --memory 0.0000001 --record run.jsonl &
    pid=$!
    for _ in $(seq 600); do
        ! grep -q '"event":"epoch"' run.jsonl 2>/dev/null || break
        sleep 0.1
    done
    rm $image
    status=0
    wait $pid || status=$?
    expect "$ranks ranks: an image that vanishes ends the run: $(grep '^resnet50-train: [^w]' err)" ended ''
    cp whole.jpg $image
done
