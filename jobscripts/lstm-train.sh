#!/bin/bash
# Train an LSTM on a time series.
# jobscripts/submit SITE lstm-train.sh [sbatch options] [-- arguments]
#SBATCH --job-name=lstm-train --nodes=1 --time=00:30:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/lstm/pjme.par" --save "$job.safetensors"
launch lstm-train --checkpoint "$job.ck" --resume --record "$job.jsonl" "$@"
