#!/bin/bash
# tests/layers.sh passes on the tree and finds each kind of violation when it is planted.
set -eu
. tests/lib.sh

mkdir "$TMP/tree"
cp -r apps common kernels mk Makefile "$TMP/tree"
expect 'layers: the tree holds' tests/layers.sh "$TMP/tree" "$BUILD/libkernels.a"

planted() { # file, text, what the message must say
    local path=$TMP/tree/$1 out said
    mkdir -p "$(dirname "$path")"
    [ ! -e "$path" ] || cp "$path" "$TMP/kept"
    printf '%s\n' "$2" >>"$path"
    out=$(tests/layers.sh "$TMP/tree") && out="(it passed) $out"
    said="$1:$(wc -l <"$path"): "
    if [ "${out#"$said"}" != "$out" ] && [ "${out#*"$3"}" != "$out" ] && [ "$(printf '%s\n' "$out" | wc -l)" = 1 ]; then
        ok "layers: found in $1: $2"
    else
        not_ok "layers: in $1: $2"
        printf '%s\n' "$out"
    fi
    if [ -e "$TMP/kept" ]; then mv "$TMP/kept" "$path"; else rm "$path"; fi
}
planted kernels/planted.c '#include "common/run/err.h"' 'kernels may not include'
planted kernels/dbscan/planted.h '#include "kernels/nn/planted.h"' 'may not include'
planted kernels/planted.c '#include <mpi.h>' 'nothing of MPI'
planted kernels/planted.c 'int x = MPI_SUM;' 'nothing of MPI'
planted common/run/planted.c '#include "common/par/block.h"' 'common/run may not include'
planted common/par/planted.c '#include "common/io/shard.h"' 'common/par may not include'
planted common/io/planted.c '#include "apps/hpdbscan/planted.h"' 'common/io may not include'
planted common/io/planted.c '#include "kernels/dbscan/dbscan_kernels.h"' 'common/io may not include'
planted apps/hpdbscan/planted.c '#include "apps/skeleton/planted.h"' 'apps/hpdbscan may not include'
planted apps/hpdbscan/planted.c '#include "../skeleton/planted.h"' 'paths start at the top'
planted apps/hpdbscan/planted.c '#include "tests/unit/mpicheck.h"' 'not a room'
planted apps/hpdbscan/planted.c '#include <hdf5.h>' 'belongs to common/io/'
planted common/par/planted.c '#  include <pnetcdf.h>' 'belongs to common/io/'
planted common/io/planted.c '#include <cblas.h>' 'belongs to kernels/'
planted apps/hpdbscan/planted.c '#include <cuda_runtime.h>' 'belongs to kernels/'
planted common/io/planted.c '#include <nccl.h>' 'belongs to kernels/'
planted apps/hpdbscan/planted.c '#include <cjson/cJSON.h>' 'belongs to common/run/'
planted common/par/block.c 'static MPI_Comm world(void) { return MPI_COMM_WORLD; }' 'MPI_COMM_WORLD'
planted apps/hpdbscan/planted.c 'void f(void) { exit(1); }' 'exit, abort and assert'
planted common/io/planted.c 'void f(int x) { assert (x > 0); }' 'exit, abort and assert'
planted kernels/rng.c 'void f(void) { abort(); }' 'exit, abort and assert'
planted Makefile 'CFLAGS += -ffast-math' 'fast-math'
planted mk/build.mk 'CFLAGS += -Ofast' 'fast-math'
planted kernels/planted.c '#pragma GCC optimize("fast-math")' 'fast-math'

# what is no violation: the words in comments and strings
printf '%s\n' '/* MPI_COMM_WORLD, exit(1) and' ' * abort() are not named here */' 'const char *text = "assert(x) /* no comment";' \
    'int on_exit(int); _Static_assert(1, "fine");' >"$TMP/tree/common/io/planted.c"
expect 'layers: words in comments and strings pass' tests/layers.sh "$TMP/tree"
rm "$TMP/tree/common/io/planted.c"

# what only the archive shows
for call in 'MPI_Barrier' 'fopen' 'abort'; do
    printf 'void %s(void); void planted(void); void planted(void) { %s(); }\n' "$call" "$call" >"$TMP/planted.c"
    cc -w -fno-builtin -c -o "$TMP/planted.o" "$TMP/planted.c"
    rm -f "$TMP/libkernels.a"
    ar rcs "$TMP/libkernels.a" "$TMP/planted.o"
    expect "layers: found in libkernels.a: $call" fails tests/layers.sh "$TMP/tree" "$TMP/libkernels.a"
done
