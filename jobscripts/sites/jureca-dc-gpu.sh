# shellcheck shell=bash disable=SC2034
# JURECA-DC, Juelich, nodes with GPUs: 2 x 64 cores (EPYC 7742), 4 x A100 of 40 GB, 512 GB, 2 x InfiniBand HDR. One rank on each GPU.
# Other partitions: dc-gpu-devel (minutes).
# Budget: export SBATCH_ACCOUNT=...; `jutil user projects` lists yours.
partition=dc-gpu gpus=4
tasks=4 cores=128
options=(--hint=nomultithread)
modules='GCC CUDA OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
