#!/bin/bash
# A sweep in an array of Slurm tasks that are killed at random: does every trial come out once, and how near is its time to the ideal packing?
# usage: sweep-slurm.sh   (about 7 minutes on 2 cores)
# KILLS 24   SEED 1 of who is killed and when   TASKS 8 that run at a time   BENCH_DATA folder (bench-out)   BIN_DIR programs (bin)
# A Slurm of its own (tests/slurm), two nodes, runs 64 trials of mnist-train twice, TASKS at a time: undisturbed; then one after the other loses its
# trial's program, psml-results, or all processes of its job by SIGKILL. Slurm does not start killed tasks again: the array has KILLS tasks in reserve.
#   wall     from sbatch until the last task has left the queue
#   packed   over the ideal packing: durations of the trials in the undisturbed sweep, over TASKS
#   cores    over processor seconds of their programs there (`work` of the records) / cores: nothing for starts, Slurm and what else runs
#   busy     processor seconds of the programs in all attempts, with those that were killed, over cores x wall
#   idle     share of cores x wall that nobody used
set -eu
cd "$(dirname "$0")/.."
BIN=$(realpath "${BIN_DIR:-bin}") OUT=${BENCH_DATA:-bench-out}/sweep-slurm
KILLS=${KILLS:-24} SEED=${SEED:-1} TASKS=${TASKS:-8} CORES=$(nproc)
jobs=$PWD/jobscripts slurm=$PWD/tests/slurm
# shellcheck source=tests/env.sh
. tests/env.sh
. tests/lib.sh
failed=0
not_ok() { echo "not ok - $*" && failed=1; }
export PATH=$BIN:$PATH
rm -rf "$OUT"
mkdir -p "$OUT"
cd "$OUT"
OUT=$PWD
cluster=$(mktemp -d)
trap '"$slurm/down.sh" "$cluster"' EXIT
trap 'exit 130' INT TERM
"$slurm/up.sh" "$cluster" 2 $(((TASKS + 1) / 2))
# shellcheck disable=SC1091
. "$cluster/env.sh"

psml-data generate digits digits -n 4000 --test 500 >/dev/null
printf '%s\n' 'rate = 0.02, 0.05, 0.1, 0.2' 'batch = 16, 32, 64, 128' 'epochs = 100, 130, 160, 190' >trials.grid
trials=$(psml-results sweep count trials.grid)
submit() { # journal, array: its number
    "$jobs/submit" local sweep.sh --parsable --array="$2" --ntasks-per-node=1 -- trials.grid --journal "$1" --metric result.test_accuracy \
        --checkpoints --retries 10 --lost 30 --wait -- mnist-train --model ann digits --init glorot --threads 1 --minutes 0.02
}
now() { date +%s%N; }
in_queue() { [ -n "$(squeue --noheader --jobs="$1" 2>/dev/null)" ]; }
until_done() { while in_queue "$1"; do sleep 0.5; done; }
idle() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { print ($5 + $6) / hz }' /proc/stat; } # seconds of all cores
# processor seconds of programs that ended by themselves
processor() { cat "$1"/trial-*/record.jsonl | sed -n 's/.*"event":"work".*"cpu":\([^,}]*\).*/\1/p' | awk '{ s += $1 } END { printf "%.1f", s }'; }

# SIGKILL for a part of a task that has a trial under way. Sets who
kill_one() {
    local tasks task program victim
    mapfile -t tasks < <(pgrep -f "^psml-results sweep run .*--journal wild .*" || true)
    [ ${#tasks[@]} -gt 0 ] || return 1
    task=${tasks[RANDOM % ${#tasks[@]}]}
    program=$(pgrep -P "$task" -x mnist-train) || return 1 # between two trials
    case $((RANDOM % 3)) in
    0) who=program victim=$program ;;
    1) who=psml-results victim=$task ;;
    *) who=job victim="$(ps -o ppid= -p "$task") $task $program" ;;
    esac
    # with psml-results alone its program gets SIGTERM, and writes its record
    [ $who = psml-results ] || cut -d' ' -f14,15 "/proc/$program/stat" >>lost-ticks
    # shellcheck disable=SC2086 # several numbers
    kill -9 $victim
}

begin=$(now) idle_calm=$(idle)
until_done "$(submit calm "1-$TASKS")"
calm=$((($(now) - begin) / 1000000)) idle_calm=$(awk "BEGIN { print $(idle) - $idle_calm }") needed=$(processor calm)
durations=$(cat calm/claims/*.done | awk '$1 == "seconds" { s += $2 } END { print s }')
pause=$(awk "BEGIN { print int(2000 * $needed / $CORES / ($KILLS + 2)) }") # ms at most, so that kills are spread over the sweep

RANDOM=$SEED kills=0
begin=$(now) idle_wild=$(idle)
array=$(submit wild "1-$((TASKS + KILLS))%$TASKS")
: >killed
while [ $kills -lt "$KILLS" ] && in_queue "$array"; do
    wait=$((RANDOM % pause))
    sleep "$((wait / 1000)).$(printf %03d $((wait % 1000)))"
    until kill_one 2>/dev/null; do
        in_queue "$array" || break 2
        sleep 0.05
    done
    kills=$((kills + 1))
    echo "$who" >>killed
done
until_done "$array"
wild=$((($(now) - begin) / 1000000)) idle_wild=$(awk "BEGIN { print $(idle) - $idle_wild }")

echo "$trials trials, $CORES cores, $TASKS tasks at a time, seed $SEED; killed: $(sort killed | uniq -c | paste -sd, | tr -s ' ')"
lost=$(awk -v hz="$(getconf CLK_TCK)" '{ s += $1 + $2 } END { printf "%.1f", s / hz }' lost-ticks)
printf '%-12s %8s %8s %8s %6s %6s\n' '' 'wall s' packed cores busy idle
row() { # name, milliseconds, processor seconds of the programs, idle seconds
    awk -v name="$1" -v ms="$2" -v used="$3" -v idle="$4" -v n="$CORES" -v tasks="$TASKS" -v needed="$needed" -v durations="$durations" 'BEGIN {
        wall = ms / 1000
        printf "%-12s %8.1f %8.3f %8.3f %6.3f %6.3f\n", name, wall, wall / durations * tasks, wall / needed * n, used / n / wall, idle / n / wall }'
}
row undisturbed $calm "$needed" "$idle_calm"
row killed $wild "$(awk "BEGIN { print $(processor wild) + $lost }")" "$idle_wild"
table() { psml-results sweep table "$1" -f csv; }
figures() { table "$1" | cut -d, -f1-5; }
expect "$kills tasks were killed" test $kills = "$KILLS"
expect "every trial is done, once: $(table wild | grep -c ',done,') rows, $(find wild/claims -name '*.done' | wc -l) results" \
    test "$(table wild | grep ',done,' | cut -d, -f1 | paste -sd' ')" = "$(seq -s' ' 0 $((trials - 1)))" -a "$(find wild/claims -name '*.done' | wc -l)" = "$trials"
expect "$(table wild | awk -F, 'NR > 1 { s += $NF } END { print s }') attempts, the same figures as undisturbed" cmp <(figures calm) <(figures wild)
exit $failed
