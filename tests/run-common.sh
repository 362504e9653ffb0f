# shellcheck shell=bash
# What the runners of tests share: a place for temporary files, time limits, counts. Source me with $suite set.
# shellcheck source=tests/env.sh
. tests/env.sh
BIN=${BIN_DIR:-$PWD/bin} BUILD=${BUILD_DIR:-$PWD/build}
TOOLS=$BUILD/tools
DATA=${DATA-}
[ -n "$DATA" ] || [ ! -d ../shared/data ] || DATA=$(cd ../shared/data && pwd)
export BIN BUILD TOOLS DATA
# the MPI library leaks; what asks for too much memory gets none, as without sanitizers
export ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
unset MAKEFLAGS MFLAGS MAKELEVEL # a make in a test stands on its own; variables of the command line are in the environment
slower=1
[ -z "${SANITIZED:-}" ] || slower=5 # programs under a sanitizer

# shellcheck disable=SC2154 # suite
TMP_TOP=$(mktemp -d "${TMPDIR:-/tmp}/psml-$suite.XXXXXX")
# shared memory of a killed job goes away with the rest
SHM=$TMP_TOP
[ ! -w /dev/shm ] || SHM=$(mktemp -d /dev/shm/psml.XXXXXX)
export OMPI_MCA_btl_vader_backing_directory="$SHM"
running=''
tidy() {
    [ -z "$running" ] || kill -- "-$running" 2>/dev/null || true
    rm -rf "$TMP_TOP" "$SHM"
}
trap tidy EXIT
trap 'exit 130' INT TERM

passed=0 failed=0 skipped=0
limited() { # seconds, command...: run it in its own process group and end it, children and all, when its time is over
    local seconds=$(($1 * slower)) status=0
    shift
    setsid timeout -k 5 "$seconds" "$@" </dev/null &
    running=$!
    wait "$running" || status=$?
    kill -KILL -- "-$running" 2>/dev/null || true # whatever it left behind
    running=''
    return "$status"
}
report() { # at the end: the sum of this suite, kept for the sum of all in $TALLY
    echo "$suite: $passed passed, $failed failed, $skipped skipped"
    [ -z "${TALLY:-}" ] || echo "$passed $failed $skipped" >>"$TALLY"
    [ "$failed" = 0 ]
}
