#!/bin/bash
# pisvm-train -v and --grid-c, --grid-g: accuracies beside LIBSVM's on the same folds, the table and its file, the same on any number of ranks and
# threads, stop and resume.
# timeout: 900
set -u
. tests/lib.sh
train=$BIN/pisvm-train
cd "$TMP" || exit 1

# --- cross-validation: LIBSVM trained and judged on the files of each fold ------------------------------------------------------------
near() { # a, b, tolerance
    awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; exit !(d <= t && -d <= t) }'
}
beside() { # name, folds, rows that may differ, options for both...
    local name=$1 folds=$2 slack=$3 right=0 rows=0 got f
    shift 3
    "$TOOLS/svm-folds" "$name" "$folds" 1 classes part
    for ((f = 0; f < folds; f++)); do
        svm-train -q "$@" part.$f.train part.model
        read -r a b < <(svm-predict part.$f.test part.model part.out | sed -n 's/.*(\([0-9]*\)\/\([0-9]*\)).*/\1 \2/p')
        right=$((right + a)) rows=$((rows + b))
    done
    got=$("$train" -v "$folds" "$@" "$name" 2>err | sed -n 's/^Cross Validation Accuracy = \(.*\)%$/\1/p')
    expect "$name $*: $got %, LIBSVM on the same folds $right of $rows" \
        near "$(awk -v p="${got:-0}" -v n=$rows 'BEGIN { print p * n / 100 }')" $right "$slack"
}
beside_values() { # name, folds, options for both...
    local name=$1 folds=$2 sum=0 rows=0 got f
    shift 2
    "$TOOLS/svm-folds" "$name" "$folds" 1 values part
    for ((f = 0; f < folds; f++)); do
        svm-train -q "$@" part.$f.train part.model
        sum="$sum + $(wc -l <part.$f.test) * $(svm-predict part.$f.test part.model part.out | sed -n 's/^Mean squared error = \([^ ]*\).*/\1/p')"
    done
    rows=$(wc -l <"$name")
    got=$("$train" -v "$folds" "$@" "$name" 2>err | sed -n 's/^Cross Validation Mean squared error = //p')
    sum=$(awk "BEGIN { print ($sum) / $rows }")
    expect "$name $*: mean squared error $got, LIBSVM on the same folds $sum" near "${got:-0}" "$sum" "$(awk "BEGIN { print 0.001 * $sum }")"
}
if [ -z "${DATA:-}" ]; then
    skip 'the accuracies of LIBSVM' 'no data here'
elif ! command -v svm-train >/dev/null; then
    skip 'the accuracies of LIBSVM' 'svm-train is not there (libsvm-tools)'
else
    for set in heart_scale svmguide1 satimage dna letter.scale; do gzip -dc "$DATA/svm/$set.gz" >$set.raw; done
    svm-scale -l 0 -u 1 svmguide1.raw >svmguide1
    svm-scale -l 0 -u 1 satimage.raw >satimage
    mv heart_scale.raw heart_scale
    mv dna.raw dna
    head -n 4000 letter.scale.raw >letter
    # one row, or 0.1 points
    beside heart_scale 5 1 -c 1 -g 0.1
    beside heart_scale 10 1 -t 0 -c 0.5
    beside svmguide1 5 3 -c 8 -g 2
    beside satimage 4 4 -c 10 -g 8
    beside dna 4 3 -c 10 -g 0.02
    beside letter 3 4 -c 16 -g 0.25
    beside_values heart_scale 5 -s 3 -c 1 -g 0.1
    beside_values heart_scale 5 -s 4 -c 1 -g 0.1 -n 0.3
fi

# --- the table ------------------------------------------------------------------------------------------------------------------------
# two classes that nothing confuses: all points are equal, and the best one is the first
awk 'BEGIN { srand(1); for (i = 0; i < 60; i++) printf "%d 1:%.3f 2:%.3f\n", i % 3 ? 1 : -1, (i % 3 ? 0 : 3) + rand(), rand() }' >easy
"$train" -v 5 --grid-c 1,100 --grid-g 0.5,2 --grid-csv easy.csv --record easy.jsonl easy >out 2>err
cat >want <<'END'
accuracy in percent (minutes), 5 folds:
gamma \ C |             1 |           100
      0.5 | 100.00 (0.00) | 100.00 (0.00)
        2 | 100.00 (0.00) | 100.00 (0.00)
best: C = 1, gamma = 0.5, accuracy = 100.00%
END
expect 'the table of an easy set' cmp want <(grep -A 9 '^accuracy in percent' out | head -n 5)
cat >want <<'END'
gamma,c,accuracy
0.5,1,100.000000
0.5,100,100.000000
2,1,100.000000
2,100,100.000000
END
expect 'its file' cmp want <(cut -d, -f 1-3 easy.csv)
expect 'its record' test "$(grep -c '"event":"grid_point"' easy.jsonl)" = 4 -a "$(grep -c '"event":"grid_best".*"gamma":0.5,"c":1,' easy.jsonl)" = 1

# four classes that overlap
awk 'BEGIN { srand(2); for (i = 0; i < 1200; i++) { c = int(4 * rand()); printf "%d", c + 1
    for (k = 1; k <= 5; k++) printf " %d:%.4f", k, (k == c + 1) + 2.2 * (rand() + rand() + rand() - 1.5); print "" } }' >four
grid=(--grid-c "100,1,10" --grid-g "1,0.1" --grid-csv four.csv four)
points() { cut -d, -f 1-3 four.csv; }
"$train" -v 4 "${grid[@]}" >out 2>err
points >want
expect 'points by gamma, then C' cmp <(printf '%s\n' 0.1,1 0.1,10 0.1,100 1,1 1,10 1,100) <(tail -n +2 want | cut -d, -f 1,2)
expect 'the best point is that of the highest accuracy' cmp \
    <(tail -n +2 want | sort -t, -k3,3gr -k2,2g -k1,1g | head -n 1 | awk -F, '{ printf "best: C = %g, gamma = %g, accuracy = %.2f%%\n", $2, $1, $3 }') <(grep '^best: ' out)
while IFS=, read -r g c accuracy; do
    alone=$("$train" -v 4 -c "$c" -g "$g" four 2>/dev/null | sed -n 's/^Cross Validation Accuracy = \(.*\)%$/\1/p')
    expect "gamma $g, C $c: $accuracy in the grid, $alone alone" near "$accuracy" "${alone:-0}" 0.2
done < <(tail -n +2 want)
for n in 2 3 4; do
    rm -f four.csv
    "$MPIRUN" -np $n "$train" -v 4 "${grid[@]}" >out 2>err
    expect "the same points on $n ranks" cmp want <(points)
done
rm -f four.csv
"$train" -v 4 "${grid[@]}" --threads 3 >out 2>err
expect 'the same points on 3 threads' cmp want <(points)
"$train" -s 3 -v 4 --grid-c 1,10 --grid-g 0.1,1 --grid-csv values.csv four >out 2>err
expect 'regression: a table of errors' grep -q '^mean squared error (minutes), 4 folds:$' out
expect 'regression: the least error is named' cmp \
    <(tail -n +2 values.csv | sort -t, -k3,3g | head -n 1 | awk -F, '{ printf "best: C = %g, gamma = %g, mean squared error = %g\n", $2, $1, $3 }') <(grep '^best: ' out)

# --- stop and resume ------------------------------------------------------------------------------------------------------------------
awk 'BEGIN { srand(3); for (i = 0; i < 5000; i++) { c = int(5 * rand()); printf "%d", c + 1
    for (k = 1; k <= 10; k++) printf " %d:%.4f", k, (k == c + 1) + 2 * (rand() + rand() + rand() - 1.5); print "" } }' >five
grid=(-v 5 --grid-c "1,10,100,1000" --grid-g "0.02,0.1,0.5" --grid-csv five.csv five)
"$train" "${grid[@]}" >out 2>err
cut -d, -f 1-3 five.csv >want
grep '^best: ' out >best
stopped() { # ranks, event in the record to wait for
    local status=0 job
    rm -f five.csv five.ck* five.jsonl
    "$MPIRUN" -np "$1" "$train" "${grid[@]}" --checkpoint five.ck --record five.jsonl >out 2>err &
    job=$!
    for _ in $(seq 1200); do
        ! grep -q "\"event\":\"$2\"" five.jsonl 2>/dev/null || break
        sleep 0.05
    done
    kill -USR1 $job
    wait $job || status=$?
    expect "USR1 on $1 ranks after $2: status 85 ($status)" test "$status" = 85
    expect 'no file of a grid that is not done' test ! -e five.csv
}
resumed() { # ranks
    "$MPIRUN" -np "$1" "$train" "${grid[@]}" --checkpoint five.ck --resume >out 2>err
    expect "resumed on $1 ranks: the same points" cmp want <(cut -d, -f 1-3 five.csv)
    expect "resumed on $1 ranks: the same best" cmp best <(grep '^best: ' out)
}
stopped 2 plan
resumed 3
stopped 3 grid_point
expect 'finished gammas are kept' test -s five.ck.grid
resumed 1
expect 'it did not begin anew' grep -q '^going on after [12] of 3 gammas' err
status=0
"$train" "${grid[@]}" --seed 2 --checkpoint five.ck --resume >out 2>err || status=$?
expect "the checkpoint of another seed is refused: status $status" test $status = 2
