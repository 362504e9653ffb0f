#!/bin/bash
# timeout: 200
# psml-results sweep: every trial once though tasks are killed at random; failures, stops, tables, the best trial.
set -eu
. tests/lib.sh
# shellcheck source=tests/env.sh
. tests/env.sh
cp inputs/pisvm/rings.el "$TMP"
cd "$TMP"
sweep() { "$BIN/psml-results" sweep "$@"; }
train="$BIN/pisvm-train"

cat >rings.grid <<'END'
cost  = log(0.01, 100, 10)
gamma = 0.1, 0.3, 1, 3, 10, 30
END
expect 'sweep: count' test "$(sweep count rings.grid)" = 60
expect 'sweep: tasks of an array' test "$(sweep count rings.grid --each 8)" = 8
expect 'sweep: list' test "$(sweep list rings.grid | sed -n '8p')" = "$(printf '6\t0.0278255940221\t0.1')"

# --- an undisturbed sweep ---------------------------------------------------------------------------------
common=(--metric result.accuracy)
sweep run rings.grid --journal calm "${common[@]}" -- "$train" rings.el --folds 4 2>said
expect 'sweep: all 60 trials' grep -q '^this task finished 60 trials; of the sweep 60 are done' said
figures() { sweep table "$1" -f csv | cut -d, -f1-4; }
figures calm >want
direct() { "$train" rings.el --folds 4 --cost 100 --gamma 30 2>/dev/null | sed -n 's/^Cross Validation Accuracy = \(.*\)%/\1/p'; }
expect 'sweep: a figure is that of a run by hand' test "$(tail -n 1 want | cut -d, -f4)" = "$(direct)"

# --- 8 tasks, killed at random ----------------------------------------------------------------------------
# a trial sleeps, so that many run on few cores
wild=(sweep run rings.grid --journal wild "${common[@]}" --retries 30 -- sh -c 'sleep 1; exec "$@"' sh "$train" rings.el --folds 4)
task() {
    "$BIN/psml-results" "${wild[@]}" >>"task$1" 2>&1 &
    pid[$1]=$!
}
RANDOM=17
declare -a pid
start=$SECONDS
for i in 0 1 2 3 4 5 6 7; do task $i; done
kills=0
command -v pgrep >/dev/null || { skip 'sweep: tasks killed at random' 'pgrep is not there' && kills=20; }
while [ $kills -lt 26 ] && command -v pgrep >/dev/null && [ $((SECONDS - start)) -lt 60 ]; do
    sleep 0.1
    i=$((RANDOM % 8))
    children=$(pgrep -P "${pid[$i]}" || true)
    [ -n "$children" ] || continue # it has ended, or is between two trials
    case $((RANDOM % 3)) in
    0) killed=${pid[$i]} ;;              # the task: its program hears of it
    1) killed="${pid[$i]} $children" ;;  # both
    *) killed=$children ;;               # the program: the task tries again
    esac
    # shellcheck disable=SC2086 # several numbers
    kill -9 $killed 2>/dev/null || continue
    kills=$((kills + 1))
    [ "$killed" != "$children" ] || continue
    wait "${pid[$i]}" 2>/dev/null || true
    task $i
done
expect "sweep: $kills kills" test $kills -ge 20
status=0
for i in 0 1 2 3 4 5 6 7; do wait "${pid[$i]}" || status=$?; done
task 8 # what was claimed by tasks that died last
wait "${pid[8]}" || status=$?
expect 'sweep: tasks that are left end well' test $status = 0
expect 'sweep: 60 rows, each trial once' test "$(sweep table wild -f csv | grep -c ',done,')" = 60 -a "$(sweep table wild -f csv | cut -d, -f1 | sort -u | wc -l)" = 61
expect 'sweep: one result each' test "$(find wild/claims -name '*.done' | wc -l)" = 60
figures wild >got
expect 'sweep: the same figures as undisturbed' cmp want got
expect 'sweep: nothing is left in scratch but of the killed' test "$(find wild/scratch -type f | wc -l)" -le $kills
expect 'sweep: a task that comes later has nothing to do' test "$("$BIN/psml-results" "${wild[@]}" 2>&1)" = 'this task finished 0 trials; of the sweep 60 are done, 0 run elsewhere'

# --- what a task leaves that is killed alone --------------------------------------------------------------
echo 'cost = 1' >one.grid
"$BIN/psml-results" sweep run one.grid --journal lost -- sh -c 'touch begun; exec sleep 60' sh 2>said &
job=$!
for _ in $(seq 100); do
    [ ! -e begun ] || break
    sleep 0.1
done
state() { sweep table lost -f csv | cut -d, -f5 | sed -n 2p; }
running=$(state)
kill -9 $job
wait $job || true
expect 'sweep: the table says that its trial is lost' test "$running $(state)" = 'running lost'

# --- tables and the best ----------------------------------------------------------------------------------
sweep table calm --rows gamma --columns cost -f markdown --figure plane >table.md
expect 'sweep: gamma x cost in Markdown' test "$(grep -c '^|' table.md)" = 8 -a "$(sed -n 3p table.md | tr -cd '|' | wc -c)" = 12
sed -n 's/.*<title>gamma \(.*\), cost \(.*\): \(.*\)<.title>.*/\2 \1 \3/p' plane.svg | sort >got
sed 1d want | awk -F, '{ printf "%s %s %.4g\n", $2, $3, $4 }' | sort >cells
expect 'sweep: the figure shows gamma, cost and value of each cell' cmp cells got
best=$(cut -d, -f4 want | sed 1d | sort -g | tail -n 1)
expect 'sweep: the best is the best' test "$(sweep best calm -f csv -o best.par 2>said | sed -n 2p | cut -d, -f4)" = "$best"
expect 'sweep: its parameter file runs it again' test "$("$train" best.par 2>/dev/null | sed -n 's/^Cross Validation Accuracy = \(.*\)%/\1/p')" = "$best"

# --- what it refuses --------------------------------------------------------------------------------------
refused() { # status, message, arguments...
    local want=$1 part=$2 status=0
    shift 2
    sweep "$@" >out 2>err || status=$?
    expect "sweep: status $want ($status), $part" test "$status" = "$want" -a "$(grep -c "^psml-results sweep .*$part" err)" = 1
}
echo 'cost = 1, 2, ' >other.grid
refused 2 'begun with .digest' run other.grid --journal calm "${common[@]}" -- "$train" rings.el --folds 4
refused 2 'begun with .command' run rings.grid --journal calm "${common[@]}" -- "$train" rings.el --folds 5
refused 2 'the program is missing' run rings.grid --journal new
refused 2 'none-such cannot be started' run other.grid --journal new0 -- none-such
refused 1 'no number result.acuracy; it has: .*result.accuracy' run other.grid --journal new1 --metric result.acuracy -- "$train" rings.el --folds 4
refused 2 'did you mean --folds' run other.grid --journal new2 -- "$train" rings.el --fold 4
refused 2 'neither a parameter' run other.grid --journal new3 -- sh -c 'echo {gamma}'
refused 1 'no journal of a sweep' table none
refused 2 'a table with --rows and --columns' table calm --figure plane

# --- failures ---------------------------------------------------------------------------------------------
status=0
sweep run other.grid --journal sad --retries 1 -- sh -c 'echo no such luck; test {cost} = 1' >out 2>said || status=$?
expect "sweep: a trial that fails for good: status 1 ($status)" test $status = 1
expect 'sweep: it was tried twice' grep -q 'trial 1: status 1: no such luck (failed 2 of 2 times; see sad/trial-000001/output.txt)' said
expect 'sweep: the table says why' test "$(sweep table sad --failed -f csv | sed -n 2p)" = '1,2,2,status 1: no such luck'

# --- stop and go on ---------------------------------------------------------------------------------------
awk 'BEGIN { for (i = 0; i < 50; i++) { for (k = 0; k < 12; k++) printf "%s%d", k ? "," : "", (i * i * (k + 2)) % 97; print "" } }' >data.csv
echo 'columns = 1 2' >stop.grid
stopping=("$BIN/psml-results" sweep run stop.grid --journal stop --metric result.rows --checkpoints -- "$BIN/skeleton" data.csv --pause 0.25)
"$BIN/skeleton" data.csv >whole
"${stopping[@]}" 2>said &
job=$!
for _ in $(seq 100); do
    [ ! -s stop/trial-000000/record.jsonl ] || break
    sleep 0.1
done
sleep 0.5
kill -TERM $job
status=0
wait $job || status=$?
expect "sweep: stopped with status 85 ($status)" test $status = 85
expect 'sweep: the claim is given back' test -e stop/claims/000000.0.1.released
"${stopping[@]}" 2>said
expect 'sweep: the same command goes on' grep -q 'of the sweep 2 are done' said
expect 'sweep: from the checkpoint, to the same end' test "$(grep -c '^going on at column [1-9]' stop/trial-000000/output.txt)" = 1 -a "$(grep -A99 '^going on' stop/trial-000000/output.txt | grep '^column\|^rows' | cmp - whole && echo same)" = same
