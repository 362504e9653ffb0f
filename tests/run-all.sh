#!/bin/bash
# All tests of a build; the last line is their sum. What runs is a list of commands, each of which adds its counts to $TALLY.
set -u
cd "$(dirname "$0")/.." || exit 1
TALLY=$(mktemp)
export TALLY
trap 'rm -f "$TALLY"' EXIT
status=0
tell() { # name, command...: a check that passes or fails as a whole
    local name=$1
    shift
    if "$@"; then
        echo "ok - $name"
        echo 1 0 0 >>"$TALLY"
    else
        echo "not ok - $name"
        echo 0 1 0 >>"$TALLY"
        status=1
    fi
}
tell layers tests/layers.sh . "$BUILD_DIR/libkernels.a"
tell 'parameter tables in docs/apps' scripts/docs.sh --check
tests/run-unit.sh || status=1
tests/run-host.sh || status=1
tests/run-integration.sh || status=1
awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$TALLY"
exit $status
