#!/bin/bash
# Train a residual net on images, which psml-data.sh has packed.
# jobscripts/submit SITE resnet50-train.sh [sbatch options] [-- arguments]
#SBATCH --job-name=resnet50-train --nodes=16 --time=08:00:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/resnet50/imagenet.par" imagenet.nc --save "$job.safetensors"
launch resnet50-train --checkpoint "$job.ck" --resume --record "$job.jsonl" "$@"
