# shellcheck shell=bash disable=SC2034
# JUWELS Booster, Juelich: 2 x 24 cores (EPYC 7402), 4 x A100 of 40 GB, 512 GB, 4 x InfiniBand HDR. One rank on each GPU.
# Other partitions: develbooster (minutes).
# Budget: export SBATCH_ACCOUNT=...; `jutil user projects` lists yours.
partition=booster gpus=4
tasks=4 cores=48
options=(--hint=nomultithread)
modules='GCC CUDA OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
