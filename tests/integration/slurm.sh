#!/bin/bash
# Job scripts under a real Slurm of the test's own, two nodes on this machine: each template gives what mpirun gives, jobs stop before their time
# limit, go back into the queue and end with the same result.
# timeout: 400
set -u
. tests/lib.sh
jobs=$PWD/jobscripts slurm=$PWD/tests/slurm inputs=$PWD/inputs
export PATH=$BIN:$PATH
cd "$TMP" || exit 1
if [ -n "${SANITIZED:-}" ]; then
    skip 'slurm' 'job scripts are the same under sanitizers'
    exit 0
fi
case $("$BIN/skeleton" --version) in
*'Open MPI'*) ;;
*) skip 'slurm' "srun starts ranks by PMIx, which this MPI may not know" && exit 0 ;;
esac

# --- the cluster --------------------------------------------------------------------------------------------
start=$SECONDS status=0
"$slurm/up.sh" "$TMP/slurm" 2 6 2 >up.log 2>&1 || status=$?
if [ $status = 77 ]; then
    skip 'slurm' "$(tail -n 1 up.log)"
    exit 0
fi
trap '"$slurm/down.sh" "$TMP/slurm"' EXIT
trap 'exit 130' INT TERM
expect "two nodes are up after $((SECONDS - start)) s" test $status = 0 -a $((SECONDS - start)) -lt 20
[ $status = 0 ] || { cat up.log && exit 1; }
# shellcheck disable=SC1091
. "$TMP/slurm/env.sh"

submit() { "$jobs/submit" local "$@"; }
states() { scontrol -o show job "$1" 2>&1 | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p'; }
field() { scontrol -o show job "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p"; }
await() { # seconds, what, command...: until it succeeds
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if [ $SECONDS -ge $end ]; then
            not_ok "$what: not within its time"
            squeue -l
            tail -n 20 "$TMP"/slurm/*.log
            exit 1
        fi
        sleep 0.1
    done
}
ended() { fails grep -qE 'PENDING|RUNNING|CONFIGURING|COMPLETING|REQUEUE|SUSPENDED' <(states "$1"); }
completed() { # name, job: wait for it; its output is shown where it failed
    await 120 "$1" ended "$2"
    expect "$1: $(states "$2" | sort -u | paste -sd' ')" test "$(states "$2" | sort -u)" = COMPLETED
    [ "$(states "$2" | sort -u)" = COMPLETED ] || cat ./*-"$2".out
}

# --- inputs -------------------------------------------------------------------------------------------------
mkdir direct
cd direct || exit 1
ln -s "$inputs" inputs
{
    psml-data generate digits digits -n 600 --test 200
    psml-data generate spectra scene.npy --height 48 --bands 60 --classes 6
    psml-data generate blobs blobs.npy --n 20000
    psml-data generate images tree -n 90 --classes 3 --height 20 --width 24
} >/dev/null || exit 1
cp -r . ../batch

# --- a time limit -------------------------------------------------------------------------------------------
# Slurm looks at time limits every 30 s from its start, and is early by up to a minute: a job that rests 40 s gets its signal in the first minute.
# It goes on beside what follows.
cd ../batch || exit 1
awk 'BEGIN { for (i = 0; i < 50; i++) for (j = 0; j < 100; j++) printf "%d%s", (i * 37 + j * j) % 101, j < 99 ? "," : "\n" }' >wide.csv
limited=$(submit repeat.sh --parsable --time=1 --requeue --signal=B:USR1@50 --open-mode=append -- \
    1 skeleton -c 1 --pause 0.4 --checkpoint wide.ck --resume --record wide.jsonl wide.csv)

# --- templates ----------------------------------------------------------------------------------------------
# each on two nodes of two tasks; direct/ has what mpirun gives, batch/ what the job gives
names=() ids=() files=() options=()
template() { # name, file that comes out, arguments...
    local name=$1 file=$2
    shift 2
    (cd ../direct && "$MPIRUN" -np 4 "$name" "$@" >"$name.out" 2>&1) || not_ok "$name by mpirun: $(cat "../direct/$name.out")"
    names+=("$name") files+=("$file")
    ids+=("$(submit "$name.sh" --parsable --nodes=2 --ntasks-per-node=2 "${options[@]}" -- "$@")")
}
template pisvm-train rings.model inputs/pisvm/tiny.par
options=("--dependency=afterok:${ids[0]}")
template pisvm-predict result.txt inputs/pisvm/rings.el rings.model result.txt
options=()
template hpdbscan labels.npy inputs/hpdbscan/tiny.par
template mnist-train mnist.safetensors inputs/mnist/tiny.par --save mnist.safetensors
template resnet50-train resnet.safetensors inputs/resnet50/tiny.par --epochs 1 --save resnet.safetensors
template lstm-train lstm.safetensors inputs/lstm/tiny.par --epochs 1 --grains 4 --save lstm.safetensors
case $(psml-data --version) in *JPEG*) template psml-data tree.nc pack tree tree.nc ;; esac
export PSML_LAUNCHER=mpirun
template autoencoder-train code.safetensors inputs/autoencoder/tiny.par --epochs 3 --grains 4 --save code.safetensors
unset PSML_LAUNCHER
for i in "${!ids[@]}"; do
    completed "${names[i]}" "${ids[i]}"
    expect "${names[i]}: the same bytes as by mpirun" cmp "../direct/${files[i]}" "${files[i]}"
    record=${names[i]}-${ids[i]}.jsonl
    expect "${names[i]}: 4 ranks, on both nodes" grep -q '"ranks":4,.*"hosts":\["n1","n2"\]' "$record"
done

# --- stop and requeue ---------------------------------------------------------------------------------------
# the signal that comes before the time limit, by hand: it may come at any step
long=(--model ann digits --epochs 200 --batch 32 --grains 4 --init glorot)
for launcher in srun mpirun; do
    declare "$launcher=$(PSML_LAUNCHER=$launcher submit mnist-train.sh --parsable --nodes=2 --ntasks-per-node=2 -- "${long[@]}" --save $launcher.safetensors)"
done
for launcher in srun mpirun; do
    id=${!launcher}
    await 60 "$launcher: training" grep -qs '"event":"epoch"' "mnist-train-$id.jsonl"
    scancel --batch --signal=USR1 "$id"
done
(cd ../direct && "$MPIRUN" -np 4 mnist-train "${long[@]}" --save long.safetensors >long.out 2>&1)

# --- scaling ------------------------------------------------------------------------------------------------
"$jobs/scaling.sh" local strong --nodes=1,2 --tasks=2 --threads=1 --repeat=2 -- hpdbscan inputs/hpdbscan/tiny.par -o scaled.npy >out
mapfile -t ids < <(sed 's/.* //' out)
for id in "${ids[@]}"; do
    completed 'scaling' "$id"
    expect 'scaling: output beside the records' test -e strong/n?-t2-c1-"$id".out
done
expect 'scaling: two runs on two ranks' test "$(grep -c '"event":"start".*"ranks":2,' strong/n1-t2-c1.jsonl)" = 2
expect 'scaling: two runs on four ranks' test "$(grep -c '"event":"start".*"ranks":4,' strong/n2-t2-c1.jsonl)" = 2
expect 'scaling: each of them whole' test "$(cat strong/*.jsonl | grep -c '"event":"end".*"status":"ok"')" = 4
psml-results scaling strong/*.jsonl >strong.md
expect 'scaling: psml-results makes a table of them' test "$(grep -cE '^\| [24] \| 1 \| measured \| 2 \|' strong.md)" = 2

# --- a sweep ------------------------------------------------------------------------------------------------
printf 'rate = 0.02, 0.05, 0.1, 0.2\nbatch = 16, 32\n' >sweep.grid
task=(mnist-train --model perceptron digits --epochs 60 --init glorot --grains 4)
array=$(submit sweep.sh --parsable --array=1-4 --nodes=1 --ntasks-per-node=2 -- \
    sweep.grid --journal sweep --metric result.test_accuracy --checkpoints -- "${task[@]}")
collect=$(submit sweep-collect.sh --parsable --dependency="afterany:$array" -- sweep)
# beside it the same trials, two at a time in a start: two tasks, one in reserve
packed=$(submit sweep.sh --parsable --array=1-3%2 --nodes=1 --ntasks-per-node=2 -- \
    sweep.grid --journal packed --metric result.test_accuracy --checkpoints --trials-per-job 2 --lost 20 --wait -- "${task[@]}")
alone=$(submit sweep.sh --parsable --array=1 --nodes=1 --ntasks-per-node=1 -- sweep.grid --journal alone -n 1 -- "${task[@]}")
trains() { trial=$(grep -ls '"event":"epoch"' "$1"/trial-*/record.jsonl | sed -n '1s/.*trial-\([0-9]*\).*/\1/p') && [ -n "$trial" ]; }
owner() { sed -n "s/^$2 //p" "$1/claims/$trial.0.1"; }
await 60 'trials, two at a time' trains packed
dead=$(owner packed job)
kill -9 "$(cut -d' ' -f4 "/proc/$(owner packed pid)/stat")" # the job's shell
await 60 'sweep: trials' trains sweep
scancel --batch --signal=USR1 "$(owner sweep job)"
completed 'sweep, a task stopped on the way' "$array"
completed 'sweep: the job that waited for it' "$collect"
expect 'sweep: each of 8 trials is done' test "$(grep -c ' done ' "sweep-collect-$collect.out")" = 8
for trial in 0 7; do
    read -ra values <<<"$(psml-results sweep list sweep.grid --first $trial -n 1 | sed -n 2p)"
    "$MPIRUN" -np 2 "${task[@]}" --rate "${values[1]}" --batch "${values[2]}" --record direct.jsonl >/dev/null 2>&1
    want=$(sed -n 's/.*"event":"result".*"test_accuracy":\([^,}]*\).*/\1/p' direct.jsonl)
    expect "sweep: trial $trial has the accuracy of a run by hand, $want" grep -qF "\"test_accuracy\":$want," sweep/trial-00000$trial/record.jsonl
    rm direct.jsonl
done
await 60 'two at a time: the end of all tasks' ended "$packed"
expect 'two at a time: the killed task failed, the one in reserve did its work' \
    test "$(states "$packed" | sort | paste -sd' ') $(field "$dead" JobState)" = 'COMPLETED COMPLETED FAILED FAILED'
figures() { psml-results sweep table "$1" -f csv | cut -d, -f1-4; }
expect 'two at a time: the same table' cmp <(figures sweep) <(figures packed)
completed 'sweep: a job of one rank' "$alone"
expect 'sweep: its trial is the same without srun' \
    test "$(psml-results sweep table alone -m result.test_accuracy -f csv | sed -n 2p | cut -d, -f1-4)" = "$(figures sweep | sed -n 2p)"
# a trial that the dead task left may come alone, and have both
expect 'two at a time: a rank each' test "$(grep -l '"event":"start".*"ranks":1,' packed/trial-*/record.jsonl | wc -l)" -ge 6

# --- jobs that were stopped ---------------------------------------------------------------------------------
for launcher in srun mpirun; do
    id=${!launcher}
    completed "$launcher: stopped, and run again" "$id"
    expect "$launcher: the same weights as in one go" cmp ../direct/long.safetensors $launcher.safetensors
    if [ "$(field "$id" Restarts)" = 0 ]; then
        skip "$launcher: requeue" 'it was done before the signal came'
        continue
    fi
    expect "$launcher: requeued once" test "$(field "$id" Restarts)" = 1
    expect "$launcher: $(grep -h 'going on' "mnist-train-$id.out")" grep -q '"status":"stopped","exit":85' "mnist-train-$id.jsonl"
done
completed 'time limit: run again after its signal' "$limited"
expect "time limit: requeued ($(field "$limited" Restarts) x)" test "$(field "$limited" Restarts)" -ge 1
skeleton -c 1 wide.csv >wide.out
expect 'time limit: the same result as in one go' cmp wide.out <(grep -E '^(rows|column) ' "repeat-$limited.out")
