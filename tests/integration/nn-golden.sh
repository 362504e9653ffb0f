#!/bin/bash
# Nets beside PyTorch (tests/golden/nets.py): logits, loss, every gradient, ten steps of each optimizer, 20 of residual nets.
# timeout: 600
set -u
. tests/lib.sh
for python in python3 /usr/bin/python3 ''; do
    [ -n "$python" ] && "$python" -c 'import numpy, torch' 2>/dev/null && break
done
[ -n "$python" ] || { skip 'nets beside PyTorch' 'no PyTorch here (Debian: python3-torch)'; exit 0; }
"$python" tests/golden/nets.py "$TOOLS/nn-golden" "$TMP"
