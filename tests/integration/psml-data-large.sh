#!/bin/bash
# psml-data pack and resnet50-train beyond 4 GiB, where offsets need more than 32 bits: minutes and 15 GB of disk, so only where LARGE is
# set: make LARGE=1 T=psml-data-large integration.
# timeout: 900
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
[ -n "${LARGE:-}" ] || { skip 'files beyond 4 GiB' 'LARGE is not set'; exit 0; }
if ! "$data" generate images few -n 3 --classes 3 --height 1500 --width 1500 --quality 100 >/dev/null 2>err; then
    skip 'files beyond 4 GiB' "$(head -n 1 err)"
    exit 0
fi
# the same three pictures again and again: any of them must be itself wherever it lies
table() { # images
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "class_%03d/image_%09d.jpg,%d\n", i % 3, i % 3, i % 3 }'
}
table 1989 >few/files.csv
"$MPIRUN" -np 2 "$data" pack few/files.csv files.nc --keep jpeg --check no >out 2>err || { cat err; not_ok 'files'; exit 1; }
bytes=$(stat -c %s files.nc)
expect "files of $bytes bytes" test "$bytes" -gt $((1 << 32))
expect 'the format is CDF-5' cmp <(head -c 4 files.nc) <(printf 'CDF\005')
expect 'the last file is itself' eval 'tail -c "$(stat -c %s few/class_002/image_000000002.jpg)" files.nc | cmp - few/class_002/image_000000002.jpg'
# a wrong place is no JPEG, and fatal; nothing is held, so that each is read at its own
for ranks in 1 2; do
    "$MPIRUN" -np $ranks "$BIN/resnet50-train" files.nc --model resnet20 --height 16 --batch 20 --train-limit 100 --epochs 1 --threads 1 --memory 0.001 >out 2>err
    expect "training on $ranks ranks from a file that is not held: $(grep -o '[0-9.]* of [0-9.]* MB' out)" grep -q '^total images/sec' out
done
# the first killing comes when more than 4 GiB are there
"$data" pack few/files.csv again.nc --keep jpeg --check no >/dev/null 2>err &
pid=$!
for _ in $(seq 3000); do [ "$(stat -c %s again.nc.part 2>/dev/null || echo 0)" -gt $((9 << 29)) ] && break; sleep 0.05; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
"$MPIRUN" -np 2 "$data" pack few/files.csv again.nc --keep jpeg --check no >/dev/null 2>err
expect "killed beyond 4 GiB, $(grep 'going on' err)" cmp files.nc again.nc
rm -f again.nc files.nc

table 900 >few/pixels.csv
"$MPIRUN" -np 2 "$data" pack few/pixels.csv pixels.nc >out 2>err
expect "pixels of $(stat -c %s pixels.nc) bytes" grep -q '900 images of 3 classes, 1500 x 1500 x 3 uint8' out
one=$((1500 * 1500 * 3))
# image 600 begins before 4 GiB, image 899 behind them
expect 'the last pixels are those of the first of their class' cmp <(tail -c $one pixels.nc) <(tail -c $((300 * one)) pixels.nc | head -c $one)
