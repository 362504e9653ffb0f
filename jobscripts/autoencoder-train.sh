#!/bin/bash
# Train an autoencoder on spectra or images.
# jobscripts/submit SITE autoencoder-train.sh [sbatch options] [-- arguments]
#SBATCH --job-name=autoencoder-train --nodes=1 --time=01:00:00 --output=%x-%j.out --open-mode=append
#SBATCH --requeue --signal=B:USR1@120
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/autoencoder/salinas.par" SalinasA_corrected.mat --save "$job.safetensors"
launch autoencoder-train --checkpoint "$job.ck" --resume --record "$job.jsonl" "$@"
