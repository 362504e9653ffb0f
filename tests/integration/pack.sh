#!/bin/bash
# What scripts/pack.sh packs: a program that is built with it finds MPI and libraries there, and runs on two ranks.
set -u
. tests/lib.sh
if ! scripts/pack.sh "$TMP/packed" >"$TMP/said" 2>&1; then
    skip 'packed libraries' "$(tail -n 1 "$TMP/said")"
    exit 0
fi
cd "$TMP" || exit 1
cat >probe.c <<'EOF'
#include <cblas.h>
#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int rank, sum;
    unsigned major, minor, release;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    H5get_libversion(&major, &minor, &release);
    const double x[2] = {3, 4};
    MPI_Allreduce(&(int){rank + 1}, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) printf("%d %g %u\n", sum, cblas_dnrm2(2, x, 1), major);
    MPI_Finalize();
    return 0;
}
EOF
# shellcheck source=/dev/null
. packed/env.sh
mpicc -o probe probe.c -lhdf5 -lopenblas -lm
own=$(ldd probe | grep -cE 'lib(mpi|open-rte|hdf5[a-z_]*|openblas)\.so.*packed/root')
expect "MPI, HDF5 and BLAS are those of the pack ($own of 4)" test "$own" = 4 -a -z "$(ldd probe | grep 'not found')"
expect "one rank, without a launcher: $(./probe 2>&1)" test "$(./probe 2>/dev/null)" = '1 5 1'
expect "two ranks: $(mpirun -np 2 ./probe 2>&1 | tail -n 1)" test "$(mpirun -np 2 ./probe 2>/dev/null)" = '3 5 1'
