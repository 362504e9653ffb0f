#!/bin/bash
# pisvm-train beside LIBSVM's svm-train: 5 types x 4 kernels x 5 data sets; objectives within 1e-3 of theirs, accuracies within 0.1 points, and each
# other's models give the same predictions (of regression: to 5 digits, ours are written with 6).
# nu-SVC prints its objective divided by r^2, and -e 0.001 leaves r open to some per cent where it is small: what is compared is the objective that was
# minimised. Probabilities come from an internal cross-validation with random folds, and LIBSVM's own vary by as much if its rows are shuffled: their mean
# difference is within 0.02. Mean squared errors are compared to 0.5 %: the stopping rule bounds objectives, and errors of the solution only by their square root.
# timeout: 900
set -u
. tests/lib.sh
for program in svm-train svm-predict svm-scale; do
    command -v $program >/dev/null || { skip agreement "no $program (Debian: libsvm-tools)"; exit 0; }
done
[ -n "$DATA" ] && [ -e "$DATA/svm/letter.scale.gz" ] || { skip agreement 'no real data here'; exit 0; }
cd "$TMP" || exit 1

every() { # file, how many rows apart, first: some rows of a packed file
    gzip -dc "$DATA/svm/$1.gz" | awk -v n="$2" -v k="$3" 'NR % n == k'
}
scaled() { # lower, upper, name: training and test part by the same range
    svm-scale -l "$1" -u "$2" -s range "$3.raw" >"$3" && svm-scale -r range "$3.t.raw" >"$3.t" && rm -f "$3.raw" "$3.t.raw"
}
every heart_scale 2 0 >heart && every heart_scale 2 1 >heart.t
every svmguide1 3 0 >guide.raw && gzip -dc "$DATA/svm/svmguide1.t.gz" >guide.t.raw && scaled -1 1 guide
every satimage 5 0 >sat.raw && gzip -dc "$DATA/svm/satimage.t.gz" >sat.t.raw && scaled 0 1 sat
every dna 4 0 >dna && every dna 4 1 >dna.t
every letter.scale 15 0 >letter && gzip -dc "$DATA/svm/letter.scale.t.gz" >letter.t
sets='heart guide sat dna letter'
for s in $sets; do # regression: the first feature from the others; one-class: what is normal is the commonest label
    for part in "$s" "$s.t"; do
        awk '{ y = 0; line = ""; for (i = 2; i <= NF; i++) { split($i, f, ":"); if (f[1] == 1) y = f[2]; else line = line " " $i } print y line }' "$part" >"reg.$part"
    done
    common=$(awk '{ n[$1]++ } END { for (l in n) if (n[l] > m) { m = n[l]; best = l } print best }' "$s")
    awk -v c="$common" '$1 == c { $1 = "1"; print }' "$s" >"one.$s"
    awk -v c="$common" '{ $1 = $1 == c ? "1" : "-1"; print }' "$s.t" >"one.$s.t"
done

objectives() { # nu-SVC: C = 1 / r comes before
    awk '/^C = / { c = $3 } /^obj = / { o = $3 + 0; printf "%.17g\n", c ? o / (c * c) : o; c = 0 }' "$1"
}
same() { # two files of predictions: to 5 digits
    paste "$1" "$2" | awk '{ d = $1 - $2; if (d < 0) d = -d; s = $1 < 0 ? -$1 : $1; if (NF != 2 || d > 1e-5 * s + 1e-9) bad = 1 } END { exit bad }'
}
worst() { # two files with a number per line: the largest relative difference
    paste "$1" "$2" | awk 'NF != 2 { print "lines"; exit } { d = $1 - $2; if (d < 0) d = -d; s = $1 < 0 ? -$1 : $1; if (s > 1e-9 && d / s > w) w = d / s } END { print w + 0 }'
}
score() { # file of a program's words: its accuracy or mean squared error
    sed -n -e 's/^Accuracy = \([0-9.]*\)%.*/\1/p' -e 's/^Mean squared error = \([^ ]*\).*/\1/p' "$1"
}
compare() { # name, type, training set, test set, options...
    local name=$1 type=$2 train=$3 test=$4 w a b wrong=''
    shift 4
    svm-train -s "$type" "$@" "$train" theirs >theirs.out 2>&1 || { not_ok "$name: svm-train: $(tail -n 1 theirs.out)" && return; }
    "$BIN/pisvm-train" -s "$type" "$@" "$train" ours >ours.out 2>&1 || { not_ok "$name: $(tail -n 1 ours.out)" && return; }
    objectives theirs.out >theirs.obj
    objectives ours.out >ours.obj
    w=$(worst theirs.obj ours.obj)
    awk "BEGIN { exit !(\"$w\" != \"lines\" && $w + 0 <= 1e-3) }" || wrong="objectives differ by $w"
    svm-predict "$test" theirs theirs.pred >theirs.said
    "$BIN/pisvm-predict" "$test" ours ours.pred >ours.said
    a=$(score theirs.said | head -n 1) b=$(score ours.said | head -n 1)
    case $type in
    [34]) awk "BEGIN { d = $a - $b; exit !(d * d <= 2.5e-5 * $a * $a) }" || wrong="$wrong; mean squared errors $a $b" ;;
    *) awk "BEGIN { d = $a - $b; exit !(d * d <= 0.0101) }" || wrong="$wrong; accuracies $a $b" ;;
    esac
    svm-predict "$test" ours crossed >/dev/null
    same crossed ours.pred || wrong="$wrong; svm-predict says otherwise of our model"
    "$BIN/pisvm-predict" "$test" theirs crossed >/dev/null
    same crossed theirs.pred || wrong="$wrong; pisvm-predict says otherwise of their model"
    if [ -z "$wrong" ]; then ok "$name: objectives within $w, $a and $b"; else not_ok "$name: $wrong"; fi
}
probabilities() { # name, training set, test set, options...
    local name=$1 train=$2 test=$3 mean
    shift 3
    svm-train -b 1 "$@" "$train" theirs >/dev/null 2>&1 && svm-predict -b 1 "$test" theirs theirs.prob >/dev/null
    "$BIN/pisvm-train" -b 1 "$@" "$train" ours >/dev/null 2>&1 && "$BIN/pisvm-predict" -b 1 "$test" ours ours.prob >/dev/null
    mean=$(awk 'FNR == 1 { files++; for (i = 2; i <= NF; i++) label[i] = $i; next }
        { for (i = 2; i <= NF; i++) if (files == 1) p[FNR, label[i]] = $i; else { d = $i - p[FNR, label[i]]; sum += d < 0 ? -d : d; n++ } }
        END { print n ? sum / n : "none" }' theirs.prob ours.prob)
    if awk "BEGIN { exit !(\"$mean\" != \"none\" && $mean + 0 <= 0.02) }"; then ok "$name: probabilities within $mean"; else not_ok "$name: probabilities differ by $mean"; fi
}
for s in $sets; do
    features=$(awk '{ for (i = 2; i <= NF; i++) { split($i, f, ":"); if (f[1] > m) m = f[1] } } END { print m }' "$s")
    gamma=$(awk "BEGIN { print 1 / $features }")
    probabilities "$s -b 1" "$s" "$s.t" -t 2 -g "$(awk "BEGIN { print 4 * $gamma }")" -c 2
    for kernel in '-t 0' "-t 1 -g $gamma -r 1" "-t 2 -g $(awk "BEGIN { print 4 * $gamma }")" "-t 3 -g $(awk "BEGIN { print 0.2 * $gamma }")"; do
        nu_eps=0.001
        case $kernel in '-t 3'*) nu_eps=0.00001 ;; esac # so weak a kernel gives r = 0.002: a violation of 0.001 is half of it
        # shellcheck disable=SC2086 # several words
        {
            compare "$s C-SVC $kernel" 0 "$s" "$s.t" $kernel -c 2
            compare "$s nu-SVC $kernel" 1 "$s" "$s.t" $kernel -n 0.4 -e $nu_eps
            compare "$s one-class $kernel" 2 "one.$s" "one.$s.t" $kernel -n 0.1
            compare "$s epsilon-SVR $kernel" 3 "reg.$s" "reg.$s.t" $kernel -c 2 -p 0.1
            compare "$s nu-SVR $kernel" 4 "reg.$s" "reg.$s.t" $kernel -c 2 -n 0.3
        }
    done
done
