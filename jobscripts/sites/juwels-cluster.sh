# shellcheck shell=bash disable=SC2034
# JUWELS Cluster, Juelich: 2 x 24 cores (Xeon Platinum 8168), 96 GB, InfiniBand EDR. Four ranks on a node, half a socket each.
# Other partitions: devel (minutes), mem192, gpus (4 x V100: --partition=gpus --gres=gpu:4).
# Budget: export SBATCH_ACCOUNT=...; `jutil user projects` lists yours.
partition='batch'
tasks=4 cores=48
options=(--hint=nomultithread)
modules='GCC OpenMPI OpenBLAS HDF5 PnetCDF' # those with which PSML was built
