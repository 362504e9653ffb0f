#!/bin/bash
# Train support vector machines, or validate them over a grid of C and gamma.
# jobscripts/submit SITE pisvm-train.sh [sbatch options] [-- arguments]
#SBATCH --job-name=pisvm-train --nodes=1 --time=01:00:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/pisvm/indian-pines-raw.par" indian_raw_training.el "$job.model"
launch pisvm-train --checkpoint "$job.ck" --resume --record "$job.jsonl" "$@"
