#!/bin/bash
# timeout: 240
# pisvm-scale: LIBSVM's bytes on real data and on any number of ranks, range files of both, what it refuses.
set -u
. tests/lib.sh
cd "$TMP" || exit 1
scale=$BIN/pisvm-scale
on() { n=$1 && shift && "$MPIRUN" -np "$n" "$scale" "$@" 2>err; } # ranks, arguments

# --- known values -----------------------------------------------------------------------------------------
printf '+1 1:1 2:5\r\n# nothing 1:9\n\n-1\t2:7 3:-4 # 4:1\n 1.5 1:3 2:5.5 9:1e-7' >small
printf '1 1:-0.333333 2:-1 3:1 9:-1 \n-1 1:-1 2:1 3:-1 9:-1 \n1.5 1:1 2:-0.5 3:1 9:1 \n' >want
for n in 1 2 3 4; do
    expect "a small set, $n ranks" cmp want <(on $n small)
done
expect 'entries that come into being are said' grep -q '^pisvm-scale: warning: 7 entries became 12; .* -l 0' err
expect 'labels and bounds' cmp <(on 2 -l 0 -u 2 -y -3 2 small | head -n 2) <(printf '1 1:0.666667 3:2 \n-3 2:2 \n')
printf '%s\n' 'lower = 0' 'upper = 2' 'y-range = -3 2' 'data = small' >scale.par
expect 'a parameter file' cmp <(on 3 scale.par) <(on 1 small -l 0 -u 2 -y -3 2)
on 3 small -o out >stdout
expect 'a file is written instead of standard output' eval '[ ! -s stdout ] && on 1 small | cmp - out'
on 2 small -s range >/dev/null
expect 'a range file' cmp range <(printf 'x\n-1 1\n1 0 3\n2 5 7\n3 -4 0\n9 0 9.9999999999999995e-08\n')
printf '7 1:6 4:1\n8 2:6\n' >other
expect 'ranges of a file' cmp <(on 2 other -r range) <(printf '7 1:3 2:-6 3:1 9:-1 \n8 1:-1 3:1 9:-1 \n')
expect 'features without a range are said' grep -q 'other: feature 4, and perhaps others, have no range in range' err

# --- LIBSVM's bytes ---------------------------------------------------------------------------------------
if [ -z "$DATA" ] || ! command -v svm-scale >/dev/null; then
    skip 'the bytes of svm-scale' 'no real data here, or no LIBSVM (apt-get install libsvm-tools)'
else
    for set in satimage letter.scale svmguide1 a9a heart_scale; do
        gzip -dc "$DATA/svm/$set.gz" >data
        n=$((RANDOM % 3 + 2))
        for options in '' '-l 0' '-l -0.25 -u 7.125 -y -2 3.5'; do
            # shellcheck disable=SC2086 # options and their values
            {
                svm-scale $options -s range.want data >want 2>err
                on 1 $options -s range.1 data >got.1
                on $n $options -s range.n data -o got.n
            }
            expect "$set $options: the bytes of svm-scale" eval 'cmp want got.1 && cmp want got.n'
            expect "$set $options: its range file" eval 'cmp range.want range.1 && cmp range.want range.n'
        done
    done
    for set in satimage svmguide1 a9a; do
        gzip -dc "$DATA/svm/$set.gz" >data
        gzip -dc "$DATA/svm/$set.t.gz" >test.data
        svm-scale -l 0 -y 0 1 -s range.want data >/dev/null 2>&1
        svm-scale -r range.want test.data >want 2>/dev/null
        expect "$set: a test set by a range file of svm-scale" cmp want <(on 3 -r range.want test.data)
        on 2 -s range.got -l 0 -y 0 1 data >/dev/null
        expect "$set: svm-scale reads ours" cmp want <(svm-scale -r range.got test.data 2>/dev/null)
    done
fi

# --- what it refuses --------------------------------------------------------------------------------------
refused() { # status, part of the message, arguments...
    local want=$1 part=$2 status ranks
    shift 2
    for ranks in 1 3; do
        status=0
        echo old >kept
        on $ranks "$@" -o kept >out || status=$?
        [ "$status" = "$want" ] && [ "$(grep -c "^pisvm-scale: .*$part" err)" = 1 ] && [ ! -s out ] && [ "$(cat kept)" = old ]
        expect "$*, $ranks ranks: status $want ($status), $part" [ $? = 0 ]
    done
}
wrong_data() { # message, text
    printf '%b' "1 1:1\n\n$2\n1 1:2" >wrong
    refused 1 "wrong: line 3: .*$1" wrong
}
wrong_range() { # message, text
    printf '%b' "$2" >bad.range
    refused 1 "bad.range: line $1" small -r bad.range
}
wrong_data 'the label is missing' '1:2 2:3'
wrong_data 'the index of .0:1. is below 1' '1 0:1'
wrong_data 'indices must ascend' '1 3:1 2:1'
wrong_data 'is not a finite number' '1 1:NaN'
wrong_data 'is not a finite number' '1 1:1e400'
wrong_data 'is not a number' '1 1:1b2'
: >empty
refused 1 'empty: holds no rows' empty
refused 1 'nowhere: no such file' nowhere
refused 1 'nowhere: no such file' small -r nowhere
refused 2 'argument data is missing'
refused 2 'is not below' small -l 1 -u 1
refused 2 'is not below' small -y 2 1
refused 2 'exclude each other' small -s a -r b
refused 1 'its folder does not exist' small -s nowhere/range
wrong_range "1: expected 'x' or 'y'" ''
wrong_range "1: expected 'x' or 'y'" 'svm_type c_svc\n'
wrong_range '2: expected two numbers' 'x\n'
wrong_range '2: .* must ascend' 'x\n1 -1\n'
wrong_range '4: expected .x.' 'y\n0 1\n1 1\n'
wrong_range '4: expected index, minimum and maximum' 'x\n-1 1\n1 0 1\n2 0\n'
wrong_range '4: expected index, minimum and maximum' 'x\n-1 1\n1 0 1\n2 0 1e999\n'
wrong_range '3: the index 0 is not' 'x\n-1 1\n0 0 1\n'
wrong_range '5: index 1 comes after 1' 'x\n-1 1\n1 0 1\n\n1 0 2\n'
wrong_range '3: the minimum is above the maximum' 'x\r\n-1 1\r\n1 2 1\r\n'
status=0
"$scale" small >/dev/full 2>err || status=$?
expect 'a full standard output is said' eval '[ $status = 1 ] && grep -q "standard output: writing failed: No space left" err'
