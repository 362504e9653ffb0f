# shellcheck shell=bash disable=SC2034
# DEEP-EST, Juelich, Extreme Scale Booster: 75 nodes of 8 cores (Xeon Silver 4215), a V100, 48 GB. One rank on the GPU.
partition=dp-esb gpus=1
tasks=1 cores=8
options=(--hint=nomultithread)
modules='GCC CUDA OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
