#!/bin/bash
# pisvm-train: stopped by USR1 among small problems, within a large one and in a cross-validation, it goes on on other numbers of ranks to the
# same bytes.
# timeout: 600
set -u
. tests/lib.sh
train=$BIN/pisvm-train
cd "$TMP" || exit 1

# classes that overlap, so that solving takes long
points() { # n, classes, seed
    awk -v n="$1" -v k="$2" -v seed="$3" 'BEGIN {
        srand(seed)
        for (i = 0; i < n; i++) {
            c = int(rand() * k)
            printf "%d", c
            for (j = 1; j <= 10; j++) printf " %d:%.5g", j, rand() + 0.05 * ((c * j) % 7)
            print ""
        }
    }'
}
points 9000 8 1 >many.el
points 4000 2 2 >two.el
long=(-c 8000 -g 0.05 -e 0.0001)

run() { # ranks, log, arguments...
    local ranks=$1 log=$2
    shift 2
    if [ "$ranks" = 1 ]; then "$train" "$@" >"$log" 2>"$log.err"; else "$MPIRUN" -np "$ranks" "$train" "$@" >"$log" 2>"$log.err"; fi
}
whole() { # ranks, arguments...: to the end; seconds that it took after the plan are in `took`
    rm -f whole.jsonl
    local ranks=$1
    shift
    run "$ranks" whole --record whole.jsonl "$@"
    took=$(awk '
        function time() { return match($0, /"time":[0-9.]+/) ? substr($0, RSTART + 7, RLENGTH - 7) : 0 }
        /"event":"plan"/ { plan = time() }
        /"event":"end"/ { print time() - plan }' whole.jsonl)
}
stop() { # name, ranks, part of `took` after the plan, checkpoint, arguments...: leaves with 85, says so, writes no model
    local name=$1 ranks=$2 seconds check=$4 status=0 job children
    seconds=$(awk "BEGIN { print $3 * $took }")
    shift 4
    rm -f "$check.jsonl" stopped.model
    run "$ranks" stopped --checkpoint "$check" --record "$check.jsonl" "$@" &
    job=$!
    for _ in $(seq 300); do
        ! grep -q '"event":"plan"' "$check.jsonl" 2>/dev/null || break
        sleep 0.1
    done
    sleep "$seconds"
    # the shell that waits passes nothing on
    read -ra children <"/proc/$job/task/$job/children" || true
    kill -USR1 "${children[@]}" || true
    wait $job || status=$?
    expect "$name: USR1 on $ranks ranks: status 85 ($status)" test "$status" = 85
    expect "$name: it says so: $(grep '^pisvm-train: ' stopped.err)" grep -q '^pisvm-train: stopped .*--resume goes on' stopped.err
    expect "$name: a checkpoint, no model" test -s "$check" -a ! -e stopped.model
    expect "$name: the record says so" grep -q '"status":"stopped","exit":85' "$check.jsonl"
}
resume() { # name, ranks, checkpoint, wanted model, arguments...
    local name=$1 ranks=$2 check=$3 want=$4 file
    shift 4
    for file in "$check" "$check.1"; do
        [ ! -e "$file" ] || cp "$file" "again${file#"$check"}"
    done
    run "$ranks" resumed --checkpoint again --resume "$@" resumed.model
    expect "$name: resumed on $ranks ranks: $(grep '^going on' resumed.err)" grep -q '^going on' resumed.err
    expect "$name: resumed on $ranks ranks, the same model" cmp "$want" resumed.model
    rm -f resumed.model again again.1
}

# --- small problems ------------------------------------------------------------------------------------------
whole 2 "${long[@]}" many.el small.model
stop 'small problems' 2 0.4 small.ck "${long[@]}" many.el stopped.model
for ranks in 1 2 3; do resume 'small problems' $ranks small.ck small.model "${long[@]}" many.el; done
expect 'small problems: the same lines' cmp <(grep -v time whole) <(grep -v time resumed)
stop 'a second stop' 3 0.2 small.ck --resume "${long[@]}" many.el stopped.model
resume 'a second stop' 2 small.ck small.model "${long[@]}" many.el
run 1 refused --checkpoint small.ck --resume "${long[@]}" -w0 2 many.el refused.model
expect 'other weights are another run' grep -q "^pisvm-train: checkpoint small.ck belongs to another run" refused.err

# --- a large problem -----------------------------------------------------------------------------------------
whole 2 -m 2 "${long[@]}" -b 1 two.el large.model
stop 'a large problem' 2 0.4 large.ck -m 2 "${long[@]}" -b 1 two.el stopped.model
for ranks in 1 2 3; do resume 'a large problem' $ranks large.ck large.model -m 2 "${long[@]}" -b 1 two.el; done
expect 'a large problem: the same lines' cmp <(grep -v time whole) <(grep -v time resumed)

# --- a cross-validation --------------------------------------------------------------------------------------
whole 2 -v 5 "${long[@]}" many.el
stop 'cross-validation' 3 0.4 cross.ck -v 5 "${long[@]}" many.el
run 2 resumed --checkpoint cross.ck --resume -v 5 "${long[@]}" many.el
expect "cross-validation: $(grep '^going on' resumed.err)" grep -q '^going on' resumed.err
expect "cross-validation: $(grep Cross whole)" cmp <(grep Cross whole) <(grep Cross resumed)
