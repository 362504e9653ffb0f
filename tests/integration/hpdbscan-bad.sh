#!/bin/bash
# hpdbscan on bad input, wrong options and a full disk: one line that names what and where, a non-zero status, no hang, on 1 and 3 ranks; an
# existing output file stays as it was, and nothing else is left.
# timeout: 400
set -u
. tests/lib.sh
cd "$TMP" || exit 1
here=$(mktemp -d "${TMPDIR:-/tmp}/bad.XXXXXX") # where output goes
mounted=''
trap '[ -z "$mounted" ] || umount "$TMP/small"' EXIT

listing() { (cd "$1" && find . -type f -exec cksum {} + | sort); } # files and what is in them
said() { # what standard error holds besides the launcher's report between lines of dashes
    sed -e '/^-----/,/^-----/d' -e '/^Primary job  terminated/d' -e '/^\[.*more process/d' -e '/^\[.*orte_base_help_aggregate/d' -e '/^ *$/d' err
}
as=() # a command in front of all
refused() { # name, status, pattern of the message, folder of the output, arguments...
    local name=$1 want=$2 pattern=$3 folder=$4 ranks status before wrong
    shift 4
    for ranks in 1 3; do
        status=0 wrong=''
        before=$(listing "$folder")
        if [ $ranks = 1 ]; then
            timeout 20 "${as[@]}" "$program" "$@" >out 2>err </dev/null || status=$?
        else
            timeout 20 "${as[@]}" "$MPIRUN" -np $ranks "$program" "$@" >out 2>err </dev/null || status=$?
        fi
        [ $status = "$want" ] || wrong="status $status, not $want"
        [ "$(said | wc -l)" = 1 ] || wrong="$wrong; $(said | wc -l) lines of messages, not 1"
        said | grep -q -e "^hpdbscan: .*$pattern" || wrong="$wrong; the message is not '$pattern'"
        [ "$(listing "$folder")" = "$before" ] || wrong="$wrong; files have changed"
        ! grep -q clusters out || wrong="$wrong; there is a result"
        if [ -z "$wrong" ]; then ok "$name, $ranks ranks: $(said)"; else not_ok "$name, $ranks ranks: $wrong" && cat err out; fi
    done
}
program=$BIN/hpdbscan
bad() { # name, pattern, input, options...: refused data
    local name=$1 pattern=$2 input=$3
    shift 3
    refused "$name" 1 "$pattern" "$here" -i "$input" -e 1 -m 2 -o "$here/labels.npy" "$@"
}
wrong() { # name, pattern, arguments...: refused usage
    refused "$1" 2 "$2" "$here" -i good.npy -o "$here/labels.npy" "${@:3}"
}

awk 'BEGIN { for (i = 0; i < 3000; i++) print i % 50 + 0.5 "," int(i / 50) "," i % 7 / 4 }' >good.csv
for f in npy h5 nc; do # those that are built in
    if "$BIN/psml-data" convert good.csv good.$f >/dev/null 2>&1; then formats="${formats:-} $f"; else skip "$f" 'not built in'; fi
done
"$program" -i good.npy -e 1 -m 4 -o "$here/labels.npy" >/dev/null || not_ok 'good input is clustered'

# --- damaged files -------------------------------------------------------------------------------------------
for f in $formats; do
    size=$(stat -c %s "good.$f")
    for cut in 0 3 20 100 $((size / 2)) $((size - 1)); do
        head -c "$cut" "good.$f" >"cut$cut.$f"
        bad "$f cut to $cut of $size bytes" "cut$cut.$f: " "cut$cut.$f"
    done
done
head -c 5000 "$program" >program.bin
bad 'a program as data' 'program.bin: ' program.bin
: >empty.csv
bad 'an empty text file' 'empty.csv: ' empty.csv
sed '1234s/,.*/,x,1/' good.csv >letters.csv
bad 'letters in a text file' 'letters.csv.*1234' letters.csv
sed '2345s/,[^,]*$//' good.csv >ragged.csv
bad 'a short line in a text file' 'ragged.csv.*2345' ragged.csv

# --- coordinates that are not finite -------------------------------------------------------------------------
for place in 0,0 1,2 1499,1 2999,2; do
    row=${place%,*} column=${place#*,}
    for value in nan inf -inf; do
        awk -F, -v OFS=, -v r="$row" -v c="$column" -v v=$value 'NR == r + 1 { $(c + 1) = v } 1' good.csv >not-finite.csv
        case $value in nan) f=npy type=float32 ;; inf) f=${formats##* } type=float64 ;; *) f=csv type='' ;; esac
        [ "$f" = csv ] || "$BIN/psml-data" convert not-finite.csv "not-finite.$f" --type $type >/dev/null 2>&1
        bad "$value in row $row, column $column of a $f file" "not-finite.$f: .*row $row,.*column $column" "not-finite.$f"
    done
done

# --- what is not there, and what is something else -----------------------------------------------------------
bad 'a missing file' 'nowhere.h5: no such file' nowhere.h5
mkdir folder.h5
bad 'a folder as input' 'folder.h5: .*directory' folder.h5
cut -d, -f1 good.csv >line.csv
bad 'text of one column' 'line.csv: .*one dimension' line.csv
for f in $formats; do
    "$BIN/psml-data" convert line.csv "line.$f" >/dev/null
    bad "1-D data in $f" "line.$f: .*one dimension" "line.$f"
    [ "$f" = npy ] || bad "an unknown data set in $f" "good.$f: .*POINTS.*DATA" "good.$f" --input-dataset POINTS
done
mkdir "$here/folder.npy"
refused 'a folder as output' 1 'folder.npy: is a directory' "$here" -i good.npy -e 1 -o "$here/folder.npy"
refused 'output into a folder that is not there' 1 'nowhere/x.npy: its folder does not exist' "$here" -i good.npy -e 1 -o nowhere/x.npy
refused 'output of an unknown kind' 1 'labels.doc: ' "$here" -i good.npy -e 1 -o "$here/labels.doc"
refused 'output to a device' 1 '/dev/full: ' "$here" -i good.npy -e 1 -o /dev/full

# --- options -------------------------------------------------------------------------------------------------
for e in 0 -0.0 -1 nan inf -inf 1e999 abc 1x ''; do wrong "epsilon '$e'" '-e ' -m 4 -e "$e"; done
for m in 0 -3 1.5 abc 99999999999999999999 ''; do wrong "minPoints '$m'" '-m ' -e 1 -m "$m"; done
wrong 'an unknown option' '--epsilom; did you mean --epsilon' --epsilom 1
wrong 'an unknown letter' 'option.*-y' -y 3
wrong 'an option without its value' '-e needs a value' -e
wrong 'an unknown index' 'index.*bush' --index bush
wrong 'no threads' '-t must be' -t -1
printf 'epsilon = 1\nminPionts = 3\n' >typo.par
wrong 'an unknown name in a parameter file' "typo.par:2: .*minPionts.*minPoints" typo.par
wrong 'a missing parameter file' 'nowhere.par' nowhere.par

# --- permissions ---------------------------------------------------------------------------------------------
# the superuser may read anything: be nobody, in a folder where nobody may be
locked=$(mktemp -d /tmp/psml-bad.XXXXXX)
trap 'chmod 755 "$locked/other"; rm -rf "$locked"; [ -z "$mounted" ] || umount "$TMP/small"' EXIT
mkdir "$locked/own" "$locked/other"
cp good.npy "$locked/secret.npy"
cp good.npy "$here/labels.npy" "$locked/other"
cp "$program" "$locked"
chmod 755 "$locked" "$locked/other"
chmod 644 "$locked/other"/*
chmod 000 "$locked/secret.npy"
if [ "$(id -u)" != 0 ]; then
    chmod 555 "$locked/other"
    chmod 444 "$locked/other"/*
    may=yes
else
    chown 65534:65534 "$locked/own"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups env "HOME=$locked/own" "TMPDIR=$locked/own" "OMPI_MCA_btl_vader_backing_directory=$locked/own")
    may=$("${as[@]}" "$locked/hpdbscan" --version >/dev/null 2>&1 && echo yes)
fi
program=$locked/hpdbscan
if [ "$may" = yes ]; then
    refused 'input that may not be read' 1 'secret.npy: .*ermission' "$locked/other" -i "$locked/secret.npy" -e 1 -o "$locked/other/labels.npy"
    refused 'output that may not be replaced' 1 'labels.npy: no permission' "$locked/other" -i "$locked/other/good.npy" -e 1 -o "$locked/other/labels.npy"
    refused 'output where no file may be made' 1 'new.npy: no permission' "$locked/other" -i "$locked/other/good.npy" -e 1 -o "$locked/other/new.npy"
else
    skip 'permissions' 'the superuser may do all, and no other user can be taken on'
fi
as=() program=$BIN/hpdbscan

# --- a full disk ---------------------------------------------------------------------------------------------
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=400k none small 2>/dev/null; then
    mounted=yes
    "$BIN/psml-data" generate uniform large.npy -n 100000 -d 2 >/dev/null
    for f in $formats; do
        "$program" -i good.npy -e 1 -m 4 -o "small/labels.$f" >/dev/null
        refused "a full disk, $f" 1 "labels.$f: the disk is full" small -i large.npy -e 0.001 -o "small/labels.$f"
        rm -f small/*
        refused "a full disk, a new $f file" 1 "labels.$f: the disk is full" small -i large.npy -e 0.001 -o "small/labels.$f"
    done
    if [ "${formats#*h5}" != "$formats" ]; then
        "$BIN/psml-data" convert large.npy large.h5 --type float32 --columns 0,1 --rows 0:30000 >/dev/null
        cp large.h5 small/data.h5
        refused 'a full disk, labels beside the points' 1 'data.h5: the disk is full' small -i small/data.h5 -e 0.001 -o small/data.h5
    fi
    mount -o remount,ro small
    refused 'a disk that cannot be written' 1 'new.npy: ' small -i good.npy -e 1 -o small/new.npy
    umount small && mounted=''
else
    skip 'a full disk' 'a small file system can be mounted by root only'
fi
