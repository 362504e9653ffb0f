#!/bin/bash
# timeout: 300
# ps_main: one message, one exit status, no rank left waiting; help before MPI; parameter files that repeat a run; the record of a run.
set -eu
. tests/lib.sh
ways=$TOOLS/ways-to-end
cd "$TMP"

# --- exit statuses and messages --------------------------------------------------------------------------
ends() { # ranks (0: without mpirun), status, message ("" = none), arguments...
    local ranks=$1 want=$2 message=$3 status=0 said name
    shift 3
    name="run: $* on $ranks ranks"
    if [ "$ranks" = 0 ]; then
        timeout 30 "$ways" "$@" >out 2>err || status=$?
    else
        timeout 30 "$MPIRUN" -np "$ranks" "$ways" "$@" >out 2>err || status=$?
    fi
    expect "$name: status $want ($status)" test "$status" = "$want"
    said=$(grep -c '^ways-to-end: ' err || true)
    if [ -z "$message" ]; then
        expect "$name: no message" test "$said" = 0
    else
        expect "$name: one message ($said)" test "$said" = 1
        if ! grep -qxF "ways-to-end: $message" err; then
            not_ok "$name: the message is '$message'"
            cat err
        fi
    fi
}
ends 1 0 '' well
ends 1 85 'stopped on request' stopped
ends 1 2 'unknown option --y (see --help)' --y
for n in 0 3; do
    ends $n 0 '' well
    ends $n 1 'all ranks see this' together
    ends $n 85 'stopped on request' stopped
    ends $n 2 'unknown option --sede; did you mean --seed? (see --help)' --sede 3
    ends $n 2 '--x must be in [0,1], not 1.5' --x 1.5
    ends $n 2 "way cannot be 'wel': none of well|together|agreed|alone|crash|stopped|wait" wel
    ends $n 2 'the parameter file none.par cannot be opened: No such file or directory' none.par
    ends $n 1 "the record /nowhere/r cannot be opened for writing: No such file or directory" --record /nowhere/r
done
for r in 0 1 2; do
    where=$([ $r = 0 ] || echo " (on rank $r)")
    ends 3 1 "this rank's disk is full$where" agreed -r $r
done
for r in 0 2; do ends 3 1 "this rank's memory is full" alone -r $r; done
ends 1 1 "this rank's memory is full" alone
status=0
timeout 30 "$MPIRUN" -np 3 "$ways" crash -r 1 >out 2>err || status=$?
expect "run: a crash ends the job (status $status)" test "$status" != 0 -a "$status" != 124

# --- what is served without MPI ---------------------------------------------------------------------------
"$MPIRUN" -np 3 "$ways" --help >out
expect 'run: three ranks print one help' test "$(grep -c '^usage: ' out)" = 1
expect 'run: help names the parameters' grep -q -- '--x X  *some number (default 0.5; in \[0,1\])' out
expect 'run: -h is help' test "$("$ways" -h)" = "$(cat out)"
expect 'run: help wins over a wrong option' grep -q '^usage: ' <("$ways" --nonsense --help)
expect 'run: the version names the program' grep -q '^ways-to-end [0-9]' <("$ways" --version)
expect 'run: help on a full disk fails' fails sh -c "'$ways' --help >/dev/full 2>&1"
"$ways" --help-complete >complete
# shellcheck disable=SC2016
expect 'run: bash takes the completion' bash -c '. ./complete; COMP_WORDS=(ways-to-end --se); COMP_CWORD=1; _ways_to_end; [ "${COMPREPLY[*]}" = --seed ]'
# shellcheck disable=SC2016
expect 'run: bash completes choices' bash -c '. ./complete; COMP_WORDS=(ways-to-end --log q); COMP_CWORD=2; _ways_to_end; [ "${COMPREPLY[*]}" = quiet ]'
"$ways" --help-man >page.1
if command -v groff >/dev/null; then
    expect 'run: groff takes the manual page' test -z "$(groff -man -Tascii -ww page.1 2>&1 >/dev/null)"
else
    skip 'run: groff takes the manual page' 'groff is not there'
fi

# --- parameter files --------------------------------------------------------------------------------------
"$ways" --x 0.1 --text ' a "b" # c' --seed 7 >first
"$ways" --x 0.1 --text ' a "b" # c' --seed 7 --write-params >again.par
expect 'run: a written file repeats the run' test "$("$ways" again.par)" = "$(cat first)"
expect 'run: so it does on two ranks' test "$("$MPIRUN" -np 2 "$ways" --params again.par)" = "$(cat first)"
expect 'run: the command line wins' grep -q "^x 0.25, text ' a \"b\" # c', seed 7$" <("$ways" again.par --x 0.25)
printf 'x = 0.5\nsed = 3\n' >wrong.par
ends 0 2 "wrong.par:2: unknown parameter 'sed'; did you mean seed?" wrong.par
ends 3 2 "wrong.par:2: unknown parameter 'sed'; did you mean seed?" --params wrong.par

# --- the record -------------------------------------------------------------------------------------------
"$MPIRUN" -np 3 "$ways" --x 0.1 --record r.jsonl --log debug >out 2>err
"$MPIRUN" -np 3 "$ways" agreed -r 1 --record r.jsonl >out 2>&1 || true
events=$(sed 's/.*"event":"\([a-z]*\)".*/\1/' r.jsonl | tr '\n' ' ')
expect "run: start, phase, work, end, twice: $events" test "$events" = 'start phase work end start phase work end '
expect 'run: the end of a failed run tells why' grep -q '"status":"failed","exit":1,"message":"this rank.s disk is full"' r.jsonl
expect 'run: origins are told' grep -q '"x":{"value":0.1,"origin":"command"},.*"seed":{"value":1,"origin":"default"}' r.jsonl
expect 'run: lines of two runs have two names' test "$(sed 's/.*"run":"\([0-9a-f]*\)".*/\1/' r.jsonl | sort -u | wc -l)" = 2

# --- results that cannot be written ------------------------------------------------------------------------
status=0
"$ways" 2>err >/dev/full || status=$?
expect "run: results on a full disk: status 1 ($status)" test "$status" = 1
expect 'run: and a message' grep -q '^ways-to-end: the results cannot be written to standard output: No space' err

# --- signals ----------------------------------------------------------------------------------------------
"$ways" wait >out 2>&1 &
job=$!
sleep 1
kill -USR1 $job # no checkpoint to write: the run may still finish in time
status=0
wait $job || status=$?
expect "run: USR1 leaves a program without checkpoint alone ($status)" test "$status" = 0
"$ways" wait >out 2>&1 &
job=$!
sleep 1
kill -TERM $job
status=0
wait $job 2>/dev/null || status=$?
expect "run: TERM ends it ($status)" test "$status" = 143
