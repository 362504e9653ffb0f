#!/bin/bash
# What came out of a sweep: a job that waits for its tasks.
# jobscripts/submit SITE sweep-collect.sh --dependency=afterany:JOB -- FOLDER [options of psml-results sweep table]
#SBATCH --job-name=sweep-collect --nodes=1 --ntasks=1 --time=00:10:00 --output=%x-%j.out
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

psml-results sweep table "$@"
psml-results sweep best "$1" -n 3
