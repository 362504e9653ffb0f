# shellcheck shell=bash disable=SC2034
# DEEP-EST, Juelich, Data Analytics Module: 16 nodes of 2 x 24 cores (Xeon Platinum 8260M), a V100, 384 GB and 2 to 3 TB of Optane.
# One rank on the GPU; programs that compute on cores alone run better with one on each socket: --ntasks-per-node=2.
partition=dp-dam gpus=1
tasks=1 cores=48
options=(--hint=nomultithread)
modules='GCC CUDA OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
