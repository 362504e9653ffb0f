#!/bin/bash
# hpdbscan on a device. Without a plugin one sentence says so; with the plugin that is built for the host labels are the processor's to the byte, on 1
# and 3 ranks, all at once and in pieces, and memory that is too small is told of.
# timeout: 600
set -u
. tests/lib.sh
. tests/plugin.sh
cd "$TMP" || exit 1
unset PSML_PLUGINS
mkdir odd
"$TOOLS/odd-inputs" odd >list || not_ok 'the odd inputs are written'
"$BIN/psml-data" generate blobs blobs.npy --n 6000 >/dev/null
cluster() { # ranks, options...: into out and err
    local ranks=$1 launch=()
    shift
    [ "$ranks" = 1 ] || launch=("$MPIRUN" -np "$ranks")
    timeout 100 "${launch[@]}" "$BIN/hpdbscan" -t 1 "$@" >out 2>err </dev/null
}
points=blobs.npy
turned_down() { # status, part of the message, options...: for $points on 1 and 3 ranks, one message, no labels
    local want=$1 part=$2 ranks status
    shift 2
    for ranks in 1 3; do
        status=0
        rm -f labels.npy
        cluster $ranks -i $points -e 0.3 -m 20 "$@" -o labels.npy || status=$?
        expect "refused on $ranks ranks: $(grep '^hpdbscan: ' err | cut -c 1-150)" test "$status" = "$want" -a "$(grep -c "^hpdbscan: .*$part" err)" = 1 -a ! -e labels.npy
    done
}

# --- without a plugin -------------------------------------------------------------------------------------
mkdir wrong
echo nothing >wrong/libps_cuda.so
PSML_PLUGINS=$TMP/wrong turned_down 1 'back end cuda of hpdbscan: no plugin libps_cuda.so (.*wrong/libps_cuda.so.*); take cpu or auto' --backend cuda
turned_down 2 'back end cuda of hpdbscan: there is no --suggest-epsilon on GPUs; take cpu or auto' --backend cuda --suggest-epsilon
if [ -e /dev/nvidiactl ] || [ -e /dev/nvidia0 ]; then
    skip 'auto without a device file' 'there is one'
else
    cluster 3 -i blobs.npy -e 0.3 -m 20 --record auto.jsonl -o labels.npy
    expect "auto: where there are no GPUs, nobody is told: $(cat err)" test ! -s err
    expect 'auto: the record says so' grep -q '"event":"backend",.*"name":"cpu","why":"no GPU: no device file"' auto.jsonl
fi

# --- with the plugin for the host -------------------------------------------------------------------------
use_plugin 'clustering with the plugin'
same() { # ranks, options...: labels of the device beside want.npy
    rm -f got.npy
    cluster "$@" --backend cuda -o got.npy && cmp -s want.npy got.npy && return
    wrong="$wrong; ${*}: $(if [ -s err ]; then tail -n 1 err; else echo 'other labels'; fi)"
}
while read -r file eps min rows; do
    [ "$rows" -le 1000 ] || continue
    wrong=''
    cluster 1 -i "odd/$file" -e "$eps" -m "$min" --backend cpu -o want.npy || wrong="; cpu: $(cat err)"
    for ranks in 1 3; do same $ranks -i "odd/$file" -e "$eps" -m "$min"; done
    expect "$file, eps $eps, minPts $min: labels as by cpu$wrong" test -z "$wrong"
done <list
cluster 1 -i blobs.npy -e 0.3 -m 20 --backend cuda --record one.jsonl -o got.npy
expect 'the record has the device' grep -q '"event":"backend",.*"name":"cuda","device":"' one.jsonl

# --- in pieces, and without memory ------------------------------------------------------------------------
reserve=$((64 << 20)) # that a rank leaves to the device
pieces() { # record: how many its ranks had, the largest first
    sed -n 's/.*"name":"core",.*"pieces":\([0-9]*\).*/\1/p' "$1" | xargs
}
for type in float32 float64 int16 int64; do
    for d in 2 4; do
        name=$type-$d wrong=''
        options=(-i "$name.npy" -e $((3 * d)) -m 8) # a unit is a tenth of the generator's
        "$BIN/psml-data" generate blobs "$name.npy" --n 1500 --d $d --type $type --scale 10 >/dev/null
        cluster 1 "${options[@]}" --backend cpu -o want.npy
        for ranks in 1 3; do PS_HOST_MEMORY=$((ranks * (reserve + 40000))) same $ranks "${options[@]}" --record $name.jsonl; done
        made=$(pieces $name.jsonl)
        expect "$name in pieces ($made): labels as by cpu: $(head -n 1 out)$wrong" test -z "$wrong" -a "${made%% *}" -gt 1
    done
done
# of one device each of three ranks has a third, of three devices one
wrong='' made=''
for devices in 1 3; do
    PS_HOST_DEVICES=$devices PS_HOST_MEMORY=$((3 * (reserve + 40000))) same 3 "${options[@]}" --record shared.jsonl
    made="$made $(pieces shared.jsonl)"
    rm shared.jsonl
done
read -r one three <<<"$made"
expect "three ranks on one device go in pieces ($one), on three at once ($three)$wrong" test -z "$wrong" -a "$one" -gt 3 -a "$three" = 3
points=odd/all-equal.npy
PS_HOST_DEVICES=3 PS_HOST_MEMORY=$((reserve + 20000)) turned_down 1 'more of them lie within epsilon of one than fit on the device' --backend cuda
PS_HOST_MEMORY=$((reserve / 2)) turned_down 1 'memory' --backend cuda
