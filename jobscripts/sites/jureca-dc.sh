# shellcheck shell=bash disable=SC2034
# JURECA-DC, Juelich, nodes without GPUs: 2 x 64 cores (EPYC 7742), 512 GB, InfiniBand HDR. A rank on each of the 8 parts of memory (NUMA).
# Other partitions: dc-cpu-devel (minutes), dc-cpu-bigmem (1 TB).
# Budget: export SBATCH_ACCOUNT=...; `jutil user projects` lists yours.
partition=dc-cpu
tasks=8 cores=128
options=(--hint=nomultithread)
modules='GCC OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
