#!/bin/bash
# Tests that need a GPU: programs tests/gpu/*.sh, as in tests/integration. usage: run-gpu.sh NVCC ("" = there is none)
set -eu
cd "$(dirname "$0")/.."
if ! ls tests/gpu/*.sh >/dev/null 2>&1; then
    echo 'check-gpu: no program has a CUDA back end yet: there is nothing to test'
    exit 0
fi
[ -n "${1:-}" ] || { echo 'skip - check-gpu: nvcc was not found' && exit 0; }
exec tests/run-integration.sh tests/gpu/*.sh
