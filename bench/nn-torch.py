#!/usr/bin/env python3
"""Milliseconds of a training step in PyTorch, for bench/nn-peers.sh: data in memory, samples in random order, the best of memory layouts and numbers of threads.
usage: nn-torch.py NET [bf16]     NET: ann, cnn, autoencoder, lstm-128, lstm-512"""
import statistics
import sys
import time

import torch
from small_nets import ROWS
from torch.nn import functional as F

SECONDS = 4  # of each setting


def measure(name, threads, last, half):
    make, shape, batch, optimizer, loss = ROWS[name]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    n = batch * 16
    x = torch.rand(n, *shape)
    y = torch.randint(10, (n,)) if loss is F.cross_entropy else torch.rand(n, 1)
    net = make()
    if last:
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optim = optimizer(net.parameters())
    took, begin, order = [], time.perf_counter(), None
    for step in range(100000):
        if step % 16 == 0:
            order = torch.randperm(n)
        start = time.perf_counter()
        i = order[step % 16 * batch : step % 16 * batch + batch]
        xb = x[i]
        yb = y[i] if loss else xb
        optim.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = net(xb)
        value = (loss or F.mse_loss)(out.float(), yb)
        value.backward()
        optim.step()
        value.item()
        took.append(time.perf_counter() - start)
        if time.perf_counter() - begin > SECONDS and step >= 6:
            break
    return statistics.median(took[len(took) // 4 :]) * 1e3


def main():
    name, half = sys.argv[1], "bf16" in sys.argv[2:]
    best = None
    for threads in (1, 2):
        for last in (False, True) if name == "cnn" else (False,):
            ms = measure(name, threads, last, half)
            print(f"{name}: {threads} threads{', channels last' if last else ''}: {ms:.3f} ms", file=sys.stderr)
            best = ms if best is None else min(best, ms)
    print(f"{best:.4f}")


main()
