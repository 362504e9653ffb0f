# shellcheck shell=bash disable=SC2034
# DEEP-EST, Juelich, Cluster Module: 50 nodes of 2 x 12 cores (Xeon Gold 6146), 192 GB, InfiniBand EDR. A rank on each socket.
partition=dp-cn
tasks=2 cores=24
options=(--hint=nomultithread)
modules='GCC OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
