#!/bin/bash
# Job scripts without a Slurm: form, what is submitted at each site, and scripts that run at once where there is no sbatch.
# timeout: 60
set -u
. tests/lib.sh
jobs=$PWD/jobscripts tests=$PWD/tests
export PATH=$BIN:$PATH

if command -v shellcheck >/dev/null; then
    expect 'shellcheck' shellcheck -S warning -x -P jobscripts -P . "$jobs"/submit "$jobs"/*.sh "$jobs"/sites/*.sh "$tests"/slurm/*.sh
else
    skip 'shellcheck' 'not installed'
fi
if command -v xmllint >/dev/null; then
    expect 'JUBE files are well-formed' xmllint --noout "$jobs"/jube/*.xml
elif command -v python3 >/dev/null; then
    expect 'JUBE files are well-formed' python3 -c 'import sys, xml.dom.minidom as x; [x.parse(f) for f in sys.argv[1:]]' "$jobs"/jube/*.xml
else
    skip 'JUBE files' 'neither xmllint nor python3 is there'
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
printf 'partition=mine\ntasks=3 cores=12\n' >my-site.sh
is 'a site of your own' "sbatch --partition=mine --ntasks-per-node=3 --cpus-per-task=4 $jobs/hpdbscan.sh" ./my-site.sh hpdbscan.sh
is 'no site like that' 'submit: no site juwels; there are: deep-cm deep-dam deep-esb jureca-dc-gpu jureca-dc juwels-booster juwels-cluster local' \
    juwels hpdbscan.sh
is 'no script like that' "submit: no script $jobs/nothing.sh" local nothing.sh
touch hpdbscan.sh
is "one's own copy goes before" 'sbatch hpdbscan.sh' local hpdbscan.sh
rm hpdbscan.sh
missing=$(grep -ho '[$]inputs/[^" ]*' "$jobs"/*.sh | while read -r file; do [ -e "$jobs/../${file#$}" ] || echo "$file"; done)
expect "what scripts run without arguments is there $missing" test -z "$missing"
# shellcheck disable=SC2046 # a list of files
unlimited=$(grep -L '^#SBATCH .*--time=' $(grep -l '^#SBATCH' "$jobs"/*.sh))
expect "each script has a time limit $unlimited" test -z "$unlimited"
for site in "$jobs"/sites/*.sh; do
    site=$(basename "$site" .sh)
    expect "$site: options" grep -q '^sbatch .*/mnist-train.sh$' <("$jobs/submit" -n "$site" mnist-train.sh)
done
scaling() { "$jobs/scaling.sh" -n deep-esb weak --nodes=1,3 --tasks="$1" --threads="$2" -- prog '{10*ranks}x{(nodes+1)*tasks}' --time; }
expect 'scaling: expressions in arguments' test "$(scaling 2 0 | sed -n '2s/.* -- //; 2s/.*repeat.sh //p')" = \
    '3 prog 60x8 --time --threads 0 --record weak/n3-t2.jsonl'
expect 'scaling: every number of nodes, tasks and threads' test "$(scaling 1,2 4,8 | grep -c 'cpus-per-task=[48] .*--threads [48] ')" = 8
expect 'scaling: nothing is made when it only shows' test ! -e weak

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
