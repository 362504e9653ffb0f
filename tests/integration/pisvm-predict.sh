#!/bin/bash
# pisvm-predict beside LIBSVM's svm-predict: models of svm-train of all types and kernels give the same labels to the letter, values to the six digits
# printed, probabilities within 1e-5, on 1, 2 and 4 ranks; bad models and bad test files give one line that names file and line.
# timeout: 900
set -u
. tests/lib.sh
predict=$BIN/pisvm-predict
cd "$TMP" || exit 1

run() { # ranks, arguments...
    local ranks=$1
    shift
    if [ "$ranks" = 1 ]; then "$predict" "$@"; else "$MPIRUN" -np "$ranks" "$predict" "$@"; fi
}

# --- a model by hand: what is printed, in which order ---------------------------------------------------------
cat >hand.model <<'END'
svm_type c_svc
kernel_type linear
nr_class 3
total_sv 3
rho 0 0 0.5
label 7 -2 3
nr_sv 1 1 1
SV
1 1 1:1 
-1 1 2:1 
-1 -1 3:1 
END
printf '7 1:1\n-2 2:1\n\n3 3:1 9:4\n7 3:0.25 # half\n-2\n' >hand.t
printf '7\n-2\n3\n3\n3\n' >want
for n in 1 2 4; do
    run "$n" hand.t hand.model out --report --decision values >said || not_ok "a model by hand on $n ranks"
    expect 'its labels' cmp want out
    expect 'its accuracy' test "$(head -n 1 said)" = 'Accuracy = 60% (3/5) (classification)'
    cat >report <<'END'
Confusion matrix (rows: labels of the data, columns: predicted)
   -2  3  7
-2  1  1  0
 3  0  1  0
 7  0  1  1
Overall accuracy = 60.0000% (3/5)
Average accuracy = 66.6667%
Kappa = 0.4444
label  precision     recall         F1  support
   -2     1.0000     0.5000     0.6667        2
    3     0.3333     1.0000     0.5000        1
    7     1.0000     0.5000     0.6667        2
END
    expect 'its report' cmp report <(tail -n +2 said)
    printf '1 1 -0.5\n-1 0 0.5\n0 -1 -1.5\n0 -0.25 -0.75\n0 0 -0.5\n' >values.want
    expect 'its decision values' cmp values.want values
done
"$predict" hand.t hand.model out --report --record record >/dev/null
expect 'the record holds accuracy and report' test "$(grep -c -e '"event":"result".*"right":3,"accuracy":60[,.]' -e '"event":"report".*"kappa":0.444' record)" = 2
printf '7 1:1\r\n-2 2:1\r\n3 3:1 9:4\r\n7 3:0.25\r\n-2' >crlf.t
run 3 crlf.t hand.model out2 >/dev/null
expect 'CR LF and no end of the last line: the same labels' cmp want out2
sed -e 's/$/\r/' hand.model >crlf.model
run 2 hand.t crlf.model out2 >/dev/null
expect 'a model with CR LF: the same labels' cmp want out2
sed -e 's/label.*/label 1234567 -2147483648 3/' hand.model >large.model
"$predict" hand.t large.model out2 >/dev/null
expect 'labels of many digits' cmp <(sed -e 's/^7/1234567/' -e 's/^-2/-2147483648/' want) out2
run 1 hand.t hand.model out2 --backend ref >/dev/null
expect 'the plain back end: the same labels' cmp want out2

# --- beside LIBSVM --------------------------------------------------------------------------------------------
same_numbers() { # two files of the same form: no number farther apart than the third argument
    paste -d ' ' "$1" "$2" | awk -v eps="$3" '{ if (NF % 2) exit 1; for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d > eps || -d > eps) exit 1 } }'
}
errors() { sed -n -e 's/^Mean squared error = \([^ ]*\).*/\1/p' -e 's/^Squared correlation coefficient = \([^ ]*\).*/\1/p' "$1"; }
wrong=''
one_model() { # ranks, test set, model, b: the same output as svm-predict's; adds to $wrong what differs
    local ranks=$1 test=$2 model=$3 b=$4
    svm-predict -b "$b" "$test" "$model" theirs >theirs.said || wrong="$wrong svm-predict fails;"
    run "$ranks" -b "$b" "$test" "$model" ours >ours.said 2>ours.err || wrong="$wrong $(tail -n 1 ours.err);"
    case $(head -n 1 "$model") in
    *svr)
        awk '{ printf "%g\n", $1 }' theirs >theirs.six
        cmp -s theirs.six ours || wrong="$wrong values on $ranks ranks;"
        same_numbers <(errors theirs.said) <(errors ours.said) 1e-4 || wrong="$wrong errors on $ranks ranks;"
        ;;
    *)
        cmp -s <(cut -d ' ' -f 1 theirs) <(cut -d ' ' -f 1 ours) || wrong="$wrong labels on $ranks ranks;"
        [ "$(head -n 1 theirs)" = "$(head -n 1 ours)" ] || [ "$b" = 0 ] || wrong="$wrong first line;"
        same_numbers <(tail -n +2 theirs) <(tail -n +2 ours) 1e-5 || wrong="$wrong probabilities on $ranks ranks;"
        cmp -s <(grep Accuracy theirs.said) <(grep Accuracy ours.said) || wrong="$wrong accuracy on $ranks ranks;"
        ;;
    esac
}
ranks=1
next_ranks() { case $ranks in 1) ranks=2 ;; 2) ranks=4 ;; *) ranks=1 ;; esac }
options_of() { # type
    case $1 in 0) echo '-c 5' ;; 1) echo '-n 0.1' ;; 2) echo '-n 0.3' ;; 3) echo '-c 2 -p 0.05' ;; 4) echo '-c 2 -n 0.4' ;; esac
}
compare_set() { # name: NAME.train, NAME.test
    local set=$1 s t b models=0
    wrong=''
    for s in 0 1 2 3 4; do
        for t in '0' '1 -d 2 -g 0.2 -r 1' '2 -g 0.5' '3 -g 0.02 -r 0.1'; do
            for b in 0 1; do
                [ "$s$b" != 21 ] || continue
                # shellcheck disable=SC2046,SC2086 # several words
                timeout 60 svm-train -q -e 0.01 -s "$s" -t $t -b "$b" $(options_of "$s") "$set.train" model >/dev/null 2>&1 || continue
                models=$((models + 1))
                next_ranks
                one_model "$ranks" "$set.test" model "$b"
                [ "$b" = 0 ] || one_model 1 "$set.test" model 0
                [ -z "$wrong" ] || wrong="$wrong (first at -s $s -t $t -b $b)"
                [ -z "$wrong" ] || break 3
            done
        done
    done
    if [ -z "$wrong" ] && [ "$models" -ge 30 ]; then ok "$set: as svm-predict with $models models"; else not_ok "$set: $models models;$wrong"; fi
}
if ! command -v svm-predict >/dev/null; then
    skip 'beside LIBSVM' 'svm-train and svm-predict are not there (Debian: libsvm-tools)'
elif [ ! -d "${DATA:-/nowhere}/svm" ]; then
    skip 'beside LIBSVM' 'no real data here'
else
    pick() { gzip -dc "$DATA/svm/$1.gz" | awk -v every="$2" -v from="$3" 'NR % every == from'; } # every so many rows
    pick heart_scale 2 0 >heart.train && pick heart_scale 1 0 >heart.test
    pick svmguide1 12 1 >raw.train && pick svmguide1.t 7 1 >raw.test
    svm-scale -s range raw.train >guide.train && svm-scale -r range raw.test >guide.test
    pick satimage 20 3 >raw.train && pick satimage.t 8 1 >raw.test
    svm-scale -s range raw.train >sat.train && svm-scale -r range raw.test >sat.test
    pick letter.scale 50 7 >letter.train && pick letter.scale.t 20 1 >letter.test
    pick dna 9 2 >dna.train && pick dna 9 5 >dna.test
    for set in heart guide sat letter dna; do compare_set $set; done
    # raw numbers up to 300, where |u|^2 + |v|^2 - 2u'v loses many digits; rows of the training set among those of the test
    wrong=''
    pick svmguide1 5 1 >raw.train && pick svmguide1 2 1 >raw.test
    for s in 0 3; do
        for g in 1e-4 0.01 3; do
            svm-train -q -s $s -g $g -c 10 raw.train model && one_model 2 raw.test model 0
        done
    done
    if [ -z "$wrong" ]; then ok 'unscaled numbers: as svm-predict'; else not_ok "unscaled numbers:$wrong"; fi
    # decision values that are exactly 0, and large coefficients
    wrong=''
    pick heart_scale 1 0 | awk '{ $1 = NR % 2 ? 1 : -1; print; $1 = -$1; print }' >twins
    for t in 0 1 2 3; do svm-train -q -c 1000 -t $t -g 0.1 -e 0.1 twins model && one_model 2 twins model 0; done
    if [ -z "$wrong" ]; then ok 'contradicting rows: as svm-predict'; else not_ok "contradicting rows:$wrong"; fi
    # more columns in one of the two, and few columns of many
    wrong=''
    cut -d ' ' -f 1-8 dna.train >narrow
    awk '{ print $0, 100000 + NR % 7 ":0.5", 3000000 + NR % 5 ":1" }' dna.test >wide
    for f in narrow wide dna.train; do
        for g in wide narrow dna.test; do
            for t in 0 2; do svm-train -q -t $t -s $((t * 3 / 2)) "$f" model && one_model 4 "$g" model 0; done
        done
    done
    if [ -z "$wrong" ]; then ok 'columns that the other lacks: as svm-predict'; else not_ok "columns that the other lacks:$wrong"; fi
    # the same bytes on any ranks and threads
    svm-train -q -b 1 letter.train model
    "$predict" -b 1 letter.test model one --decision one.values >/dev/null
    for n in 2 3 5; do
        run $n -b 1 letter.test model many --decision many.values --threads 2 >/dev/null 2>&1
        expect "the same bytes on $n ranks with 2 threads" cmp one many
        expect 'the same decision values' cmp one.values many.values
    done
    "$predict" letter.test model one >/dev/null 2>&1
    run 2 letter.test model many --backend ref >/dev/null 2>&1
    expect 'the plain back end: the same labels' cmp one many
fi

# --- bad input ------------------------------------------------------------------------------------------------
said() { # what standard error holds besides the launcher's report between lines of dashes
    sed -e '/^-----/,/^-----/d' -e '/^Primary job  terminated/d' -e '/^\[.*more process/d' -e '/^\[.*orte_base_help_aggregate/d' -e '/^ *$/d' err
}
mkdir kept
echo old >kept/result
refused() { # name, status, pattern, arguments...
    local name=$1 want=$2 pattern=$3 n status bad
    shift 3
    for n in 1 3; do
        status=0 bad=''
        if [ $n = 1 ]; then timeout 20 "$predict" "$@" >out 2>err </dev/null || status=$?; else timeout 20 "$MPIRUN" -np $n "$predict" "$@" >out 2>err </dev/null || status=$?; fi
        [ $status = "$want" ] || bad="status $status, not $want"
        [ "$(said | wc -l)" = 1 ] || bad="$bad; $(said | wc -l) lines of messages"
        said | grep -q -e "^pisvm-predict: .*$pattern" || bad="$bad; the message is not '$pattern'"
        [ "$(ls kept)$(cat kept/result)" = resultold ] || bad="$bad; the output has changed"
        [ ! -s out ] || bad="$bad; there is a result"
        if [ -z "$bad" ]; then ok "$name, $n ranks: $(said)"; else not_ok "$name, $n ranks: $bad" && cat err; fi
    done
}
model() { # name, pattern, sed script: a model made bad
    sed -e "$3" hand.model >bad.model
    refused "$1" 1 "$2" hand.t bad.model kept/result
}
rows() { # name, pattern, text: test rows made bad
    printf '%b' "$3" >bad.t
    refused "$1" 1 "$2" bad.t hand.model kept/result
}
model 'an unknown type' 'bad.model: line 1: svm_type .c_svcc. is unknown' 's/c_svc/c_svcc/'
model 'an unknown kernel' 'bad.model: line 2: kernel_type .cubic. is unknown' 's/linear/cubic/'
model 'kernel values instead of rows' 'bad.model: line 2: kernel_type precomputed' 's/linear/precomputed/'
model 'a model of another program' 'bad.model: line 1: .xgboost. is no key' '1s/.*/xgboost 1.0/'
model 'a missing gamma' 'bad.model: gamma is missing' 's/linear/rbf/'
model 'a missing rho' 'bad.model: rho is missing' '/^rho/d'
model 'too few values of rho' 'bad.model: line 5: rho has 2 values' 's/^rho.*/rho 0 0/'
model 'rho that is none' 'bad.model: line 5: rho: .nan. is not a finite' 's/^rho.*/rho 0 0 nan/'
model 'no number of classes' 'bad.model: nr_class is missing' '/^nr_class/d'
model 'a wrong number of classes' 'bad.model: line 5: rho has 3 values; for this nr_class it needs 6' 's/^nr_class.*/nr_class 4/'
model 'a label twice' 'bad.model: line 6: label 7 stands twice' 's/^label.*/label 7 -2 7/'
model 'total_sv that is not the sum of nr_sv' 'bad.model: line 7: the numbers of nr_sv add up to 3, but total_sv is 4' 's/^total_sv.*/total_sv 4/'
model 'a support vector less' 'bad.model: line 10: truncated: total_sv is 3, but 2' '$d'
model 'a support vector more' 'bad.model: line 12: total_sv is 3, but 4' '$p'
model 'a coefficient less' 'bad.model: line 10: 2 coefficients are needed' '10s/^-1 //'
model 'a coefficient that is none' 'bad.model: line 9: .nan. is not a finite number' '9s/^1/nan/'
model 'a value that is none' 'bad.model: line 11: .3:x. is not of the form' '11s/3:1/3:x/'
model 'index 0' 'bad.model: line 9: .0:1. has an index' '9s/1:1/0:1/'
model 'descending indices' 'bad.model: line 9: .1:2. is out of order' '9s/1:1/5:1 1:2/'
model 'no line SV' 'bad.model: line 8: .1. is no key' '/^SV/d'
size=$(stat -c %s hand.model)
for cut in 0 1 20 60 $((size - 30)) $((size - 8)) $((size - 1)); do
    head -c "$cut" hand.model >bad.model
    refused "a model cut to $cut of $size bytes" 1 'bad.model: ' hand.t bad.model kept/result
done
head -c 3000 "$predict" >bad.model
refused 'a program as model' 1 'bad.model: ' hand.t bad.model kept/result
refused 'rows as model' 1 'hand.t: line 1: .7. is no key' hand.t hand.t kept/result
refused 'a model as rows' 1 'hand.model: line 1: ' hand.model hand.model kept/result
refused 'a missing model' 1 'nowhere.model: no such file' hand.t nowhere.model kept/result
refused 'a missing test file' 1 'nowhere.t: no such file' nowhere.t hand.model kept/result
refused 'a folder as test file' 1 'kept: is a directory' kept hand.model kept/result
rows 'no rows' 'bad.t: holds no rows' ''
rows 'a missing label' 'bad.t: line 2: the label is missing' '1 1:1\n1:1 2:1\n'
rows 'index 0' 'bad.t: line 3: ' '1 1:1\n\n1 0:1\n'
rows 'descending indices' 'bad.t: line 1: ' '1 2:1 1:1\n'
rows 'not a number' 'bad.t: line 2: ' '1 1:1\n1 1:nan\n'
rows 'too large a number' 'bad.t: line 1: ' '1 1:1e400\n'
rows 'a letter in a number' 'bad.t: line 4: ' '1 1:1\n1 1:1\n1 1:1\n1 1:1o\n'
refused 'probabilities of a model without' 1 'hand.model: the model has no probability estimates' -b 1 hand.t hand.model kept/result
refused '-b 2' 2 '-b ' -b 2 hand.t hand.model kept/result
refused 'two files only' 2 'output' hand.t hand.model
refused 'no folder for the output' 1 'nowhere/x: its folder does not exist' hand.t hand.model nowhere/x
refused 'no folder for the decision values' 1 'nowhere/x: its folder does not exist' hand.t hand.model kept/result --decision nowhere/x
refused 'the output twice' 2 'output file already' hand.t hand.model kept/result --decision kept/result
printf 'svm_type nu_svr\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 1\nSV\n1 1:1 \n' >svr.model
refused 'a report of a regression' 2 '--report is of classes' hand.t svr.model kept/result --report
printf 'svm_type one_class\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 1\nSV\n1 1:1 \n' >one.model
refused 'probabilities of a one-class model' 1 'one.model: a one-class model has no' -b 1 hand.t one.model kept/result
