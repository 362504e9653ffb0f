#!/bin/bash
# timeout: 120
# --trials: several runs in one job, each with a part of the ranks, its own output, record and failure.
set -eu
. tests/lib.sh
skeleton=$BIN/skeleton ways=$TOOLS/ways-to-end train=$BIN/pisvm-train
cp inputs/pisvm/rings.el "$TMP"
cd "$TMP"
awk 'BEGIN { srand(3); for (i = 0; i < 300; i++) { for (k = 0; k < 7; k++) printf "%s%.15g", k ? "," : "", exp(9 * rand()); print "" } }' >data.csv

# --- the same as alone ------------------------------------------------------------------------------------
for c in 1 3; do "$skeleton" data.csv --grains 5 -c $c >want$c; done
cat >two <<'END'
# output and arguments
'out 1' --columns=1 "--record=record 1"

out3 -c 3 --record=record3
END
for n in 2 4 5; do
    rm -f out* record*
    status=0
    "$MPIRUN" -np $n "$skeleton" data.csv --grains 5 --trials two >said 2>&1 || status=$?
    expect "trials: two on $n ranks, the same as alone ($status)" test $status = 0 -a "$(cmp 'out 1' want1 && cmp out3 want3 && echo same)" = same
    expect 'trials: nothing is printed beside' test ! -s said
    expect "trials: a record each, of $(((n + 1) / 2)) and $((n / 2)) ranks" test "$(sed -n 's/.*"event":"start".*"ranks":\([0-9]*\).*/\1/p' 'record 1' record3 | paste -sd' ')" = "$(((n + 1) / 2)) $((n / 2))"
    expect 'trials: with its own parameters' grep -q '"columns":{"value":3,"origin":"command"}' record3
done
printf -- '- data.csv --grains 5\n' >one
"$skeleton" data.csv --grains 5 >want
expect 'trials: one on one rank, printed to the terminal' cmp want <("$skeleton" --trials one)

# --- failures are a trial's own ---------------------------------------------------------------------------
worst() { # status, ranks, what it is, lines: runs them, a file each
    local want=$1 n=$2 what=$3 status=0 i=0
    shift 3
    rm -f t.* r.*
    : >lines
    for line; do
        i=$((i + 1))
        echo "t.$i --record=r.$i $line" >>lines
    done
    "$MPIRUN" -np "$n" "$ways" --trials lines >said 2>&1 || status=$?
    expect "trials: $what: status $want ($status)" test "$status" = "$want"
}
ended() { sed -n 's/.*"event":"end".*"exit":\([0-9]*\).*/\1/p' "r.$1"; }
worst 1 4 'one of two fails' 'agreed -r 1' 'wait --text well'
expect 'trials: the message is in its output' grep -qx 'ways-to-end: this rank.s disk is full (on rank 1)' t.1
expect 'trials: and its record' test "$(ended 1)" = 1
expect 'trials: the other one ends well, later' test "$(ended 2)" = 0 -a "$(grep -c "text 'well'" t.2)" = 1
worst 85 2 'one is stopped' stopped well
expect 'trials: each has its own status' test "$(ended 1) $(ended 2)" = '85 0'
worst 1 3 'one fails, one is stopped' stopped together well
worst 2 2 'one has wrong parameters' 'well --x 7' well
expect 'trials: which it says, and has no record' test "$(grep -c '^ways-to-end: --x' t.1)" = 1 -a ! -e r.1
expect 'trials: the other one ends well' test "$(ended 2)" = 0

# --- what is refused --------------------------------------------------------------------------------------
refused() { # status, message, ranks, file
    local status=0
    "$MPIRUN" -np "$3" "$skeleton" data.csv --trials "$4" >said 2>err || status=$?
    expect "trials: status $1 ($status), $2" test "$status" = "$1" -a "$(grep -c "^skeleton: .*$2" err)" = 1
}
refused 2 '2 trials need as many ranks' 1 two
refused 1 'cannot be opened' 2 none
echo '# nothing' >empty
refused 1 'has no trial' 2 empty
echo "a 'b" >quote
refused 1 'a quote is not closed' 2 quote

# --- a sweep ----------------------------------------------------------------------------------------------
echo 'cost = 0.1, 1, 10, 100, 1000' >cost.grid
sweep() { "$BIN/psml-results" sweep run cost.grid --metric result.accuracy "$@" -- "$train" rings.el --folds 4 2>>said; }
sweep --journal alone
expect 'trials: a sweep of two trials a job' sweep --journal pairs --launch "$MPIRUN -np 2" --trials-per-job 2
figures() { "$BIN/psml-results" sweep table "$1" -f csv | cut -d, -f1-3; }
expect 'trials: the same table' cmp <(figures alone) <(figures pairs)
expect 'trials: one record a trial' test "$(grep -c '"event":"start"' pairs/trial-00000*/record.jsonl | grep -c ':1$')" = 5
# one trial fails: those beside it do not count as failed
echo 'way = well, agreed, together' >ways.grid
status=0
"$BIN/psml-results" sweep run ways.grid --journal ways --launch "$MPIRUN -np 3" -k 3 --retries 1 -- "$ways" 2>said || status=$?
expect "trials: two of three fail for good: status 1 ($status)" test $status = 1
expect 'trials: each for its own reason' test "$("$BIN/psml-results" sweep table ways --failed -f csv | sed 1d | cut -d, -f2-)" = 'agreed,2,status 1: this rank'\''s disk is full
together,2,status 1: all ranks see this'
expect 'trials: the other one is done' test "$("$BIN/psml-results" sweep table ways -f csv | grep -c ',well,.*done,1\|0,well,.*done')" = 1
