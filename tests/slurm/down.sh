#!/bin/bash
# End the cluster of up.sh in DIR, with all jobs on it, and remove DIR. Nothing happens where there is none.
# usage: down.sh DIR
set -uo pipefail
dir=$(readlink -f "$1") || exit 0
# Daemons and what they start carry PSML_SLURM=DIR, processes of jobs the configuration's name and the number of their job. /proc tells, not files
# in DIR, so that it also works where somebody has removed DIR before.
ours() {
    {
        grep -lszxF "PSML_SLURM=$dir" /proc/[0-9]*/environ
        # shellcheck disable=SC2046 # a list of files without blanks
        grep -lsz '^SLURM_JOB_ID=' $(grep -lszxF "SLURM_CONF=$dir/slurm.conf" /proc/[0-9]*/environ) /dev/null
    } | cut -d/ -f3 | grep -vxF -e $$ -e $PPID
}
for signal in TERM KILL KILL; do
    for _ in $(seq 20); do
        left=$(ours)
        [ -n "$left" ] || break 2
        # shellcheck disable=SC2086 # a list of numbers
        kill -$signal $left 2>/dev/null
        sleep 0.1
    done
done
rm -rf "$dir"
[ -z "$(ours)" ] || { echo "down.sh: processes of $dir are left: $(ours | paste -sd' ')" >&2 && exit 1; }
