#!/bin/bash
# Pack images into one file that training reads in parallel. Stopped before the time limit, the same command goes on.
# jobscripts/submit SITE psml-data.sh [sbatch options] [-- arguments]
#SBATCH --job-name=psml-data --nodes=1 --time=02:00:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- pack imagenet imagenet.nc --size 256x256
launch psml-data "$@" --record "$job.jsonl"
