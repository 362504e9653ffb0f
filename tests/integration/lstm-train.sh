#!/bin/bash
# timeout: 300
# lstm-train: what it finds in a series, errors against awk, the same bits on any number of ranks and threads, what it refuses.
set -u
. tests/lib.sh
train=$BIN/lstm-train
tiny=$PWD/inputs/lstm/tiny.csv
par=$PWD/inputs/lstm/tiny.par
cd "$TMP" || exit 1
quick=("$par" --input "$tiny" --epochs 2)

# --- tiny.par: better than both simple forecasts --------------------------------------------------------------
"$train" "$par" --input "$tiny" --forecast f.csv --plot f.png --save w.safetensors --record r.jsonl >out 2>err
expect "lstm-train: tiny.par ($(tail -n 1 err))" test $? = 0
expect 'lstm-train: it tells of the data' grep -q 'from 2024-01-01 00:00:00 to 2024-02-04 23:00:00, a step is 1 h, a season 24 steps' out
error() { awk -v m="$1" -v k="$2" '$1 == "all" { on = 1 } on && $1 == m { print $k; exit }' "${3:-out}"; } # method, column of the table
for m in persistence seasonal; do
    expect "lstm-train: tiny.par: MAE $(error lstm 2) is below that of $m $(error $m 2) by 15 %" \
        awk "BEGIN { exit !($(error lstm 2) < 0.85 * $(error $m 2)) }"
done
expect 'lstm-train: a picture' test "$(head -c 4 f.png | tail -c 3)" = PNG -o "$(grep -c 'libpng' err)" = 1
expect 'lstm-train: the record has errors of three methods' test "$(grep -c '"event":"forecast"' r.jsonl)" = 3
expect 'lstm-train: weights are called as in PyTorch' grep -aq 'lstm.weight_hh_l0' w.safetensors

# --- the table and the forecasts against awk, from the series itself ------------------------------------------
awk -F, '
    NR == FNR { if (FNR > 1) { row[$1] = FNR; load[FNR] = $2 }; next }
    FNR == 1 { if ($0 != "origin,time,step,target,forecast,truth") wrong = "header"; next }
    {
        o = row[substr($1, 1, 16)]; t = row[substr($2, 1, 16)]
        if (!o || !t || t != o + $3 || $4 != "load" || $6 != load[t]) wrong = "line " FNR
        e[1] = $5 - $6; e[2] = load[o] - $6; e[3] = load[t - 24] - $6; y[1] = $5; y[2] = load[o]; y[3] = load[t - 24]
        for (m = 1; m <= 3; m++) {
            d = e[m] < 0 ? -e[m] : e[m]
            mae[m] += d; square[m] += d * d; share[m] += 200 * d / (y[m] + $6); of[m, $3] += d
        }
        n++
    }
    END {
        split("lstm persistence seasonal", name, " ")
        for (i = 26; i <= 589; i++) { d = load[i] - load[i - 24]; scale += d < 0 ? -d : d } # rows 2 ... 589 are for training
        scale /= 564
        for (m = 1; m <= 3; m++) printf "%s %.9g %.9g %.9g %.9g %.9g\n", name[m], mae[m] / n, sqrt(square[m] / n), share[m] / n, mae[m] / n / scale, of[m, 6] / n * 6
        print wrong ? wrong : "fine", n
    }' "$tiny" f.csv >want
expect "lstm-train: times and truths of forecasts ($(tail -n 1 want))" grep -qx "fine $((6 * 163))" want
near() { awk "BEGIN { d = $1 - $2; exit !(d < $3 && -d < $3) }"; }
for m in lstm persistence seasonal; do
    read -r _ mae rmse smape mase sixth < <(grep "^$m " want)
    # half a unit of the last digit that is printed
    expect "lstm-train: $m: MAE $mae" near "$(error $m 2)" "$mae" 1e-4
    expect "lstm-train: $m: RMSE $rmse" near "$(error $m 3)" "$rmse" 1e-4
    expect "lstm-train: $m: sMAPE $smape" near "$(error $m 4)" "$smape" 1e-3
    expect "lstm-train: $m: MASE $mase" near "$(error $m 5)" "$mase" 1e-4
    column=$(case $m in lstm) echo 2 ;; persistence) echo 3 ;; *) echo 4 ;; esac)
    expect "lstm-train: $m: MAE of step 6 $sixth" near "$(awk -v k="$column" '/MAE of step/ { on = 1 } on && $1 == 6 { print $k }' out)" "$sixth" 1e-4
done

# --- weights from a file --------------------------------------------------------------------------------------
"$train" "$par" --input "$tiny" --weights w.safetensors --eval-only --forecast again.csv >again 2>&1
expect 'lstm-train: --eval-only repeats the forecasts' cmp f.csv again.csv

# --- the same bits --------------------------------------------------------------------------------------------
many=("${quick[@]}" --grains 4 --layers 2 --dropout 0.2 --residual season --forecast)
"$train" "${many[@]}" one.csv --save one.st --threads 1 >one 2>&1
for n in 1 2 3 4; do
    for t in 1 2; do
        "$MPIRUN" -np $n "$train" "${many[@]}" more.csv --save more.st --threads $t >more 2>&1
        expect "lstm-train: the same weights and forecasts on $n ranks x $t threads" eval 'cmp one.st more.st && cmp one.csv more.csv'
        expect "lstm-train: the same table on $n ranks x $t threads" cmp <(sed -n '/^test:/,/^$/p' one) <(sed -n '/^test:/,/^$/p' more)
    done
done

# --- state that is carried ------------------------------------------------------------------------------------
carry=("${quick[@]}" --epochs 4 --state carried --window 6 --batch 10 --grains 4 --layers 2 --forecast)
"$train" "${carry[@]}" carried.csv --save carried.st --threads 1 >carried.out 2>&1
expect "lstm-train: carried state: streams ($(grep streams carried.out))" grep -qx "  state is carried in 10 streams of 9 windows; 4 training windows are left out" carried.out
expect 'lstm-train: windows of 6 hours end at four hours of the day only' grep -q '^  training forecasts from 4 of 24 places in a season; a --window' carried.out
for run in "2 2" "3 1" "4 2"; do
    read -r n t <<<"$run"
    "$MPIRUN" -np "$n" "$train" "${carry[@]}" more.csv --save more.st --threads "$t" >more 2>&1
    expect "lstm-train: carried state: the same weights and forecasts on $n ranks x $t threads" eval "cmp carried.st more.st && cmp carried.csv more.csv"
done
"$MPIRUN" -np 2 "$train" "${carry[@]}" more.csv --checkpoint c.ck --every 7 >more 2>&1
mv c.ck.1 c.ck # that of the end is in the way: this one is after 35 of 36 steps, 9 of an epoch
"$MPIRUN" -np 3 "$train" "${carry[@]}" more.csv --save more.st --checkpoint c.ck --resume >more 2>&1
expect "lstm-train: carried state: resumed within an epoch on other ranks ($(grep -o "after step.*" more))" \
    eval "grep -q 'in epoch 4, after step 8 of 9' more && cmp carried.st more.st && cmp carried.csv more.csv"
"$train" "${carry[@]}" more.csv --weights carried.st --eval-only --run-up 0 >more 2>&1
expect "lstm-train: without a run-up forecasts are others" eval "! cmp -s carried.csv more.csv"

# a wave of period 20, up for 10 steps and down for 10: a window of 5 steps of one level does not tell when it ends
awk "BEGIN { for (i = 0; i < 4000; i++) print (i % 20 < 10 ? 1 : -1) }" >wave.csv
for state in reset carried; do
    "$train" wave.csv --time none --state $state --window 5 --stride 5 --test-stride 5 --run-up 16 --hidden 16 --batch 8 --epochs 12 --rate 0.003 --best wave.st >"$state" 2>&1
done
expect "lstm-train: a wave longer than the window: MAE $(error lstm 2 carried) with carried state, $(error lstm 2 reset) without" \
    awk "BEGIN { exit !($(error lstm 2 carried) < 0.3 * $(error lstm 2 reset)) }"

# --- other forms of the same series ---------------------------------------------------------------------------
gzip -c "$tiny" >tiny.csv.gz
"$train" "${many[@]}" more.csv --input tiny.csv.gz --save more.st >more 2>&1
expect 'lstm-train: packed by gzip' cmp one.csv more.csv
awk -F'[-, :]' 'NR == 1 { print "year;month;day;hour;load;temperature"; next } { print $1 ";" $2 ";" $3 ";" $4 ";" $6 ";" $7 }' "$tiny" |
    awk 'NR == 1 || NR > 40; NR > 1 && NR <= 40 { head = head $0 "\n" } END { printf "%s", head }' >parts.csv
"$train" "${many[@]}" more.csv --input parts.csv --save more.st >more 2>&1
expect 'lstm-train: columns of year, month, day and hour, out of order' cmp one.csv more.csv
expect 'lstm-train: it tells that they are out of order' grep -q '  39 rows were not in order of time' more
awk -F, 'NR > 1 { print $2 "," $3 }' "$tiny" >plain.csv
"$train" "${many[@]}" more.csv --input plain.csv --time none --target 0 --season 24 --calendar none >more 2>&1
expect 'lstm-train: without times and header' test "$(wc -l <more.csv)" = $((6 * 163 + 1))
expect 'lstm-train: the same windows: the seasonal forecast is as good' test "$(error seasonal 2 more)" = "$(error seasonal 2 out)"

cp more.csv plain.want
plain=("${many[@]}" more.csv --time none --season 24 --calendar none)
"$BIN/psml-data" convert plain.csv plain.npy >more 2>&1
"$train" "${plain[@]}" --input plain.npy --target 0 >more 2>&1
expect 'lstm-train: a matrix of NumPy' cmp plain.want more.csv
if "$BIN/psml-data" --version | grep -q HDF5; then
    "$BIN/psml-data" convert plain.csv two.h5 --columns 0 --output-dataset load >more 2>&1
    "$BIN/psml-data" convert plain.csv two.h5 --columns 1 --output-dataset heat >more 2>&1
    "$train" "${plain[@]}" --input two.h5 --columns load,heat --target load >more 2>&1
    expect 'lstm-train: data sets of an HDF5 file are columns' cmp <(sed 's/,0,/,load,/' plain.want) more.csv
else
    skip 'lstm-train: data sets of an HDF5 file' 'HDF5 is not built in'
fi

# --- what it refuses ------------------------------------------------------------------------------------------
refused() { # status, part of the message, arguments...
    local want=$1 part=$2 n status
    shift 2
    for n in 1 3; do
        status=0
        "$MPIRUN" -np $n "$train" "$@" --forecast none.csv >no 2>err || status=$?
        expect "lstm-train, $n ranks: status $want ($status), $part" test "$status" = "$want" -a "$(grep -c "^lstm-train: .*$part" err)" = 1
    done
    expect 'lstm-train: nothing is left behind' test ! -e none.csv
}
refused 1 'none.csv: no such file' "${quick[@]}" --input none.csv
refused 1 'plain.csv: no column of times was found; --time NAME' "${quick[@]}" --input plain.csv --target 0
sed '300s/.*/2024-01-32 00:00,1,2/' "$tiny" >bad.csv
refused 1 "bad.csv: line 300: '2024-01-32 00:00' in column time is not a time" "${quick[@]}" --input bad.csv
sed '301s/,[^,]*$/,/' "$tiny" >bad.csv
refused 1 'bad.csv: line 301: column temperature has no value' "${quick[@]}" --input bad.csv
sed '302s/,.*/,4x2,1/' "$tiny" >bad.csv
refused 1 "bad.csv: line 302: '4x2' in column load is not a finite number" "${quick[@]}" --input bad.csv
refused 1 'the validation part has 84 rows and no stretch without gaps that holds' "${quick[@]}" --horizon 100
refused 1 'the training part has 588 rows and no stretch' "${quick[@]}" --window 600
refused 2 'target = laod: .*tiny.csv has no such column; did you mean load?' "${quick[@]}" --target laod
refused 2 'there are 2 columns; --target NAME says which' "${quick[@]}" --target ''
refused 2 'calendar = day,moon: write none, or some of day,week,year' "${quick[@]}" --calendar day,moon
refused 2 'split = 0.5 0.1 0.1: .*must add up to 1' "${quick[@]}" --split 0.5 0.1 0.1
refused 1 "the training part has 94 windows that follow each other, too few for 98 streams" "${quick[@]}" --state carried --window 6 --batch 98
refused 2 "exact gradients" "${quick[@]}" --state carried --window 6 --batch 10 --optimizer lbfgs
refused 1 'is not a number' "${quick[@]}" --optimizer sgd --rate 1e30
head -c 200 tiny.csv.gz >torn.csv.gz
refused 1 'torn.csv.gz: truncated or damaged' "${quick[@]}" --input torn.csv.gz
refused 1 'w.safetensors: .*lstm.weight_ih_l0' "${quick[@]}" --hidden 25 --weights w.safetensors
