#!/bin/bash
# psml-data generate spectra on 1 to 4 ranks, its options, and files of others: MATLAB cubes, IDX, LIBSVM text in and out.
# timeout: 240
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
on() { n=$1 && shift && "$MPIRUN" -np "$n" "$data" "$@" 2>err; } # ranks, arguments
says() { grep -q -e "$1" err || { cat err && false; }; }          # words that standard error must have
value() { sed -n "s/^$1  *//p" out; }                             # a line of psml-data info
formats='npy'
if printf '1 2\n' >probe.txt && "$data" convert probe.txt probe.h5 >/dev/null 2>&1; then formats="$formats h5"; fi

# --- the same bytes on any number of ranks and threads ---------------------------------------------------
for n in 1 2 3 4; do
    on "$n" generate spectra "a$n.libsvm" -n 1500 -d 30 --threads "$((n % 2 + 1))" >/dev/null
    for f in $formats; do
        on "$n" generate spectra "a$n.$f" --height 41 --width 37 --bands 9 --classes 5 --type uint16 >/dev/null
    done
done
for n in 2 3 4; do
    for f in libsvm $formats; do expect "spectra: one .$f file on 1 and $n ranks" cmp -s "a1.$f" "a$n.$f"; done
    expect "spectra: one ground truth on 1 and $n ranks" cmp -s a1-labels.npy "a$n-labels.npy"
done
on 2 generate spectra other.libsvm -n 1500 -d 30 --seed 2 >/dev/null
expect 'spectra: another seed, another scene' fails cmp -s a1.libsvm other.libsvm

# --- what is in it ----------------------------------------------------------------------------------------
on 2 generate spectra ip.libsvm --bands 10 >/dev/null
on 3 info ip.libsvm >out
expect 'spectra: as many rows as Indian Pines' [ "$(value shape)" = '10249 x 10' ]
expect 'spectra: classes of its sizes' [ "$(value classes)" = '16 (rows): 1 (46) 2 (1428) 3 (830) 4 (237) 5 (483) 6 (730) 7 (28) 8 (478) 9 (20) 10 (972) 11 (2455) 12 (593) 13 (205) 14 (1265) 15 (386) 16 (93)' ]
expect 'spectra: values are reflectances' eval "awk '/^[0-9]/ && !(\$2 >= 0 && \$3 < 2 && \$4 > 0.01) { bad = 1 } END { exit bad }' out"
on 2 generate spectra z.libsvm -n 3300 --classes 52 -d 5 >/dev/null
on 1 info z.libsvm >out
expect 'spectra: 52 classes, rows as asked for' eval '[ "$(value shape)" = "3300 x 5" ] && value classes | grep -q "^52 "'
on 2 info a1.npy >out
expect 'spectra: the cube has all pixels' eval '[ "$(value shape)" = "1517 x 9" ] && [ "$(value type)" = uint16 ]'
on 2 info a1-labels.npy >out
expect 'spectra: the ground truth is a picture' eval '[ "$(value shape)" = "41 x 37" ] && [ "$(value type)" = uint8 ]'
on 3 convert a1.npy b.libsvm --labels a1-labels.npy >/dev/null
on 2 generate spectra c.libsvm --height 41 --width 37 --bands 9 --classes 5 --type uint16 >/dev/null
expect 'spectra: labelled pixels of the cube are the text' cmp -s b.libsvm c.libsvm

# --- LIBSVM text to a matrix and back ---------------------------------------------------------------------
for f in $formats; do
    on 3 convert a1.libsvm "m.$f" >/dev/null
    labels=()
    [ "$f" = h5 ] || labels=(--labels "m-labels.$f")
    on 2 convert "m.$f" "back-$f.libsvm" "${labels[@]}" >/dev/null
    expect "convert: LIBSVM text to .$f and back" cmp -s a1.libsvm "back-$f.libsvm"
done
on 2 convert a1.libsvm part.libsvm --rows 5:105 --columns 0:3 >/dev/null
on 1 info part.libsvm >out
expect 'convert: a part of LIBSVM text' [ "$(value shape)" = '100 x 3' ]
expect 'convert: the part is that part' [ "$(sed -n 6p a1.libsvm | cut -d' ' -f1-4)" = "$(head -n 1 part.libsvm)" ]
on 2 convert a1.libsvm l.csv --input-dataset GT >/dev/null
expect 'convert: labels alone' eval "cut -d' ' -f1 a1.libsvm | cmp -s - l.csv"
printf '1\n0\n2\n' >l.txt
printf '1 0.1\n2 0\n3 nan\n' >x.txt
on 2 convert x.txt no.libsvm --labels l.txt
expect 'convert: NaN is refused in LIBSVM text' eval 'says "row 2, column 1 is not finite" && [ ! -e no.libsvm ]'
on 2 convert x.txt x.libsvm --labels l.txt --rows 0:2 >/dev/null
expect 'convert: 0 of a list is a class' eval "printf '1 1:1 2:0.1\n0 1:2\n' | cmp -s - x.libsvm"
on 2 convert x.txt y.libsvm --labels l.txt --rows 0:2 --unlabelled zero --type float32 >/dev/null
expect 'convert: 0 may mean no label; 0.1 stays 0.1 as float32' eval "printf '1 1:1 2:0.1\n' | cmp -s - y.libsvm"
on 2 convert x.txt no.libsvm
expect 'convert: LIBSVM text needs labels' says 'name a file of labels'
head -n 2 l.txt >short.txt
on 3 convert x.txt no.libsvm --labels short.txt
expect 'convert: another number of labels' says 'there are 3 rows, but 2 labels'

# --- options that cannot be -------------------------------------------------------------------------------
for wrong in '-n 20' '--height 20 -n 390' '--labelled 0.9' '--classes 1' '--bands 3' '--type int8'; do
    # shellcheck disable=SC2086 # options and their values
    on 2 generate spectra no.libsvm $wrong
    status=$?
    expect "spectra: refuses $wrong with status 2" eval "[ $status = 2 ] && [ ! -e no.libsvm ]"
done
on 1 generate spectra
expect 'spectra: an output is needed' says 'output'
expect 'spectra: has a help of its own' eval "'$data' generate spectra --help | grep -q 'bands'"

# --- files of others --------------------------------------------------------------------------------------
if [ -n "$DATA" ] && [ -e "$DATA/hyperspectral/SalinasA_corrected.mat" ]; then
    h=$DATA/hyperspectral
    if "$data" info --head "$h/SalinasA_gt.mat" >out 2>err; then
        gunzip -c "$h/salinasA.libsvm.gz" >reference.libsvm
        for n in 1 2 3 4; do
            on "$n" convert "$h/SalinasA_corrected.mat" "s$n.libsvm" --labels "$h/SalinasA_gt.mat" >/dev/null
            on "$n" diff reference.libsvm "s$n.libsvm" >out
            expect "MATLAB: Salinas-A is its LIBSVM text, $n ranks" grep -q '^differ  0 of 1090992' out
            on "$n" diff reference.libsvm "s$n.libsvm" --first-dataset GT --second-dataset GT >out
            expect "MATLAB: so are its labels, $n ranks" grep -q '^differ  0 of 5348' out
        done
        on 2 info "$h/samson_1.mat" --head >out
        expect 'MATLAB: the matrix among scalars' eval '[ "$(value "data set")" = V ] && [ "$(value shape)" = "156 x 9025" ]'
        on 2 info "$h/HYDICE_data.mat"
        expect 'MATLAB: several variables are named' says 'name one of: data (100 x 80 x 162), map (100 x 80)'
        on 2 convert "$h/HYDICE_data.mat" hydice.libsvm --input-dataset data --labels-dataset map >/dev/null
        expect 'MATLAB: labels of the same file' eval '[ -s hydice.libsvm ] && [ -z "$(cut -d" " -f1 hydice.libsvm | grep -v "^1$")" ]'
    else
        expect 'MATLAB: the message names libmatio' says libmatio
    fi
    m=$DATA/mnist
    if "$data" info --head "$m/t10k-labels-idx1-ubyte.gz" >out 2>err; then
        for n in 1 3; do
            on "$n" convert "$m/t10k-images-idx3-ubyte.gz" "t$n.libsvm" --labels "$m/t10k-labels-idx1-ubyte.gz" --rows 0:500 >/dev/null
        done
        on 2 info t1.libsvm >out
        expect 'IDX: digits with their labels, 0 among them; the last pixels are blank' eval '[ "$(value shape)" = "500 x 776" ] && value classes | grep -q "^10 (rows): 0 (42) "'
        expect 'IDX: the same on 3 ranks' cmp -s t1.libsvm t3.libsvm
    else
        expect 'IDX: the message says that it is packed' says gzip
    fi
else
    skip 'MATLAB and IDX files' 'no real data here'
fi
