#!/bin/bash
# psml-data pack is killed (SIGKILL) at random moments, again and again, and goes on each time: the file becomes the same.
# timeout: 200
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
if ! "$data" generate images tree -n 1500 --classes 4 --height 32 --width 32 >/dev/null 2>err; then
    grep -q libjpeg err && skip 'kill' 'built without libjpeg' && exit 0
fi
for i in 0 700 1498; do f=(tree/*/image_*"$(printf %09d $i)".jpg) && truncate -s 300 "${f[0]}"; done
job=(pack tree out.nc --size 128x128 --round 2)
start=$(date +%s%N)
if ! "$data" "${job[@]}" >/dev/null 2>err; then
    grep -q PnetCDF err && skip 'kill' 'built without PnetCDF' && exit 0
fi
whole=$((($(date +%s%N) - start) / 1000000)) # ms
mv out.nc want.nc
expect 'three images are broken, and left out' test "$(grep -c 'is a damaged JPEG' err)" = 3

RANDOM=20231
kills=0 resumed=0 good=0 finished=0
for _ in $(seq 80); do # a run that ends before it is killed begins anew
    [ "$kills" -ge 20 ] && break
    "$data" "${job[@]}" >/dev/null 2>err &
    pid=$!
    ms=$((RANDOM % (whole * 2 / 3) + 5))
    sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
    if kill -KILL $pid 2>/dev/null; then kills=$((kills + 1)); fi
    wait $pid 2>/dev/null
    grep -q 'going on after' err && resumed=$((resumed + 1))
    [ -e out.nc ] || continue
    finished=$((finished + 1))
    cmp -s want.nc out.nc && good=$((good + 1))
    rm -f out.nc
done
on() { "$MPIRUN" -np 3 "$data" "${job[@]}" >/dev/null 2>err; }
expect "killed $kills times, went on $resumed times" test "$kills" -ge 20 -a "$resumed" -ge 5
expect "the $finished files that came to their ends are whole" test "$good" = "$finished"
: >out.nc.part-1853816833-645.lock # as Open MPI leaves it
expect 'three ranks bring it to its end' eval 'on && cmp want.nc out.nc'
expect 'nothing else is left' test "$(echo out.nc*)" = out.nc

# --- one rank of three is killed: the job ends, and goes on -----------------------------------------------
rm -f out.nc
"$MPIRUN" -np 3 "$data" "${job[@]}" >/dev/null 2>err &
job_pid=$!
for _ in $(seq 400); do [ -e out.nc.progress ] && break; sleep 0.01; done
rank=$(pgrep -P $job_pid -x psml-data | tail -n 1)
kill -KILL "$rank" 2>/dev/null
wait $job_pid
status=$?
expect "one of three ranks is killed: the job ends" test "$status" != 0 -o -e out.nc
on
expect 'the others bring it to its end' cmp want.nc out.nc

# --- progress that an earlier run left is not taken for that of a new file --------------------------------
rm -f out.nc
"$data" "${job[@]}" >/dev/null 2>&1 &
pid=$!
for _ in $(seq 400); do [ -e out.nc.progress ] && break; sleep 0.01; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
cp out.nc.progress old 2>/dev/null
if [ -e old ]; then
    rm -f out.nc.part
    "$data" "${job[@]}" --broken fatal >/dev/null 2>err # ends at the first image, before it saves its progress
    "$data" "${job[@]}" >/dev/null 2>err
    expect 'the progress of a file that is gone is forgotten' eval '! grep -q "going on" err && cmp want.nc out.nc'
else
    skip 'the progress of a file that is gone' 'it was done before it could be killed'
fi
