#!/bin/bash
# pisvm-train: the command lines of job scripts, the same model on any number of ranks and threads, models and results of LIBSVM, refusals.
# timeout: 600
set -u
. tests/lib.sh
top=$PWD train=$BIN/pisvm-train predict=$BIN/pisvm-predict
cd "$TMP" || exit 1

# rows of `n` points of `k` classes in [0, 1]^d; a value instead of a class where k = 0
points() { # n, classes, features, seed
    awk -v n="$1" -v k="$2" -v d="$3" -v seed="$4" 'BEGIN {
        srand(99); for (c = 0; c < (k ? k : 1); c++) for (j = 1; j <= d; j++) centre[c, j] = rand()
        srand(seed)
        for (i = 0; i < n; i++) {
            c = k ? int(rand() * rand() * k) : 0; line = ""; s = 0
            for (j = 1; j <= d; j++) {
                x = k ? centre[c, j] + (rand() + rand() + rand() - 1.5) * 0.35 : rand()
                x = x < 0 ? 0 : x > 1 ? 1 : x; s += sin(5 * x) / j
                if (x > 0) line = line sprintf(" %d:%.6g", j, x)
            }
            print (k ? c + 1 : sprintf("%.6g", s)) line
        }
    }'
}
points 900 16 20 1 >indian_raw_training.el
points 500 16 20 2 >indian_raw_test.el
points 700 2 12 3 >two.el
points 500 0 5 4 >values.el
on() { # ranks, arguments...: pisvm-train on so many ranks
    local ranks=$1
    shift
    if [ "$ranks" = 1 ]; then "$train" "$@"; else "$MPIRUN" -np "$ranks" "$train" "$@"; fi
}

# --- the lines of job scripts, verbatim ----------------------------------------------------------------------
for ranks in 1 2 4; do
    mkdir "np$ranks"
    cp ./*.el "np$ranks"
    (
        cd "np$ranks" || exit
        PATH=$BIN:$PATH
        "$MPIRUN" -np $ranks pisvm-train -D -o 1024 -q 512 -c 100 -g 8 -t 2 -m 1024 -s 0 indian_raw_training.el >out 2>err
    )
    expect "job script on $ranks ranks: a model in the working directory" test -s "np$ranks/indian_raw_training.el.model"
    expect "job script on $ranks ranks: the same model" cmp np1/indian_raw_training.el.model "np$ranks/indian_raw_training.el.model"
    expect "job script on $ranks ranks: the plan, and nothing else, on standard error" test "$(grep -vc '^plan:\|^  ' "np$ranks/err")" = 0
    for line in 'optimization finished, #iter = [0-9]*' 'nu = [0-9.]*' 'obj = -[0-9.]*, rho = [-0-9.]*' 'nSV = [0-9]*, nBSV = [0-9]*'; do
        expect "job script on $ranks ranks: $(grep -c "^$line$" "np$ranks/out") lines '$line'" test "$(grep -c "^$line$" "np$ranks/out")" = 120
    done
    for line in 'Total opt. time = [0-9]*\.[0-9][0-9]' 'Total nSV = [0-9]*' 'I\/O time = [0-9]*\.[0-9][0-9]'; do
        expect "job script on $ranks ranks: '$line' once" test "$(grep -c "^$line$" "np$ranks/out")" = 1
    done
    expect "job script on $ranks ranks: I/O time comes last" grep -q '^I/O time' <(tail -n 1 "np$ranks/out")
    if [ -x "$predict" ]; then
        (
            cd "np$ranks" || exit
            PATH=$BIN:$PATH
            "$MPIRUN" -np $ranks pisvm-predict indian_raw_test.el indian_raw_training.el.model result.txt >predicted 2>err
        )
        expect "job script on $ranks ranks: predictions" test "$(wc -l <"np$ranks/result.txt")" = 500
        expect "job script on $ranks ranks: the same predictions" cmp np1/result.txt "np$ranks/result.txt"
        expect "job script on $ranks ranks: $(grep Accuracy "np$ranks/predicted")" grep -Eq '^Accuracy = [0-9.]+% \([0-9]+/500\) \(classification\)$' "np$ranks/predicted"
    else
        skip "predictions on $ranks ranks" 'pisvm-predict is not built'
    fi
done
obj() { grep -E 'obj|nu =|nSV|iter' "$1"; }
expect 'the same printed numbers on 1 and 4 ranks' cmp <(obj np1/out) <(obj np4/out)

# --- the same model whatever the ranks, threads and types ----------------------------------------------------
same() { # name, arguments...
    local name=$1 ranks threads log wrong=''
    shift
    for log in '1 1' '2 1' '3 1' '4 1' '1 2' '2 2'; do
        ranks=${log% *} threads=${log#* }
        on "$ranks" "$@" --threads "$threads" "m.$ranks.$threads" >"o.$ranks.$threads" 2>err || wrong="$wrong; failed on $ranks x $threads: $(tail -n 1 err)"
        cmp -s m.1.1 "m.$ranks.$threads" || wrong="$wrong; another model on $ranks x $threads"
        cmp -s <(grep -v time o.1.1) <(grep -v time "o.$ranks.$threads") || wrong="$wrong; other lines on $ranks x $threads"
    done
    if [ -z "$wrong" ]; then ok "the same model on 1-4 ranks, 1-2 threads: $name"; else not_ok "$name$wrong"; fi
    rm -f m.*
}
same 'C-SVC, 16 classes' -c 10 -g 2 indian_raw_training.el
same 'C-SVC, linear, weights, compressed rows' -t 0 -w1 5 -w2 0.5 indian_raw_training.el
same 'C-SVC with probabilities' -c 10 -g 2 -b 1 two.el
same 'nu-SVC, polynomial' -s 1 -n 0.05 -t 1 -g 1 -r 1 two.el
same 'one-class, sigmoid' -s 2 -n 0.2 -t 3 -g 0.05 two.el
same 'epsilon-SVR with probabilities' -s 3 -c 3 -g 2 -b 1 values.el
same 'nu-SVR' -s 4 -n 0.3 -g 2 values.el
same 'rows in rounds of classes' -m 0.6 -c 10 -g 2 indian_raw_training.el
same 'C-SVC as a large problem' -m 0.5 -c 10 -g 2 two.el
same 'C-SVC as a large problem, -o 64 -q 16' -m 0.5 -o 64 -q 16 -c 10 -g 2 two.el
same 'nu-SVC as a large problem' -m 0.5 -s 1 -n 0.1 -g 2 two.el
same 'epsilon-SVR as a large problem, probabilities' -m 0.3 -s 3 -c 3 -g 2 -b 1 values.el

accuracy() { # the lines of a cross-validation on 1 and 3 ranks, the seed changes them, no model is there
    local name=$1 pattern=$2
    shift 2
    on 1 "$@" v.model >v1 2>err
    on 3 "$@" v.model >v3 2>err
    expect "cross-validation, $name: $(grep -E "$pattern" v1 | tr '\n' ' ')" test "$(grep -Ec "$pattern" v1)" -ge 1
    expect "cross-validation, $name: the same on 3 ranks" cmp <(grep Cross v1) <(grep Cross v3)
    expect "cross-validation, $name: no model" test ! -e v.model
}
accuracy C-SVC '^Cross Validation Accuracy = [0-9.]+%$' -v 5 -c 10 -g 2 two.el
accuracy 'one-class' '^Cross Validation Accuracy = [0-9.]+%$' -v 5 -s 2 -n 0.2 two.el
accuracy 'epsilon-SVR' '^Cross Validation (Mean squared error|Squared correlation coefficient) = [0-9.e-]+$' -v 4 -s 3 -g 2 -c 3 values.el
accuracy 'C-SVC, a large problem' '^Cross Validation Accuracy = [0-9.]+%$' -v 5 -m 0.5 -c 10 -g 2 two.el

# --- LIBSVM --------------------------------------------------------------------------------------------------
if command -v svm-train >/dev/null && command -v svm-predict >/dev/null; then
    against() { # name, test file, arguments of both...: objectives within 1e-3, as many right predictions
        local name=$1 test=$2 worst ours theirs
        shift 2
        on 2 "$@" ours.model >ours.out 2>err || cat err
        svm-train "$@" theirs.model >theirs.out
        worst=$(paste <(sed -n 's/^obj = \([^,]*\),.*/\1/p' ours.out) <(sed -n 's/^obj = \([^,]*\),.*/\1/p' theirs.out) |
            awk 'NF != 2 { print 9; exit } { d = $1 - $2; d = d < 0 ? -d : d; e = $2 < 0 ? -$2 : $2; r = d / (e > 0 ? e : 1); if (r > w) w = r } END { printf "%.1e", w }')
        expect "LIBSVM, $name: objectives differ by $worst" awk -v w="$worst" 'BEGIN { exit !(w < 1e-3) }'
        ours=$(svm-predict "$test" ours.model p.ours | sed -n 's/.*(\([0-9]*\)\/\([0-9]*\)).*/\1 \2/p')
        theirs=$(svm-predict "$test" theirs.model p.theirs | sed -n 's/.*(\([0-9]*\)\/\([0-9]*\)).*/\1 \2/p')
        [ -z "$ours" ] || expect "LIBSVM, $name: right predictions ($ours) as with its own model ($theirs)" \
            awk -v a="${ours% *}" -v b="${theirs% *}" -v n="${ours#* }" 'BEGIN { d = a - b; exit !(d <= n / 1000 + 0.5 && -d <= n / 1000 + 0.5) }'
        if [ -x "$predict" ]; then
            "$MPIRUN" -np 2 "$predict" "$test" ours.model q.ours >/dev/null 2>err
            # svm-predict prints values with more digits
            worst=$(paste p.ours q.ours | awk 'NF != 2 { print 9; exit } { d = $1 - $2; d = d < 0 ? -d : d; if (d > w) w = d } END { printf "%.1e", w }')
            expect "LIBSVM, $name: svm-predict and pisvm-predict differ by $worst on our model" awk -v w="$worst" 'BEGIN { exit !(w < 1e-5) }'
        fi
    }
    against 'C-SVC, RBF' indian_raw_test.el -c 10 -g 2 indian_raw_training.el
    against 'C-SVC, linear' indian_raw_test.el -t 0 indian_raw_training.el
    against 'nu-SVC, polynomial' two.el -s 1 -n 0.05 -t 1 -g 1 -r 1 two.el
    against 'C-SVC, weights' two.el -c 3 -g 1 -w1 4 two.el
    against 'one-class, RBF' two.el -s 2 -n 0.2 -g 1 two.el
    against 'epsilon-SVR, RBF' values.el -s 3 -c 3 -g 2 values.el
    against 'nu-SVR, sigmoid' values.el -s 4 -t 3 -g 0.05 values.el
    against 'C-SVC, a large problem' two.el -m 0.5 -c 10 -g 2 two.el
    on 2 -b 1 -c 10 -g 2 two.el ours.model >/dev/null 2>&1
    svm-train -q -b 1 -c 10 -g 2 two.el theirs.model
    svm-predict -b 1 two.el ours.model p.ours >/dev/null
    svm-predict -b 1 two.el theirs.model p.theirs >/dev/null
    mean=$(paste -d' ' <(tail -n +2 p.ours) <(tail -n +2 p.theirs) | awk '{ d = $2 - $5; s += d < 0 ? -d : d } END { printf "%.4f", s / NR }')
    expect "LIBSVM, probabilities: they differ by $mean in the mean" awk -v d="$mean" 'BEGIN { exit !(d < 0.02) }'
else
    skip 'comparison with LIBSVM' 'svm-train and svm-predict are not installed'
fi

# --- names, weights, parameter files -------------------------------------------------------------------------
mkdir folder
cp two.el folder/data.el
on 1 -g 1 folder/data.el >/dev/null 2>&1
expect 'the default name of a model is in the working directory' test -s data.el.model -a ! -e folder/data.el.model
on 1 -g 1 -w7 3 two.el seven.model >/dev/null 2>err
expect 'a weight of a label that does not occur gives a warning' grep -q 'warning: -w7: no row has the label 7' err
expect '... and changes nothing' cmp data.el.model seven.model
printf 'gamma = 1\ndata = two.el\nmodel = par.model\n' >two.par
on 2 two.par >/dev/null 2>&1
expect 'a parameter file' cmp data.el.model par.model
on 1 --record r.jsonl -g 1 two.el r.model >/dev/null 2>&1
expect 'the record has the plan, the problems and the result' test "$(grep -cE '"event":"(plan|trained|result)"' r.jsonl)" = 3
on 1 --max-iter 5 -c 100 -g 1 two.el short.model >/dev/null 2>err
expect 'few steps are told' grep -q 'warning: 1 of the problems ended before the tolerance' err
(cd "$top" && "$train" inputs/pisvm/tiny.par --model "$TMP/tiny.model" >/dev/null 2>&1)
expect 'inputs/pisvm/tiny.par trains' grep -q '^nr_class 3$' tiny.model

# --- refusals ------------------------------------------------------------------------------------------------
said() { # what standard error holds besides the launcher's report between lines of dashes
    sed -e '/^-----/,/^-----/d' -e '/^Primary job  terminated/d' -e '/^\[.*more process/d' -e '/^\[.*orte_base_help_aggregate/d' -e '/^ *$/d' err
}
refused() { # name, status, pattern of the message, arguments...
    local name=$1 want=$2 pattern=$3 ranks status before wrong
    shift 3
    for ranks in 1 3; do
        status=0 wrong=''
        echo 'a model from before' >kept.model
        before=$(ls -A . folder | cksum)
        if [ $ranks = 1 ]; then
            timeout 20 "$train" "$@" >out 2>err </dev/null || status=$?
        else
            timeout 20 "$MPIRUN" -np $ranks "$train" "$@" >out 2>err </dev/null || status=$?
        fi
        [ $status = "$want" ] || wrong="status $status, not $want"
        [ "$(said | wc -l)" = 1 ] || wrong="$wrong; $(said | wc -l) lines of messages, not 1"
        said | grep -q -e "^pisvm-train: .*$pattern" || wrong="$wrong; the message is not '$pattern'"
        [ "$(cat kept.model)" = 'a model from before' ] || wrong="$wrong; the model has changed"
        [ "$(ls -A . folder | cksum)" = "$before" ] || wrong="$wrong; there are other files"
        if [ -z "$wrong" ]; then ok "$name, $ranks ranks: $(said)"; else not_ok "$name, $ranks ranks: $wrong" && cat err out; fi
    done
}
touch out err bad.el kept.model
bad() { # name, pattern, line: refused as line 351 of data
    head -n 350 two.el >bad.el
    printf '%b\n' "$3" >>bad.el
    tail -n 350 two.el >>bad.el
    refused "$1" 1 "bad.el: line 351: .*$2" bad.el kept.model
}
bad 'no label' 'the label is missing' '1:0.5 2:1'
bad 'index 0' 'below 1' '1 0:0.5 2:1'
bad 'a negative index' "-3" '1 -3:0.5 2:1'
bad 'descending indices' 'must ascend' '1 3:0.5 2:1'
bad 'an index twice' 'must ascend' '1 3:0.5 3:1'
bad 'not a number' 'not a finite number' '1 1:nan'
bad 'infinity' 'not a finite number' '1 1:-inf'
bad 'a number too large' 'not a finite number' '1 1:1e400'
bad 'a letter in a number' 'not a number' '1 1:0.5 2:1o'
bad 'a value without index' 'index:value' '1 0.5 0.7'
bad 'a value that is missing' 'not a number' '1 1:'
bad 'a label that is no number' 'not a number' 'one 1:0.5'
bad 'a class that is no integer' 'not an integer' '1.5 1:0.5'
: >bad.el
refused 'an empty file' 1 'bad.el: holds no rows' bad.el kept.model
printf '\n# nothing\n\n' >bad.el
refused 'blank lines only' 1 'bad.el: holds no rows' bad.el kept.model
grep '^1 ' two.el >bad.el
refused 'one class' 1 'bad.el: all rows have the label 1' bad.el kept.model
refused 'one class, cross-validation' 1 'all rows have the label 1' -v 3 bad.el
refused 'a missing file' 1 'nowhere.el: no such file' nowhere.el kept.model
refused 'a folder as data' 1 'folder: is a directory' folder kept.model
refused 'a model as data' 1 'data.el.model: line 1: ' data.el.model kept.model
refused 'a folder as model' 1 'folder: is a directory' two.el folder
refused 'a model where there is no folder' 1 'nowhere/m: its folder does not exist' two.el nowhere/m
refused 'a model on a device' 1 '/dev/full: ' two.el /dev/full
refused 'a back end that is not there' 1 'cuda' --backend cuda two.el kept.model
refused 'no data' 2 'data is missing'
refused 'a third argument' 2 'one argument too many' two.el kept.model more
refused 'a wrong type' 2 '-s must be in \[0,4\]' -s 5 two.el kept.model
refused 'a wrong kernel' 2 '-t must be in \[0,3\]' -t 4 two.el kept.model
refused 'C of 0' 2 '-c must be in' -c 0 two.el kept.model
refused 'no tolerance' 2 '-e must be in' -e 0 two.el kept.model
refused 'one fold' 2 '-v must be 2 or more' -v 1 two.el
refused 'more folds than rows' 2 '-v 701: there are 700 rows only' -v 701 two.el
refused 'nu of 2' 2 '-n must be in' -s 1 -n 2 two.el kept.model
refused 'a nu that the classes cannot reach' 2 'nu = 0.999 cannot be reached' -s 1 -n 0.999 indian_raw_training.el kept.model
refused 'probabilities of one class' 2 'one-class machines' -s 2 -b 1 two.el kept.model
refused 'more new variables than the working set' 2 '-q 20' -o 10 -q 20 two.el kept.model
refused 'a grid without folds' 2 'by -v' --grid-c 1,2 two.el kept.model
refused 'a grid over gamma for the linear kernel' 2 'no gamma' --grid-g 1,2 -t 0 -v 2 two.el kept.model
refused '--train-best without a grid' 2 'needs a grid' --train-best two.el kept.model
refused '--resume without a checkpoint' 2 'needs --checkpoint' --resume two.el kept.model
refused 'an unknown option' 2 'unknown option --gama; did you mean --gamma' --gama 3 two.el kept.model
