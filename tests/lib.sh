# shellcheck shell=bash
# What the integration tests in tests/integration/*.sh share: source me.
ok() { echo "ok - $*"; }
not_ok() { echo "not ok - $*"; }
skip() { echo "skip - $1: $2"; } # name, reason
expect() { # name, command...: passes if the command does
    local name=$1
    shift
    if "$@"; then ok "$name"; else not_ok "$name"; fi
}
fails() { ! "$@"; } # a command that must fail
