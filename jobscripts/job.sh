# shellcheck shell=bash
# What the job scripts share; they source it. It loads the site's modules and sets
#   $job     a name for the files of this job; the same after it was requeued
#   $inputs  the folder of parameter files
#   $start   the words that start a program on all tasks of the job: srun, or mpirun where PSML_LAUNCHER=mpirun says so
#   launch PROGRAM ARGUMENTS   runs a program that way
#   guard COMMAND              runs a command as it stands; as for launch, status 85 puts the job back into the queue
# Programs are those in PATH, or else those of the tree in which the job scripts lie.
job=${SLURM_JOB_NAME:-$(basename "$0" .sh)}${SLURM_JOB_ID:+-$SLURM_JOB_ID}
# shellcheck disable=SC2034 # for those who source this
inputs=$PSML_JOBS/../inputs
PATH=$PATH:$PSML_JOBS/../bin:$PSML_JOBS/../../../../bin
srun=(srun --cpu-bind=cores)
mpirun=(mpirun --bind-to core --map-by "slot:PE=${SLURM_CPUS_PER_TASK:-1}")
modules=''
# shellcheck source=jobscripts/sites/local.sh
. "$PSML_SITE"
# shellcheck disable=SC2086 # a list of names
[ -z "$modules" ] || module load $modules
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # srun does not take it over by itself

if [ -z "${SLURM_JOB_ID:-}" ]; then
    start=(mpirun ${PSML_RANKS:+-np "$PSML_RANKS"})
elif [ "${PSML_LAUNCHER:-srun}" = mpirun ]; then
    start=("${mpirun[@]}")
else
    start=("${srun[@]}" --wait=60) # when a task was killed, the others would wait for it until the time limit
fi
launch() { guard "${start[@]}" "$@"; }

# Slurm sends USR1 to this shell before the time limit (--signal=B:USR1@SECONDS). The program gets it, writes its checkpoint, leaves with
# status 85; the job goes back into the queue, and --resume goes on from there.
guard() { # command...
    local pid='' status signalled
    trap 'signalled=yes; [ -z "$pid" ] || kill -USR1 "$pid"' USR1
    "$@" &
    pid=$!
    while :; do # the signal ends the wait, not the program
        status=0 signalled=''
        wait "$pid" || status=$?
        if [ -z "$signalled" ] || [ $status -le 128 ]; then break; fi
    done
    trap '' USR1
    if [ $status = 85 ] && [ -n "${SLURM_JOB_ID:-}" ]; then
        echo "$job: stopped before the time limit; back into the queue"
        scontrol requeue "$SLURM_JOB_ID" || echo "$job: cannot be requeued; submit it again with --checkpoint $job.ck --resume"
        exit 85
    fi
    return $status
}
