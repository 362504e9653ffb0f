# shellcheck shell=bash disable=SC2034
# Any machine: a Slurm with a default partition, or none at all. The tasks of a node and their cores are left to you and to Slurm.
srun=(srun)
mpirun=(mpirun)
