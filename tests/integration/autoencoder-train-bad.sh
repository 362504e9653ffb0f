#!/bin/bash
# autoencoder-train on bad input and wrong options: one line that names what and where, a non-zero status, no hang, no file, on 1 and 3 ranks.
# timeout: 300
set -u
. tests/lib.sh
train=$BIN/autoencoder-train
cd "$TMP" || exit 1
said() { # what standard error holds besides the launcher's report between lines of dashes
    sed -e '/^-----/,/^-----/d' -e '/^Primary job  terminated/d' -e '/^\[.*more process/d' -e '/^\[.*orte_base_help_aggregate/d' -e '/^ *$/d' err
}
refused() { # name, status, pattern of the message, arguments...
    local name=$1 want=$2 pattern=$3 ranks status wrong
    shift 3
    for ranks in 1 3; do
        status=0 wrong=''
        if [ $ranks = 1 ]; then
            timeout 20 "$train" "$@" --codes codes.npy --save w.safetensors >out 2>err </dev/null || status=$?
        else
            timeout 20 "$MPIRUN" -np $ranks "$train" "$@" --codes codes.npy --save w.safetensors >out 2>err </dev/null || status=$?
        fi
        [ $status = "$want" ] || wrong="status $status, not $want"
        [ "$(said | wc -l)" = 1 ] || wrong="$wrong; $(said | wc -l) lines of messages, not 1"
        said | grep -q -e "^autoencoder-train: .*$pattern" || wrong="$wrong; the message is not '$pattern'"
        [ ! -e codes.npy ] && [ ! -e w.safetensors ] || wrong="$wrong; there are files"
        ! grep -q '^test part' out || wrong="$wrong; there is a result"
        if [ -z "$wrong" ]; then ok "$name, $ranks ranks: $(said)"; else not_ok "$name, $ranks ranks: $wrong" && cat err out; fi
        rm -f codes.npy w.safetensors
    done
}
awk 'BEGIN { srand(2); for (i = 0; i < 120; i++) { a = rand(); b = rand(); for (k = 0; k < 12; k++) printf "%s%.5f", k ? "," : "", a * k + b * k * k / 9 + 0.01 * rand(); print "" } }' >good.csv
few=(-l bands-8-3-8-bands -e 2 --grains 4)

# --- data ----------------------------------------------------------------------------------------------------
refused 'a missing file' 1 'nowhere.h5: no such file' nowhere.h5
for value in nan inf 1e60; do
    awk -F, -v OFS=, -v v=$value 'NR == 78 { $6 = v } 1' good.csv >odd.csv
    refused "$value in data" 1 'odd.csv: .*row 77, column 5' odd.csv "${few[@]}"
done
"$BIN/psml-data" convert good.csv good.npy >/dev/null
head -c 3000 good.npy >cut.npy
refused 'a truncated file' 1 'cut.npy: .*truncated' cut.npy "${few[@]}"
cut -d, -f1 good.csv >line.csv
refused 'a list of numbers' 1 'line.csv: samples are rows of a table' line.csv "${few[@]}"
head -n 2 good.csv >two.csv
refused 'too few samples' 2 'of 2 samples' two.csv "${few[@]}"
head -n 50 good.csv | cut -d, -f1 >labels.csv
refused 'labels of other samples' 1 'labels.csv: has 50 labels for the 120 samples' good.csv "${few[@]}" --labels labels.csv

# --- layers --------------------------------------------------------------------------------------------------
refused 'layers that are no numbers' 2 'layer 2 is none' good.csv -l bands-x-bands
refused 'an empty layer' 2 'layer 2 is none' good.csv -l bands--bands
refused 'a layer of none' 2 'layer 3 is none' good.csv -l bands-8-0-8-bands
refused 'no code' 2 'a code is missing' good.csv -l bands-bands
refused 'a code as wide as the input' 2 'no layer is narrower than the 12 values' good.csv -l bands-20-12-20-bands
refused 'another input' 2 'the input is 13, but samples have 12' good.csv -l 13-4-12
refused 'another output' 2 'the output is 11, but samples have 12' good.csv -l 12-4-11
refused 'convolutions of spectra' 2 'convolutions need images' good.csv -l bands-conv4-3-bands
refused 'convolutions in the decoder' 2 'convolutions stand before' good.csv --image 3x4 -l bands-8-3-conv4-bands
small=(good.csv --image 3x4 -l)
refused 'a decoder of images without an encoder of them' 2 "1 times 'up' after 0 convolutions" "${small[@]}" bands-8-3-up4-bands
refused 'fewer steps back than in' 2 "1 times 'up' after 2 convolutions" "${small[@]}" bands-conv2-conv4-3-up4-bands
refused 'steps back before the code' 2 "after 'up' only more of them" "${small[@]}" bands-conv4-8-up4-3-bands
refused 'a step back of no channels' 2 'layer 4 is none' "${small[@]}" bands-conv4-3-up-bands
refused 'images of another size' 2 'image = 5x5: the samples of good.csv have 12' good.csv --image 5x5
refused 'a size that is none' 2 'not of the form' good.csv --image 5by5
refused 'a scene of another size' 2 'scene = 10x10: good.csv has 120 samples, not 100' good.csv --scene 10x10

# --- options -------------------------------------------------------------------------------------------------
refused 'best without validation' 2 'add --validation' good.csv "${few[@]}" --best best.safetensors
refused 'noise with lbfgs' 2 'lbfgs needs the same samples' good.csv "${few[@]}" --optimizer lbfgs --noise 0.1
case $("$train" --version) in
*ScaLAPACK*) refused 'decay of principal components' 2 'decay would shrink' good.csv "${few[@]}" --shortcut pca --decay 0.1 ;;
*) refused 'principal components without ScaLAPACK' 1 'shortcut = pca: this build has no ScaLAPACK' good.csv "${few[@]}" --shortcut pca ;;
esac
case $("$train" --version) in
*PNG*) ;;
*) refused 'a picture without libpng' 1 'p.png: PNG images need libpng' good.csv "${few[@]}" --plot p.png ;;
esac
refused 'a shortcut to an output that is not linear' 2 'code and output must be linear' good.csv "${few[@]}" --shortcut linear --output-activation tanh
refused 'everything for the test' 2 'of 120 samples' good.csv "${few[@]}" --test 0.999
refused 'two bands of a picture' 2 'three bands, not 2' good.csv "${few[@]}" --plot p.png --plot-bands 1,2
refused 'output of an unknown kind' 2 'reconstruction = back.doc' good.csv "${few[@]}" --reconstruction back.doc
refused 'output into a folder that is not there' 1 'nowhere/p.png: ' good.csv "${few[@]}" --plot nowhere/p.png
refused 'weights that are not there' 1 'nowhere.safetensors' good.csv "${few[@]}" --weights nowhere.safetensors
refused 'a rate that lets training diverge' 1 '[Ee]poch' good.csv -l bands-8-3-8-bands --optimizer sgd -r 1e30 -e 20 --grains 4
"$train" good.csv "${few[@]}" --save other.safetensors >/dev/null
refused 'weights of another net' 1 'other.safetensors: ' good.csv -l bands-9-3-8-bands -e 2 --weights other.safetensors
expect 'good data is fine' "$train" good.csv "${few[@]}" --codes codes.npy
