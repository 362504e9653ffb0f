#!/bin/bash
# timeout: 600
# A build without any optional library works and says what was left out; objects are made again when flags change and only then.
set -eu
. tests/lib.sh
if [ -n "${SANITIZED:-}" ]; then
    skip without 'the sanitizer build has its own flags'
    exit 0
fi
make_bare() { make B="$TMP/b" WITHOUT='hdf5 pnetcdf zlib libdeflate png jpeg tiff matio scalapack cuda' CFLAGS="${O:--O0}" "$@" </dev/null; }

if ! make_bare >"$TMP/log" 2>&1; then
    not_ok 'without: builds without any optional library'
    tail -n 30 "$TMP/log"
    exit 1
fi
ok 'without: builds without any optional library'
expect 'without: the table says so' grep -q 'HDF5 *left out' "$TMP/log"
expect 'without: a second make compiles nothing' test "$(make_bare | grep -c '^  cc ')" = 0
expect 'without: other flags compile all anew' test "$(O=-O1 make_bare -n | grep -c "'  cc ")" -gt 10

hpdbscan=$TMP/b/bin/hpdbscan
printf '0,0\n0,1\n5,5\n' >"$TMP/points.csv"
expect 'without: text works' "$hpdbscan" -m 2 -e 1 -i "$TMP/points.csv" -o "$TMP/labels.npy"
printf '\211HDF\r\n\032\n and the rest' >"$TMP/points.h5"
status=0
"$hpdbscan" -m 2 -e 1 -i "$TMP/points.h5" -o "$TMP/labels.npy" >"$TMP/said" 2>&1 || status=$?
expect "without: an HDF5 file is refused (status $status)" test "$status" = 1
expect 'without: the message names HDF5' grep -q 'HDF5' "$TMP/said"
cat "$TMP/said"

refused() { # what, pattern, command...
    local what=$1 pattern=$2 status=0
    shift 2
    "$@" >"$TMP/said" 2>&1 || status=$?
    expect "without: $what is refused before anything is read or trained (status $status): $(head -n 1 "$TMP/said")" test "$status" = 1
    expect "without: the message says why" grep -q "$pattern" "$TMP/said"
}
# nvcc without the libraries that nets on GPUs stand on
WITHOUT='cudnn nccl' mk/detect.sh make "$TMP/found"
if grep -q '^NVCC := .' "$TMP/found"; then
    expect 'without: GPUs without cuDNN are for all but nets' grep -q '^CUDA_NN := $' "$TMP/found"
    expect "without: the table says why: $(grep 'nets on GPUs' "$TMP/found.table" | xargs)" grep -q '^ *nets on GPUs *missing .*, without cuDNN NCCL$' "$TMP/found.table"
    make -n B="$TMP/n" WITHOUT='cudnn nccl' all >"$TMP/log"
    expect 'without: the plugin of the others is built' grep -q "link .*/libps_cuda.so" "$TMP/log"
    expect 'without: that of nets is not' fails grep -qE 'libps_cuda_nn|kernels/nn/[a-z_]*[.]cu' "$TMP/log"
else
    skip 'without: GPUs without cuDNN' 'there is no nvcc'
fi

refused 'a picture of digits' 'PNG images need libpng' "$TMP/b/bin/mnist-train" "$TMP/nowhere" --wrong "$TMP/wrong.png"
refused 'a picture of a series' 'PNG images need libpng' "$TMP/b/bin/lstm-train" "$TMP/nowhere.csv" --plot "$TMP/plot.png"
refused 'a picture of clusters' 'PNG images need libpng' "$TMP/b/bin/hpdbscan" "$TMP/nowhere.csv" --plot "$TMP/plot.png"
refused 'a picture of spectra' 'PNG images need libpng' "$TMP/b/bin/autoencoder-train" "$TMP/nowhere.csv" --plot "$TMP/plot.png"
refused 'a net that begins as PCA' 'this build has no ScaLAPACK' "$TMP/b/bin/autoencoder-train" "$TMP/nowhere.csv" --shortcut pca
