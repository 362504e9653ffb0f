#!/bin/bash
# Cluster points by density.
# jobscripts/submit SITE hpdbscan.sh [sbatch options] [-- arguments]
#SBATCH --job-name=hpdbscan --nodes=2 --time=00:30:00 --output=%x-%j.out --open-mode=append

. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- "$inputs/hpdbscan/twitter-full.par" --clusters "$job-clusters.csv"
launch hpdbscan --record "$job.jsonl" "$@"
