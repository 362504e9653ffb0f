#!/bin/bash
# Job scripts without a Slurm: form, what is submitted at each site, and scripts that run at once where there is no sbatch.
# timeout: 60
set -u
. tests/lib.sh
jobs=$PWD/jobscripts tests=$PWD/tests
export PATH=$BIN:$PATH

if command -v shellcheck >/dev/null; then
    expect 'shellcheck' shellcheck -x -P jobscripts -P . "$jobs"/submit "$jobs"/*.sh "$jobs"/sites/*.sh "$tests"/slurm/*.sh
else
    skip 'shellcheck' 'not installed'
fi

# --- what is submitted --------------------------------------------------------------------------------------
cd "$TMP" || exit 1
is() { # name, expected words, arguments of submit...
    local name=$1 want=$2
    shift 2
    expect "$name: $want" test "$("$jobs/submit" -n "$@" 2>&1)" = "$want"
}
is 'a GPU of the Booster for each rank' "sbatch --hint=nomultithread --partition=booster --gres=gpu:4 --ntasks-per-node=4 --cpus-per-task=12 --nodes=4 \
--time=02:00:00 $jobs/mnist-train.sh cnn.par mnist" juwels-booster mnist-train.sh --nodes=4 --time=02:00:00 -- cnn.par mnist
is 'cores are shared out among the tasks that were asked for' \
    "sbatch --hint=nomultithread --partition=dp-cn --ntasks-per-node=4 --cpus-per-task=6 $jobs/hpdbscan.sh" deep-cm hpdbscan.sh --ntasks-per-node=4
is 'no site like that' 'submit: no site juwels; there are: deep-cm deep-dam deep-esb jureca-dc-gpu jureca-dc juwels-booster juwels-cluster local' \
    juwels hpdbscan.sh
is 'no script like that' "submit: no script $jobs/nothing.sh" local nothing.sh
touch hpdbscan.sh
is "one's own copy goes before" 'sbatch hpdbscan.sh' local hpdbscan.sh
rm hpdbscan.sh
for site in "$jobs"/sites/*.sh; do
    for script in "$jobs"/*-*.sh; do
        grep -q '^#SBATCH .*--time=' "$script" || not_ok "${script##*/}: no time limit"
    done
    site=$(basename "$site" .sh)
    expect "$site: options" grep -q '^sbatch .*/mnist-train.sh$' <("$jobs/submit" -n "$site" mnist-train.sh)
done

# --- without sbatch -----------------------------------------------------------------------------------------
unset SLURM_JOB_ID
rings=$jobs/../inputs/pisvm/rings.el
"$jobs/submit" -r local pisvm-train.sh --nodes=1 --ntasks-per-node=3 -- -c 10 -g 4 "$rings" at-once.model >out 2>&1
expect 'a script runs at once' test $? = 0 -a -s at-once.model
expect 'on as many ranks as were asked for' grep -q '"ranks":3,' pisvm-train.jsonl
"$MPIRUN" -np 3 "$BIN/pisvm-train" -c 10 -g 4 "$rings" direct.model >/dev/null
expect 'and gives the same model' cmp direct.model at-once.model
"$jobs/submit" -r local pisvm-train.sh -- nothing.el at-once.model >out 2>&1
expect 'its failure is that of the script' test $? = 1
