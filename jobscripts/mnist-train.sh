#!/bin/bash
# Train a net on images of digits.
# jobscripts/submit SITE mnist-train.sh [sbatch options] [-- arguments]
#SBATCH --job-name=mnist-train --nodes=1 --time=00:30:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/mnist/cnn.par" mnist --save "$job.safetensors"
launch mnist-train --checkpoint "$job.ck" --resume --record "$job.jsonl" "$@"
