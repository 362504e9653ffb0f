#!/bin/bash
# timeout: 200
# psml-results sweep run --rungs: successive halving with training that pauses and goes on, the same bits as without pauses.
set -eu
. tests/lib.sh
cd "$TMP"
"$BIN/psml-data" generate digits digits -n 600 --test 100 >/dev/null
train=("$BIN/mnist-train" digits --model perceptron --batch 32 --epochs 9 --grains 2 --validation 0.2 --schedule cosine)

# --- a pause changes nothing ------------------------------------------------------------------------------
"${train[@]}" --rate 0.1 --save whole.st >whole
"${train[@]}" --rate 0.1 --save part.st --checkpoint ck --pause-epoch 2 >first 2>said
expect 'pause: after epoch 2 of 9' grep -qx 'paused after epoch 2 of 9; --resume goes on' said
expect 'pause: two epochs' test "$(grep -c '^epoch' first)" = 2
"${train[@]}" --rate 0.1 --save part.st --checkpoint ck --resume --pause-epoch 2 >again 2>&1
expect 'pause: the same command once more trains no more' test "$(grep -c '^epoch' again)" = 0
"${train[@]}" --rate 0.1 --save part.st --checkpoint ck --resume --threads 2 >second 2>&1
expect 'pause: the other seven epochs' test "$(grep -c '^epoch' second)" = 7
expect 'pause: the same weights as without it' cmp whole.st part.st
status=0
"${train[@]}" --pause-epoch 2 >out 2>err || status=$?
expect "pause: not without a checkpoint: status 2 ($status)" test $status = 2 -a "$(grep -c -e '--pause-epoch needs --checkpoint' err)" = 1

# --- a sweep by three tasks -------------------------------------------------------------------------------
echo 'rate = log(0.0001, 1, 9)' >rate.grid
task() { "$BIN/psml-results" sweep run rate.grid --journal asha --metric epoch.val_loss --minimize --rungs 1,3 --wait -- "${train[@]}" --save '{dir}/weights.st' 2>>said3; }
: >said3
pids=()
for _ in 1 2 3; do
    task &
    pids+=($!)
done
status=0
for p in "${pids[@]}"; do wait "$p" || status=$?; done
expect "halving: three tasks end well ($status)" test $status = 0
table() { "$BIN/psml-results" sweep table asha -f csv; }
epochs() { cat asha/trial-*/record.jsonl | grep -c '"event":"epoch"'; }
n3=$(find asha/claims -name '*.1.done' | wc -l) n9=$(find asha/claims -name '*.2.done' | wc -l)
expect "halving: all 9 begin, $n3 go on to epoch 3, $n9 to the end" test "$(find asha/claims -name '*.0.done' | wc -l)" = 9 -a "$n3" -ge 3 -a "$n3" -lt 9 -a "$n9" -ge 1 -a "$n9" -le "$n3"
expect 'halving: no epoch is trained twice' test "$(epochs)" = $((9 + 2 * n3 + 6 * n9))
table >table
states="$(grep -c ',epoch 1,' table || true) $(grep -c ',epoch 3,' table || true) $(grep -c ',done,' table || true)"
expect "halving: the table says how far each came ($states)" test "$states" = "$((9 - n3)) $((n3 - n9)) $n9"
[ "$states" = "$((9 - n3)) $((n3 - n9)) $n9" ] || { cat table said3 && ls asha/claims; }
# the trial that is best after one epoch goes on to three, whoever ran it
first() { for r in asha/trial-*/record.jsonl; do echo "$(sed -n 's/.*"event":"epoch".*"epoch":1,.*"val_loss":\([^,]*\),.*/\1/p' "$r") $(dirname "$r")"; done | sort -g | head -n 1 | cut -d' ' -f2; }
expect 'halving: the best of the first rung went on' test "$(grep -c '"event":"epoch"' "$(first)/record.jsonl")" -ge 3
best=$("$BIN/psml-results" sweep best asha -f csv -o best.par 2>/dev/null | sed -n 2p)
expect 'halving: the best is a trial that was trained to the end' test "${best##*,}" = done
rate=$(echo "$best" | cut -d, -f2)
"${train[@]}" --rate "$rate" --save direct.st >/dev/null
expect "halving: rate $rate, the same weights as without pauses" cmp direct.st "$(printf 'asha/trial-%06d/weights.st' "${best%%,*}")"
sed -i '/^save/d' best.par
"$BIN/mnist-train" best.par --save best.st >/dev/null
expect 'halving: best.par trains them again' cmp direct.st best.st
