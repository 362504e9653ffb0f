#!/bin/bash
# Run any program several times in one job, one after the other.
# jobscripts/submit SITE repeat.sh [sbatch options] -- TIMES PROGRAM ARGUMENTS
#SBATCH --job-name=repeat --nodes=1 --time=00:30:00 --output=%x-%j.out
. "${PSML_JOBS:?submit me by jobscripts/submit}/job.sh"

times=$1
shift
for ((i = 1; i <= times; i++)); do launch "$@" || exit; done
