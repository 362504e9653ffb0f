# shellcheck shell=bash
# Small sets for pisvm and comparisons of what came of them: source me in a folder for the data.
svm_data() { # pixels of a scene of four classes: their files four, two of its classes, every third column of those, and a value to be told from the others
    "$BIN/psml-data" generate spectra four.libsvm --classes 4 -n "$1" --bands 12 --seed 3 >/dev/null
    awk '{ y = 0; line = ""; for (i = 2; i <= NF; i++) { split($i, f, ":"); if (f[1] == 1) y = f[2]; else line = line " " $i } print y line }' four.libsvm | head -n $(($1 * 3 / 8)) >values.libsvm
    awk '$1 < 3' four.libsvm >two.libsvm
    awk 'NR % 2 { line = $1; for (i = 2; i <= NF; i += 3) line = line " " $i; print line }' two.libsvm >sparse.libsvm
}
svm_sets() { # name, data, options of pisvm-train
    cat <<'END'
C-SVC four -c 10 -g 8
sparse-rows sparse -c 10 -g 8
linear two -t 0 -c 1
polynomial two -t 1 -d 2 -c 1 -g 1 -r 1
probabilities four -c 10 -g 8 -b 1
nu-SVC four -s 1 -n 0.1 -g 8
one-class two -s 2 -n 0.2 -g 8
epsilon-SVR values -s 3 -c 1 -p 0.01 -g 8
nu-SVR values -s 4 -c 1 -n 0.3 -g 8
END
}
svm_validations() {
    cat <<'END'
folds four -v 5 -c 10 -g 8
folds-of-probabilities four -v 2 -b 1 -c 10 -g 8
folds-of-values values -v 4 -s 3 -c 1 -p 0.01 -g 8
grid four -v 4 --grid-c 1,10,100 --grid-g 1,8
END
}
objectives() { sed -n 's/^obj = \([^,]*\),.*/\1/p' "$1"; }
objectives_off() { # two files of words: the largest relative difference
    paste <(objectives "$1") <(objectives "$2") | awk 'NF != 2 { bad = 1 } { d = $1 - $2; s = $1; if (d < 0) d = -d; if (s < 0) s = -s; if (s > 0 && d / s > w) w = d / s } END { if (bad || !NR) exit 1; printf "%.2g", w }'
}
near_objectives() { # two solutions within the tolerance have objectives within 10^-3, as those of LIBSVM and of the processor have
    local off
    off=$(objectives_off "$1" "$2") && awk "BEGIN { exit !($off <= 1e-3) }"
}
worth() { grep -h '^Cross Validation\|^Accuracy\|^Mean squared\|^best' "$1" | xargs; }
score() { sed -n -e 's/^Cross Validation [A-Za-z ]* = \([0-9.e+-]*\).*/\1/p' -e 's/.*accuracy = \([0-9.]*\)%.*/\1/p' "$1" | head -n 1; }
near_scores() { # two files of words: a row in 300 may be on the other side of a boundary; a mean squared error is off by its 100th part
    awk -v a="$(score "$1")" -v b="$(score "$2")" -v values="$(grep -c 'squared error' "$1")" 'BEGIN { d = a - b; exit !(a != "" && b != "" && (d < 0 ? -d : d) <= (values ? a / 100 : 0.35)) }'
}
