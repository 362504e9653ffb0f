#!/bin/bash
# Tests that need a GPU: the programs test_cu_* of tests/gpu/host with the real libraries, then tests/gpu/*.sh, as in tests/integration.
# usage: run-gpu.sh NVCC ("" = there is none)
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/gpu-found.sh
. tests/gpu-found.sh
gpu_found "${1:-}" || { echo "skip - check-gpu: $gpu_why" && exit 0; }
nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>/dev/null || true
TALLY=$(mktemp)
export TALLY
trap 'rm -f "$TALLY"' EXIT
status=0
for program in "${BUILD_DIR:-build}"/gpu/test_cu_*; do
    [ -x "$program" ] || continue
    start=$SECONDS
    if said=$(timeout 120 "$program" 2>&1); then
        echo "ok - ${program##*/} ($((SECONDS - start)) s)"
        echo 1 0 0 >>"$TALLY"
    else
        echo "not ok - ${program##*/}: status $?"
        printf '%s\n' "$said" | tail -n 30 | sed 's/^/    /'
        echo 0 1 0 >>"$TALLY"
        status=1
    fi
done
tests/run-integration.sh tests/gpu/*.sh || status=1
awk '{ p += $1; f += $2; s += $3 } END { printf "check-gpu: %d passed, %d failed, %d skipped\n", p, f, s }' "$TALLY"
exit $status
