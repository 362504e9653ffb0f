#!/bin/bash
# Classify by a model of pisvm-train, which may be a job that this one waits for (--dependency=afterok:ID).
# jobscripts/submit SITE pisvm-predict.sh [sbatch options] [-- arguments]
#SBATCH --job-name=pisvm-predict --nodes=1 --time=00:10:00 --output=%x-%j.out --open-mode=append

. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

# What runs is what follows `--`, or else this:
[ $# -gt 0 ] || set -- --report indian_raw_test.el indian_raw_training.el.model result.txt
launch pisvm-predict --record "$job.jsonl" "$@"
