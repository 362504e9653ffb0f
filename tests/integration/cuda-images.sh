#!/bin/bash
# Images that a device cuts, resizes and mixes: nets train on them as on those that the host makes, with the same bits on any number of ranks.
# timeout: 240
set -u
. tests/lib.sh
. tests/nets.sh
. tests/plugin.sh
cd "$TMP" || exit 1
use_plugin 'images on a device'
export PS_HOST_DEVICES=4
if ! "$BIN/psml-data" generate images large -n 24 --classes 3 --height 20 --width 24 >/dev/null 2>err; then
    grep -q libjpeg err && skip 'images' 'built without libjpeg' && exit 0
fi
"$BIN/psml-data" generate images small -n 24 --classes 3 --height 8 --width 8 >/dev/null
ways=('large crop' 'large shift' 'small shift')
printf 'path,labels\npatch_0,sea;wood\npatch_1,sea\npatch_2,\npatch_3,town\npatch_4,wood\npatch_5,sea\n' >labels.csv
if "$TOOLS/tiff-stack" bands patches >out 2>&1 && mv labels.csv bands/ && "$BIN/psml-data" pack bands/labels.csv bands.nc --bands B02,B05,B01 >out 2>&1; then
    ways+=('bands.nc crop') # 16 bits, several labels each
else
    skip 'images of 16 bits' "$(tail -n 1 out)"
fi
job=(--model resnet20 --height 8 --batch 8 --train-limit 12 --test-limit 4 --epochs 1 --vertical --rate 0.05 --momentum 0.9 --grains 2)

# --- augmented: inputs have the same bits, so that weights are as near as those of other nets (cuda.sh) -----------------------------------
share=0.001
tested() { sed -n 's/.*"event":"evaluation",.*_loss":\([^,]*\),.*/\1/p' "$1"; } # record: loss
for way in "${ways[@]}"; do
    read -r images augment <<<"$way"
    words=(resnet50-train "${job[@]}" "$images" --augment "$augment" --mixup 0.2)
    on 1 "${words[@]}" --threads 2 --backend ref --save want.st --record want.jsonl
    on 1 "${words[@]}" --threads 2 --backend ref --rate 1e-30 --save start.st
    status=0
    on 1 "${words[@]}" --threads 2 --backend cuda --save one.st --record one.jsonl || status=$?
    expect "$way: trains on the device: $(tail -n 1 err)" test $status = 0 -a "$(grep -c '^back end: cuda, rank 0: ' err)" = 1
    expect "$way: losses as with ref: $(losses want.jsonl | xargs), $(losses one.jsonl | xargs)" near_losses $share want.jsonl one.jsonl
    status=0
    far=$(near_weights $share start.st want.st one.st) || status=$?
    expect "$way: weights as with ref, but for $far of their change" test $status = 0
    on 2 "${words[@]}" --threads 1 --loader-threads 0 --backend cuda --save two.st
    for backend in ref cuda; do # the test set, too
        on 1 "${words[@]}" --threads 2 --backend $backend --eval-only --test "$images" --weights one.st --record $backend.eval.jsonl
    done
    expect "$way: figures of the same weights as with ref: $(tested ref.eval.jsonl), $(tested cuda.eval.jsonl)" awk -v want="$(tested ref.eval.jsonl)" -v got="$(tested cuda.eval.jsonl)" 'BEGIN { d = want - got; exit !(want > 0 && d < 1e-4 * want && d > -1e-4 * want) }'
    expect "$way: the same weights on 2 ranks, without loader threads" cmp one.st two.st
    rm -f ./*.st ./*.jsonl
done
