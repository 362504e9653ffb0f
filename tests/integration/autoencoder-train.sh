#!/bin/bash
# autoencoder-train: figures beside PCA, files that other programs read, the same bits on any number of ranks and threads, stop and resume,
# images and noise.
# timeout: 400
set -u
. tests/lib.sh
train=$BIN/autoencoder-train
top=$PWD
cd "$TMP" || exit 1
run() { # ranks, threads, arguments...: into out and err
    local ranks=$1 threads=$2
    shift 2
    if [ "$ranks" = 1 ]; then "$train" --threads "$threads" "$@" >out 2>err; else "$MPIRUN" -np "$ranks" "$train" --threads "$threads" "$@" >out 2>err; fi
}
figure() { # name of a field of the result's line
    sed -n 's/.*"event":"result".*"'"$1"'":\([-0-9.e+]*\).*/\1/p' "$2" | tail -n 1
}
better() { awk "BEGIN { exit !($1 < $2) }"; }
size() { "$BIN/psml-data" info "$1" | sed -n 's/^shape *//p'; } # rows x columns

e=npy
case $("$train" --version) in *HDF5*) e=h5 ;; esac
pca=''
case $("$train" --version) in *ScaLAPACK*) pca=yes ;; esac
"$BIN/psml-data" generate spectra "scene.$e" --height 40 --width 30 --bands 24 --classes 4 >/dev/null
small=("scene.$e" --scene 40x30 -l bands-16-4-16-bands --activation tanh -e 60 -b 32 -r 0.003 --grains 4)

# --- figures, files ------------------------------------------------------------------------------------------
expect 'a run' run 2 1 "${small[@]}" --schedule cosine --record rec.jsonl --save w.safetensors --codes codes.svm --reconstruction back.npy
cat out err | tail -n 12
expect 'the table has the net' grep -qE '^ *mean squared error +[0-9.e-]+' out
mse=$(figure mse rec.jsonl)
expect "the net has learnt: of a variance of 1, $mse is left" better "$mse" 0.3
# what the program says of the test part, from its files: the reconstruction of all samples
rmse=$(figure rmse rec.jsonl)
expect "an error in the file's unit: $rmse" better "$rmse" 0.1
if [ -n "$pca" ]; then
    expect 'the table has PCA' grep -qE 'autoencoder +PCA' out
    # of 24 bands that are nearly mixtures of four, four components hold most, and they cannot hold less than the 4 largest of 24 do
    expect "PCA: $(figure pca_mse rec.jsonl), explained $(figure pca_explained rec.jsonl)" better 0.5 "$(figure pca_explained rec.jsonl)"
    expect 'PCA errs by what its components leave out, nearly' awk "BEGIN { r = $(figure pca_mse rec.jsonl) / (1 - $(figure pca_explained rec.jsonl)); exit !(r > 0.8 && r < 1.25) }"
else
    skip 'PCA' 'this build has no ScaLAPACK'
fi
# a net that begins as PCA: before it learns it errs as much, for the six digits that are told
if [ -n "$pca" ]; then
    "$BIN/psml-data" generate spectra plain.npy --height 40 --width 30 --bands 24 --classes 4 >/dev/null
    "$BIN/psml-data" convert plain.npy scene.csv >/dev/null
    pcas=(-l bands-16-4-16-bands --activation tanh -e 150 -b 32 -r 0.003 --schedule cosine --grains 4 --shortcut pca)
    expect 'a shortcut of PCA' run 2 1 scene.csv "${pcas[@]}" -e 1 -r 1e-30 --record start.jsonl
    expect "begins as PCA: $(figure mse start.jsonl), $(figure pca_mse start.jsonl)" awk "BEGIN { r = $(figure mse start.jsonl) / $(figure pca_mse start.jsonl); exit !(r > 0.99999 && r < 1.00001) }"
    expect 'and says so' grep -q 'is as good' out
    expect 'no best epoch is told by a test part' fails grep -q 'best epoch' out
    expect 'a shortcut of PCA learns' run 1 2 scene.csv "${pcas[@]}" --record learnt.jsonl --save pca.safetensors
    expect "and beats it: $(figure mse learnt.jsonl)" better "$(figure mse learnt.jsonl)" "$(figure pca_mse learnt.jsonl)"
    run 3 1 scene.csv "${pcas[@]}" --save again.safetensors
    expect 'the same weights on 3 ranks' cmp pca.safetensors again.safetensors
    expect 'its weights' run 2 1 scene.csv "${pcas[@]}" --eval-only --weights pca.safetensors --record back.jsonl
    expect 'hold all that it needs' test "$(figure mse back.jsonl)" = "$(figure mse learnt.jsonl)"
    rm -f back.jsonl
    # a broken pixel in the test part is nearly all of the error: there the net does what PCA does, and gains by all others
    awk -F, -v OFS=, 'NR == 11 { for (k = 2; k <= NF; k += 3) $k = 9 - $k } 1' scene.csv >broken.csv
    expect 'a broken pixel' run 1 2 broken.csv "${pcas[@]}" --record broken.jsonl
    expect "its error is that of PCA: $(figure mse broken.jsonl), $(figure pca_mse broken.jsonl)" awk "BEGIN { a = $(figure mse broken.jsonl); b = $(figure pca_mse broken.jsonl); exit !(b > 10 && a < b && a > 0.99 * b) }"
fi
expect 'codes: a line a sample' test "$(wc -l <codes.svm)" = 1200
expect "what comes back: $(size back.npy)" test "$(size back.npy)" = '1200 x 24'
expect 'evaluation alone' run 1 2 "${small[@]}" --eval-only --weights w.safetensors --record eval.jsonl --codes again.svm
expect 'gives the same figures' test "$(figure mse eval.jsonl)" = "$mse"
expect 'and the same codes' cmp codes.svm again.svm

# --- codes for others ----------------------------------------------------------------------------------------
run 2 1 "${small[@]}" --eval-only --weights w.safetensors --codes codes.npy
expect 'hpdbscan takes codes' "$BIN/hpdbscan" -m 10 -e 0.5 -i codes.npy -o labels.npy
expect "a label for each: $(size labels.npy)" test "$(size labels.npy)" = 1200
"$BIN/psml-data" generate spectra labelled.libsvm -n 300 --bands 24 --classes 4 >/dev/null
expect 'codes of LIBSVM text' run 3 1 labelled.libsvm -l bands-16-4-16-bands -e 5 --grains 4 --codes labelled.svm
expect 'keep their labels' cmp <(cut -d' ' -f1 labelled.libsvm) <(cut -d' ' -f1 labelled.svm)
expect 'pisvm-train takes them' "$BIN/pisvm-train" -g 0.5 -c 10 labelled.svm labelled.model
if [ $e = h5 ]; then
    run 2 1 "${small[@]}" --eval-only --weights w.safetensors --labels scene.h5 --codes codes.h5
    expect 'codes.h5 has labels: psml-data makes training sets of it' "$BIN/psml-data" split codes.h5 part.svm rest.svm --fraction 0.5
    expect 'pisvm-train takes those' "$BIN/pisvm-train" -g 0.5 -c 10 part.svm part.model
fi

# --- the same bits -------------------------------------------------------------------------------------------
exact=("${small[@]}" --reduce exact --validation 0.1 --noise 0.05 --mask 0.1 -e 3)
run 1 1 "${exact[@]}" --save want.safetensors --codes want.npy --record want.jsonl
for ranks in 1 2 3 4; do
    for threads in 1 2; do
        rm -f got.jsonl
        run $ranks $threads "${exact[@]}" --save got.safetensors --codes got.npy --record got.jsonl
        expect "$ranks ranks x $threads threads: the same weights" cmp want.safetensors got.safetensors
        expect "$ranks ranks x $threads threads: the same codes" cmp want.npy got.npy
        expect "$ranks ranks x $threads threads: the same figures" test "$(figure mse got.jsonl) $(figure pca_mse got.jsonl) $(figure angle got.jsonl)" = \
            "$(figure mse want.jsonl) $(figure pca_mse want.jsonl) $(figure angle want.jsonl)"
    done
done
run 2 1 "${exact[@]}" --seed 2 --save got.safetensors
expect 'another seed: other weights' fails cmp -s want.safetensors got.safetensors

# --- stop and resume -----------------------------------------------------------------------------------------
long=("${small[@]}" -e 400 --noise 0.05)
run 2 1 "${long[@]}" --save want.safetensors
stop_at() { # ranks
    local status=0 job children
    rm -f stop.jsonl
    run "$1" 1 "${long[@]}" --checkpoint stop.ck --record stop.jsonl --save stopped.safetensors &
    job=$!
    for _ in $(seq 200); do
        ! grep -q '"event":"epoch"' stop.jsonl 2>/dev/null || break
        sleep 0.05
    done
    read -ra children <"/proc/$job/task/$job/children" || true
    kill -USR1 "${children[@]}" || true
    wait $job || status=$?
    expect "USR1 on $1 ranks: status 85 ($status): $(tail -n 1 err)" test "$status" = 85 -a -s stop.ck -a ! -e stopped.safetensors
}
stop_at 3
for ranks in 2 1; do
    cp stop.ck again.ck
    run $ranks 2 "${long[@]}" --checkpoint again.ck --resume --save got.safetensors
    expect "resumed on $ranks ranks, the same weights" cmp want.safetensors got.safetensors
done

# --- images, a picture of each kind --------------------------------------------------------------------------
awk 'BEGIN { srand(4); for (i = 0; i < 200; i++) { x = int(rand() * 6); y = int(rand() * 6); for (k = 0; k < 64; k++) {
    r = int(k / 8) - y; c = k % 8 - x; printf "%s%d", k ? "," : "", (r >= 0 && r < 3 && c >= 0 && c < 3) * 200 } print "" } }' >squares.csv
images=(squares.csv --image 8x8 --scale minmax -l bands-conv8-32-6-48-bands --output-activation sigmoid -b 20 --grains 4)
expect 'convolutions' run 2 1 "${images[@]}" -e 4 --save want.safetensors
run 1 2 "${images[@]}" -e 4 --save got.safetensors
expect 'convolutions: the same weights' cmp want.safetensors got.safetensors
back=(squares.csv --image 8x8 --scale minmax -l bands-conv8-conv6-6-up6-up8-bands --output-activation sigmoid --init glorot -b 20 --grains 4 -r 0.003)
run 1 1 "${back[@]}" -e 30 --save want.safetensors --codes want.npy --reconstruction back.npy --record back.jsonl
# squares of 9 in 64 places: zeros err by 9 / 64 = 0.14
expect "a decoder of convolutions learns: $(figure mse back.jsonl)" better "$(figure mse back.jsonl)" 0.02
for ranks in 1 2 3; do
    for threads in 1 2; do
        run $ranks $threads "${back[@]}" -e 30 --save got.safetensors --codes got.npy
        expect "$ranks ranks x $threads threads: the same weights of it" cmp want.safetensors got.safetensors
        expect "$ranks ranks x $threads threads: the same codes" cmp want.npy got.npy
    done
done
run 2 1 "${back[@]}" --eval-only --weights want.safetensors --reconstruction again.npy
expect 'its weights come back from the file' cmp back.npy again.npy
expect 'L-BFGS' run 2 1 "${small[@]}" --optimizer lbfgs -r 1 -e 30 --record lbfgs.jsonl
expect "L-BFGS learns: $(figure mse lbfgs.jsonl)" better "$(figure mse lbfgs.jsonl)" 0.5
case $("$train" --version) in
*PNG*)
    run 2 1 "${images[@]}" -e 1 --plot images.png
    run 3 1 "${small[@]}" -e 1 --plot scene.png
    run 2 1 labelled.libsvm -l bands-4-bands -e 1 --plot chart.png
    for f in images scene chart; do expect "a picture: $f" test "$(head -c 4 $f.png | tail -c 3)" = PNG; done
    ;;
*) skip 'pictures' 'this build has no libpng' ;;
esac
if [ $e = h5 ]; then
    run 1 1 scene.h5 -l bands-4-bands -e 1 --log debug
    expect 'a scene of psml-data needs no name nor size' test -s out
fi
cd "$top" || exit 1
