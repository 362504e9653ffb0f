#!/bin/bash
# The images of resnet50-train: broken ones, a store that is smaller than the file, cores of loader threads, what is said of long runs.
# timeout: 240
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
train=$BIN/resnet50-train data=$BIN/psml-data
cd "$TMP" || exit 1
on() { # ranks, program, arguments...: words to out and err
    local n=$1
    shift
    if [ "$n" = 1 ]; then "$@" >out 2>err; else "$MPIRUN" -np "$n" "$@" >out 2>err; fi
}
if ! "$data" generate images tree -n 60 --classes 3 --height 20 --width 24 >/dev/null 2>err; then
    grep -q libjpeg err && skip 'images' 'built without libjpeg' && exit 0
fi
job=(--model resnet20 --height 16 --batch 20 --grains 3 --epochs 2 --rate 0.05 --augment shift)

# --- broken images ----------------------------------------------------------------------------------------
# cut, without a byte, no picture; image 9 has another size, and is not broken
cp -r tree bad
truncate -s 400 bad/class_001/image_000000004.jpg
: >bad/class_002/image_000000005.jpg
echo 'no picture' >bad/class_000/image_000000006.jpg
"$data" generate images other -n 1 --classes 1 --height 31 --width 17 >/dev/null && cp other/class_000/image_000000000.jpg bad/class_000/image_000000009.jpg
sources=(bad)
if "$data" pack bad bad.nc --keep jpeg --check no >/dev/null 2>err; then sources+=(bad.nc); else skip 'a packed file' "$(head -n 1 err)"; fi
for source in "${sources[@]}"; do
    for ranks in 1 3; do
        on "$ranks" "$train" "${job[@]}" "$source" --threads 1 --save "skip$ranks.st" --broken skip --record "skip$ranks.jsonl"
        status=$?
        expect "$source, $ranks ranks: broken images are gone by" test "$status" = 0 -a "$(grep -c '^epoch 2/2' out)" = 1
        expect "$source, $ranks ranks: cut, named with the reason" grep -q 'class_001/image_000000004.jpg: is a damaged JPEG picture: ' err
        expect "$source, $ranks ranks: empty, named with the reason" grep -q 'class_002/image_000000005.jpg: is empty$' err
        expect "$source, $ranks ranks: no picture, named with the reason" grep -q 'class_000/image_000000006.jpg: is no JPEG, PNG or TIFF picture$' err
        expect "$source, $ranks ranks: each once, and no other" test "$(grep -c 'warning: .*image_0' err)" = 3 -a "$(grep -c 'cannot be decoded: 3;' err)" = 1
        expect "$source, $ranks ranks: the record has their number" grep -q '"event":"images".*"broken":3' "skip$ranks.jsonl"
        on "$ranks" "$train" "${job[@]}" "$source" --threads 1
        status=$?
        expect "$source, $ranks ranks: fatal: $(grep '^resnet50-train: ' err | cut -c 1-130)" \
            test "$status" = 1 -a "$(grep -c '^resnet50-train: .*image_00000000[456].jpg: is ' err)" = 1 -a "$(grep -c '^epoch' out)" = 0
    done
    expect "$source: the same weights on 1 and 3 ranks" cmp skip1.st skip3.st
done
on 2 "$train" "${job[@]}" tree --test bad --threads 1 --broken skip
expect 'broken test images are named' test "$(grep -c 'warning: .*image_0' err)" = 3
on 2 "$train" "${job[@]}" tree --test bad --threads 1
expect 'broken test images end the run' test $? = 1 -a "$(grep -c '^resnet50-train: .*image_00000000[456].jpg: is ' err)" = 1

# --- what the loader says ---------------------------------------------------------------------------------
for ranks in 1 3; do
    on "$ranks" "$train" "${job[@]}" tree --threads 1 --record loader.jsonl
    # two epochs of 60 images, however many of them came in time
    expect "loader threads on $ranks ranks: $(grep '^loader' out)" eval 'awk "/^loader threads:/ { n = \$3 + \$7 + \$11 } END { exit n != 120 }" out && [ "$(tail -n 1 out | cut -d: -f1)" = "total images/sec" ]'
done
on 1 "$train" "${job[@]}" tree --threads 1 --loader-threads 0
expect 'without loader threads nothing is said of them' test "$(grep -c '^loader' out)" = 0

# --- a store that is smaller than the file ----------------------------------------------------------------
if [ -e bad.nc ]; then
    on 1 "$data" pack tree tree.nc --keep jpeg
    on 2 "$train" "${job[@]}" tree.nc --threads 1 --save whole.st
    expect "all images are held: $(grep -o '[0-9.]* of [0-9.]* MB' out)" grep -q '; 0.1 of 0.1 MB' out
    for ranks in 1 3; do
        on "$ranks" "$train" "${job[@]}" tree.nc --threads 1 --memory 0.00001 --save some.st
        expect "few images are held on $ranks ranks, the same weights: $(grep -o '[0-9.]* of [0-9.]* MB' out)" eval 'grep -q "; 0.0 of 0.1 MB" out && cmp -s whole.st some.st'
    done
fi

# --- cores of threads -------------------------------------------------------------------------------------
all=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
cores=$(env -u OMP_NUM_THREADS nproc) # which it follows
if [ "$cores" -ge 2 ]; then
    env -u OMP_NUM_THREADS OMP_PROC_BIND=close OMP_PLACES=cores "$train" --model resnet20 --synthetic 4 --classes 2 --height 16 --batch 4 --epochs 1 --record place.jsonl >/dev/null
    expect 'OpenMP binds threads: they are as many as there are cores' grep -q "\"threads\":${cores}[,}]" place.jsonl
    OMP_NUM_THREADS=2 OMP_PROC_BIND=close OMP_PLACES=cores "$train" "${job[@]}" tree --epochs 100000 --loader-threads 3 --log quiet &
    pid=$!
    free=0
    for _ in $(seq 100); do
        free=$(cat /proc/$pid/task/*/status 2>/dev/null | grep -c "^Cpus_allowed_list:.$all\$")
        [ "$free" = 3 ] && break
        sleep 0.05
    done
    kill "$pid"
    wait "$pid" 2>/dev/null
    expect 'OpenMP binds threads: the three loader threads run on all cores' test "$free" = 3
else
    skip 'cores of loader threads' 'one core here'
fi
