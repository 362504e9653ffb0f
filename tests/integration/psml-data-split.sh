#!/bin/bash
# psml-data split: at random and along regions, on 1 to 4 ranks, of LIBSVM text and of a cube with its ground truth.
# timeout: 240
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
on() { n=$1 && shift && "$MPIRUN" -np "$n" "$data" "$@" 2>err; } # ranks, arguments
says() { grep -q -e "$1" err || { cat err && false; }; }          # words that standard error must have

"$data" generate spectra scene.npy --height 60 --width 50 --bands 6 --classes 4 --field 6 >/dev/null
"$data" convert scene.npy scene.libsvm --labels scene-labels.npy >/dev/null
"$data" convert scene-labels.npy truth.txt >/dev/null
# rows are told apart by their text
expect 'the rows are unlike each other' [ "$(sort -u scene.libsvm | wc -l)" = "$(wc -l <scene.libsvm)" ]

# --- at random --------------------------------------------------------------------------------------------
for n in 1 2 3 4; do on "$n" split scene.libsvm "r$n.libsvm" "e$n.libsvm" >"out$n"; done
for n in 2 3 4; do expect "random: the same on 1 and $n ranks" eval "cmp -s r1.libsvm r$n.libsvm && cmp -s e1.libsvm e$n.libsvm"; done
expect 'random: both parts are the whole' eval 'cat r1.libsvm e1.libsvm | sort | cmp -s - <(sort scene.libsvm)'
expect 'random: in the order of the input' eval 'grep -nFxf r1.libsvm scene.libsvm | cut -d: -f2- | cmp -s - r1.libsvm'
expect 'random: a tenth of each class' eval 'awk "NR == FNR { all[\$1]++; next } { some[\$1]++ } END { for (c in all) if (int(all[c] * 0.1 + 0.5) - some[c]) exit 1 }" scene.libsvm r1.libsvm'
on 2 split scene.libsvm r5.libsvm e5.libsvm --seed 2 >/dev/null
expect 'random: another seed, other rows' fails cmp -s r1.libsvm r5.libsvm
on 3 split scene.libsvm r6.libsvm e6.libsvm --rows-per-class 7 >/dev/null
expect 'random: 7 rows of each class' eval '[ "$(cut -d" " -f1 r6.libsvm | sort | uniq -c | awk "{ print \$1 }" | sort -u)" = 7 ]'
expect 'random: the table' eval 'grep -Eq "^all +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+%$" out1'
printf '1 1:1\n2 1:2\n2 1:3\n' >few.libsvm
on 2 split few.libsvm a.libsvm b.libsvm --fraction 0.9 >/dev/null
expect 'random: of two rows one is left, a single one is trained with' eval '[ "$(wc -l <a.libsvm)" = 2 ] && [ "$(cut -d" " -f1 b.libsvm)" = 2 ]'

# --- along regions ----------------------------------------------------------------------------------------
for n in 1 2 3 4; do
    on "$n" split scene.npy "sr$n.libsvm" "se$n.libsvm" --labels scene-labels.npy --spatial --fraction 0.3 --guard 2 >"sout$n"
done
for n in 2 3 4; do expect "spatial: the same on 1 and $n ranks" eval "cmp -s sr1.libsvm sr$n.libsvm && cmp -s se1.libsvm se$n.libsvm && cmp -s sout1 sout$n"; done
on 3 split scene.libsvm tr.libsvm te.libsvm --labels scene-labels.npy --spatial --fraction 0.3 --guard 2 >tout
expect 'spatial: LIBSVM text with its ground truth gives the same' eval 'cmp -s sr1.libsvm tr.libsvm && cmp -s se1.libsvm te.libsvm && cmp -s sout1 tout'
# the map of parts: the k-th labelled pixel is the k-th row of the text
cat >judge.awk <<'AWK'
FILENAME == "truth.txt" { for (i = 1; i <= NF; i++) truth[FNR, i] = $i; width = NF; height = FNR; next }
FILENAME ~ /^sr/ { part[$0] = 1; next }
FILENAME ~ /^se/ { part[$0] = 2; next }
{ row[++rows] = part[$0] + 0 }
END {
    for (y = 1; y <= height; y++) for (x = 1; x <= width; x++) if (truth[y, x]) map[y, x] = row[++k]
    for (y = 1; y <= height; y++) for (x = 1; x <= width; x++) for (dy = -2; dy <= 2; dy++) for (dx = -2; dx <= 2; dx++) {
        if (map[y, x] != 1 || map[y + dy, x + dx] != 2) continue
        if (dy * dy + dx * dx <= 4) near++
    }
    for (y = 1; y <= height; y++) for (x = 1; x <= width; x++) for (dy = 0; dy <= 1; dy++) for (dx = -1; dx <= 1; dx++)
        if (truth[y, x] && truth[y, x] == truth[y + dy, x + dx] && map[y, x] + map[y + dy, x + dx] == 3) torn++
    print k - rows, near + 0, torn + 0
}
AWK
expect 'spatial: no region is in both parts, no test pixel within the guard' [ "$(awk -f judge.awk truth.txt sr1.libsvm se1.libsvm scene.libsvm)" = '0 0 0' ]
on 2 split scene.npy 4r.libsvm 4e.libsvm --labels scene-labels.npy --spatial --neighbours 4 >out4
on 2 split scene.npy 8r.libsvm 8e.libsvm --labels scene-labels.npy --spatial >out8
regions() { awk '$1 == "all" { print $6 }' "$1"; }
expect 'spatial: 4 neighbours make no fewer regions than 8' [ "$(regions out4)" -ge "$(regions out8)" ]
on 2 split scene.npy h.npy i.npy --labels scene-labels.npy --spatial >/dev/null
"$data" convert h.npy h.libsvm --labels h-labels.npy >/dev/null
expect 'spatial: matrices get lists of labels' cmp -s h.libsvm 8r.libsvm
if "$data" convert scene.npy s.h5 >/dev/null 2>&1; then
    "$data" convert scene-labels.npy s.h5 --output-dataset GT >/dev/null
    on 3 split s.h5 5r.h5 5e.h5 --spatial >/dev/null
    "$data" convert 5r.h5 5r.libsvm >/dev/null
    expect 'spatial: HDF5 holds cube and ground truth, in and out' cmp -s 5r.libsvm 8r.libsvm
fi

printf '1 1 1 1\n1 1 1 1\n0 0 0 2\n' >one.txt
for i in 1 2 3 4 5 6 7 8; do echo "1 1:$i"; done >one.libsvm
echo '2 1:9' >>one.libsvm
on 3 split one.libsvm or.libsvm oe.libsvm --labels one.txt --spatial --fraction 0.5 >/dev/null
expect 'spatial: a class of one region is cut across its longer side' eval '[ "$(tr "\n" " " <or.libsvm)" = "1 1:1 1 1:2 1 1:5 1 1:6 2 1:9 " ] || [ "$(tr "\n" " " <or.libsvm)" = "1 1:3 1 1:4 1 1:7 1 1:8 2 1:9 " ]'
expect 'spatial: a class of one pixel is trained with, and said' says '1 class has no row for testing'

# --- what cannot be ---------------------------------------------------------------------------------------
on 2 split scene.libsvm no.libsvm yes.libsvm --spatial
status=$?
expect 'spatial: text alone has no places' eval "[ $status = 2 ]"' && says "needs the places of the rows" && [ ! -e no.libsvm ]'
on 3 split r1.libsvm no.libsvm yes.libsvm --labels scene-labels.npy --spatial
expect 'spatial: a ground truth of other rows' says 'of which another number is labelled'
sed 's/^1 /2 /' scene.libsvm >other.libsvm
on 2 split other.libsvm no.libsvm yes.libsvm --labels scene-labels.npy --spatial
expect 'spatial: a ground truth of other labels' says 'is that its ground truth'
for wrong in '--fraction 0' '--fraction 1' '--guard 2' '--neighbours 5 --spatial' '--rows-per-class -1'; do
    # shellcheck disable=SC2086 # options and their values
    on 2 split scene.libsvm no.libsvm yes.libsvm $wrong
    status=$?
    expect "split refuses $wrong with status 2" eval "[ $status = 2 ] && [ ! -e no.libsvm ]"
done
on 2 split scene.libsvm no.libsvm no.libsvm
expect 'split: two outputs of one name' says 'must be three files'
printf '1 1:1\n2 1:1\n' >single.libsvm
on 2 split single.libsvm no.libsvm yes.libsvm
expect 'split: nothing left for testing' eval 'says "no row is left for testing" && [ ! -e no.libsvm ]'
on 2 split scene.npy no.libsvm yes.libsvm
expect 'split: labels are needed' says 'name a file of labels'
