#!/bin/bash
# A task of a sweep: takes trials of a grid until none is left. There may be any number of tasks, in any number of jobs, and any of them may die:
# of --array=1-24%8 eight run at a time, and the others take the places of those that do.
# jobscripts/submit SITE sweep.sh --array=1-8 [sbatch options] -- GRID --journal FOLDER [options] -- PROGRAM ARGUMENTS
#SBATCH --job-name=sweep --nodes=1 --time=02:00:00 --array=1-8 --output=%x-%A_%a.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"
# a job of one rank starts trials itself: a step for each takes time, also of the controller that all users share
[ "${SLURM_TASKS_PER_NODE:-}" != 1 ] || start=()

# What runs is what follows `--`. In a copy of your own write it here:
# set -- my.grid --journal my-sweep --metric result.test_accuracy --checkpoints -- mnist-train "$inputs/mnist/ann.par" mnist
guard psml-results sweep run --launch "${start[*]}" "$@"
