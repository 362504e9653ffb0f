#!/bin/bash
# psml-data: every format into every other and back on 1 to 3 ranks, parts of data sets, comparison, refused input, a full disk.
# timeout: 240
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
on() { n=$1 && shift && "$MPIRUN" -np "$n" "$data" "$@" 2>err; } # ranks, arguments
says() { grep -q -e "$1" err || { cat err && false; }; }          # words that standard error must have

{
    echo '# easting northing height'
    awk 'BEGIN { for (i = 0; i < 500; i++) printf "%.17g,%.17g,%.17g\n", i / 7, -i * 1e5 / 3, i * i }'
} >a.csv
formats='csv npy' n=0
for f in h5 nc; do # those that are built in
    if "$data" convert a.csv probe.$f >/dev/null 2>&1; then formats="$formats $f"; fi
done
for from in $formats; do
    "$data" convert a.csv "from.$from" >/dev/null
    for to in $formats; do
        n=$((n % 3 + 1))
        on $n convert "from.$from" "to.$to" >/dev/null && "$data" diff a.csv "to.$to" >out 2>&1
        expect "convert $from to $to, $n ranks" grep -q '^differ  0 of 1500' out
    done
done

on 2 convert a.csv part.npy --columns 2,0:2 --rows 10:20 >/dev/null
on 3 info part.npy >out
expect 'info names shape and type' eval 'grep -q "^shape     10 x 3$" out && grep -q "^type      float64$" out'
expect 'info spreads columns' grep -Eq '^0 +100 +361 +218\.5 +0 +0$' out
on 2 convert part.npy whole.npy --type int32 --columns 0 >/dev/null
expect 'convert takes whole numbers as int32' eval 'on 1 info whole.npy | grep -q "^type      int32$"'
on 2 convert part.npy no.npy --type int32
expect 'convert refuses what int32 cannot hold' eval 'says "row 0, column 1: 1.42857143 cannot be stored as int32" && [ ! -e no.npy ]'
for wrong in '--rows 20:10' '--rows 0:501' '--rows x' '--columns 3' '--columns 1,,2' '--columns 2:1' '--type int7'; do
    # shellcheck disable=SC2086 # an option and its value
    on 2 convert a.csv no.npy $wrong
    status=$?
    expect "convert refuses $wrong with status 2" eval '[ $status = 2 ] && [ ! -e no.npy ]'
done

sed '7s/^[^,]*/99/' a.csv >b.csv
on 3 diff a.csv b.csv >out
status=$?
expect 'diff leaves with status 1 and names the place' eval '[ $status = 1 ] && grep -q "row 5, column 0: 0.714285714 and 99" out && says "differ in 1 elements"'
on 2 diff a.csv b.csv --tolerance 99 >/dev/null
status=$?
expect 'diff with a tolerance' [ $status = 0 ]
on 2 diff a.csv part.npy >/dev/null
status=$?
expect 'diff of different shapes' eval '[ $status = 1 ] && says "differ in shape: 500 x 3 and 10 x 3"'
on 2 info nowhere.h5
expect 'info of a missing file' says 'nowhere.h5: no such file'
expect 'the message comes once' [ "$(grep -c 'no such file' err)" = 1 ]

if [ -n "$DATA" ] && [ "${formats#*h5}" != "$formats" ]; then
    on 2 info "$DATA/points/autzen_a_3d.h5" >out
    expect 'info of a laser scan' eval 'grep -q "^shape     1917596 x 3$" out && grep -Eq "^1 +0 +762.869995 +384.764302 " out'
else
    skip 'info of a laser scan' 'no real data here, or built without HDF5'
fi

if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=300k none small 2>/dev/null; then
    "$data" generate uniform --rows 20000 --dimensions 3 --output large.npy >/dev/null 2>&1 ||
        awk 'BEGIN { for (i = 0; i < 20000; i++) print i, i, i }' >large.txt
    large=$(ls large.*)
    for f in $formats; do
        "$data" convert part.npy "small/x.$f" >/dev/null
        on 2 convert "$large" "small/x.$f" >/dev/null
        expect "a full disk is said for $f" says 'full'
        "$data" diff part.npy "small/x.$f" >/dev/null 2>&1
        expect "the existing $f file stays" [ "$?" = 0 ]
        expect "no temporary $f file stays" [ -z "$(find small -name '*.tmp')" ]
        rm -f small/*
    done
    umount small
else
    skip 'a full disk' 'a small file system can be mounted by root only'
fi
